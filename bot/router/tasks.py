"""Work that goes on after the acknowledgement, and its end when the bot stops."""

import asyncio
from collections.abc import Coroutine
from typing import Any

import structlog

log = structlog.get_logger(__name__)


class Tasks:
    """Holds on to running work: the event loop alone would forget it."""

    def __init__(self) -> None:
        self._running: set[asyncio.Task[None]] = set()

    def __len__(self) -> int:
        return len(self._running)

    def start(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._running.add(task)
        task.add_done_callback(self._ended)

    def _ended(self, task: asyncio.Task[None]) -> None:
        """What broke where nobody waits for it is in the log, once."""
        self._running.discard(task)
        if not task.cancelled() and (error := task.exception()):
            log.error("handler.broke", exc_info=error)

    async def drain(self, timeout: float) -> int:  # noqa: ASYNC109 (the time is for all of them together)
        """Wait until all work has ended, at most `timeout` seconds; then cancel the rest. How many were cancelled."""
        if not self._running:
            return 0
        _, late = await asyncio.wait(self._running, timeout=timeout)
        for task in late:
            task.cancel()
        await asyncio.gather(*late, return_exceptions=True)
        if late:
            log.warning("handlers.cancelled", count=len(late))
        return len(late)
