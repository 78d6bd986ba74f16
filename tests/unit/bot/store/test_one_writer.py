"""Two replicas and one card: it never goes back in time, and stays old with nobody's death."""

import asyncio
import time
from collections.abc import AsyncIterator
from dataclasses import dataclass, field

import pytest
import sqlalchemy as sa

from bot.domain.errors import Unavailable
from bot.notify.messages import Places
from bot.ports import Messenger, Posted, Rendered
from bot.store.database import Database
from bot.store.messages import Messages
from bot.store.threads import threads
from tests.fakes.messenger import FakeMessenger

CHANNEL = "C0DEPLOY"


@dataclass
class SlowMessenger(FakeMessenger):
    """An edit is on its way for so long; `going` holds one back until it is set."""

    seconds: float = 0.02
    going: asyncio.Event | None = None
    edits: list[str] = field(default_factory=list)

    async def update(self, posted: Posted, message: Rendered) -> None:
        going, self.going = self.going, None
        await (going.wait() if going else asyncio.sleep(self.seconds))
        self.edits.append(message.text)
        await super().update(posted, message)


@dataclass
class Replica:
    database: Database
    messages: Messages
    places: Places

    @classmethod
    def of(cls, url: str, messenger: Messenger) -> "Replica":
        database = Database(url)
        messages = Messages(database)
        return cls(database, messages, Places(messages, messenger))

    async def show(self, text: str) -> None:
        await self.messages.threads.want("p-1", CHANNEL, Rendered(text), time.time())
        await self.places.bring("p-1", CHANNEL)


@pytest.fixture
def messenger() -> SlowMessenger:
    return SlowMessenger()


@pytest.fixture
async def replicas(database: Database, messenger: SlowMessenger) -> AsyncIterator[tuple[Replica, Replica]]:
    """Of SQLite there is one: the same twice."""
    url = database.engine.url.set(drivername=database.engine.url.get_backend_name())
    one = Replica.of(url.render_as_string(hide_password=False), messenger)
    other = one if database.sqlite else Replica.of(url.render_as_string(hide_password=False), messenger)
    await one.show("0")
    yield one, other
    for replica in {id(one): one, id(other): other}.values():
        await replica.database.close()


async def test_the_card_never_goes_back_in_time(replicas: tuple[Replica, Replica], messenger: SlowMessenger) -> None:
    """The first edit is slow; the second one, of another replica, waits for it."""
    one, other = replicas
    messenger.going = slow = asyncio.Event()
    first = asyncio.create_task(one.show("1"))
    while messenger.going:  # noqa: ASYNC110 (until the edit is on its way)
        await asyncio.sleep(0.005)
    second = asyncio.create_task(other.show("2"))
    await asyncio.sleep(0.25)
    assert messenger.edits == []
    slow.set()
    await asyncio.gather(first, second)
    assert messenger.edits == ["1", "2"]


async def test_many_states_by_two_replicas_are_each_shown_once_at_most_and_the_newest_last(
    replicas: tuple[Replica, Replica], messenger: SlowMessenger
) -> None:
    shows = [asyncio.create_task(replicas[number % 2].show(str(number))) for number in range(1, 9)]
    await asyncio.gather(*shows)
    (card,) = messenger.in_channel(CHANNEL)
    thread = await replicas[0].messages.threads.thread("p-1", CHANNEL)
    assert thread
    assert thread.wanted
    assert not thread.stale
    assert card.shown.text == thread.wanted.text
    assert len(messenger.edits) == len(set(messenger.edits))


async def leased(database: Database, seconds: float) -> None:
    """As a replica leaves it that dies in an edit."""
    until = time.time() + seconds
    async with database.begin() as connection:
        await connection.execute(threads.update().values(leased_until=until))


async def test_a_replica_that_dies_in_an_edit_keeps_the_card_for_as_long_as_its_lease(
    replicas: tuple[Replica, Replica], messenger: SlowMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    one, _ = replicas
    monkeypatch.setattr("bot.store.card_leases.CARD_LEASE", 0.3)
    await leased(one.database, 60)
    if one.database.sqlite:
        await one.show("1")
    else:
        with pytest.raises(Unavailable):
            await one.show("1")
        await leased(one.database, 0.15)
        await one.places.bring("p-1", CHANNEL)
    assert messenger.edits == ["1"]


async def test_an_edit_that_outlived_its_lease_is_made_good(
    replicas: tuple[Replica, Replica], messenger: SlowMessenger, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It may have come after the newer one of another replica: what the card shows is not known, so it is edited."""
    one, other = replicas
    monkeypatch.setattr("bot.store.card_leases.CARD_LEASE", 0.2)
    messenger.going = stuck = asyncio.Event()
    late = asyncio.create_task(one.show("1"))
    while messenger.going:  # noqa: ASYNC110 (until the edit is on its way)
        await asyncio.sleep(0.005)
    newer = asyncio.create_task(other.show("2"))
    if not one.database.sqlite:
        await newer
    stuck.set()
    await asyncio.gather(late, newer)
    await one.places.bring("p-1", CHANNEL)
    (card,) = messenger.in_channel(CHANNEL)
    assert card.shown.text == "2"
    async with one.database.reading() as connection:
        assert (await connection.execute(sa.select(threads.c.leased_until))).scalar_one() == 0
