"""One life of the bot's core, in a process that is killed: `python -m tests.restart.child LIFE.json`.

The engine, the stores, the outbox and git are the real ones; Slack and Argo CD outlive the process in a file. It asks
for what was not asked for yet, presses what was not pressed yet, and ends when everything is decided; or, where
promotions are to stand still, kills itself as soon as every one of them does.
"""

import asyncio
import contextlib
import os
import signal
import sys
from contextlib import AsyncExitStack
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
from pydantic import SecretStr

from bot.background.replicas import Replicas
from bot.domain.errors import Conflict, DatabaseAway, PilothouseError
from bot.domain.intent import Approve, Context, Deploy, Promote, Rollback
from bot.domain.promotion import Promotion, Stage, VoteKind
from bot.evaluation.panel import Panel
from bot.notify.announcer import Announcer
from bot.notify.cards import Cards
from bot.notify.copies import Copies
from bot.notify.outbox import Outbox
from bot.notify.reminders import Reminders
from bot.overlays.catalog import Catalog
from bot.policy import parse
from bot.promotions.approvers import Approvers
from bot.promotions.eligibility import Eligibility
from bot.promotions.follow_up import FollowUps
from bot.promotions.follower import Follower
from bot.promotions.planner import Planner, promotion_id
from bot.promotions.pull_requests import PullRequestSteps
from bot.promotions.record import Record
from bot.promotions.rollback_targets import RollbackTargets
from bot.promotions.signals import Signal
from bot.promotions.tags import Tags
from bot.promotions.watcher import Watcher
from bot.runtime.ending import end_after
from bot.settings import GitHubSettings, GitSettings
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.locks import LockStore
from bot.store.messages import Messages
from bot.store.mutes import MuteStore
from bot.store.promotions import PromotionStore
from bot.store.replicas import ReplicaStore
from bot.store.reviews import ReviewStore
from bot.store.schema import migrate
from bot.workflow.durable import DurableEngine
from bot.workflow.journal import Journal, Json, pack
from bot.workflow.orphans import Orphans
from bot.workflow.service import PromotionService
from bot.workflow.steps import Steps
from bot.workflow.story import Story
from integrations.git import GitRemote
from integrations.github import GitHub
from tests.fakes.directory import FakeDirectory
from tests.fakes.gates import usual_gates
from tests.fakes.registry import MemoryRegistry
from tests.restart.cases import HARBOR, TEAM, Case, policy
from tests.restart.holds import HeldCommitter, HeldJournal, HeldMessenger, HeldPulls, Holds
from tests.restart.outside import GitFollowingApplications, LastingMessenger, World

PATIENCE = 400.0
"""seconds after which a life that neither ends nor can be killed gives up, and says what it waits for"""
FOLLOW_SECONDS = 0.3
A_MOMENT = datetime(2026, 1, 5, 9, tzinfo=UTC)
"""What was confirmed stays so: however long a busy machine takes between two lives, both tell the same."""
LOOK_SECONDS = 0.4
PRESSES = 6
"""at once: each waits, looking, until its story has heard it"""


@dataclass(frozen=True)
class Life:
    """What one process is told. `hold`: whether promotions stand still; `presses`: whether anybody approves."""

    directory: str
    database_url: str
    git_url: str
    github_url: str
    cases: tuple[Case, ...]
    hold: bool = False
    presses: bool = True
    asks: bool = True
    replica: str = "pilothouse-0"
    beat: float = 0.0
    """seconds between the beats of one of several replicas; 0 = there is only this one"""
    silence: float = 0.0
    ends: bool = True
    """whether it ends by itself when everything is decided"""


@dataclass(frozen=True)
class Core:
    service: PromotionService
    engine: DurableEngine
    store: PromotionStore
    outbox: Outbox
    world: World
    holds: Holds
    begin: asyncio.Event
    replicas: Replicas | None


def journal_url(database_url: str) -> str:
    return f"{database_url}.journal" if database_url.startswith("sqlite") else database_url


async def assemble(life: Life, stack: AsyncExitStack) -> Core:
    """As bot/app/assembly.py does, with the world outside replaced."""
    directory = Path(life.directory)
    database = Database(life.database_url)
    stack.push_async_callback(database.close)
    await migrate(database)
    rules = parse(policy(life.cases))
    world = World(directory / "world.db")
    holds = Holds({promotion_of(case): case.hold for case in life.cases if case.hold} if life.hold else {})
    git = await stack.enter_async_context(GitRemote(GitSettings(url=life.git_url), directory / "cache"))
    settings = GitHubSettings(api_url=life.github_url, repository="pilothouse/deploy", token=SecretStr("token"))
    github = await stack.enter_async_context(GitHub(settings, between_writes=0, stale_seconds=0))
    workspace = LastingMessenger(world)
    messenger = HeldMessenger(workspace, holds)
    applications, registry = GitFollowingApplications(git), images(life.cases)
    store, audit, messages = PromotionStore(database), Audit(database), Messages(database)
    catalog = Catalog(git, rules)
    people = FakeDirectory.seeded()
    gates = usual_gates(
        rules, catalog, database, source=git, registry=registry, applications=applications, directory=people
    )
    panel = Panel(gates, rules)
    outbox = Outbox(messages, messenger)
    targets = RollbackTargets(git, catalog, store, Tags(registry))
    planner = Planner(catalog, registry, rules, panel, targets)
    committer = HeldCommitter(git, git, registry, holds)
    eligibility, begin = Eligibility(rules), asyncio.Event()
    copies = Copies(messages, workspace, MuteStore(database), rules)
    steps = Steps(
        record=Record(database, store, audit, Announcer(outbox, rules)),
        cards=Cards(messages, messenger, rules, copies),
        reminders=Reminders(messenger, workspace, messages, copies, rules),
        approvers=Approvers(rules, people, eligibility),
        directory=people,
        policy=rules,
        panel=panel,
        eligibility=eligibility,
        committer=committer,
        follower=Follower(applications, git, FOLLOW_SECONDS),
        watcher=Watcher(applications, None, FOLLOW_SECONDS),
        follow_ups=FollowUps(planner, store, LockStore(database), ReviewStore(database), rules, begin),
        pull_requests=PullRequestSteps(git, committer, HeldPulls(github, holds), lambda promotion: promotion.id),
        clock=lambda: A_MOMENT,
    )
    story = Story(steps, rules)
    ran = partial(_note_step, world)

    async def held(journal: Journal, plan: Json) -> Json:
        return await story(HeldJournal(journal, plan["id"], holds, ran), plan)

    engine = DurableEngine(journal_url(life.database_url), life.replica, held)
    orphans = Orphans(steps, engine)
    service = PromotionService(database, store, audit, engine, planner, targets, panel, rules, eligibility, orphans)
    replicas = (
        Replicas(
            ReplicaStore(database),
            engine,
            life.replica,
            beat=timedelta(seconds=life.beat),
            silence=timedelta(seconds=life.silence),
        )
        if life.beat
        else None
    )
    return Core(service, engine, store, outbox, world, holds, begin, replicas)


def images(wanted: tuple[Case, ...]) -> MemoryRegistry:
    registry = MemoryRegistry()
    for app in (app for case in wanted for app in case.apps):
        for tag in ("v1.4.0", "v1.4.1", "v1.4.2"):
            registry.finish_scan(registry.push(f"{HARBOR}/{app}", tag).image)
    return registry


def promotion_of(case: Case) -> str:
    return promotion_id(f"ask:{case.app}")


async def live(life: Life) -> None:
    async with AsyncExitStack() as stack:
        core = await assemble(life, stack)
        await core.engine.launch()
        stack.push_async_callback(core.engine.close)
        await core.service.resume()
        tasks = [
            asyncio.create_task(core.outbox.deliver_forever()),
            asyncio.create_task(_begin_stories(core)),
            asyncio.create_task(_press(core, life)),
        ]
        if core.replicas:
            tasks.append(asyncio.create_task(core.replicas.watch()))
        try:
            async with asyncio.timeout(PATIENCE):
                await _ask(core, life)
                print("ready", flush=True)
                await _decided(core, life, tasks)
        except TimeoutError:
            await _tell_what_is_missing(core, life)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _tell_what_is_missing(core: Core, life: Life) -> None:
    for case in life.cases:
        promotion = await core.store.get(promotion_of(case))
        if promotion is None or promotion.id in core.holds.missing or not (life.hold or promotion.phase.final):
            where = f"{promotion.stage} {promotion.phase}: {promotion.outcome}" if promotion else "not asked for"
            print("missing:", case.story, case.hold, where, file=sys.stderr)


async def _decided(core: Core, life: Life, tasks: list[asyncio.Task[Any]]) -> None:
    """Until every promotion is over (those that stand still aside), and everything has been said."""
    while True:
        for task in tasks:
            if task.done():
                task.result()
        try:
            under_way = {p.id for p in await core.store.all_live()}
        except DatabaseAway:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        standing = {promotion_of(case) for case in life.cases if case.hold} if life.hold else set()
        if life.hold and core.holds.arrived.is_set() and not under_way - standing:
            os.kill(os.getpid(), signal.SIGKILL)
        if life.ends and not life.hold and not under_way:
            break
        await asyncio.sleep(LOOK_SECONDS)
    while True:
        counts = await core.outbox.counts()
        if not (counts.pending or counts.stale_cards):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def _ask(core: Core, life: Life) -> None:
    """Every request is made in every life: only the first one counts, as when Slack repeats itself."""
    if not life.asks:
        return
    narrow = asyncio.Semaphore(8)

    async def one(case: Case) -> None:
        async with narrow:
            await _request(core, case)

    await asyncio.gather(*(one(case) for case in life.cases))


async def _request(core: Core, case: Case) -> Promotion:
    context = Context(f"ask:{case.app}", "C0GENERAL", "corr-1", TEAM)
    match case.story:
        case "rollback":
            ana = await FakeDirectory.seeded().caller("U0ANA", TEAM)
            return await core.service.rollback(Rollback(context=context, app=case.app, environment="production"), ana)
        case "train":
            ana = await FakeDirectory.seeded().caller("U0ANA", TEAM)
            return await core.service.promote(Promote(context=context, apps=case.apps, environment="production"), ana)
        case "break-glass":
            dee = await FakeDirectory.seeded().caller("U0DEE", TEAM)
            ask = Deploy(
                context=context, app=case.app, environment="production", break_glass=True, reason="site is down"
            )
            known = await core.store.get(promotion_of(case))
            plan = known.plan if known else await core.service.planner.deploy(ask, dee.person)
            return await core.service.deploy(replace(ask, shown=plan.glass_hash), dee)
        case _:
            ana = await FakeDirectory.seeded().caller("U0ANA", TEAM)
            return await core.service.deploy(Deploy(context=context, app=case.app, environment="production"), ana)


async def _press(core: Core, life: Life) -> None:
    """Bo approves whatever asks him, once in all lives; his press is delivered twice."""
    pressed = set(core.world.notes("pressed"))
    turns = asyncio.Semaphore(PRESSES)
    async with asyncio.TaskGroup() as presses:
        while life.presses:
            for promotion in await _live(core):
                if promotion.stage is Stage.APPROVAL and promotion.id not in pressed:
                    pressed.add(promotion.id)
                    presses.create_task(_approve(core, promotion, turns))
            await asyncio.sleep(LOOK_SECONDS)


async def _live(core: Core) -> tuple[Promotion, ...]:
    """None while the database is away: whoever presses looks again."""
    with contextlib.suppress(DatabaseAway):
        return await core.store.all_live()
    return ()


async def _approve(core: Core, promotion: Promotion, turns: asyncio.Semaphore) -> None:
    bo = await FakeDirectory.seeded().caller("U0BO", TEAM)
    context = Context(f"press:{promotion.id}", "C0DEPLOY", "corr-2", TEAM)
    ask = Approve(context=context, promotion=promotion.id, content_hash=promotion.content_hash)
    async with turns:
        # An earlier life had pressed, and was killed before it could note it; or the database is away, and the twin
        # below is what is heard.
        with contextlib.suppress(Conflict, DatabaseAway):
            await core.service.approve(ask, bo)
    twin = Signal(VoteKind.APPROVE, bo.id, bo.team, ask.content_hash, context.request_id)
    await core.engine.signal(promotion.id, f"{promotion.id}:{context.request_id}", pack(twin))
    core.world.note("pressed", promotion.id)


async def _begin_stories(core: Core) -> None:
    while True:
        await core.begin.wait()
        core.begin.clear()
        with contextlib.suppress(PilothouseError):
            await core.service.resume()


def _note_step(world: World, promotion: str, step: str) -> None:
    world.note("step", f"{promotion} {step}")


def main(file: str) -> int:
    life = msgspec.json.decode(Path(file).read_bytes(), type=Life)
    structlog.configure(logger_factory=structlog.PrintLoggerFactory(sys.stderr))
    try:
        asyncio.run(live(life))
    except TimeoutError:
        print("gave up", file=sys.stderr)
        return 3
    return 0


def as_json(life: Life) -> Any:
    return msgspec.json.encode(life)


if __name__ == "__main__":
    # A life that fails while its journal is away would never end: the engine's threads wait for the journal.
    end_after(lambda: sys.exit(main(sys.argv[1])))
