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
from tests.fakes.office import Office
from tests.sentences import says

CHANNEL = "C0DEPLOY"


def context(number: int) -> Context:
    return Context(f"r{number}", CHANNEL, "c", "T0PILOT")


async def say(office: Office, number: int, line: str, user: str = "U0BO") -> object:
    return await office.run(await office.read(line, context(number)), user)


async def taken(office: Office, line: str = "/lock my-app prod a migration", user: str = "U0ANA") -> Lock:
    reply = await say(office, 100, line, user)
    assert isinstance(reply, LockTaken)
    return reply.lock


async def test_a_lock_says_who_why_and_until_when_and_the_channel_hears_of_it(office: Office) -> None:
    lock = await taken(office, "/lock my-app prod --for 2h a migration")
    assert (lock.app, lock.environment, lock.owner.id, lock.reason) == ("my-app", "production", "U0ANA", "a migration")
    assert lock.expires_at
    assert timedelta(minutes=119) < lock.expires_at - datetime.now(UTC) <= timedelta(hours=2)
    assert await office.safety.stores.locks.held("my-app", "production") == lock
    (told,) = await office.safety.told(CHANNEL)
    assert says(told, "*my-app*", "*production*", "locked by <@U0ANA>", "until")
    assert told.endswith(": a migration.")
    assert await office.safety.events() == ["locked"]
    assert await office.safety.audit.verify() is None


async def test_a_reason_and_an_environment_are_needed(office: Office) -> None:
    with pytest.raises(InvalidCommand, match="needs a reason"):
        await say(office, 1, "/lock my-app prod --for 2h")
    with pytest.raises(InvalidCommand, match="Name an environment"):
        await say(office, 1, "/lock my-app: a migration")


async def test_locking_again_what_one_holds_renews_it(office: Office) -> None:
    first = await taken(office)
    reply = await say(office, 2, "/lock my-app prod --for 1h longer", "U0ANA")
    assert isinstance(reply, LockTaken)
    assert (reply.lock.since, reply.lock.reason, bool(reply.lock.expires_at)) == (first.since, "longer", True)


async def test_somebody_elses_lock_is_not_taken_just_so(office: Office) -> None:
    lock = await taken(office)
    reply = await say(office, 2, "/lock my-app prod for 1h mine now")
    assert reply == LockHeld(lock, "mine now", "1h")
    assert await office.safety.stores.locks.held("my-app", "production") == lock


async def test_stealing_takes_exactly_the_lock_that_was_seen_and_tells_its_owner(office: Office) -> None:
    lock = await taken(office)
    ask = StealLock(
        context=context(2), app="my-app", environment="production", since=lock.since.isoformat(), reason="INC-1"
    )
    stolen = await office.run(ask)
    assert isinstance(stolen, LockTaken)
    assert (stolen.lock.owner.id, stolen.stolen_from) == ("U0BO", lock)
    [told] = await office.safety.told("U0ANA")
    assert says(told, "<@U0BO>", "taken over", "*my-app*", "*production*")
    with pytest.raises(Conflict, match="bo holds it"):
        await office.run(replace(ask, context=context(3)), "U0MIA")
    await say(office, 4, "/unlock my-app prod")
    with pytest.raises(Conflict, match="no longer locked"):
        await office.run(replace(ask, context=context(5)), "U0MIA")


async def test_unlocking_somebody_elses_asks_once_more(office: Office) -> None:
    lock = await taken(office)
    assert await say(office, 2, "/unlock my-app prod") == LockHeld(lock, release=True)
    anyway = BreakLock(context=context(3), app="my-app", environment="production", since=lock.since.isoformat())
    assert await office.run(anyway) == Told("my-app in production is unlocked.")
    assert await office.safety.stores.locks.held("my-app", "production") is None
    [released] = await office.safety.told("U0ANA")
    assert says(released, "<@U0BO>", "released", "*my-app*", "*production*")
    assert await office.safety.events() == ["locked", "unlocked"]


async def test_what_a_rollback_left_behind_is_released_by_whoever_may_lock(office: Office) -> None:
    left = Lock("my-app", "production", Person("", "Pilothouse"), "rolled back", datetime.now(UTC), automatic=True)
    async with office.safety.database.begin() as connection:
        await office.safety.stores.locks.take(connection, left)
    assert await say(office, 1, "/unlock prod my-app", "U0ANA") == Told("my-app in production is unlocked.")


async def test_who_waits_is_told_once_when_it_is_free(office: Office) -> None:
    await taken(office)
    ask = AwaitLock(context=context(2), app="my-app", environment="production")
    for number in (2, 3):
        assert await office.run(replace(ask, context=context(number)), "U0MIA") == Told(
            "You will get a message as soon as my-app in production is free."
        )
    await say(office, 4, "/unlock my-app prod", "U0ANA")
    assert len(await office.safety.told("U0MIA")) == 1
    assert "free" in (await office.safety.told("U0MIA"))[0]
    free = await office.run(replace(ask, context=context(5)), "U0MIA")
    assert free == Told("my-app in production is free already: take it with `/lock`.")


async def test_the_whole_environment_is_held_by_one_lock(office: Office) -> None:
    lock = await taken(office, "/lock prod the audit", "U0BO")
    assert lock.app == ""
    assert await office.safety.stores.locks.held("payments", "production") == lock
    assert await office.safety.stores.locks.held("payments", "staging") is None


async def test_the_lock_of_a_person_is_seen_before_the_lock_of_a_rollback(office: Office) -> None:
    """Otherwise a rollback would pass the one and never meet the other."""
    left = Lock("my-app", "production", Person("", "Pilothouse"), "rolled back", datetime.now(UTC), automatic=True)
    async with office.safety.database.begin() as connection:
        await office.safety.stores.locks.take(connection, left)
    lock = await taken(office, "/lock prod the audit", "U0BO")
    assert await office.safety.stores.locks.held("my-app", "production") == lock


async def test_who_may_lock_one_app_does_not_lock_them_all() -> None:
    policy = parse("bindings:\n- {role: engineer, users: [U0ANA], apps: [my-app]}\n")
    office = Office(policy=policy)
    await office.safety.create()
    await taken(office)
    with pytest.raises(NotAllowed, match="You do not have the `lock` permission for every app in production"):
        await say(office, 2, "/lock prod all of it", "U0ANA")
    with pytest.raises(NotAllowed):
        await say(office, 3, "/lock payments prod why not", "U0ANA")
    assert await office.safety.events() == ["locked", "refused", "refused"]
    await office.safety.database.close()


async def test_viewers_hold_nothing(office: Office) -> None:
    for line in ("/lock my-app prod no", "/unlock my-app prod"):
        with pytest.raises(NotAllowed, match="`lock` permission"):
            await say(office, 1, line, "U0CY")


async def test_an_unknown_app_in_a_button_is_no_lock(office: Office) -> None:
    ask = StealLock(context=context(1), app="gone", environment="production", since="x", reason="y")
    with pytest.raises(UnknownName):
        await office.run(ask)


async def test_the_list_shows_what_holds_and_what_one_may_see(office: Office) -> None:
    mine = await taken(office)
    other = await taken(office, "/lock payments prod a migration", "U0BO")
    shown = await say(office, 2, "/locks")
    assert isinstance(shown, Holds)
    assert shown.locks == (mine, other)
    seen = await say(office, 3, "/locks", "U0CY")
    assert isinstance(seen, Holds)
    assert seen.locks == (mine,)
