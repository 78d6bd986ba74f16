"""The composition root: everything is made here, handed to what needs it, started, and stopped in order."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Any

import structlog
import uvicorn
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.adapter.starlette.async_handler import AsyncSlackRequestHandler
from slack_bolt.async_app import AsyncApp
from sqlalchemy.exc import SQLAlchemyError
from starlette.types import ASGIApp

import commands
from bot.catalog import Catalog
from bot.gates.loading import load_gates
from bot.gates.panel import Panel
from bot.gates.whereabouts import Whereabouts
from bot.metrics import OUTBOX, REGISTRY
from bot.notify.announcer import Announcer
from bot.notify.bulletins import Bulletins
from bot.notify.cards import Cards
from bot.notify.channels import ChannelIds
from bot.notify.housekeeping import Housekeeping
from bot.notify.ledger import Ledger
from bot.notify.nudges import Nudges
from bot.notify.outbox import Outbox
from bot.notify.queue_news import DirectQueueNews
from bot.notify.run_cards import RunCards
from bot.outside import Outside, open_outside
from bot.policy import Policy, load
from bot.ports import (
    Alerts,
    Applications,
    CustomGates,
    Directory,
    Freezes,
    Locks,
    Messenger,
    Modals,
    OverlaySource,
    PipelineRetries,
    Pipelines,
    PromotionRecord,
    Rejections,
    RequestLog,
    Signatures,
    SyncWindows,
)
from bot.ports import Registry as ImageRegistry
from bot.redaction import Redactor
from bot.registry import Registry
from bot.router import Router, bolt_app
from bot.safety.desks import Desks, Stores
from bot.settings import Settings
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.delegations import DelegationStore
from bot.store.followed_runs import FollowedRunStore
from bot.store.locks import LockStore
from bot.store.messages import Messages
from bot.store.promotions import PromotionStore
from bot.store.queue import QueueStore
from bot.store.replicas import ReplicaStore
from bot.store.requests import RequestStore
from bot.store.reviews import ReviewStore
from bot.store.schema import migrate
from bot.store.subscriptions import SubscriptionStore
from bot.store.webhooks import WebhookStore
from bot.views import pull_request_body
from bot.web import web
from bot.webhooks import Needs, Webhooks, open_webhooks
from bot.workflow.aftermath import Aftermath
from bot.workflow.board import Board
from bot.workflow.changes import Changes
from bot.workflow.committer import Committer
from bot.workflow.delegates import Delegates
from bot.workflow.desk import PromotionDesk
from bot.workflow.durable import DurableEngine
from bot.workflow.eligibility import Eligibility
from bot.workflow.follower import Follower
from bot.workflow.plan import Planner
from bot.workflow.promotions import Promotions
from bot.workflow.pull_requests import PullRequestSteps
from bot.workflow.queue import PromotionQueue
from bot.workflow.record import Record
from bot.workflow.replicas import Replicas
from bot.workflow.running import RollbackTargets
from bot.workflow.runs import RunFollowing, Runs
from bot.workflow.scans import Scans
from bot.workflow.steps import Steps
from bot.workflow.story import Story
from bot.workflow.subscribers import Subscribers
from bot.workflow.turns import Turns
from bot.workflow.watcher import Watcher

log = structlog.get_logger(__name__)

WATCH_PACE = 5
"""Watching after a promotion is this much slower than following it."""
SWEEP_SECONDS = 30
"""Time between two looks for stories that wait to be begun, where nobody says that there is one."""


async def _not_yet() -> bool:
    return False


async def _always() -> bool:
    return True


@dataclass
class Pilothouse:
    """The parts that are started and stopped."""

    settings: Settings
    router: Router
    bolt: AsyncApp
    engine: DurableEngine
    desk: PromotionDesk
    outbox: Outbox
    begin: asyncio.Event
    """set when a story has been written down and waits to be begun, or when one has ended"""
    queue: PromotionQueue
    name_channels: Callable[[], Awaitable[None]]
    run_cards: RunCards
    replicas: Replicas | None
    """None on SQLite, which one replica has for itself"""
    webhooks: Webhooks
    housekeeping: Housekeeping
    connected: Callable[[], Awaitable[bool]] = _not_yet


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then stop: no new work, running handlers end, stories wait for the next start.

    Raises PolicyError, OSError (the port is taken), and what the database says when it cannot be opened.
    """
    policy = load(settings.policy_file)
    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        async with AsyncExitStack() as stack:
            pilothouse = await assemble(settings, policy, stack)
            if await pilothouse.desk.audit.note_policy(settings.policy_file.read_text()):
                log.info("policy has changed since it was last noted", file=str(settings.policy_file))
            await stack.enter_async_context(_serving(pilothouse))
            await pilothouse.name_channels()
            await pilothouse.engine.launch()
            stack.push_async_callback(pilothouse.engine.close)
            begun = await pilothouse.desk.resume()
            delivering = asyncio.create_task(pilothouse.outbox.deliver_forever())
            stack.push_async_callback(_cancelled, delivering)
            working = asyncio.create_task(pilothouse.webhooks.worker.work_forever())
            stack.push_async_callback(_cancelled, working)
            beginning = asyncio.create_task(_begin_stories(pilothouse))
            stack.push_async_callback(_cancelled, beginning)
            following = asyncio.create_task(pilothouse.run_cards.keep_forever())
            stack.push_async_callback(_cancelled, following)
            tidying = asyncio.create_task(pilothouse.housekeeping.run_forever())
            stack.push_async_callback(_cancelled, tidying)
            if pilothouse.replicas:
                watching = asyncio.create_task(pilothouse.replicas.watch())
                stack.push_async_callback(_cancelled, watching)
            await stack.enter_async_context(_listening(pilothouse))
            log.info("ready", mode=settings.slack.mode, port=settings.port, resumed=begun)
            await stop.wait()
            log.info("stopping")
            await pilothouse.router.drain(settings.shutdown_seconds)
    log.info("stopped")


async def assemble(settings: Settings, policy: Policy, stack: AsyncExitStack) -> Pilothouse:
    """Make every part; `stack` takes apart what must be."""
    database = Database(settings.database_url)
    stack.push_async_callback(database.close)
    await migrate(database)
    outside = await open_outside(settings, policy, stack)
    store, audit, messages = PromotionStore(database), Audit(database), Messages(database)
    catalog = Catalog(outside.overlays, policy)
    words, whereabouts = Stores.of(database), Whereabouts(catalog, outside.overlays, outside.harbor)
    panel = Panel(load_gates(asked_by_gates(outside, policy, catalog, words, whereabouts, store)), policy)
    eligibility = Eligibility(policy, Delegates(DelegationStore(database), policy, outside.directory))
    outbox = Outbox(messages, outside.messenger)
    desks = Desks.open(
        words,
        Ledger(database, audit, outbox, policy),
        policy,
        catalog,
        registry=outside.harbor,
        whereabouts=whereabouts,
        directory=outside.directory,
    )
    targets = RollbackTargets(outside.overlays, catalog, store)
    planner = Planner(catalog, outside.harbor, policy, panel, targets, Changes(outside.sources))
    subscriptions, channels = SubscriptionStore(database), ChannelIds()
    committer = Committer(outside.overlays, outside.overlays, outside.harbor)
    begin = asyncio.Event()
    steps = Steps(
        record=Record(database, store, audit, Announcer(outbox, policy, subscriptions, channels)),
        cards=Cards(messages, outside.messenger, policy),
        nudges=Nudges(outside.messenger, policy),
        directory=outside.directory,
        policy=policy,
        panel=panel,
        eligibility=eligibility,
        committer=committer,
        follower=Follower(outside.argocd, outside.overlays, settings.follow_interval_seconds),
        watcher=Watcher(outside.argocd, outside.alerts, settings.follow_interval_seconds * WATCH_PACE),
        aftermath=Aftermath(planner, store, LockStore(database), ReviewStore(database), policy, begin),
        pull_requests=PullRequestSteps(outside.overlays, committer, outside.pull_requests, pull_request_body),
    )
    engine = DurableEngine(journal_url(settings), settings.replica, Story(steps, policy))
    desk = PromotionDesk(database, store, audit, engine, planner, targets, panel, policy, eligibility)
    news = DirectQueueNews(outbox)
    queue = PromotionQueue(database, QueueStore(database), store, audit, desk, outside.directory, news)
    runs = Runs(outside.tekton, policy, Redactor(settings.secrets))
    bulletins = Bulletins(messages, outside.messenger)
    run_cards = RunCards(outside.tekton, FollowedRunStore(database), bulletins, runs.failure)
    offered: dict[Any, Any] = {
        **services(outside, policy, catalog, desk, RequestStore(database)),
        Turns: Turns(desk, queue),
        Subscribers: subscriptions,
        Runs: runs,
        RunFollowing: run_cards,
        PromotionStore: store,
        **desks.services,
    }
    router = Router(Registry.load(commands), offered)
    slack = settings.slack
    bolt = bolt_app(router, outside.slack.client, slack.credential("bot_token"), slack.credential("signing_secret"))
    replicas = None if database.sqlite else Replicas(ReplicaStore(database), engine, settings.replica)
    needs = Needs(policy, catalog, outside.tekton, bulletins, WebhookStore(database))
    webhooks = open_webhooks(settings, needs)

    async def name_channels() -> None:
        await channels.learn(policy, outside.messenger.channel_id)

    return Pilothouse(
        settings,
        router,
        bolt,
        engine,
        desk,
        outbox,
        begin,
        queue,
        name_channels,
        run_cards,
        replicas,
        webhooks,
        desks.housekeeping,
    )


def asked_by_gates(
    outside: Outside,
    policy: Policy,
    catalog: Catalog,
    words: Stores,
    whereabouts: Whereabouts,
    store: PromotionStore,
) -> Mapping[Any, Any]:
    """What gates may ask, by the type that they name."""
    return {
        Policy: policy,
        Catalog: catalog,
        Whereabouts: whereabouts,
        Directory: outside.directory,
        ImageRegistry: outside.harbor,
        Applications: outside.argocd,
        SyncWindows: outside.argocd,
        OverlaySource: outside.overlays,
        Pipelines: outside.tekton,
        Signatures: outside.signatures,
        Alerts: outside.alerts,
        CustomGates: outside.custom_gates,
        Locks: words.locks,
        Freezes: words.freezes,
        Rejections: words.rejections,
        PromotionRecord: store,
    }


def services(
    outside: Outside, policy: Policy, catalog: Catalog, desk: PromotionDesk, requests: RequestStore
) -> Mapping[Any, Any]:
    """What commands may ask for, by the type that they name."""
    return {
        Policy: policy,
        Catalog: catalog,
        Promotions: desk,
        RequestLog: requests,
        Directory: outside.directory,
        Messenger: outside.messenger,
        Modals: outside.modals,
        Applications: outside.argocd,
        OverlaySource: outside.overlays,
        ImageRegistry: outside.harbor,
        Pipelines: outside.tekton,
        PipelineRetries: outside.tekton,
        Board: Board(catalog, policy, outside.argocd, outside.overlays, desk),
        Scans: Scans(catalog, outside.harbor, policy),
    }


def journal_url(settings: Settings) -> str:
    """The durable journal: beside the tables in Postgres, in a file of its own beside SQLite's."""
    url = settings.database_url
    return f"{url}.journal" if url.startswith("sqlite") else url


class Server(uvicorn.Server):
    """Leaves the process's signals to `run`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def _serving(pilothouse: Pilothouse) -> AsyncIterator[None]:
    settings = pilothouse.settings
    server = Server(uvicorn.Config(_web(pilothouse), settings.host, settings.port, log_config=None, lifespan="off"))
    serving = asyncio.create_task(server.serve())
    while not server.started:
        if serving.done():
            raise OSError(
                f"port {settings.port} of {settings.host} cannot be opened: set PILOTHOUSE_PORT to a free one"
            )
        await asyncio.sleep(0.01)
    try:
        yield
    finally:
        server.should_exit = True
        await serving


def _web(pilothouse: Pilothouse) -> ASGIApp:
    http = pilothouse.settings.slack.mode == "http"
    slack = AsyncSlackRequestHandler(pilothouse.bolt).handle if http else None

    async def ready() -> Mapping[str, bool]:
        return {"slack": await pilothouse.connected(), "taking work": not pilothouse.router.closed}

    async def refresh() -> None:
        counts = await pilothouse.outbox.counts()
        OUTBOX.labels("pending").set(counts.pending)
        OUTBOX.labels("dead").set(counts.dead)
        OUTBOX.labels("stale cards").set(counts.stale_cards)

    return web(pilothouse.engine, ready, REGISTRY, refresh, slack, pilothouse.webhooks.routes)


@asynccontextmanager
async def _listening(pilothouse: Pilothouse) -> AsyncIterator[None]:
    """Be reachable by Slack: by our own connection (Socket Mode), or by its requests."""
    if pilothouse.settings.slack.mode == "http":
        pilothouse.connected = _always
        yield
        return
    token = pilothouse.settings.slack.credential("app_token")()
    handler = AsyncSocketModeHandler(pilothouse.bolt, token)
    await handler.connect_async()  # type: ignore[no-untyped-call]
    pilothouse.connected = handler.client.is_connected
    try:
        yield
    finally:
        pilothouse.connected = _not_yet
        await handler.close_async()  # type: ignore[no-untyped-call]


async def _begin_stories(pilothouse: Pilothouse) -> None:
    """Begin what one story left for another to do. A database that is away is asked again."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):
                await pilothouse.begin.wait()
        pilothouse.begin.clear()
        try:
            await pilothouse.desk.resume()
            await pilothouse.queue.start_next()
        except SQLAlchemyError as error:
            log.warning("stories could not be begun", error=type(error).__name__)


async def _cancelled(task: asyncio.Task[Any]) -> None:
    task.cancel()
    with contextlib.suppress(asyncio.CancelledError):
        await task


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
