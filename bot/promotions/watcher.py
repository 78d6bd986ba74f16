"""Watch what was just promoted: for how long policy says, and with what evidence it went wrong."""

import asyncio
from collections import Counter
from collections.abc import Awaitable, Callable, Mapping
from datetime import datetime

from bot.domain.application import HealthStatus
from bot.domain.errors import IntegrationError
from bot.domain.image import Runs, runs
from bot.domain.promotion import Move
from bot.ports import Alerts, Applications
from bot.runtime.clock import SYSTEM_CLOCK

BAD_LOOKS = 3

Replaced = Callable[[], Awaitable[frozenset[str]]]
"""The apps that a newer promotion has changed since."""


class Watcher:
    """Repeatable: it only reads. What cannot be asked is no evidence. `interval`: seconds between two looks."""

    def __init__(
        self,
        applications: Applications,
        alerts: Alerts | None,
        interval: float,
        *,
        clock: Callable[[], datetime] = SYSTEM_CLOCK.now,
        sleep: Callable[[float], Awaitable[None]] = asyncio.sleep,
    ) -> None:
        self._applications = applications
        self._alerts = alerts
        self._interval = interval
        self._clock = clock
        self._sleep = sleep

    async def watch(self, until: Mapping[Move, datetime], replaced: Replaced) -> str:
        """One sentence of evidence as soon as there is some; "" when each was well until its own time (UTC).

        An app that something newer was promoted to meanwhile no longer says anything about this.
        """
        bad: Counter[str] = Counter()
        moves = tuple(until)
        while True:
            now, gone = self._clock(), await replaced()
            moves = tuple(move for move in moves if move.app not in gone and now < until[move])
            if not moves:
                return ""
            for move in moves:
                evidence = await self._evidence(move)
                bad[move.app] = bad[move.app] + 1 if evidence else 0
                if bad[move.app] >= BAD_LOOKS:
                    return evidence
            await self._sleep(self._interval)

    async def _evidence(self, move: Move) -> str:
        return await self._degraded(move) or await self._alert(move)

    async def _degraded(self, move: Move) -> str:
        """Of what we promoted: where only other images of its repository run, somebody else's are what is ill."""
        ref = move.application
        try:
            application = await self._applications.get(ref)
            if application.health is not HealthStatus.DEGRADED:
                return ""
            if runs(application.images, move.after, by_digest=False) is Runs.OTHERS:
                return ""
            worst = await self._applications.unhealthy(ref)
        except IntegrationError:
            return ""
        why = next((f": {r.kind} {r.name}: {r.message}" for r in worst if r.message), "")
        return f"{ref.name} turned Degraded{why}"

    async def _alert(self, move: Move) -> str:
        if self._alerts is None:
            return ""
        try:
            firing = await self._alerts.firing({"app": move.app, "environment": move.application.environment})
        except IntegrationError:
            return ""
        return f"The alert {firing[0].name} fires for {move.app}: {firing[0].summary}" if firing else ""
