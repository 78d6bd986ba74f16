"""One life of the bot's core, in a process that is killed.

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
from datetime import timedelta
from functools import partial
from pathlib import Path
from typing import Any

import msgspec
import structlog
from pydantic import SecretStr

from bot.app.core import Core, Process, Timing
from bot.app.outside import Outside
from bot.app.stores import Stores, journal_url
from bot.domain.errors import Conflict, DatabaseAway
from bot.domain.identity import promotion_id
from bot.domain.intent import Approve, Context, Deploy, Promote, Rollback
from bot.domain.promotion import Promotion, Stage, VoteKind
from bot.policy import parse
from bot.promotions.signals import Signal
from bot.runtime.clock import SYSTEM_CLOCK
from bot.settings import GitHubSettings, GitSettings
from bot.store.database import Database
from bot.store.schema import migrate
from bot.workflow.durable import DurableEngine
from bot.workflow.journal import Journal, Json, pack
from bot.workflow.story import Story
from integrations.git import GitRemote
from integrations.github import GitHub
from tests.fakes.directory import FakeDirectory
from tests.fakes.outside import memory_outside
from tests.fakes.registry import MemoryRegistry
from tests.restart.cases import HARBOR, TEAM, Case, policy
from tests.restart.holds import HeldJournal, HeldMessenger, HeldPulls, Holds, hold_pushes
from tests.restart.outside import GitFollowingApplications, LastingMessenger, World

PATIENCE = 400.0
"""seconds after which a life that neither ends nor can be killed gives up, and says what it waits for"""
FOLLOW_SECONDS = 0.3
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
    approver: str = "U0BO"
    """who presses"""
    asks: bool = True
    replica: str = "pilothouse-0"
    beat: float = 0.0
    """seconds between the beats of one of several replicas; 0 = there is only this one"""
    silence: float = 0.0
    ends: bool = True
    """whether it ends by itself when everything is decided"""


@dataclass(frozen=True)
class Child:
    """What ships, over a world that outlives the process and can make it stand still."""

    core: Core[DurableEngine]
    world: World
    holds: Holds


async def assemble(life: Life, stack: AsyncExitStack) -> Child:
    directory = Path(life.directory)
    database = Database(life.database_url)
    stack.push_async_callback(database.close)
    await migrate(database)
    world = World(directory / "world.db")
    holds = Holds({promotion_of(case): case.hold for case in life.cases if case.hold} if life.hold else {})
    ran = partial(_note_step, world)

    def engine(story: Story) -> DurableEngine:
        async def held(journal: Journal, plan: Json) -> Json:
            return await story(HeldJournal(journal, plan["id"], holds, ran), plan)

        return DurableEngine(journal_url(life.database_url), life.replica, held)

    made = Core(
        parse(policy(life.cases)),
        await _outside(life, world, holds, stack),
        Stores.of(database, SYSTEM_CLOCK),
        SYSTEM_CLOCK,
        engine,
        _pace(life),
        Process(life.replica),
    )
    hold_pushes(made.committer, holds)
    return Child(made, world, holds)


async def _outside(life: Life, world: World, holds: Holds, stack: AsyncExitStack) -> Outside:
    git = await stack.enter_async_context(GitRemote(GitSettings(url=life.git_url), Path(life.directory) / "cache"))
    settings = GitHubSettings(api_url=life.github_url, repository="pilothouse/deploy", token=SecretStr("token"))
    github = await stack.enter_async_context(GitHub(settings, between_writes=0, stale_seconds=0))
    registry = images(life.cases)
    return replace(
        memory_outside(),
        messenger=HeldMessenger(LastingMessenger(world), holds),
        applications=GitFollowingApplications(git),
        registry=registry,
        contents=registry,
        pulls=registry,
        overlays=git,
        pull_requests=HeldPulls(github, holds),
    )


def _pace(life: Life) -> Timing:
    """What was confirmed stays so, however long a busy machine takes between two lives: both tell the same."""
    usual = Timing(follow=FOLLOW_SECONDS, watch=FOLLOW_SECONDS, confirmed_for=timedelta(days=1))
    if not life.beat:
        return usual
    return replace(usual, beat=timedelta(seconds=life.beat), silence=timedelta(seconds=life.silence))


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
        child = await assemble(life, stack)
        await child.core.engine.launch()
        stack.push_async_callback(child.core.engine.close)
        await child.core.service.resume()
        tasks = [asyncio.create_task(loop(), name=name) for name, loop in child.core.loops()]
        tasks.append(asyncio.create_task(_press(child, life)))
        try:
            async with asyncio.timeout(PATIENCE):
                await ask(child, life)
                print("ready", flush=True)
                await _decided(child, life, tasks)
        except TimeoutError:
            await _tell_what_is_missing(child, life)
            raise
        finally:
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)


async def _tell_what_is_missing(child: Child, life: Life) -> None:
    for case in life.cases:
        promotion = await child.core.stores.promotions.get(promotion_of(case))
        if promotion is None or promotion.id in child.holds.missing or not (life.hold or promotion.phase.final):
            where = f"{promotion.stage} {promotion.phase}: {promotion.outcome}" if promotion else "not asked for"
            print("missing:", case.story, case.hold, where, file=sys.stderr)


async def _decided(child: Child, life: Life, tasks: list[asyncio.Task[Any]]) -> None:
    """Until every promotion is over (those that stand still aside), and everything has been said."""
    while True:
        for task in tasks:
            if task.done():
                task.result()
        try:
            under_way = {p.id for p in await child.core.stores.promotions.all_live()}
        except DatabaseAway:
            await asyncio.sleep(LOOK_SECONDS)
            continue
        standing = {promotion_of(case) for case in life.cases if case.hold} if life.hold else set()
        if life.hold and child.holds.arrived.is_set() and not under_way - standing:
            os.kill(os.getpid(), signal.SIGKILL)
        if life.ends and not life.hold and not under_way:
            break
        await asyncio.sleep(LOOK_SECONDS)
    while True:
        counts = await child.core.outbox.counts()
        if not (counts.pending or counts.stale_cards):
            return
        await asyncio.sleep(LOOK_SECONDS)


async def ask(child: Child, life: Life) -> None:
    """Every request is made in every life: only the first one counts, as when Slack repeats itself."""
    if not life.asks:
        return
    narrow = asyncio.Semaphore(8)

    async def one(case: Case) -> None:
        async with narrow:
            await _request(child, case)

    await asyncio.gather(*(one(case) for case in life.cases))


async def _request(child: Child, case: Case) -> Promotion:
    context = Context(f"ask:{case.app}", "C0GENERAL", "corr-1", TEAM)
    match case.story:
        case "rollback":
            ana = await FakeDirectory.seeded().caller("U0ANA", TEAM)
            return await child.core.service.start(
                Rollback(context=context, app=case.app, environment="production"), ana
            )
        case "train":
            ana = await FakeDirectory.seeded().caller("U0ANA", TEAM)
            return await child.core.service.start(
                Promote(context=context, apps=case.apps, environment="production"), ana
            )
        case "break-glass":
            dee = await FakeDirectory.seeded().caller("U0DEE", TEAM)
            ask = Deploy(
                context=context, app=case.app, environment="production", break_glass=True, reason="site is down"
            )
            known = await child.core.stores.promotions.get(promotion_of(case))
            plan = known.plan if known else await child.core.service.planner.plan(ask, dee.person, tuple)
            return await child.core.service.start(replace(ask, shown=plan.glass_hash), dee)
        case _:
            ana = await FakeDirectory.seeded().caller("U0ANA", TEAM)
            return await child.core.service.start(Deploy(context=context, app=case.app, environment="production"), ana)


async def _press(child: Child, life: Life) -> None:
    """The approver agrees to whatever asks them, once in all lives; the press is delivered twice."""
    noted = f"pressed by {life.approver}"
    pressed = set(child.world.notes(noted))
    turns = asyncio.Semaphore(PRESSES)
    async with asyncio.TaskGroup() as presses:
        while life.presses:
            for promotion in await _live(child):
                if promotion.stage is Stage.APPROVAL and promotion.id not in pressed:
                    pressed.add(promotion.id)
                    presses.create_task(_approve(child, life.approver, promotion, turns))
            await asyncio.sleep(LOOK_SECONDS)


async def _live(child: Child) -> tuple[Promotion, ...]:
    """None while the database is away: whoever presses looks again."""
    with contextlib.suppress(DatabaseAway):
        return await child.core.stores.promotions.all_live()
    return ()


async def _approve(child: Child, user: str, promotion: Promotion, turns: asyncio.Semaphore) -> None:
    approver = await FakeDirectory.seeded().caller(user, TEAM)
    context = Context(f"press:{user}:{promotion.id}", "C0DEPLOY", "corr-2", TEAM)
    ask = Approve(context=context, promotion=promotion.id, content_hash=promotion.content_hash)
    async with turns:
        # An earlier life had pressed, and was killed before it could note it; or the database is away, and the twin
        # below is what is heard.
        with contextlib.suppress(Conflict, DatabaseAway):
            await child.core.service.approve(ask, approver)
    twin = Signal(VoteKind.APPROVE, approver.id, approver.team, ask.content_hash, context.request_id)
    await child.core.engine.signal(promotion.id, f"{promotion.id}:{context.request_id}", pack(twin))
    child.world.note(f"pressed by {user}", promotion.id)


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
