"""Who is refused at the door is on record."""

from pathlib import Path

import pytest

from bot.domain.errors import NotAllowed
from bot.domain.intent import CallFreeze
from bot.router.dispatch import Dispatcher
from bot.router.incoming import Incoming
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.schema import migrate
from tests.fakes.office import Office


async def test_a_refusal_at_the_door_is_one_row_of_the_audit(tmp_path: Path) -> None:
    database, office = Database(f"sqlite:///{tmp_path / 'x.db'}"), Office()
    await migrate(database)
    chain = Audit(database)
    incoming = Incoming("command", "U0CY", "T0PILOT", "r-1", "C0DEPLOY")
    ask = CallFreeze(context=incoming.context, app="my-app", environment="production", until="2h", reason="")
    with pytest.raises(NotAllowed):
        await office.make(Dispatcher, audit=chain).ask(ask, incoming)
    (row,) = await chain.rows()
    assert (row.event, row.actor, row.app, row.environment) == ("refused", "U0CY", "my-app", "production")
    assert "`freeze` permission" in row.detail
    await database.close()
