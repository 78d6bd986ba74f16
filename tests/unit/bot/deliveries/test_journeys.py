"""The journey of a commit: one message from the push to production, who sees it, and what it says when it fails."""

import asyncio
from collections.abc import Iterable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.deliveries.journeys import journeys
from bot.deliveries.news_recorder import deployed_key
from bot.domain.build import ImageScanned, Pushed, RunEnded, RunStarted
from bot.domain.delivery import Cause, Committed, Fact, ImageChange, Judged, News, Outcome
from bot.domain.errors import Unavailable
from bot.domain.event import Event
from bot.domain.image import Image
from bot.domain.journey import journey_key
from bot.domain.overlay import Author, Commit, OverlayImage
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Phase, Progress, Promotion, Stage
from bot.domain.scan import ScanStatus, Severity
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
    assert (len(roots(harness)), replies(harness), root.shown.color) == (1, [], "#18be52")


async def test_each_environment_says_how_many_commits_it_gets(harness: DeliveryHarness, way: Way) -> None:
    """Not those of the push: what lies between this image and the one that was there before."""
    await way.goes(way.pushed(count=4), way.started(), way.ended(), way.written("development"))
    [root] = roots(harness)
    assert "⏳ development ·" in text(root)
    async with harness.database.begin() as connection:
        store = NewsStore(harness.database)
        told = await store.find(connection, deployed_key("my-app", "development", f"{'development':0<40}"))
        assert told
        await store.change(connection, replace(told, commits=7))
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
    await harness.commits.look()
    await harness.tell()
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


@pytest.mark.parametrize(("hours", "told"), [(7 * 24 - 1, True), (7 * 24 + 1, False)])
async def test_after_a_week_it_is_not_told_on(harness: DeliveryHarness, way: Way, hours: int, told: bool) -> None:
    await way.goes(way.pushed(), way.started(), way.ended())
    harness.now += hours * 3600
    [root] = roots(harness)
    versions = len(root.versions)
    await way.goes(way.written("development"))
    assert (len(root.versions) > versions) == told


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
    links = Permalinks(messages, harness.messenger)
    copies = Copies(
        messages,
        harness.messenger,
        Permalinks(messages, harness.messenger),
        MuteStore(harness.database),
        harness.policy,
    )
    cards = Cards(
        messages,
        harness.messenger,
        harness.policy,
        copies,
        JourneyLinks(NewsStore(harness.database), links),
        ReviewStore(harness.database),
    )
    card = await cards.show(await way.promotes("staging"))
    await delivered(harness.outbox)
    [shown] = [message for message in harness.messenger.messages if message.posted == card]
    assert await harness.messenger.permalink(root.posted) in text(shown)
    await way.promotes("staging", stage=Stage.FOLLOW)
    for channel in ("C0TEAM", "D0ANA"):
        assert await harness.messenger.permalink(card) in text(roots(harness, channel)[0])


async def test_a_card_does_not_link_to_a_direct_message(harness: DeliveryHarness, way: Way) -> None:
    await way.goes(way.pushed(), way.started(), way.ended())
    asked = await way.promotes("staging")
    links = Permalinks(Messages(harness.database), harness.messenger)
    assert await JourneyLinks(NewsStore(harness.database), links).of(asked) == ""


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
