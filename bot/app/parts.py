"""The running bot, as it is started, asked and stopped."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from slack_bolt.async_app import AsyncApp

from bot.app.core import Core
from bot.app.supervisor import Supervisor
from bot.router import Router
from bot.settings import Settings
from bot.webhooks import Webhooks
from bot.workflow.durable import DurableEngine


async def _not_yet() -> bool:
    return False


@dataclass
class Pilothouse:
    """What `assemble` hands over; `connected` is set once Slack can reach us."""

    settings: Settings
    core: Core[DurableEngine]
    bolt: AsyncApp
    name_channels: Callable[[], Awaitable[None]]
    hears_runs: Callable[[], bool]
    """False while Tekton's watches are lost"""
    webhooks: Webhooks
    supervisor: Supervisor = field(default_factory=Supervisor)
    connected: Callable[[], Awaitable[bool]] = _not_yet

    @property
    def router(self) -> Router:
        return self.core.router
