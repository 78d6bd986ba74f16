"""What time does: locks and freezes end, owners, waiters and reviewers hear of it, once each."""

import asyncio
from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.caller import Person
from bot.domain.safety import Delegation, Freeze, Lock, Review
from bot.domain.subscription import NewsMute, Scope
from bot.policy import parse
from bot.ports import Request
from bot.store.locks import LockStore
from bot.store.requests import KEPT_FOR, requests
from tests.fakes.command_harness import POLICY, CommandHarness
from tests.fakes.words import Safety
from tests.sentences import says

START = datetime.now(UTC)
ANA, BO, MIA = Person("U0ANA", "ana"), Person("U0BO", "bo"), Person("U0MIA", "mia")
POLICY_CHANNEL = "C0DEPLOY"
LONG = datetime(2999, 1, 1, tzinfo=UTC)


@pytest.fixture
async def safety(tmp_path: Path) -> AsyncIterator[Safety]:
    routes = '[{channel: C0NAMED, events: [lock-ending, delegated]}, {channel: C0EVERY, events: ["*"]}]'
    policy = parse(f"{POLICY}channels: {{default: {POLICY_CHANNEL}, routes: {routes}}}\n")
    harness = CommandHarness(policy=policy, database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    yield harness.safety
    await harness.safety.database.close()


async def tidy(safety: Safety, after: timedelta) -> None:
    await safety.housekeeping_by(clock=lambda: START + after).tidy()


async def lock(safety: Safety, **facts: object) -> Lock:
    made = replace(Lock("my-app", "production", ANA, "a migration", START), **facts)  # type: ignore[arg-type]
    async with safety.database.begin() as connection:
        await safety.stores.locks.take(connection, made)
    return made


async def test_an_expired_lock_is_released_and_its_owner_the_waiting_and_the_channel_hear_of_it_once(
    safety: Safety,
) -> None:
    await lock(safety, expires_at=START + timedelta(hours=2))
    async with safety.database.begin() as connection:
        await safety.stores.locks.wait(connection, "my-app", "production", MIA)
    await tidy(safety, timedelta(hours=1))
    assert len(await safety.stores.locks.all()) == 1
    for _ in range(2):
        await tidy(safety, timedelta(hours=2))
    assert await safety.stores.locks.all() == ()
    free = "🔓 *my-app* in *production* is free again: the lock of <@U0ANA> has expired."
    assert (await safety.told(POLICY_CHANNEL), await safety.told("U0ANA")) == ([free], [free])
    assert await safety.told("U0MIA") == ["🔓 *my-app* in *production* is free: `/lock my-app production WHY`."]
    assert await safety.events() == ["unlocked"]


async def test_a_lock_expires_while_all_of_the_environment_is_locked(safety: Safety) -> None:
    await lock(safety, expires_at=START + timedelta(hours=2))
    await lock(safety, app="", owner=BO, expires_at=LONG)
    async with safety.database.begin() as connection:
        await safety.stores.locks.wait(connection, "my-app", "production", MIA)
    await tidy(safety, timedelta(hours=2))
    (told,), (waited,) = await safety.told(POLICY_CHANNEL), await safety.told("U0MIA")
    assert "has expired" in told
    assert "free" not in told
    assert "not free" in waited
    assert all("still locked by <@U0BO>" in one for one in (told, waited))


@pytest.mark.parametrize("app", ["", "my-app"])
async def test_one_of_two_freezes_ends(safety: Safety, app: str) -> None:
    async with safety.database.begin() as connection:
        first = Freeze("f-1", "production", MIA, "INC-1", START, START + timedelta(hours=2), app="my-app")
        await safety.stores.freezes.call(connection, first)
        await safety.stores.freezes.call(connection, Freeze("f-2", "production", BO, "sale", START, LONG, app=app))
    await tidy(safety, timedelta(hours=2))
    (told,) = await safety.told(POLICY_CHANNEL)
    assert says(told, "*my-app* in *production*", "over")
    assert "still frozen by <@U0BO>" in told


async def test_the_owner_is_told_shortly_before_the_end(safety: Safety) -> None:
    await lock(safety, expires_at=START + timedelta(hours=2))
    await tidy(safety, timedelta(minutes=104))
    assert await safety.told("U0ANA") == []
    for minutes in (105, 110):
        await tidy(safety, timedelta(minutes=minutes))
    (told,) = await safety.told("U0ANA")
    assert told.startswith("⏰ Your lock on *my-app* in *production* ends ")
    assert await safety.told(POLICY_CHANNEL) == await safety.told("C0EVERY") == []
    [routed] = await safety.told("C0NAMED")
    assert routed.startswith("⏰ The lock on *my-app* in *production* by <@U0ANA> ends ")


async def test_the_owner_of_a_lock_without_an_end_is_asked_daily(safety: Safety) -> None:
    await lock(safety)
    for hours in (23, 25, 26, 49):
        await tidy(safety, timedelta(hours=hours))
    assert len(await safety.told("U0ANA")) == 2
    assert len(await safety.stores.locks.all()) == 1


async def test_nobody_is_nagged_for_the_lock_of_a_rollback(safety: Safety) -> None:
    await lock(safety, owner=Person("", "Pilothouse"), automatic=True)
    await tidy(safety, timedelta(days=3))
    assert safety.messenger.messages == []


async def test_a_lock_that_was_renewed_meanwhile_stays(safety: Safety, monkeypatch: pytest.MonkeyPatch) -> None:
    old = await lock(safety, expires_at=START + timedelta(hours=1))
    new = await lock(safety, expires_at=START + timedelta(hours=5))

    async def seen_before(_self: LockStore) -> tuple[Lock, ...]:
        return (old,)

    monkeypatch.setattr(LockStore, "all", seen_before)
    await tidy(safety, timedelta(hours=2))
    monkeypatch.undo()
    assert await safety.stores.locks.all() == (new,)
    assert await safety.events() == []


async def test_a_freeze_ends_by_itself(safety: Safety) -> None:
    freeze = Freeze("f-1", "production", BO, "INC-1", START, START + timedelta(hours=2))
    async with safety.database.begin() as connection:
        await safety.stores.freezes.call(connection, freeze)
    await tidy(safety, timedelta(hours=1))
    assert await safety.stores.freezes.all() == (freeze,)
    for _ in range(2):
        await tidy(safety, timedelta(hours=2))
    assert await safety.stores.freezes.all() == ()
    [said] = await safety.told(POLICY_CHANNEL)
    assert says(said, "*production*", "over")
    assert await safety.events() == ["unfrozen"]


async def test_a_review_that_is_owed_is_asked_for_daily_until_it_is_closed(safety: Safety) -> None:
    review = Review("p-abc", ("my-app",), "production", BO, "INC-1", START)
    async with safety.database.begin() as connection:
        await safety.stores.reviews.owe(connection, review)
    for hours in (23, 25, 26, 49):
        await tidy(safety, timedelta(hours=hours))
    told = await safety.told(POLICY_CHANNEL)
    assert len(told) == 2
    assert "The break-glass of <@U0BO> on my-app in *production*" in told[0]
    assert "@release-managers or @platform-admins" in told[0]
    assert "`/review p-abc WHAT YOU FOUND`" in told[0]
    async with safety.database.begin() as connection:
        await safety.stores.reviews.close(connection, review, MIA, "fine", START)
    await tidy(safety, timedelta(hours=80))
    assert len(await safety.told(POLICY_CHANNEL)) == 2


async def test_a_delegation_ends_and_one_that_was_renewed_does_not(safety: Safety) -> None:
    over = Delegation(BO, MIA, START, START + timedelta(hours=1))
    async with safety.database.begin() as connection:
        await safety.stores.delegations.delegate(connection, over)
    await tidy(safety, timedelta(minutes=59))
    assert await safety.stores.delegations.all() == (over,)
    for _ in range(2):
        await tidy(safety, timedelta(hours=1))
    assert await safety.stores.delegations.all() == ()
    assert await safety.events() == ["delegated"]
    [told] = await safety.told(MIA.id)
    assert "no longer stand in" in told
    [routed] = await safety.told("C0NAMED")
    assert says(routed, "<@U0MIA>", "no longer", "<@U0BO>")
    assert await safety.told("C0EVERY") == []


async def test_old_requests_are_forgotten(safety: Safety) -> None:
    async with safety.database.begin() as connection:
        old = datetime.now(UTC) - KEPT_FOR - timedelta(hours=1)
        await connection.execute(requests.insert().values(id="old", at=old))
        await connection.execute(requests.insert().values(id="never done", at=old, state="pending"))
    new = Request("new", "command", "{}", datetime.now(UTC).timestamp())
    await safety.stores.requests.note(new)
    await safety.stores.requests.settle("new")
    await tidy(safety, timedelta())
    notes = {id: await safety.stores.requests.note(replace(new, id=id)) for id in ("old", "new", "never done")}
    assert notes == {"old": True, "new": False, "never done": False}


async def test_one_chore_that_breaks_does_not_keep_the_others_from_being_done(
    safety: Safety, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(_self: LockStore) -> tuple[Lock, ...]:
        raise OSError("the disk is full")

    monkeypatch.setattr(LockStore, "all", broken)
    freeze = Freeze("f-1", "production", BO, "INC-1", START, START)
    async with safety.database.begin() as connection:
        await safety.stores.freezes.call(connection, freeze)
    await tidy(safety, timedelta(hours=1))
    assert await safety.stores.freezes.all() == ()


async def test_it_goes_on_until_it_is_cancelled(safety: Safety, monkeypatch: pytest.MonkeyPatch) -> None:
    rounds = asyncio.Semaphore(0)

    async def last_chore(_now: datetime) -> int:
        rounds.release()
        return 0

    monkeypatch.setattr(safety.stores.requests, "forget_old", last_chore)
    keeping = asyncio.create_task(safety.housekeeping_by(seconds=0.01).run_forever())
    async with asyncio.timeout(30):
        await rounds.acquire()
        await rounds.acquire()
    keeping.cancel()
    with pytest.raises(asyncio.CancelledError):
        await keeping


async def test_two_replicas_tidy_as_one(safety: Safety) -> None:
    await lock(safety, expires_at=START + timedelta(hours=1))
    await asyncio.gather(*(tidy(safety, timedelta(hours=2)) for _ in range(3)))
    assert await safety.events() == ["unlocked"]
    assert len(await safety.told("U0ANA")) == 1


async def test_mutes_that_are_over_are_forgotten(safety: Safety) -> None:
    store, here = safety.stores.subscriptions, Scope("my-app", "production")
    await store.mute(
        [NewsMute(who, here, START + timedelta(hours=hours)) for who, hours in (("U0ANA", 1), ("U0BO", 3))]
    )
    await tidy(safety, timedelta(hours=2))
    assert [one.listener for one in await store.muted(0.0)] == ["U0BO"]
