"""Many apps promoted at once in one repository, and somebody else who pushes to it all the time."""

import asyncio
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path

from pydantic import SecretStr

from bot.app.core import Core
from bot.app.stores import Stores
from bot.domain.application import ApplicationRef
from bot.domain.caller import Person
from bot.domain.errors import PilothouseError
from bot.domain.image import Image
from bot.domain.overlay import Change, Commit, OverlayImage
from bot.domain.promotion import ApprovalRule, Kind, Move, Phase, Plan, Promotion, Stage
from bot.policy import Policy
from bot.promotions.committer import Committer, Moved
from bot.runtime.clock import SystemClock
from bot.settings import GitSettings
from bot.store.database import Database
from integrations.git import GitRemote
from integrations.sandbox.git import GitServer, Signature
from integrations.sandbox.serving import serve
from tests.fakes.engine import MemoryEngine
from tests.fakes.outside import memory_outside
from tests.fakes.registry import MemoryRegistry

TOKEN = "git-token"
SOMEONE = Signature("Someone Else", "someone@example.com")
ANA = Person("U0ANA", "ana", "ana@example.com")


class CountingRemote(GitRemote):
    """Counts the tries to commit, by promotion."""

    def __init__(self, settings: GitSettings, directory: Path) -> None:
        super().__init__(settings, directory)
        self.tries: Counter[str] = Counter()

    async def commit(self, change: Change, expected_head: str) -> Commit:
        self.tries[change.message.partition("Promotion-Id: ")[2].partition("\n")[0]] += 1
        return await super().commit(change, expected_head)


def committer(remote: GitRemote, registry: MemoryRegistry) -> Committer:
    """Of the core that ships, over a real remote."""
    outside = replace(memory_outside(), overlays=remote, registry=registry)
    clock = SystemClock()
    stores = Stores.of(Database("sqlite://"), clock)
    return Core(Policy(), outside, stores, clock, MemoryEngine().telling).committer


@dataclass(frozen=True)
class Outcome:
    """Seconds and tries by promotion; `said` is why one did not land. `foreign`: shas that somebody else pushed."""

    seconds: dict[str, float]
    tries: dict[str, int]
    said: dict[str, str]
    foreign: list[str]
    took: float


@dataclass(frozen=True)
class Repository:
    git: GitServer
    url: str
    apps: tuple[str, ...]
    directory: Path

    @property
    def authenticated_url(self) -> str:
        return self.url.replace("http://", f"http://git:{TOKEN}@")


@asynccontextmanager
async def repository(directory: Path, apps: int) -> AsyncIterator[Repository]:
    git = GitServer(directory / "served", TOKEN)
    names = tuple(f"app-{number:03}" for number in range(apps))
    await git.create({path(app): kustomization(app, "v1") for app in names}, "First commit", SOMEONE)
    async with serve(git.app) as url:
        yield Repository(git, f"{url}/deploy.git", names, directory)


def path(app: str) -> str:
    return f"apps/{app}/overlays/production/kustomization.yaml"


def kustomization(app: str, tag: str) -> bytes:
    return f"images:\n- name: harbor.example.com/apps/{app}\n  newTag: {tag} # ours\n".encode()


async def by_the_bot(place: Repository, every: float) -> Outcome:
    """Every app at once, through the committer of one process; `every` so many seconds somebody else pushes."""
    settings = GitSettings(url=place.url, token=SecretStr(TOKEN))
    remote, registry = CountingRemote(settings, place.directory / "cache"), MemoryRegistry()
    ours = committer(remote, registry)
    seen = await remote.head()
    promotions = [asked_for(app, registry, seen) for app in place.apps]
    said: dict[str, str] = {}

    async def promote(promotion: Promotion) -> None:
        try:
            made = await ours.commit(promotion)
        except PilothouseError as error:
            said[promotion.plan.apps[0]] = str(error)
        else:
            if isinstance(made, Moved):
                said[promotion.plan.apps[0]] = made.sentence

    jobs = {promotion.plan.apps[0]: job_of(promote, promotion) for promotion in promotions}
    outcome = await timed(place, every, jobs)
    await remote.aclose()
    return Outcome(outcome.seconds, dict(remote.tries), said, outcome.foreign, outcome.took)


async def lost(place: Repository, outcome: Outcome) -> list[str]:
    """What either side lost, or did twice; empty when all is well."""
    log = await place.git.log(100_000)
    shas = {entry["sha"] for entry in log}
    promoted = Counter(entry["message"].partition("Promotion-Id: ")[2].partition("\n")[0] for entry in log)
    wrong = [f"the foreign commit {sha} is lost" for sha in outcome.foreign if sha not in shas]
    if await place.git.read("counter") != f"{len(outcome.foreign)}\n".encode():
        wrong.append("the foreign file is not as it was last written")
    for app in place.apps:
        landed = app not in outcome.said
        if await place.git.read(path(app)) != kustomization(app, "v2" if landed else "v1"):
            wrong.append(f"{app} does not show what was said of it")
        if promoted[promotion_id(app)] != landed:
            wrong.append(f"{app} was promoted {promoted[promotion_id(app)]} times")
    return wrong


def job_of(work: Callable[..., object], argument: object) -> Callable[[], object]:
    return lambda: work(argument)


async def timed(place: Repository, every: float, jobs: dict[str, Callable[[], object]]) -> Outcome:
    seconds: dict[str, float] = {}
    foreign: list[str] = []
    began = time.perf_counter()

    async def one(app: str, job: Callable[[], object]) -> None:
        await job()  # type: ignore[misc]
        seconds[app] = time.perf_counter() - began

    enough = asyncio.Event()
    pushing = asyncio.create_task(_push_until(enough, place.git, every, foreign))
    try:
        await asyncio.gather(*(one(app, job) for app, job in jobs.items()))
        took = time.perf_counter() - began
    finally:
        enough.set()
        await pushing
    return Outcome(seconds, {}, {}, foreign, took)


async def _push_until(enough: asyncio.Event, git: GitServer, every: float, made: list[str]) -> None:
    """At least twice, however quick the others are."""
    while len(made) < 2 or not enough.is_set():
        number = f"{len(made) + 1}\n".encode()
        made.append(await git.commit({"counter": number}, "By somebody else", SOMEONE.name, SOMEONE.email))
        with suppress(TimeoutError):
            async with asyncio.timeout(every):
                await enough.wait()


def promotion_id(app: str) -> str:
    return f"p-{app}"


def asked_for(app: str, registry: MemoryRegistry, seen: str) -> Promotion:
    name = f"harbor.example.com/apps/{app}"
    image: Image = registry.push(name, "v2").image
    before = OverlayImage(name, name, "v1")
    move = Move(app, path(app), before, image, ApplicationRef(f"{app}-production", "production"))
    plan = Plan(
        promotion_id(app), Kind.PROMOTION, "production", "staging", (move,), ANA, "C0DEPLOY", datetime.now(UTC), (),
        ApprovalRule(), seen,
    )  # fmt: skip
    return Promotion(plan, Phase.RUNNING, Stage.COMMIT)
