"""Who is refused at the door is on record."""

from pathlib import Path

import pytest

from bot.background.roster import RosterUpdates
from bot.domain.caller import Caller, Person
from bot.domain.errors import NotAllowed
from bot.domain.intent import CallFreeze
from bot.domain.safety import Delegation
from bot.router.dispatch import Dispatcher
from bot.router.incoming import Incoming
from bot.store.audit import Audit
from bot.store.database import Database
from tests.fakes.command_harness import CommandHarness
from tests.fakes.databases import create_tables


async def test_a_refusal_at_the_door_is_one_row_of_the_audit(tmp_path: Path) -> None:
    database, harness = Database(f"sqlite:///{tmp_path / 'x.db'}"), CommandHarness()
    await create_tables(database)
    chain = Audit(database)
    incoming = Incoming("command", "U0CY", "T0PILOT", "r-1", "C0DEPLOY")
    ask = CallFreeze(context=incoming.context, app="my-app", environment="production", until="2h", reason="")
    with pytest.raises(NotAllowed):
        await harness.make(Dispatcher, audit=chain).ask(ask, incoming)
    (row,) = await chain.rows()
    assert (row.event, row.actor, row.app, row.environment) == ("refused", "U0CY", "my-app", "production")
    assert "`freeze` permission" in row.detail
    await database.close()


@pytest.mark.parametrize("user", ["U0GUS", "U0NEW"])
async def test_who_has_no_role_is_told_who_gives_one_and_may_still_ask_who_they_are(user: str) -> None:
    """A guest, and a member whom no binding names."""
    harness = CommandHarness()
    harness.directory.people["U0NEW"] = Caller(Person("U0NEW", "new", "new@example.com"), "T0PILOT")
    await RosterUpdates(harness.policy, harness.directory).first()
    dispatcher = harness.make(Dispatcher)
    for number, line in enumerate(("/pilothouse whoami", "/pilothouse help")):
        incoming = Incoming("command", user, "T0PILOT", f"r-{number}", "C0DEPLOY")
        if number == 0:
            harness.safety.stores.delegations.absent_for = nobody  # type: ignore[method-assign]
        assert await dispatcher.ask(await harness.read(line, incoming.context), incoming)
    incoming = Incoming("command", user, "T0PILOT", "r-9", "C0DEPLOY")
    with pytest.raises(NotAllowed) as refused:
        await dispatcher.ask(await harness.read("/status", incoming.context), incoming)
    assert refused.value.sentence.endswith("Ask @platform-admins for a role.")


async def nobody(delegate: str) -> tuple[Delegation, ...]:
    return ()
