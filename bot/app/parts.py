"""The parts of a running bot that are started, asked and stopped."""

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from slack_bolt.async_app import AsyncApp

from bot.app.supervisor import Supervisor
from bot.background.housekeeping import Housekeeping
from bot.background.overlay_watch import OverlayWatch
from bot.background.replicas import Replicas
from bot.background.roster import RosterUpdates
from bot.deliveries.branch_observer import BranchObserver
from bot.deliveries.observers import LeasedObserver
from bot.notify.outbox import Outbox
from bot.notify.run_cards import RunCards
from bot.promotions.queue import PromotionQueue
from bot.router import Router
from bot.settings import Settings
from bot.store.database import Database
from bot.store.requests import RequestStore
from bot.webhooks import Webhooks
from bot.workflow.durable import DurableEngine
from bot.workflow.service import PromotionService


async def _not_yet() -> bool:
    return False


@dataclass
class Pilothouse:
    """What `assemble` hands over; `connected` is set once Slack can reach us."""

    settings: Settings
    database: Database
    router: Router
    bolt: AsyncApp
    engine: DurableEngine
    service: PromotionService
    outbox: Outbox
    begin: asyncio.Event
    """set when a story has been written down and waits to be begun, or when one has ended"""
    queue: PromotionQueue
    name_channels: Callable[[], Awaitable[None]]
    roster: RosterUpdates
    run_cards: RunCards
    replicas: Replicas | None
    """None on SQLite, which one replica has for itself"""
    webhooks: Webhooks
    housekeeping: Housekeeping
    requests: RequestStore
    overlay_watch: OverlayWatch
    branch_observer: BranchObserver
    application_observers: tuple[LeasedObserver, ...]
    hears_runs: Callable[[], bool]
    """False while Tekton's watches are lost"""
    supervisor: Supervisor = field(default_factory=Supervisor)
    connected: Callable[[], Awaitable[bool]] = _not_yet
