"""What is heard of Applications is not asked for again, while it may be believed; and only then."""

import asyncio
import contextlib
import math
from collections import Counter
from collections.abc import AsyncIterator
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.deliveries.application_record import ApplicationRecord, RecordedApplications, asked_live
from bot.domain.application import Application, ApplicationRef, HealthStatus, LastKnown, SyncStatus, Unheard
from bot.domain.errors import NotFound
from bot.domain.promotion import Phase, Progress
from bot.runtime.one_round import one_round
from tests.fakes.applications import MemoryApplications
from tests.fakes.world import CoreWorld, core_world
from tests.waiting import until

REF = ApplicationRef("my-app-production", "production")
START = datetime(2026, 1, 5, 9, tzinfo=UTC)
APP = Application(
    replace(REF, environment="staging"), SyncStatus.SYNCED, HealthStatus.HEALTHY, "aaa", reconciled_at=START
)


@dataclass
class Stream:
    """`quiet`: seconds of silence."""

    whole: bool = True
    quiet: float = 1.0

    async def changes(self, environment: str) -> AsyncIterator[Application]:
        return
        yield

    def silence(self, environment: str) -> float:
        return self.quiet

    def current(self, environment: str) -> bool:
        return self.whole


class Asked(MemoryApplications):
    """Another state than the one on record, and how often it was asked for."""

    asked: int = 0

    async def get(self, ref: ApplicationRef) -> Application:
        self.asked += 1
        return await super().get(ref)


@dataclass
class Argo:
    stream: Stream = field(default_factory=Stream)
    live: Asked = field(default_factory=Asked)

    def __post_init__(self) -> None:
        self.live.put(replace(APP, ref=REF, revision="live"))
        self.record = ApplicationRecord("", ("staging", "production"), self.stream, lambda: START, following=True)
        self.record.heard(APP)
        self.applications = RecordedApplications(self.live, [self.record])

    async def revision(self) -> str:
        return (await self.applications.get(REF)).revision


async def test_what_was_heard_is_answered_under_the_name_that_it_was_asked_by() -> None:
    argo = Argo()
    found = await argo.applications.get(REF)
    assert (found.ref, found.revision, argo.live.asked) == (REF, "aaa", 0)
    assert argo.record.unheard is None


@pytest.mark.parametrize(
    ("stream", "following", "unheard"),
    [
        (Stream(whole=False), True, Unheard("", START - timedelta(seconds=1))),
        (Stream(quiet=31), True, Unheard("", START - timedelta(seconds=31))),
        (Stream(whole=False, quiet=math.inf), True, Unheard()),
        (Stream(), False, None),
    ],
    ids=["broken", "silent", "never read", "another replica's"],
)
async def test_a_record_that_may_be_old_is_not_believed(
    stream: Stream, following: bool, unheard: Unheard | None
) -> None:
    argo = Argo(stream)
    argo.record.following = following
    assert await argo.revision() == "live"
    assert argo.applications.unheard("production") == unheard


@pytest.mark.parametrize(
    ("stream", "following", "known"),
    [
        (Stream(whole=False), True, True),
        (Stream(quiet=300), True, True),
        (Stream(), True, False),  # it is believed: there is no need
        (Stream(whole=False), False, False),
        (Stream(whole=False, quiet=math.inf), True, False),
    ],
    ids=["broken", "silent", "current", "another replica's", "never read"],
)
async def test_what_was_last_known_is_known_with_its_age(stream: Stream, following: bool, known: bool) -> None:
    argo = Argo(stream)
    argo.record.following = following
    heard = START - timedelta(seconds=stream.quiet) if known else START
    expected = LastKnown(SyncStatus.SYNCED, HealthStatus.HEALTHY, heard) if known else None
    assert argo.applications.last_known(REF) == expected
    assert argo.applications.last_known(replace(REF, name="never-heard-of")) is None
    assert argo.applications.last_known(replace(REF, environment="elsewhere")) is None


async def test_right_before_an_effect_argo_cd_itself_is_asked() -> None:
    argo = Argo()
    with asked_live():
        assert await argo.revision() == "live"
        assert argo.applications.record("production") is None
    assert await argo.revision() == "aaa"


async def test_of_what_was_not_heard_of_argo_cd_says_whether_it_is_absent_or_hidden() -> None:
    """A5."""
    argo = Argo()
    argo.record.heard(replace(APP, deleted=True))
    assert await argo.revision() == "live"
    argo.live.remove(REF.name)
    with pytest.raises(NotFound):
        await argo.revision()


async def test_after_a_refresh_nothing_older_is_believed() -> None:
    """The answer may come before the stream tells the same (A8)."""
    argo = Argo()
    argo.live.put(replace(APP, ref=REF, revision="bbb"))
    refreshed = await argo.applications.refresh(REF)
    assert refreshed.reconciled_at
    argo.record.answered(replace(refreshed, reconciled_at=START + timedelta(seconds=5)))
    assert await argo.revision() == "bbb"
    argo.record.heard(replace(APP, revision="old", reconciled_at=START + timedelta(seconds=1)))
    assert await argo.revision() == "bbb"
    argo.record.heard(replace(APP, revision="ccc", reconciled_at=START + timedelta(seconds=5)))
    assert await argo.revision() == "ccc"


async def test_what_a_refresh_found_is_gone_with_the_application() -> None:
    argo = Argo()
    argo.record.answered(replace(APP, ref=REF, reconciled_at=START + timedelta(seconds=5)))
    argo.record.heard(replace(APP, deleted=True))
    argo.live.remove(REF.name)
    with pytest.raises(NotFound):
        await argo.revision()


async def test_a_name_that_two_namespaces_have_says_nothing() -> None:
    """A11: where Argo CD does not tell which namespace is its own, another team's Application has the same name."""
    argo = Argo()
    argo.record.heard(replace(APP, revision="theirs", url="https://argocd.example.com/applications/theirs/a"))
    assert await argo.revision() == "live"
    argo.record.heard(APP)
    assert await argo.revision() == "live"


async def test_an_answer_that_is_older_than_what_was_heard_changes_nothing() -> None:
    argo = Argo()
    argo.record.answered(replace(APP, ref=REF, revision="old", reconciled_at=START - timedelta(seconds=1)))
    assert await argo.revision() == "aaa"


async def test_one_round_of_gates_asks_for_an_application_once() -> None:
    argo = Argo(Stream(whole=False))
    with one_round():
        await asyncio.gather(*(argo.revision() for _ in range(4)))
    assert argo.live.asked == 1
    await argo.revision()
    assert argo.live.asked == 2


@contextlib.asynccontextmanager
async def listening(world: CoreWorld) -> AsyncIterator[None]:
    """The observer of the Argo CD that there is, at work."""
    (observer,) = world.core.application_observers
    task = asyncio.create_task(observer.observe_forever())
    await until(lambda: world.core.application_records[0].current)
    try:
        yield
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


def counted(world: CoreWorld) -> Counter[str]:
    """How often Argo CD was asked for what, from now on."""
    asked: Counter[str] = Counter()
    for name in ("get", "overview", "refresh", "sync", "unhealthy"):
        answer = getattr(world.applications, name)

        async def count(*args: object, name: str = name, answer: object = answer) -> object:
            asked[name] += 1
            return await answer(*args)  # type: ignore[operator]

        setattr(world.applications, name, count)
    return asked


async def promoted(world: CoreWorld) -> Counter[str]:
    """What one promotion to production asks of Argo CD, which takes a hundred looks to bring it out."""
    asked, looks = counted(world), 0
    promotion = await world.deploy("ana")
    world.applications.obeys = False
    approving = asyncio.create_task(world.approve("bo", promotion))
    await until(lambda: len(world.promotion_commits()) == 1)
    follow = world.core.steps.follower

    async def slept(seconds: float) -> None:
        nonlocal looks
        looks += 1
        if looks == 100:
            head = await world.overlays.head()
            world.applications.deploy(REF.name, head, ("harbor.example.com/apps/my-app:v1.4.2",))
        await asyncio.sleep(0)

    object.__setattr__(follow, "sleep", slept)
    await approving
    await until(lambda: looks >= 100)
    await world.engine.settle()
    done = await world.now(promotion)
    assert (done.phase, done.following[0].progress) == (Phase.SUCCEEDED, Progress.HEALTHY)
    return asked


async def test_a_promotion_asks_argo_cd_to_look_and_otherwise_only_right_before_its_commit(tmp_path: Path) -> None:
    """Two: the Application that is changed, and the one that the image comes from, once for all gates."""
    async with core_world(tmp_path) as world, listening(world):
        with_record = await promoted(world)
    assert (with_record["get"], with_record["overview"], with_record["sync"]) == (2, 0, 0)
    assert with_record["refresh"] >= 1


async def test_without_a_record_each_look_is_a_request(tmp_path: Path) -> None:
    async with core_world(tmp_path) as world:
        assert (await promoted(world))["get"] >= 100
