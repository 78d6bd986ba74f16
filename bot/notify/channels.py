"""One channel, however it is named: policy may say #deployments where Slack says C0DEPLOY."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator

import structlog

from bot.domain.errors import IntegrationError
from bot.policy import Policy

log = structlog.get_logger(__name__)
PATIENCE_SECONDS = 10.0


class ChannelIds:
    """What is not known (Slack was away, the bot is not in it) keeps its name, and is told all the same."""

    def __init__(self) -> None:
        self._ids: dict[str, str] = {}

    def of(self, channel: str) -> str:
        return self._ids.get(_bare(channel), _bare(channel))

    async def learn(self, policy: Policy, id_of: Callable[[str], Awaitable[str]]) -> None:
        """Ask once, at the start; at most ten seconds."""
        try:
            async with asyncio.timeout(PATIENCE_SECONDS):
                for name in dict.fromkeys(_named(policy)):
                    await self._learn(name, id_of)
        except TimeoutError:
            log.warning("channels.lookup_timed_out")

    async def _learn(self, name: str, id_of: Callable[[str], Awaitable[str]]) -> None:
        try:
            self._ids[_bare(name)] = await id_of(name)
        except IntegrationError as error:
            log.warning("channels.not_found", channel=name, error=str(error))


def _named(policy: Policy) -> Iterator[str]:
    """Every channel to which promotions are told."""
    if policy.channels.default:
        yield policy.channels.default
    yield from (route.channel for route in policy.channels.routes)
    yield from (app.channel for app in policy.apps.values() if app.channel)


def _bare(channel: str) -> str:
    return channel.removeprefix("#")
