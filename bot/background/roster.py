"""Keeps what the policy's names mean in Slack up to date: for mentions, and for whom refusals name."""

import asyncio

import structlog

from bot.notify.lookup import Lookup
from bot.policy import Policy, unreachable
from bot.ports import Directory

log = structlog.get_logger(__name__)

EVERY_SECONDS = 300.0
FIRST_SECONDS = 10.0
"""that a start waits for Slack's answers; mentions are plain names until they are there"""


class RosterUpdates:
    def __init__(self, policy: Policy, directory: Directory, seconds: float = EVERY_SECONDS) -> None:
        self._policy = policy
        self._directory = directory
        self._seconds = seconds
        self._told: set[str] = set()

    async def first(self) -> None:
        """At the start: within ten seconds, or later."""
        try:
            async with asyncio.timeout(FIRST_SECONDS):
                await self.update()
        except TimeoutError:
            log.warning("roster.late", seconds=FIRST_SECONDS)

    async def update_forever(self) -> None:
        """Until it is cancelled; whatever breaks is logged, and tried again in the next round."""
        while True:
            await asyncio.sleep(self._seconds)
            try:
                await self.update()
            except Exception:
                log.exception("roster.broke")

    async def update(self) -> None:
        lookup = Lookup(self._directory, self._policy.roster)
        self._policy.learn(await lookup.ask(self._policy))
        for error in lookup.errors[:1]:
            log.warning("roster.unanswered", error=str(error), names=len(lookup.errors))
        if not lookup.errors:
            self._warn()

    def _warn(self) -> None:
        """Each thing once, until it is well again."""
        found = {sentence for _, sentence in unreachable(self._policy, self._policy.roster)}
        for sentence in sorted(found - self._told):
            log.warning("roster.unreachable", what=sentence)
        self._told = found
