"""The running bot: the core over the real clients, the database and the durable engine, with doors to the outside."""

from contextlib import AsyncExitStack
from functools import partial

from bot.app.clients import Clients, open_clients
from bot.app.core import Core, Process, Timing
from bot.app.parts import Pilothouse
from bot.app.stores import Stores, journal_url
from bot.policy import Policy
from bot.router import bolt_app
from bot.runtime.clock import SystemClock
from bot.runtime.redaction import Redactor
from bot.settings import Settings
from bot.store.database import Database
from bot.store.group_handles import GroupHandleStore
from bot.store.login import Login
from bot.webhooks import Needs, Webhooks, open_webhooks
from bot.workflow.durable import DurableEngine

WATCH_PACE = 5
"""Watching after a promotion is this much slower than following it."""


async def assemble(settings: Settings, policy: Policy, stack: AsyncExitStack) -> Pilothouse:
    """Make every part, and ask nobody yet; `stack` takes apart what must be."""
    file, clock = settings.database_url_file, SystemClock()
    login = Login(settings.database_url, file) if file else None
    database = Database(settings.database_url, login)
    stack.push_async_callback(database.close)
    clients = await open_clients(settings, policy, stack, GroupHandleStore(database, clock))
    made = Core(
        policy,
        clients.outside,
        Stores.of(database, clock),
        clock,
        partial(DurableEngine, journal_url(settings.database_url), settings.replica, clock=clock, login=login),
        Timing(follow=settings.follow_interval_seconds, watch=settings.follow_interval_seconds * WATCH_PACE),
        Process(
            settings.replica,
            Redactor(settings.secrets),
            asked_by_pipelines=bool(settings.webhooks.credential("pipeline_token")),
        ),
    )
    return _with_doors(settings, clients, made)


def _with_doors(settings: Settings, clients: Clients, made: Core[DurableEngine]) -> Pilothouse:
    slack = settings.slack
    bolt = bolt_app(
        made.router, clients.slack.client, slack.credential("bot_token"), slack.credential("signing_secret")
    )
    return Pilothouse(
        settings=settings,
        core=made,
        bolt=bolt,
        name_channels=partial(made.channels.learn, made.policy, clients.messenger.channel_id),
        hears_runs=clients.hears_runs,
        webhooks=_webhooks(settings, made),
    )


def _webhooks(settings: Settings, made: Core[DurableEngine]) -> Webhooks:
    outside, wake_ups, images = made.outside, made.wake_ups, made.image_observer

    async def scanned(digest: str, repository: str) -> None:
        await wake_ups.image(digest, repository)
        await images.scanned(digest, repository)

    needs = Needs(
        made.policy,
        made.catalog,
        made.own_runs,
        made.bulletins,
        made.stores.webhooks,
        outside.directory,
        made.pipeline_holds,
        wake=scanned,
        quiet=wake_ups.place,
        pushed=made.branch_observer.pushed,
        stored=images.stored,
        committed=images.committed,
        heard=made.run_observer.heard,
    )
    return open_webhooks(settings, needs, clock=made.seconds)
