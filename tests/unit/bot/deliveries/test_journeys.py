"""The journey of a commit: one message from the push to production, who sees it, and what it says when it fails."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any
from unittest.mock import AsyncMock

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deliveries.journeys import journeys
from bot.domain.build import ImageScanned, Pushed, RunEnded, RunStarted
from bot.domain.delivery import Cause, Committed, Fact, ImageChange, Judged, News, Outcome
from bot.domain.errors import Unavailable
from bot.domain.event import Event
from bot.domain.image import Image
from bot.domain.journey import Journey, Leg, journey_key
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Phase, Progress, Promotion, Stage
from bot.domain.scan import ScanStatus, Severity
from bot.domain.source_range import CommitsFound, SourceRange, commits_key
from bot.notify.cards import Cards
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.permalinks import Permalinks
from bot.policy import parse
from bot.store.delivery_news import NewsStore
from bot.store.messages import Messages
from bot.store.mutes import MuteStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from tests.fakes.messenger import FakeMessage
from tests.fakes.queues import delivered
from tests.sentences import says
from tests.unit.bot.deliveries.delivery_harness import ANA, DeliveryHarness
from tests.views.samples import move, plan, promotion

SHA, DIGEST = "c0ffee" + "0" * 34, "sha256:" + "d" * 64
REPOSITORY = "harbor.example.com/apps/my-app"
ARRIVED = "#18be52"
ENVIRONMENTS = ("development", "staging", "production")
POLICY = """
bindings: [{role: viewer, groups: [engineers, release-managers]}]
channels:
  default: C0DEPLOY
  routes:
    - {channel: C0TEAM, apps: [told-app], events: [journey]}
    - {channel: C0EVERY, events: ["*"]}
"""
SCAN = ImageScanned(DIGEST, ScanStatus.SUCCESS, ((Severity.MEDIUM, 1),))


class Way:
    """The facts of one commit on its way."""

    def __init__(self, harness: DeliveryHarness, app: str = "my-app", sha: str = SHA, author: Author = ANA) -> None:
        self.harness, self.app, self.sha, self.author = harness, app, sha, author
        self.began = datetime.fromtimestamp(harness.now, UTC)

    def fact(self, key: str, detail: Any, environment: str = "") -> Fact:
        at = datetime.fromtimestamp(self.harness.now, UTC)
        return Fact(f"{key}:{environment}:{self.app}", at, self.app, environment, detail)

    def pushed(self, **more: Any) -> Fact:
        push = Pushed("https://github.com/example/my-app.git", self.sha, self.author, "Make it faster", **more)
        return self.fact(f"push:{self.sha}", push)

    def started(self, run: str = "r1") -> Fact:
        return self.fact(f"run:{self.sha}:{run}:began", RunStarted(run, self.sha))

    def ended(self, status: RunStatus = RunStatus.SUCCEEDED, run: str = "r1", reason: str = "", held: str = "") -> Fact:
        built = (REPOSITORY, "v1.5.0", DIGEST) if status is RunStatus.SUCCEEDED else ("", "", "")
        detail = RunEnded(run, status, self.sha, "", "", *built, reason, held, self.began)
        return self.fact(f"run:{self.sha}:{run}:{status}", detail)

    def scanned(self) -> Fact:
        return self.fact("scan", SCAN)

    def written(self, environment: str, promoted: str = "", commit: str = "") -> Fact:
        change = ImageChange(None, OverlayImage("x", REPOSITORY, digest=DIGEST))
        cause = Cause.PROMOTION if promoted else Cause.PIPELINE
        sha = commit or f"{environment:0<40}"
        detail = Committed(sha, Author("ci", ""), "Build", cause, "k.yaml", (change,), promotion=promoted)
        return self.fact(f"git:{sha}", detail, environment)

    def judged(self, environment: str, progress: Progress, why: str = "") -> Fact:
        sha = f"{environment:0<40}"
        return self.fact(f"judged:{sha}:{progress}", Judged(sha, progress, why), environment)

    async def goes(self, *facts: Fact) -> None:
        """Each is told by itself, a second after the one before."""
        for fact in facts:
            self.harness.now += 1
            await self.harness.takes(replace(fact, at=datetime.fromtimestamp(self.harness.now, UTC)))

    async def promotes(self, environment: str, commits: int = -1, **changes: Any) -> Promotion:
        going = replace(move(environment=environment), after=Image(REPOSITORY, DIGEST, "v1.5.0"), revision=self.sha)
        going = replace(going, commits=commits)
        at = datetime.fromtimestamp(self.harness.now, UTC)
        asked = plan(id=f"p-{environment}", environment=environment, moves=(going,), requested_at=at)
        one = promotion(plan=asked, **changes)
        store, news_recorder = PromotionStore(self.harness.database), self.harness.news_recorder
        async with self.harness.database.begin() as connection:
            if await store.get_in(connection, one.id) is None:
                await store.create(connection, one)
            await store.save(connection, one)
            await news_recorder.promoted(connection, [self.app])
        await self.harness.tell()
        return one


@pytest.fixture
def way(harness: DeliveryHarness) -> Way:
    harness.policy = parse(POLICY)
    harness.restart()
    return Way(harness)


def roots(harness: DeliveryHarness, channel: str = "D0ANA") -> list[FakeMessage]:
    return [message for message in harness.heard(channel) if not message.thread]


def replies(harness: DeliveryHarness, channel: str = "D0ANA") -> list[FakeMessage]:
    return [message for message in harness.heard(channel) if message.thread]


def text(message: FakeMessage) -> str:
    return str(message.shown.blocks).replace("\\xa0", " ")


# One message.


async def test_one_message_follows_a_commit_from_its_push_to_production(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(count=4, subjects=("Make it faster", "Fix a typo", "Add a test")), way.started())
    [root] = roots(harness)
    assert says(text(root), "⏳ building", "– not scanned", "– development", "– staging", "– production")
    for words in ("my-app", SHA[:7], "4 commits: Make it faster, Fix a typo, Add a test and 1 more"):
        assert words in text(root)
    harness.now = way.began.timestamp() + 129
    await way.goes(way.ended(), way.scanned())
    assert "✅ built 2 min 10 s · ✅ scanned 1 medium · – development" in text(root)
    await way.goes(way.written("development"))
    assert "⏳ development" in text(root)
    await way.goes(way.judged("development", Progress.HEALTHY))
    assert "✅ development · – staging" in text(root)
    await way.promotes("staging")
    assert "⏳ staging (approval)" in text(root)
    await way.goes(way.written("staging", "p-staging"), way.judged("staging", Progress.HEALTHY))
    await way.promotes("staging", phase=Phase.SUCCEEDED, stage=Stage.DONE)
    await way.goes(way.written("production"), way.judged("production", Progress.HEALTHY))
    assert "✅ development · ✅ staging · ✅ production" in text(root)
    assert (len(roots(harness)), replies(harness), root.shown.color) == (1, [], ARRIVED)


async def test_each_environment_says_how_many_commits_it_gets(harness: DeliveryHarness, way: Way) -> None:
    """Not those of the push: what lies between this image and the one that was there before."""
    await way.goes(way.pushed(count=4), way.started(), way.ended(), way.written("development"))
    [root] = roots(harness)
    assert "⏳ development ·" in text(root)
    written = way.written("development")
    side = SourceRange(("side",), "https://github.com/example/side.git", "a", "b", 3)
    found = CommitsFound(written.key, (side, SourceRange(("x",), "https://github.com/example/my-app.git", "a", "b", 7)))
    await way.goes(way.fact(commits_key(written.key), found, "development"))
    assert "⏳ development (7 commits) · – staging" in text(root)
    await way.goes(way.judged("development", Progress.HEALTHY))
    assert "✅ development (7 commits) · – staging" in text(root)
    await way.promotes("staging", commits=12)
    assert "⏳ staging (approval, 12 commits)" in text(root)
    await way.goes(way.written("staging", "p-staging"), way.judged("staging", Progress.HEALTHY))
    await way.promotes("staging", commits=12, phase=Phase.SUCCEEDED, stage=Stage.DONE)
    assert "✅ development (7 commits) · ✅ staging (12 commits) · – production" in text(root)


async def test_it_goes_on_in_the_next_process_and_says_nothing_twice(harness: DeliveryHarness, way: Way) -> None:
    first = [way.pushed(), way.started(), way.ended(RunStatus.FAILED, reason="run-tests failed: exit code 1")]
    await way.goes(*first)
    harness.restart()
    await way.goes(*first)
    harness.restart()
    await way.goes(way.started("r2"), way.ended(run="r2"), way.written("development"))
    [root] = roots(harness)
    assert "✅ built" in text(root)
    assert "⏳ development" in text(root)
    assert len(replies(harness)) == 1


async def test_two_replicas_tell_it_once(harness: DeliveryHarness, way: Way) -> None:
    other = DeliveryHarness(harness.database, harness.now, harness.messenger, harness.directory, policy=harness.policy)
    facts = [way.pushed(), way.started(), way.ended(RunStatus.FAILED, reason="no")]
    await asyncio.gather(harness.recorder.record(facts[:2]), other.recorder.record(facts))
    await asyncio.gather(harness.tell(), other.tell())
    assert (len(roots(harness)), len(replies(harness))) == (1, 1)
    assert "❌ build failed" in text(roots(harness)[0])


async def test_the_commits_are_shown_as_soon_as_they_are_known(harness: DeliveryHarness, way: Way) -> None:
    """By an edit of their own, also where nobody hears of the change itself."""
    before, source = OverlayImage("x", REPOSITORY, "v1.4.9"), "https://github.com/example/my-app.git"
    at = datetime(2026, 1, 5, tzinfo=UTC)
    commits = [Commit(f"{n}" * 40, ANA, f"Change {n}", at) for n in range(4)]
    harness.sources.commits[source] = commits
    harness.registry.push(REPOSITORY, "v1.4.9", revision=commits[0].sha, source=source)
    image = harness.registry.push(REPOSITORY, "v1.5.0", revision=commits[3].sha, source=source).image
    built, written = way.ended(), way.written("development")
    assert isinstance(built.detail, RunEnded)
    assert isinstance(written.detail, Committed)
    change = ImageChange(before, OverlayImage("x", REPOSITORY, digest=image.digest))
    await way.goes(
        way.pushed(), way.started(), replace(built, detail=replace(built.detail, digest=image.digest)),
        replace(written, detail=replace(written.detail, images=(change,))),
    )  # fmt: skip
    [root] = roots(harness)
    assert "⏳ development ·" in text(root)
    await harness.looks_up_commits()
    assert "⏳ development (3 commits) ·" in text(root)


async def test_what_is_recorded_while_the_record_is_read_is_shown(
    harness: DeliveryHarness, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What was read before must not be taken for all that there is."""
    await way.goes(way.pushed(), way.started())
    service = harness.service._journeys
    news = News(journey_key("my-app", SHA), Event.JOURNEY, "my-app", "", way.began, sha=SHA)
    read, go_on, of_kinds = asyncio.Event(), asyncio.Event(), service._record.of_kinds

    async def slowly(*asked: Any) -> Any:
        found = await of_kinds(*asked)
        read.set()
        await go_on.wait()
        return found

    monkeypatch.setattr(service._record, "of_kinds", slowly)
    service.look_again()
    reading = asyncio.create_task(service.of(news))
    await read.wait()
    await harness.recorder.record([way.ended(RunStatus.FAILED, reason="no")])
    service.look_again()
    go_on.set()
    before, now = await reading, await service.of(news)
    assert before is not None
    assert now is not None
    assert (len(before.failures), len(now.failures)) == (0, 1)


async def test_of_many_messages_of_one_app_the_record_is_read_once(
    harness: DeliveryHarness, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    ways = [way, *(Way(harness, sha=f"{number:040x}") for number in range(9))]
    await harness.recorder.record([fact for one in ways for fact in (one.pushed(), one.started())])
    service, reads = harness.service._journeys, 0
    of_kinds = service._record.of_kinds

    async def counted(*asked: Any) -> Any:
        nonlocal reads
        reads += 1
        return await of_kinds(*asked)

    monkeypatch.setattr(service._record, "of_kinds", counted)
    service.look_again()
    news = [News(journey_key("my-app", one.sha), Event.JOURNEY, "my-app", "", way.began, sha=one.sha) for one in ways]
    found = await asyncio.gather(*map(service.of, news))
    assert [journey.build.revision for journey in found if journey] == [one.sha for one in ways]
    assert reads == 1


async def test_what_is_recorded_between_two_looks_of_a_round_is_shown(
    harness: DeliveryHarness, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Who is to hear of it is asked first, and reads the record; then the message is drawn."""
    await harness.recorder.record([way.pushed(), way.started()])
    address = harness.service._store.address

    async def addressed(some: Any) -> None:
        await address(some)
        monkeypatch.undo()
        await harness.recorder.record([way.ended(RunStatus.FAILED, reason="no")])

    monkeypatch.setattr(harness.service._store, "address", addressed)
    await harness.tell()
    [root] = roots(harness)
    assert "❌ build failed" in text(root)


async def test_two_commits_are_two_messages(harness: DeliveryHarness, way: Way) -> None:
    other = Way(harness, sha="f" * 40)
    await way.goes(way.pushed(), way.started(), other.pushed(), other.started())
    assert len(roots(harness)) == 2


async def test_a_push_that_github_tells_after_the_run_began_finds_its_author(
    harness: DeliveryHarness, way: Way
) -> None:
    await way.goes(way.started())
    assert harness.messenger.messages == []
    await way.goes(way.pushed(), way.pushed())
    assert len(roots(harness)) == 1


async def test_what_began_long_ago_when_it_is_noticed_is_not_told(harness: DeliveryHarness, way: Way) -> None:
    facts = [way.pushed(), way.started(), way.ended()]
    harness.now += 2 * 3600
    await harness.takes(*facts)
    assert harness.messenger.messages == []


# Where it begins.


async def test_a_push_whose_pipeline_never_starts_is_seen(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed())
    [root] = roots(harness)
    assert says(text(root), "Make it faster", "– no pipeline run yet", "– not scanned", "– development")
    await way.goes(way.started())
    assert "⏳ building" in text(root)
    assert len(roots(harness)) == 1


async def test_of_several_apps_that_a_repository_builds_only_those_that_run_begin(
    harness: DeliveryHarness, way: Way
) -> None:
    """Which of them a commit changes is not in the push."""
    other = Way(harness, app="other-app")
    await harness.takes(way.pushed(), other.pushed())
    assert harness.messenger.messages == []
    await way.goes(way.started())
    [root] = roots(harness)
    assert says(text(root), "my-app", "Make it faster", "⏳ building")


async def test_a_push_that_is_told_hours_later_begins_nothing(harness: DeliveryHarness, way: Way) -> None:
    pushed = way.pushed()
    harness.now += 2 * 3600
    await harness.takes(pushed)
    assert harness.messenger.messages == []


# How long it is told.


@pytest.mark.parametrize("days", [8, 29])
async def test_weeks_later_it_is_still_told(harness: DeliveryHarness, way: Way, days: int) -> None:
    await way.goes(way.pushed(), way.started(), way.ended())
    harness.now += days * 86_400
    await harness.service.tidy()
    await way.goes(way.written("development"), way.judged("development", Progress.HEALTHY))
    [root] = roots(harness)
    assert "✅ built" in text(root)
    assert "✅ development" in text(root)


async def test_after_a_month_it_says_that_it_is_told_no_further(harness: DeliveryHarness, way: Way) -> None:
    """What has arrived says nothing of the kind."""
    await way.goes(way.pushed(), way.started(), way.ended(), way.written("production"))
    await way.goes(way.judged("production", Progress.HEALTHY))
    other = Way(harness, app="other-app")
    await other.goes(other.pushed(), other.started())
    harness.now += 31 * 86_400
    await harness.service.tidy()
    await harness.tell()
    done, given_up = roots(harness)
    assert says(text(given_up), "Not updated after", "did not reach production", "30 days")
    assert "Not updated" not in text(done)
    versions = len(given_up.versions)
    await other.goes(other.ended())
    assert len(given_up.versions) == versions


async def test_what_is_told_no_further_is_forgotten_only_when_it_has_said_so(
    harness: DeliveryHarness, way: Way
) -> None:
    """However long the bot was away."""
    await way.goes(way.pushed(), way.started())
    harness.now += 60 * 86_400
    await harness.service.tidy()
    await harness.tell()
    [root] = roots(harness)
    assert "Not updated after" in text(root)
    await harness.service.tidy()
    assert await NewsStore(harness.database).noted(Event.JOURNEY, 0.0) == ()


# Two last environments.

REGIONS = f"{POLICY}environments: [{{name: development}}, {{name: production-eu}}, {{name: production-us}}]\n"


async def test_it_ends_when_every_production_region_has_it(harness: DeliveryHarness) -> None:
    harness.policy = parse(REGIONS)
    harness.restart()
    way = Way(harness)
    await way.goes(way.pushed(), way.started(), way.ended())
    [root] = roots(harness)
    assert "– development · – production-eu · – production-us" in text(root)
    await way.goes(way.written("production-us"), way.judged("production-us", Progress.HEALTHY))
    assert "– production-eu · ✅ production-us" in text(root)
    assert root.shown.color != ARRIVED
    await way.goes(way.written("production-eu"), way.judged("production-eu", Progress.HEALTHY))
    assert "✅ production-eu · ✅ production-us" in text(root)
    assert root.shown.color == ARRIVED


async def test_an_app_ends_where_it_has_overlays(harness: DeliveryHarness) -> None:
    harness.policy = parse(REGIONS)
    harness.overlays_in["my-app"] = ("development", "production-eu")
    harness.restart()
    way = Way(harness)
    await way.goes(way.pushed(), way.started(), way.ended(), way.written("production-eu"))
    await way.goes(way.judged("production-eu", Progress.HEALTHY))
    [root] = roots(harness)
    assert "production-us" not in text(root)
    assert root.shown.color == ARRIVED


# A later commit that contains it.


class Next(Way):
    """A commit after the first, with an image of its own."""

    digest = "sha256:" + "e" * 64

    def __init__(self, harness: DeliveryHarness, **more: Any) -> None:
        super().__init__(harness, sha="b1b2b3b" + "0" * 33)
        self.more = more

    def pushed(self, **more: Any) -> Fact:
        return super().pushed(**more, **self.more)

    def ended(self, *_: Any, **__: Any) -> Fact:
        built = super().ended(run="r9")
        assert isinstance(built.detail, RunEnded)
        return replace(built, detail=replace(built.detail, tag="v1.6.0", digest=self.digest))

    def written(self, environment: str, promoted: str = "", commit: str = "") -> Fact:
        fact = super().written(environment, promoted, commit or f"{environment:e<40}")
        assert isinstance(fact.detail, Committed)
        change = ImageChange(None, OverlayImage("x", REPOSITORY, digest=self.digest))
        return replace(fact, detail=replace(fact.detail, images=(change,)))

    def judged(self, environment: str, progress: Progress, why: str = "") -> Fact:
        return self.fact(f"judged-next:{progress}", Judged(f"{environment:e<40}", progress, why), environment)


async def test_a_commit_that_a_later_one_contains_says_so_and_ends_with_it(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended(), way.written("development"))
    await way.goes(way.judged("development", Progress.HEALTHY))
    later = Next(harness)
    await later.goes(later.pushed(), later.started(), later.ended(), later.written("development"))
    first, second = roots(harness)
    assert "Superseded" not in text(first)
    await later.goes(later.judged("development", Progress.HEALTHY), later.written("staging"))
    assert "✅ development · ⏳ staging (in b1b2b3b) · – production" in text(first)
    assert says(text(first), "Superseded by b1b2b3b, which contains it.")
    await later.goes(later.judged("staging", Progress.HEALTHY), later.written("production"))
    await later.goes(later.judged("production", Progress.HEALTHY))
    assert "✅ staging (in b1b2b3b) · ✅ production (in b1b2b3b)" in text(first)
    assert [root.shown.color for root in (first, second)] == [ARRIVED, ARRIVED]
    assert "Superseded" not in text(second)


async def test_what_failed_is_made_up_for_by_a_later_commit(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended(), way.written("development"))
    await way.goes(way.judged("development", Progress.FAILED, "it crashes"))
    [first] = roots(harness)
    failed = first.shown.color
    later = Next(harness)
    await later.goes(later.pushed(), later.started(), later.ended(), later.written("development"))
    await later.goes(later.judged("development", Progress.HEALTHY))
    assert "✅ development (in b1b2b3b)" in text(first)
    assert first.shown.color not in (failed, ARRIVED)
    assert len(replies(harness)) == 1


async def test_a_forced_push_contains_nothing_from_before(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended())
    later = Next(harness, forced=True)
    await later.goes(later.pushed(), later.started(), later.ended(), later.written("development"))
    first = roots(harness)[0]
    assert "– development" in text(first)
    assert "Superseded" not in text(first)


async def test_without_pushes_nobody_knows_what_contains_what(harness: DeliveryHarness) -> None:
    harness.policy = parse(POLICY.replace("told-app", "my-app"))
    harness.restart()
    way, later = Way(harness), Next(harness)
    await way.goes(way.started(), way.ended())
    await later.goes(later.started(), later.ended(), later.written("development"))
    assert "Superseded" not in text(roots(harness, "C0TEAM")[0])


# When it fails.


async def test_a_failed_build_replies_with_the_reason_and_mentions_the_author(
    harness: DeliveryHarness, way: Way
) -> None:
    await way.goes(way.pushed(), way.started(), way.ended(RunStatus.FAILED, reason="run-tests failed: exit code 1"))
    [root], [reply] = roots(harness), replies(harness)
    assert "❌ build failed" in text(root)
    assert (reply.thread, "<@U0ANA>" in text(reply)) == (root.posted.ts, True)
    assert "run-tests failed: exit code 1" in text(reply)


async def test_a_deployment_that_fails_and_a_promotion_that_ends_reply_each(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended(), way.written("development"))
    await way.goes(way.judged("development", Progress.FAILED, "Deployment my-app: it crashes"))
    await way.promotes("staging", phase=Phase.FAILED, stage=Stage.GATES, outcome="The image is unsigned.")
    [root] = roots(harness)
    assert "❌ development · 🚫 staging" in text(root)
    said = " ".join(text(reply) for reply in replies(harness))
    assert len(replies(harness)) == 2
    assert "it crashes" in said
    assert "The image is unsigned." in said


async def test_a_run_that_a_person_cancelled_is_no_failure(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended(RunStatus.CANCELLED))
    assert "⏹️ build cancelled" in text(roots(harness)[0])
    assert replies(harness) == []


async def test_a_build_that_is_held_says_why(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended(held="locked by Bo: load test"))
    assert says(text(roots(harness)[0]), "development", "held", "Bo", "load test")


# Who sees it.


@pytest.mark.parametrize("email", ["nobody@example.com", "", "gus@example.com", "dee@example.com"])
async def test_strangers_guests_and_those_who_may_not_view_the_app_hear_nothing(
    harness: DeliveryHarness, email: str
) -> None:
    """gus is a guest, and dee holds no role here."""
    harness.policy = parse(POLICY)
    harness.restart()
    way = Way(harness, author=Author("X", email))
    await way.goes(way.pushed(), way.started(), way.ended(RunStatus.FAILED, reason="secret words"))
    assert harness.messenger.messages == []


async def test_an_author_is_found_by_the_addresses_that_policy_names(harness: DeliveryHarness) -> None:
    harness.policy = parse(POLICY + "people: {ana@example.com: [ana@private.example.org]}")
    harness.restart()
    way = Way(harness, author=Author("Ana", "ana@private.example.org"))
    await way.goes(way.pushed())
    assert len(roots(harness)) == 1


async def test_an_author_whom_slack_does_not_know_is_named_in_a_channel_alone(harness: DeliveryHarness) -> None:
    harness.policy = parse(POLICY.replace("told-app", "my-app"))
    harness.restart()
    way = Way(harness, author=Author("Zoe Elsewhere", "zoe@elsewhere.example.org"))
    await way.goes(way.pushed(), way.started(), way.ended(RunStatus.FAILED, reason="it broke"))
    [root], [reply] = roots(harness, "C0TEAM"), replies(harness, "C0TEAM")
    assert "Zoe Elsewhere" in text(root)
    assert says(text(reply), "Zoe Elsewhere", "it broke")
    assert "<@" not in text(reply)
    assert {message.posted.channel for message in harness.messenger.messages} == {"C0TEAM"}


async def test_a_person_from_elsewhere_hears_nothing(harness: DeliveryHarness, way: Way) -> None:
    harness.directory.people["U0ANA"] = replace(harness.directory.people["U0ANA"], foreign=True)
    await way.goes(way.pushed(), way.started())
    assert harness.messenger.messages == []


async def test_only_environments_that_the_author_may_view_are_shown(harness: DeliveryHarness) -> None:
    harness.policy = parse("bindings: [{role: viewer, users: [U0ANA], environments: [development]}]")
    harness.restart()
    way = Way(harness)
    await way.goes(way.pushed(), way.started(), way.ended(), way.written("staging"))
    await way.goes(way.judged("staging", Progress.FAILED, "secret words"))
    [root] = roots(harness)
    assert "development" in text(root)
    assert "staging" not in text(root)
    assert replies(harness) == []


async def test_who_may_not_view_the_app_any_longer_sees_no_more_of_it(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started())
    [root] = roots(harness)
    harness.directory.groups[("S0ENG", "engineers")] = frozenset()
    await way.goes(way.ended(RunStatus.FAILED, reason="secret words"))
    assert ("building" in text(root), replies(harness)) == (True, [])


async def test_while_nobody_can_say_who_may_it_waits(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started())
    harness.directory.down = Unavailable("Slack", "users.info", "timeout")
    await way.goes(way.ended())
    [root] = roots(harness)
    assert "building" in text(root)
    harness.directory.down = None
    harness.now += 10
    await harness.tell()
    assert "✅ built" in text(root)


async def test_a_channel_hears_of_it_only_where_a_route_names_it(harness: DeliveryHarness) -> None:
    harness.policy = parse(POLICY)
    harness.restart()
    told = Way(harness, app="told-app", author=Author("X", "nobody@example.com"))
    await told.goes(told.started(), told.ended(RunStatus.FAILED, reason="it broke"))
    [root], [reply] = roots(harness, "C0TEAM"), replies(harness, "C0TEAM")
    assert "told-app" in text(root)
    assert "it broke" in text(reply)
    assert [harness.heard(channel) for channel in ("C0DEPLOY", "C0EVERY")] == [[], []]


async def test_words_of_commits_and_runs_stay_words(harness: DeliveryHarness, way: Way) -> None:
    nasty = "<!channel> *bold* <https://evil.example.com|click> `x`"
    author = Author(nasty, ANA.email)
    push = Pushed("https://github.com/example/my-app.git", SHA, author, nasty, "javascript:alert(1)")
    await way.goes(way.fact("push", push), way.started(), way.ended(RunStatus.FAILED, reason=nasty))
    messages = harness.heard("D0ANA")
    assert len(messages) == 2
    for message in messages:
        assert "<!channel>" not in text(message)
        assert "<https://evil" not in text(message)
        assert "javascript" not in text(message)


# Links between the journey and the card.


async def test_the_journey_links_to_the_card_and_the_card_to_the_journey(harness: DeliveryHarness) -> None:
    harness.policy = parse(POLICY.replace("told-app", "my-app"))
    harness.restart()
    way, messages = Way(harness), Messages(harness.database)
    await way.goes(way.pushed(), way.started(), way.ended())
    [root] = roots(harness, "C0TEAM")
    links = Permalinks(messages.threads, harness.messenger)
    journeys = JourneyLinks(NewsStore(harness.database), links)
    copies = Copies(messages.threads, harness.messenger, links, MuteStore(harness.database), harness.policy, journeys)
    cards = Cards(messages, harness.messenger, harness.policy, copies, journeys, ReviewStore(harness.database))
    card = await cards.show(await way.promotes("staging"))
    await delivered(harness.outbox)
    [shown] = [message for message in harness.messenger.messages if message.posted == card]
    assert await harness.messenger.permalink(root.posted) in text(shown)
    await way.promotes("staging", stage=Stage.FOLLOW)
    for channel in ("C0TEAM", "D0ANA"):
        assert await harness.messenger.permalink(card) in text(roots(harness, channel)[0])


async def test_a_direct_message_is_a_link_for_its_reader_alone(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended())
    asked = await way.promotes("staging")
    links = JourneyLinks(NewsStore(harness.database), Permalinks(Messages(harness.database).threads, harness.messenger))
    own = await harness.messenger.permalink(roots(harness)[0].posted)
    assert await links.of(asked) == ""
    assert await links.each(asked, ["U0ANA", "U0BO", ""]) == {"U0ANA": own, "U0BO": "", "": ""}


async def test_however_many_read_each_message_is_asked_for_once(
    harness: DeliveryHarness, way: Way, monkeypatch: pytest.MonkeyPatch
) -> None:
    """One that is not posted yet has no link that could be remembered."""
    await way.goes(way.pushed(), way.started(), way.ended())
    asked = await way.promotes("staging")
    store, threads = NewsStore(harness.database), Messages(harness.database).threads
    monkeypatch.setattr(store, "places", AsyncMock(return_value=(("j1", "C0TEAM"), ("j2", "C0ALL"))))
    looked = AsyncMock(return_value=None)
    monkeypatch.setattr(threads, "thread", looked)
    links = JourneyLinks(store, Permalinks(threads, harness.messenger))
    readers = [f"U0{number}" for number in range(10)]
    assert await links.each(asked, readers) == dict.fromkeys(readers, "")
    assert looked.await_count == 2


@pytest.mark.parametrize("channel", ["D0ANA", "U0ANA"])
@pytest.mark.parametrize(("requester", "linked"), [("U0ANA", True), ("U0BO", False)])
async def test_a_card_in_the_authors_own_conversation_links_to_their_journey(
    harness: DeliveryHarness, way: Way, channel: str, requester: str, linked: bool
) -> None:
    await way.goes(way.pushed(), way.started(), way.ended())
    asked = await way.promotes("staging")
    links = JourneyLinks(NewsStore(harness.database), Permalinks(Messages(harness.database).threads, harness.messenger))
    by = replace(asked.plan.requester, id=requester)
    here = replace(asked, plan=replace(asked.plan, channel=channel, requester=by))
    assert bool(await links.of(here)) == linked


async def test_the_authors_own_copy_of_a_card_links_to_their_journey(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended())
    asked = await way.promotes("staging")
    messages = Messages(harness.database)
    links = Permalinks(messages.threads, harness.messenger)
    journeys, mutes = JourneyLinks(NewsStore(harness.database), links), MuteStore(harness.database)
    copies = Copies(
        messages.threads, harness.messenger, links, mutes, harness.policy, journeys, clock=lambda: harness.now
    )
    await copies.send(asked, [harness.directory.people["U0ANA"], harness.directory.people["U0BO"]])
    await copies.keep(asked)
    await delivered(harness.outbox)
    own = await harness.messenger.permalink(roots(harness)[0].posted)
    assert own in text(roots(harness)[-1])
    [other] = harness.heard("D0BO")
    assert own not in text(other)


@pytest.mark.parametrize(("channel", "linked"), [("D0BO", False), ("U0BO", False), ("C0DEPLOY", True), ("#x", True)])
async def test_a_card_in_somebody_elses_conversation_is_no_link(
    harness: DeliveryHarness, way: Way, channel: str, linked: bool
) -> None:
    await way.goes(way.started())
    [one] = journeys([way.started()], (), ENVIRONMENTS)
    legs = (Leg("staging", promotion="p-staging", channel=channel, requester="U0BO"),)
    found = await harness.service._journeys._cards(Journey(one.build, legs, ("production",)), "U0ANA")
    assert ("p-staging" in found) == linked


# The fold.

STEPS = st.lists(st.integers(0, 11), max_size=14)


def some(numbers: Iterable[int]) -> list[Fact]:
    way = _way()
    kinds = [
        way.pushed(), way.started(), way.ended(), way.ended(RunStatus.FAILED, "r2", "no"),
        way.scanned(), way.started("r2"),
        *(way.written(environment) for environment in ENVIRONMENTS),
        way.judged("development", Progress.HEALTHY), way.judged("staging", Progress.FAILED, "no"),
        way.judged("production", Progress.HEALTHY),
    ]  # fmt: skip
    return [replace(kinds[number], at=kinds[number].at + timedelta(minutes=number)) for number in numbers]


def _way() -> Way:
    class Clock:
        now = 1_800_000_000.0

    return Way(Clock())  # type: ignore[arg-type]


@given(STEPS, st.randoms())
def test_facts_in_any_order_and_with_repeats_are_the_same_journeys(numbers: list[int], random: Any) -> None:
    facts = some(numbers)
    shuffled = [*facts, *facts[:5]]
    random.shuffle(shuffled)
    assert journeys(shuffled, (), ENVIRONMENTS) == journeys(facts, (), ENVIRONMENTS)


def test_a_promotion_that_has_ended_well_has_brought_it_before_the_branch_is_read() -> None:
    way = _way()
    going = replace(move(environment="staging"), after=Image(REPOSITORY, DIGEST, "v1.5.0"))
    ended = promotion(Stage.DONE, Phase.SUCCEEDED, plan=plan(environment="staging", moves=(going,)))
    [one] = journeys([way.started(), way.ended()], [ended], ENVIRONMENTS)
    assert [leg.outcome for leg in one.legs] == [None, Outcome.HEALTHY, None]


def test_an_image_of_another_build_is_another_journey() -> None:
    way = _way()
    other = ImageChange(None, OverlayImage("x", REPOSITORY, digest="sha256:" + "e" * 64))
    elsewhere = Committed("a" * 40, ANA, "Build", Cause.PIPELINE, "k.yaml", (other,))
    [one] = journeys([way.started(), way.ended(), way.fact("git", elsewhere, "development")], (), ENVIRONMENTS)
    assert [leg.outcome for leg in one.legs] == [None, None, None]
    [one] = journeys([way.started(), way.ended(), way.written("development")], (), ENVIRONMENTS)
    assert [leg.outcome for leg in one.legs] == [Outcome.UNDER_WAY, None, None]
