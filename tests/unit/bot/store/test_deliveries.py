"""The delivery record and its news, on both databases."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta

from bot.domain.build import ImageScanned, RunStarted
from bot.domain.delivery import Cause, Committed, Fact, HealthChanged, Judged, News
from bot.domain.event import Event
from bot.domain.overlay import Author
from bot.domain.promotion import Progress
from bot.domain.scan import ScanStatus, Severity
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import Addressed, NewsStore

START = datetime(2026, 1, 5, 9, tzinfo=UTC)


def fact(number: int, app: str = "my-app", environment: str = "production", *, healthy: bool = False) -> Fact:
    at = START + timedelta(minutes=number)
    detail = HealthChanged(healthy=healthy, status="Healthy" if healthy else "Degraded", message="ä → ✅")
    return Fact(f"k{number}:{app}:{environment}", at, app, environment, detail)


def item(number: int, app: str = "my-app") -> News:
    return News(f"n{number}", Event.DEGRADED, app, "production", START + timedelta(minutes=number), why="ä → ✅")


async def test_facts_are_written_once_and_read_as_they_were(database: Database) -> None:
    store = DeliveryStore(database)
    facts = [fact(1), fact(2, healthy=True), fact(3, "other"), fact(4, environment="staging")]
    async with database.begin() as connection:
        assert await store.add(connection, [*facts, fact(1)]) == tuple(facts)
        assert await store.add(connection, [fact(2, healthy=True), fact(5)]) == (fact(5),)
    assert set(await store.of()) == {*facts, fact(5)}
    assert await store.of("my-app", "production", most=2) == (fact(5), fact(2, healthy=True))
    assert set(await store.of(since=START + timedelta(minutes=4))) == {fact(4, environment="staging"), fact(5)}
    assert set(await store.latest("health")) == {fact(5), fact(3, "other"), fact(4, environment="staging")}
    assert await store.latest("drift") == ()
    [(first, _), (second, found)] = await store.after(0, 2)
    assert (second > first, found) == (True, fact(2, healthy=True))
    assert await store.first_since(START + timedelta(minutes=5)) > second
    assert await store.first_since(START + timedelta(days=1)) == 0


async def test_facts_of_what_is_built_are_in_no_environment(database: Database) -> None:
    store, started = DeliveryStore(database), RunStarted("r", "a" * 40)
    scan = ImageScanned("sha256:" + "1" * 64, ScanStatus.SUCCESS, ((Severity.HIGH, 2), (Severity.LOW, 1)))
    built = [
        Fact("r1", START, "my-app", "", started),
        Fact("s1", START + timedelta(minutes=1), "my-app", "", scan),
        Fact("r2", START + timedelta(minutes=2), "other", "", replace(started, run="r2")),
    ]
    async with database.begin() as connection:
        await store.add(connection, [*built, fact(3)])
    assert await store.of_kinds(["run-started", "image-scanned"], START) == tuple(built)
    assert await store.of_kinds(["run-started"], START + timedelta(minutes=1)) == (built[2],)
    assert set(await store.latest("run-started")) == {built[0], built[2]}
    assert await store.environments() == ("production",)


async def test_how_far_an_observer_has_read(database: Database) -> None:
    store = DeliveryStore(database)
    assert (await store.position("git"), await store.known_since("git")) == ("", None)
    for sha in ("a", "b"):
        async with database.begin() as connection:
            await store.move(connection, "git", sha)
    assert await store.position("git") == "b"
    since = await store.known_since("git")
    assert since is not None
    assert abs(datetime.now(UTC) - since) < timedelta(minutes=5)


async def test_news_from_their_putting_to_their_end(database: Database) -> None:
    store = NewsStore(database)
    async with database.begin() as connection:
        assert await store.put(connection, item(1), 100.0)
        assert not await store.put(connection, item(1), 200.0)
        assert await store.put(connection, item(2, "other"), 101.0)
        assert await store.find(connection, "n1") == item(1)
        assert await store.newest(connection, "other", "production", Event.DEGRADED) == item(2, "other")
    new = await store.unaddressed(10)
    assert [one.news for one in new] == [item(1), item(2, "other")]
    assert await store.room("news:a:", "C1", 0.0) == ("", 0, 0.0)
    addressed = [Addressed(one.id, {"C1": "news:a:1"}, "U0ANA" if one is new[0] else "") for one in new]
    await store.address(addressed)
    await store.address([Addressed(one.id, {"C2": "news:a:2"}) for one in new])  # another replica, too late
    assert await store.unaddressed(10) == ()
    assert await store.room("news:a:", "C1", 0.0) == ("news:a:1", 2, 100.0)
    assert await store.room("news:a:", "C1", 500.0) == ("", 0, 0.0)
    [bundle] = await store.stale(10)
    assert (bundle.channel, [one.user for one in bundle.items]) == ("C1", ["U0ANA", ""])
    await store.shown(bundle)
    assert await store.stale(10) == ()
    async with database.begin() as connection:
        await store.change(connection, item(2, "other"))
    assert len(await store.stale(10)) == 1
    assert await store.forget(101.0) == 1
    assert [len(one.items) for one in await store.stale(10)] == [1]


async def test_who_hears_is_decided_again_when_more_was_known_meanwhile(database: Database) -> None:
    store = NewsStore(database)
    async with database.begin() as connection:
        await store.put(connection, item(1), 100.0)
    [before] = await store.unaddressed(10)
    async with database.begin() as connection:
        await store.readdress(connection, ["n1", "unknown"])
    await store.address([Addressed(before.id, {}, version=before.version)])
    [after] = await store.unaddressed(10)
    await store.address([Addressed(after.id, {"C1": "b1"}, "U1", after.version)])
    assert await store.unaddressed(10) == ()
    assert await store.places(["n1"]) == (("b1", "C1"),)
    async with database.begin() as connection:
        await store.readdress(connection, ["n1"])
    [again] = await store.unaddressed(10)
    await store.address([Addressed(again.id, {"C1": "b1", "U1": "b1"}, "U1", again.version)])
    assert await store.places(["n1"]) == (("b1", "C1"), ("b1", "U1"))


async def test_what_is_woken_is_shown_again_and_what_has_arrived_is_not(database: Database) -> None:
    store = NewsStore(database)
    async with database.begin() as connection:
        for number, app in ((1, "a"), (2, "b"), (3, "a")):
            await store.put(connection, replace(item(number, app), environment=""), 100.0 * number)
    await store.address(
        [Addressed(one.id, {"C1": one.news.key}, "", one.version) for one in await store.unaddressed(9)]
    )
    for bundle in await store.stale(9):
        await store.shown(bundle)
    await store.end("n3")
    async with database.begin() as connection:
        await store.wake(connection, Event.DEGRADED, ["a", "b", "c"])
    assert [bundle.id for bundle in await store.stale(9)] == ["n1", "n2"]
    assert (await store.oldest(Event.DEGRADED, "a"), await store.oldest(Event.DEGRADED, "d")) == (100.0, None)


ENDS = (Progress.HEALTHY, Progress.SUPERSEDED, Progress.NEVER_RAN)


def committed(sha: str, hours: float, app: str = "my-app", environment: str = "production") -> Fact:
    detail = Committed(sha, Author("Ben", "b@example.com"), "x", Cause.GIT, "k.yaml")
    return Fact(f"git:{sha}:{environment}:{app}", START + timedelta(hours=hours), app, environment, detail)


def judged(commit: Fact, progress: Progress) -> Fact:
    sha = commit.detail.sha  # type: ignore[union-attr]
    key = f"judged:{sha}:{progress}:{commit.environment}:{commit.app}"
    return Fact(key, commit.at + timedelta(hours=1), commit.app, commit.environment, Judged(sha, progress))


async def test_what_waits_is_read_and_nothing_else(database: Database) -> None:
    store = DeliveryStore(database)
    ended = [committed(str(number) * 40, number, app=f"a{number}") for number in range(len(ENDS))]
    verdicts = [judged(commit, progress) for commit, progress in zip(ended, ENDS, strict=True)]
    waiting = [committed("a" * 40, 1, "ä:odd"), committed("b" * 64, 2, "failed"), committed("c" * 40, 3, "replaced")]
    newer = committed("d" * 40, 4, "replaced")
    failure, replaced = judged(waiting[1], Progress.FAILED), judged(waiting[2], Progress.SUPERSEDED)
    elsewhere = [committed("e" * 40, 3, environment="development"), committed("f" * 40, -9, "old")]
    # The same commit ended in another app, and in another environment.
    here, there = committed("9" * 40, 5, "one"), committed("9" * 40, 5, "two")
    async with database.begin() as connection:
        every = (*ended, *verdicts, *waiting, newer, failure, replaced, *elsewhere, here, there)
        await store.add(connection, (*every, judged(there, Progress.HEALTHY)))
    found = await store.unjudged(["production", "staging"], START, ENDS)
    assert set(found) == {*waiting, newer, failure, replaced, here}
    assert await store.unjudged(["staging"], START, ENDS) == ()


async def test_what_waits_for_one_place_leaves_room_for_every_other(database: Database) -> None:
    """Somebody whom Slack no longer names has many messages that cannot be shown."""
    store = NewsStore(database)
    async with database.begin() as connection:
        for number in range(9):
            await store.put(connection, item(number), 100.0 + number)
    new = await store.unaddressed(9)
    await store.address(
        [Addressed(one.id, {"U1": f"a{one.id}"} | ({"U2": "z"} if one is new[-1] else {})) for one in new]
    )
    assert [one.channel for one in await store.stale(2)] == ["U1", "U2"]
