"""Lock, unlock, steal, wait: authorised, on record, and told to whom it concerns."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from bot.domain.caller import Person
from bot.domain.errors import Conflict, InvalidCommand, NotAllowed, UnknownName
from bot.domain.intent import AwaitLock, BreakLock, Context, StealLock
from bot.domain.reply import Holds, LockHeld, LockTaken, Told
from bot.domain.safety import Lock
from bot.policy import parse
from tests.fakes.command_harness import CommandHarness
from tests.sentences import says

CHANNEL = "C0DEPLOY"


def context(number: int) -> Context:
    return Context(f"r{number}", CHANNEL, "c", "T0PILOT")


async def say(harness: CommandHarness, number: int, line: str, user: str = "U0BO") -> object:
    return await harness.run(await harness.read(line, context(number)), user)


async def taken(harness: CommandHarness, line: str = "/lock my-app prod a migration", user: str = "U0ANA") -> Lock:
    reply = await say(harness, 100, line, user)
    assert isinstance(reply, LockTaken)
    return reply.lock


async def test_a_lock_says_who_why_and_until_when_and_the_channel_hears_of_it(harness: CommandHarness) -> None:
    lock = await taken(harness, "/lock my-app prod --for 2h a migration")
    assert (lock.app, lock.environment, lock.owner.id, lock.reason) == ("my-app", "production", "U0ANA", "a migration")
    assert lock.expires_at
    assert timedelta(minutes=119) < lock.expires_at - datetime.now(UTC) <= timedelta(hours=2)
    assert await harness.safety.stores.locks.held("my-app", "production") == lock
    (told,) = await harness.safety.told(CHANNEL)
    assert says(told, "*my-app*", "*production*", "locked by <@U0ANA>", "until")
    assert told.endswith(": a migration.")
    assert await harness.safety.events() == ["locked"]
    assert await harness.safety.audit.verify() is None


async def test_a_reason_and_an_environment_are_needed(harness: CommandHarness) -> None:
    with pytest.raises(InvalidCommand, match="needs a reason"):
        await say(harness, 1, "/lock my-app prod --for 2h")
    with pytest.raises(InvalidCommand, match="Name an environment"):
        await say(harness, 1, "/lock my-app: a migration")


async def test_locking_again_what_one_holds_renews_it(harness: CommandHarness) -> None:
    first = await taken(harness)
    reply = await say(harness, 2, "/lock my-app prod --for 1h longer", "U0ANA")
    assert isinstance(reply, LockTaken)
    assert (reply.lock.since, reply.lock.reason, bool(reply.lock.expires_at)) == (first.since, "longer", True)


async def test_somebody_elses_lock_is_not_taken_just_so(harness: CommandHarness) -> None:
    lock = await taken(harness)
    reply = await say(harness, 2, "/lock my-app prod for 1h mine now")
    assert reply == LockHeld(lock, "mine now", "1h")
    assert await harness.safety.stores.locks.held("my-app", "production") == lock


async def test_stealing_takes_exactly_the_lock_that_was_seen_and_tells_its_owner(harness: CommandHarness) -> None:
    lock = await taken(harness)
    ask = StealLock(
        context=context(2), app="my-app", environment="production", since=lock.since.isoformat(), reason="INC-1"
    )
    stolen = await harness.run(ask)
    assert isinstance(stolen, LockTaken)
    assert (stolen.lock.owner.id, stolen.stolen_from) == ("U0BO", lock)
    [told] = await harness.safety.told("U0ANA")
    assert says(told, "<@U0BO>", "taken over", "*my-app*", "*production*")
    with pytest.raises(Conflict, match="bo holds it"):
        await harness.run(replace(ask, context=context(3)), "U0MIA")
    await say(harness, 4, "/unlock my-app prod")
    with pytest.raises(Conflict, match="no longer locked"):
        await harness.run(replace(ask, context=context(5)), "U0MIA")


async def test_unlocking_somebody_elses_asks_once_more(harness: CommandHarness) -> None:
    lock = await taken(harness)
    assert await say(harness, 2, "/unlock my-app prod") == LockHeld(lock, release=True)
    anyway = BreakLock(context=context(3), app="my-app", environment="production", since=lock.since.isoformat())
    assert await harness.run(anyway) == Told("my-app in production is unlocked.")
    assert await harness.safety.stores.locks.held("my-app", "production") is None
    [released] = await harness.safety.told("U0ANA")
    assert says(released, "<@U0BO>", "released", "*my-app*", "*production*")
    assert await harness.safety.events() == ["locked", "unlocked"]


async def test_what_a_rollback_left_behind_is_released_by_whoever_may_lock(harness: CommandHarness) -> None:
    left = Lock("my-app", "production", Person("", "Pilothouse"), "rolled back", datetime.now(UTC), automatic=True)
    async with harness.safety.database.begin() as connection:
        await harness.safety.stores.locks.take(connection, left)
    assert await say(harness, 1, "/unlock prod my-app", "U0ANA") == Told("my-app in production is unlocked.")


async def test_who_waits_is_told_once_when_it_is_free(harness: CommandHarness) -> None:
    await taken(harness)
    ask = AwaitLock(context=context(2), app="my-app", environment="production")
    for number in (2, 3):
        assert await harness.run(replace(ask, context=context(number)), "U0MIA") == Told(
            "You will get a message as soon as my-app in production is free."
        )
    await say(harness, 4, "/unlock my-app prod", "U0ANA")
    assert len(await harness.safety.told("U0MIA")) == 1
    assert "free" in (await harness.safety.told("U0MIA"))[0]
    free = await harness.run(replace(ask, context=context(5)), "U0MIA")
    assert free == Told("my-app in production is free already: take it with `/lock`.")


async def test_the_whole_environment_is_held_by_one_lock(harness: CommandHarness) -> None:
    lock = await taken(harness, "/lock prod the audit", "U0BO")
    assert lock.app == ""
    assert await harness.safety.stores.locks.held("payments", "production") == lock
    assert await harness.safety.stores.locks.held("payments", "staging") is None


async def test_the_lock_of_a_person_is_seen_before_the_lock_of_a_rollback(harness: CommandHarness) -> None:
    """Otherwise a rollback would pass the one and never meet the other."""
    left = Lock("my-app", "production", Person("", "Pilothouse"), "rolled back", datetime.now(UTC), automatic=True)
    async with harness.safety.database.begin() as connection:
        await harness.safety.stores.locks.take(connection, left)
    lock = await taken(harness, "/lock prod the audit", "U0BO")
    assert await harness.safety.stores.locks.held("my-app", "production") == lock


async def test_who_may_lock_one_app_does_not_lock_them_all() -> None:
    policy = parse("bindings:\n- {role: engineer, users: [U0ANA], apps: [my-app]}\n")
    harness = CommandHarness(policy=policy)
    await harness.safety.create()
    await taken(harness)
    with pytest.raises(NotAllowed, match="You do not have the `lock` permission for every app in production"):
        await say(harness, 2, "/lock prod all of it", "U0ANA")
    with pytest.raises(NotAllowed):
        await say(harness, 3, "/lock payments prod why not", "U0ANA")
    assert await harness.safety.events() == ["locked", "refused", "refused"]
    await harness.safety.database.close()


async def test_viewers_hold_nothing(harness: CommandHarness) -> None:
    for line in ("/lock my-app prod no", "/unlock my-app prod"):
        with pytest.raises(NotAllowed, match="`lock` permission"):
            await say(harness, 1, line, "U0CY")


async def test_an_unknown_app_in_a_button_is_no_lock(harness: CommandHarness) -> None:
    ask = StealLock(context=context(1), app="gone", environment="production", since="x", reason="y")
    with pytest.raises(UnknownName):
        await harness.run(ask)


async def test_the_list_shows_what_holds_and_what_one_may_see(harness: CommandHarness) -> None:
    mine = await taken(harness)
    other = await taken(harness, "/lock payments prod a migration", "U0BO")
    shown = await say(harness, 2, "/locks")
    assert isinstance(shown, Holds)
    assert shown.locks == (mine, other)
    seen = await say(harness, 3, "/locks", "U0CY")
    assert isinstance(seen, Holds)
    assert seen.locks == (mine,)
