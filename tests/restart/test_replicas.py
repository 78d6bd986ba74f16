"""Two replicas on one Postgres: one is killed, and the other takes its promotions over."""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from datetime import timedelta
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa

from bot.background.replicas import BEAT, SILENCE, Replicas
from bot.domain.errors import PromotionInProgress
from bot.domain.event import Event
from bot.domain.promotion import Phase, Promotion, Stage
from bot.notify.messages import Places
from bot.ports import Rendered
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.messages import Messages
from bot.store.outbox import OutboxEntry
from bot.store.promotions import PromotionStore, live
from bot.store.replicas import ReplicaStore, replicas
from bot.store.schema import migrate
from bot.store.threads import threads
from tests.fakes.registry import MemoryRegistry
from tests.postgres import NewDatabase
from tests.restart.cases import Case
from tests.restart.child import promotion_of
from tests.restart.crowd import asked_for
from tests.restart.editor import CARD, Edit, main
from tests.restart.effects import effects, look
from tests.restart.outside import LastingMessenger, World
from tests.restart.process import begin
from tests.restart.process_harness import ProcessHarness, harness

pytestmark = pytest.mark.restart

CASES = tuple(Case("promotion", hold) for hold in ("", "x:1", "x:2", "x:3"))
"""Four promotions; the holds are no places, so nothing stands still."""
OF_TWO = (*(Case("promotion", hold, 2) for hold in ("x:1", "x:2")), Case("train", "x:3", 2))
PROMOTION = asked_for("app-1", MemoryRegistry(), "0" * 40)
PROMISED = 30.0
"""seconds within which the promotions of a dead replica go on, once another one is up"""


async def until(harness: ProcessHarness, stage: Stage) -> None:
    await all_are(harness, lambda promotion: promotion.stage is stage or promotion.phase.final)


async def all_are(harness: ProcessHarness, so: Callable[[Promotion], bool]) -> None:
    database = harness.database()
    try:
        store = PromotionStore(database)
        for _ in range(3000):
            seen = [await store.get(promotion_of(case)) for case in harness.cases]
            if all(p and so(p) for p in seen):
                return
            await asyncio.sleep(0.1)
    finally:
        await database.close()
    raise AssertionError(f"not all are so: {[p and (p.stage, p.phase, p.approvals) for p in seen]}")


async def test_the_promotions_of_a_killed_replica_go_on_elsewhere_within_thirty_seconds(
    tmp_path: Path, postgres: NewDatabase
) -> None:
    """With the timing that the bot has: nothing is set here but who presses."""
    timing = {"beat": BEAT.total_seconds(), "silence": SILENCE.total_seconds()}
    async with harness(tmp_path, postgres(), CASES) as place:
        first = place.begin(replica="pilothouse-0", presses=False, ends=False, **timing)
        await first.ready()
        await until(place, Stage.APPROVAL)
        first.kill()
        assert await first.ended() == -9
        # Every press is made while nobody tells the promotions that it is for.
        other = place.begin(replica="pilothouse-1", asks=False, presses=True, ends=False, **timing)
        await other.ready()
        alone = time.monotonic()
        await until(place, Stage.DONE)
        assert time.monotonic() - alone < PROMISED
        seen = await look(place)
        for case in CASES:
            done = effects(seen, case)
            assert done.end.startswith(Phase.SUCCEEDED)
            assert (done.commits, done.votes, done.audit["approve"], done.messages["card"]) == (1, 1, 1, 1)
        assert seen.chain is None


async def test_presses_on_any_replica_reach_the_story_wherever_it_is(tmp_path: Path, postgres: NewDatabase) -> None:
    async with harness(tmp_path, postgres(), CASES) as place:
        first = place.begin(replica="pilothouse-0", presses=False, ends=False)
        await first.ready()
        other = place.begin(replica="pilothouse-1", asks=True, presses=True, ends=False)
        await other.ready()
        await until(place, Stage.DONE)
        seen = await look(place)
        for case in CASES:
            done = effects(seen, case)
            assert done.end.startswith(Phase.SUCCEEDED)
            assert (done.commits, done.votes, done.audit["requested"], done.messages["card"]) == (1, 1, 1, 1)
        assert seen.chain is None


async def test_of_two_votes_one_is_given_before_a_replica_is_killed_and_one_after(
    tmp_path: Path, postgres: NewDatabase
) -> None:
    """The stories are on the first replica, the first vote comes by the second, the other one by the third.

    The second one takes nothing over; the third one does so soon.
    """
    async with harness(tmp_path, postgres(), OF_TWO) as place:
        first = place.begin(replica="pilothouse-0", presses=False, ends=False, beat=0.5, silence=600)
        await first.ready()
        second = place.begin(replica="pilothouse-1", asks=False, ends=False, beat=0.5, silence=600)
        await second.ready()
        await all_are(place, lambda promotion: len(promotion.approvals) == 1)
        first.kill()
        assert await first.ended() == -9
        place.begin(
            replica="pilothouse-2", asks=False, approver="U0MIA", ends=False, beat=0.5, silence=SILENCE.total_seconds()
        )
        await until(place, Stage.DONE)
        seen = await look(place)
        for case in OF_TWO:
            done, promotion = effects(seen, case), seen.promotions[promotion_of(case)]
            assert done.end.startswith(Phase.SUCCEEDED)
            assert sorted(one.approver.name for one in promotion.approvals) == ["bo", "mia"]
            assert (done.commits, done.votes, done.audit["approve"], done.audit["refused"]) == (1, 2, 2, 0)
            assert (done.audit["requested"], done.messages["card"]) == (1, 1)
            assert all(times == 1 for times in done.messages.values())
        assert seen.chain is None


async def test_a_replica_that_is_killed_between_an_edit_and_its_note_leaves_a_card_that_goes_on(
    tmp_path: Path, postgres: NewDatabase
) -> None:
    """Nobody else edits it while its lease holds; then it shows what it should, whatever the dead one had sent."""
    url, world = postgres(), World(tmp_path / "world.db")
    database = Database(url)
    await migrate(database)
    messages = Messages(database)
    places = Places(messages, LastingMessenger(world))
    try:
        await messages.threads.want(*CARD, Rendered("0"), time.time())
        await places.bring(*CARD)
        told = tmp_path / "edit.json"
        told.write_bytes(msgspec.json.encode(Edit(url, str(tmp_path / "world.db"), 4, "1")))
        editor = begin(main, str(told), tmp_path / "editor.log")
        assert await editor.ended() == -9, editor.said()
        assert [message.text for message in world.messages()] == ["1"]
        until = await leased_until(database)
        thread = await messages.threads.thread(*CARD)
        assert thread
        assert thread.stale, "the edit is not noted"
        await messages.threads.want(*CARD, Rendered("2"), time.time())
        await places.bring(*CARD)
        async with database.reading() as connection:
            now = sa.select(sa.func.extract("epoch", sa.func.clock_timestamp()))
            assert (await connection.execute(now)).scalar_one() >= until
        assert [(message.text, message.edits) for message in world.messages()] == [("2", 2)]
        assert await leased_until(database) == 0
    finally:
        world.close()
        await database.close()


async def leased_until(database: Database) -> float:
    async with database.reading() as connection:
        return float((await connection.execute(sa.select(threads.c.leased_until))).scalar_one())


class Engine:
    """Notes whom it took over from."""

    def __init__(self, *executors: str) -> None:
        self.taken: list[str] = []
        self.left = frozenset(executors)

    async def executors(self) -> frozenset[str]:
        return self.left

    async def take_over(self, replica: str) -> int:
        self.taken.append(replica)
        return 2


@pytest.fixture
async def store(postgres: NewDatabase) -> AsyncIterator[ReplicaStore]:
    database = Database(postgres())
    await migrate(database)
    yield ReplicaStore(database)
    await database.close()


async def fall_silent(store: ReplicaStore, name: str) -> None:
    """It beat for the last time two minutes ago."""
    await store.beat(name)
    async with store._database.begin() as connection:
        then = sa.func.now() - timedelta(minutes=2)
        await connection.execute(replicas.update().where(replicas.c.name == name).values(beat_at=then))


async def test_who_beats_is_left_alone_and_who_does_not_is_taken_over_once(store: ReplicaStore) -> None:
    engine = Engine()
    await store.beat("pilothouse-1")
    mine = Replicas(store, engine, "pilothouse-0", silence=timedelta(seconds=60))
    assert await mine.look() == 0
    await fall_silent(store, "pilothouse-1")
    assert await mine.look() == 2
    assert await mine.look() == 0
    assert engine.taken == ["pilothouse-1"]


async def test_stories_of_a_replica_that_nobody_knows_are_taken_over_but_not_at_first_sight(
    store: ReplicaStore,
) -> None:
    """Its beat was forgotten, or never came; one that has just started has no beat yet either."""
    engine = Engine("pilothouse-0", "pilothouse-1", "pilothouse-7")
    await store.beat("pilothouse-1")
    mine = Replicas(store, engine, "pilothouse-0", beat=timedelta(seconds=4), silence=timedelta(seconds=12))
    assert [await mine.look() for _ in range(2)] == [0, 0]
    assert engine.taken == []
    assert await mine.look() == 2
    assert engine.taken == ["pilothouse-7"]


async def test_a_replica_that_beats_at_last_keeps_its_stories(store: ReplicaStore) -> None:
    engine = Engine("pilothouse-7")
    mine = Replicas(store, engine, "pilothouse-0", beat=timedelta(seconds=4), silence=timedelta(seconds=12))
    await mine.look()
    await mine.look()
    await store.beat("pilothouse-7")
    assert [await mine.look() for _ in range(3)] == [0, 0, 0]
    assert engine.taken == []


async def test_who_comes_back_is_watched_again(store: ReplicaStore) -> None:
    engine = Engine()
    mine = Replicas(store, engine, "pilothouse-0", silence=timedelta(seconds=60))
    for _ in range(2):
        await fall_silent(store, "pilothouse-1")
        await mine.look()
    assert engine.taken == ["pilothouse-1", "pilothouse-1"]


async def test_replicas_that_start_together_migrate_one_after_the_other(postgres: NewDatabase) -> None:
    url = postgres()
    databases = [Database(url) for _ in range(4)]
    try:
        await asyncio.gather(*(migrate(database) for database in databases))
        assert await Audit(databases[0]).rows() == ()
    finally:
        for database in databases:
            await database.close()


@pytest.mark.parametrize("kind", ["new_sqlite", "postgres"])
async def test_of_two_who_write_the_same_the_first_one_knows_it(kind: str, request: pytest.FixtureRequest) -> None:
    database = Database(request.getfixturevalue(kind)())
    await migrate(database)
    messages, store = Messages(database), PromotionStore(database)
    try:
        wanted = [await messages.threads.want("p-1", "C0", Rendered("card"), 0.0) for _ in range(2)]
        assert [thread.new for thread in wanted] == [True, False]
        entry = OutboxEntry(("my-app",), "production", "p-1", Event.FAILED, "C0", Rendered("news"))
        async with database.begin() as connection:
            assert [await messages.outbox.put(connection, entry, 0.0) for _ in range(2)] == [True, False]
            # Neither sees the other before it writes: as when both have looked for it at the same moment.
            await store.create(connection, PROMOTION)
            await connection.execute(live.delete())
            with pytest.raises(PromotionInProgress) as other:
                await store.create(connection, PROMOTION)
            assert other.value.promotion_id == PROMOTION.id
    finally:
        await database.close()
