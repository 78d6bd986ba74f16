"""How gates are asked: what a question and a gate are, all gates at once, and verdicts put together."""
