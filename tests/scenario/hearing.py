"""What people see of it, waited for."""

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


def whispered(sandbox: Sandbox, person: str, *words: str, channel: str = "deployments") -> Json | None:
    found = (m for m in reversed(sandbox.messages(person, channel)) if all(word in everything_in(m) for word in words))
    return next(found, None)


def direct(sandbox: Sandbox, person: str, *words: str) -> Json:
    """A direct message of the bot with all of the words, waited for."""

    def found() -> Json | None:
        mine = sandbox.messages(person, "dm")
        return next((m for m in reversed(mine) if all(word in everything_in(m) for word in words)), None)

    return sandbox.until(found, f"{person} to be told {words}", lambda: [*map(everything_in, sandbox.messages(person))])
