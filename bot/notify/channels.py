"""One channel, however it is named: policy may say #deployments where Slack says C0DEPLOY."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterator

import structlog

from bot.domain import slack_id
from bot.domain.errors import IntegrationError, Unavailable
from bot.policy import Policy

log = structlog.get_logger(__name__)
PATIENCE_SECONDS = 10.0
ASK_AGAIN = 600.0
"""seconds after which a name that no channel had is asked for again"""


class ChannelIds:
    """What is not known (Slack was away, the bot is not in it) keeps its name, and is told all the same."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._ids: dict[str, str] = {}
        self._id_of: Callable[[str], Awaitable[str]] | None = None
        self._missed: dict[str, float] = {}
        """when Slack last said that there is no such channel"""
        self._looking = asyncio.Lock()

    def of(self, channel: str) -> str:
        return self._ids.get(_bare(channel), _bare(channel))

    async def find(self, channel: str) -> str:
        """Like `of`, for a channel that policy does not name: annotations in Argo CD have names, and Slack has ids.

        Raises Unavailable where Slack does not answer.
        """
        name = _bare(channel)
        if self._id_of is None or slack_id.is_user(name) or slack_id.is_conversation(name):
            return self.of(name)
        async with self._looking:
            if name not in self._ids and self._clock() - self._missed.get(name, -ASK_AGAIN) >= ASK_AGAIN:
                await self._look_for(name, self._id_of)
        return self.of(name)

    async def _look_for(self, name: str, id_of: Callable[[str], Awaitable[str]]) -> None:
        try:
            self._ids[name] = await id_of(name)
        except Unavailable:
            raise
        except IntegrationError as error:
            self._missed[name] = self._clock()
            log.warning("channels.not_found", channel=name, error=str(error))

    async def learn(self, policy: Policy, id_of: Callable[[str], Awaitable[str]]) -> None:
        """Ask once, at the start; at most ten seconds. `find` asks the same."""
        self._id_of = id_of
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
