"""For metrics: what is owed to people, as the database says; while it does not answer, only what is known for sure."""

import math
from collections.abc import Callable
from typing import Protocol

from bot.app.web import READY_SECONDS, within
from bot.runtime.metrics import DATABASE, OLDEST_MESSAGE, OLDEST_REQUEST, OUTBOX, REQUESTS
from bot.store.outbox import Counts

UNKNOWN = math.nan
"""instead of a number that was true once: that would stand still, and look healthy"""


class OutboxCounts(Protocol):
    async def counts(self) -> Counts: ...


class Requests(Protocol):
    async def oldest(self) -> tuple[int, float | None]: ...


class Backlog:
    """`clock` counts seconds since the epoch; `patience`: seconds that the database is given for each look."""

    def __init__(
        self, entries: OutboxCounts, requests: Requests, clock: Callable[[], float], patience: float = READY_SECONDS
    ) -> None:
        self._entries = entries
        self._requests = requests
        self._clock = clock
        self._patience = patience
        self._message: float | None = None
        """when the oldest message that waits was put, and below when the oldest request came; None where none waits"""
        self._request: float | None = None

    async def refresh(self) -> None:
        """Brings the gauges up to date.

        Nothing is settled while the database is away, so what waited grows older; what came since is not known.
        """
        there = await within(self._patience, self._look())
        DATABASE.set(there)
        if not there:
            for state in ("pending", "dead", "stale cards"):
                OUTBOX.labels(state).set(UNKNOWN)
            REQUESTS.set(UNKNOWN)
        for gauge, since in ((OLDEST_MESSAGE, self._message), (OLDEST_REQUEST, self._request)):
            none = 0.0 if there else UNKNOWN
            gauge.set(none if since is None else max(0.0, self._clock() - since))

    async def _look(self) -> bool:
        counts, (waiting, self._request) = await self._entries.counts(), await self._requests.oldest()
        self._message = counts.oldest_pending
        OUTBOX.labels("pending").set(counts.pending)
        OUTBOX.labels("dead").set(counts.dead)
        OUTBOX.labels("stale cards").set(counts.stale_cards)
        REQUESTS.set(waiting)
        return True
