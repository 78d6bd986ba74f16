"""Work beside each other, one task a key: whoever is slow holds up what has its own key, and nothing else."""

import asyncio
from collections.abc import Awaitable, Callable, Hashable, Set
from functools import partial
from typing import Generic, TypeVar

import structlog

from bot.domain.errors import DatabaseAway

log = structlog.get_logger(__name__)
STOP_SECONDS = 5.0
"""for cancelled work to end; what does not is left behind, and noted"""
K = TypeVar("K", bound=Hashable)


class KeyedTasks(Generic[K]):
    """At most `most` tasks; `name` is for the log. `changed` is set when one has ended, for there may be more to do.

    Work that breaks sets nothing: what is broken, a database for example, is asked again after a pause, not at once.
    """

    def __init__(self, name: str, most: int, changed: asyncio.Event) -> None:
        self._name = name
        self._most = most
        self._changed = changed
        self._running: dict[K, asyncio.Task[bool]] = {}

    @property
    def busy(self) -> Set[K]:
        return self._running.keys()

    @property
    def free(self) -> int:
        """How many may be started."""
        return self._most - len(self._running)

    def start(self, key: K, work: Callable[[], Awaitable[object]]) -> None:
        """Nothing where that key is busy, or where there are as many as there may be."""
        if key not in self._running and self.free > 0:
            self._running[key] = asyncio.create_task(self._do(work))
            self._running[key].add_done_callback(partial(self._ended, key))

    async def stop(self) -> None:
        """Cancels what runs. What was not done is done by the next process."""
        tasks = list(self._running.values())
        for task in tasks:
            task.cancel()
        if tasks:
            _, late = await asyncio.wait(tasks, timeout=STOP_SECONDS)
            if late:
                log.warning("queue.work_left_behind", queue=self._name, count=len(late))

    async def _do(self, work: Callable[[], Awaitable[object]]) -> bool:
        """Whether it came to an end, well or not."""
        try:
            await work()
        except DatabaseAway:
            return False  # told where it was noticed
        except Exception:
            log.exception("queue.round_broke", queue=self._name)
            return False
        return True

    def _ended(self, key: K, task: asyncio.Task[bool]) -> None:
        del self._running[key]
        if not task.cancelled() and task.result():
            self._changed.set()
