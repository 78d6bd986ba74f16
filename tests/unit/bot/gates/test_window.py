"""Argo CD's own sync windows."""

from bot.domain.promotion import VerdictState
from bot.gates.window import WindowGate
from tests.sentences import says
from tests.unit.bot.gates.gate_harness import GateHarness


async def test_a_closed_window_blocks_with_argo_cds_own_reason() -> None:
    """A23."""
    harness = GateHarness()
    gate, question = WindowGate(harness.applications), await harness.question()
    assert (await gate.ask(question)).state is VerdictState.PASSED
    harness.applications.close_window("my-app-production", "deny from 22:00 for 8h")
    verdict = await gate.ask(question)
    assert verdict.state is VerdictState.BLOCKED
    assert says(verdict.reason, "sync window", "my-app-production", "deny from 22:00 for 8h")
    assert verdict.remedy


async def test_the_window_of_where_it_goes_counts_not_of_where_it_comes_from() -> None:
    harness = GateHarness()
    harness.applications.close_window("my-app-staging", "night")
    assert (await WindowGate(harness.applications).ask(await harness.question())).state is VerdictState.PASSED
