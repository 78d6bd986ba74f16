"""Through the whole sandbox: what others change is told, and what becomes of it."""

from tests.scenario.sandbox import Json, Sandbox, everything_in


def told(sandbox: Sandbox, *words: str, channel: str = "deployments") -> Json:
    """The newest message that everybody in the channel sees and that holds all of the words."""

    def found() -> Json | None:
        messages = [m for m in sandbox.messages("ana", channel) if not m.get("ephemeral")]
        return next((m for m in reversed(messages) if all(word in everything_in(m) for word in words)), None)

    seen = lambda: [everything_in(m) for m in sandbox.messages("ana", channel)]  # noqa: E731
    return sandbox.until(found, f"a message with {words}", seen)


def observed(sandbox: Sandbox) -> None:
    """The branch has been looked at once: what was there before is no news."""

    def known() -> bool:
        sandbox.types("ana", "/history ledger production")
        return "are known since" in sandbox.told("ana", "Changes by hand")

    sandbox.until(known, "the first look at the branch")


def test_a_commit_by_hand_to_production_is_told_followed_and_in_the_history(sandbox: Sandbox) -> None:
    observed(sandbox)
    body = {"app": "payments", "environment": "production", "tag": "7.13", "message": "Hotfix at night"}
    sandbox.post("/api/world/commits", body)
    first = told(sandbox, "payments", "by hand in git")
    last = told(sandbox, "payments", "by hand in git", "✅", "Healthy")
    assert first["ts"] == last["ts"]  # edited
    assert "7.13" in everything_in(last)
    sandbox.types("ana", "/history payments production")
    assert "by hand in git" in sandbox.told("ana", "History of payments")
