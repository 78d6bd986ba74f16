"""Questions that are asked side by side: what is slow or fails holds up nobody else, and is asked again."""

import asyncio
from collections.abc import Callable, Coroutine, Hashable, Iterable, Mapping
from typing import Generic, TypeVar

import structlog

from bot.domain.errors import DatabaseAway, IntegrationError

log = structlog.get_logger(__name__)

PATIENCE_SECONDS = 0.5
"""that a round waits: what takes longer is there in a later one"""
AT_ONCE = 16
AGAIN_SECONDS = 5.0
"""after a first failure; twice as long after each further one"""
LONGEST_SECONDS = 300.0

K = TypeVar("K", bound=Hashable)
T = TypeVar("T")


class Lookups(Generic[K, T]):
    """`ready` is set when a slow answer is there; `clock` counts seconds since the epoch."""

    def __init__(self, ready: asyncio.Event, clock: Callable[[], float], patience: float = PATIENCE_SECONDS) -> None:
        self._ready = ready
        self._clock = clock
        self._patience = patience
        self._turns = asyncio.Semaphore(AT_ONCE)
        self._asking: dict[K, asyncio.Task[T]] = {}
        self._failed: dict[K, tuple[int, float]] = {}
        """how often, and when it is asked again"""

    async def answers(self, asks: Mapping[K, Callable[[], Coroutine[object, object, T]]]) -> dict[K, T]:
        """Those that are known by now; `asks` holds all that anybody still wants to know. Raises DatabaseAway."""
        now = self._clock()
        self._failed = {key: failed for key, failed in self._failed.items() if key in asks}
        for key, ask in asks.items():
            if key not in self._asking and (key not in self._failed or self._failed[key][1] <= now):
                self._asking[key] = asyncio.create_task(self._in_turn(ask))
        if self._asking:
            await asyncio.wait(self._asking.values(), timeout=self._patience)
        found: dict[K, T] = {}
        for key, task in list(self._asking.items()):
            if not task.done():
                task.add_done_callback(lambda _: self._ready.set())
                continue
            del self._asking[key]
            try:
                found[key] = task.result()
                self._failed.pop(key, None)
            except DatabaseAway:
                raise
            except Exception as error:  # noqa: BLE001 (one that breaks takes no other with it)
                self._postpone(key, error)
        return found

    def hasten(self, keys: Iterable[K]) -> None:
        """Somebody new wants to know: what has failed is asked again at the next call."""
        self._failed |= {key: (self._failed[key][0], 0.0) for key in keys if key in self._failed}

    async def close(self) -> None:
        tasks = list(self._asking.values())
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._asking.clear()

    async def _in_turn(self, ask: Callable[[], Coroutine[object, object, T]]) -> T:
        async with self._turns:
            return await ask()

    def _postpone(self, key: K, error: Exception) -> None:
        tries = self._failed.get(key, (0, 0.0))[0] + 1
        wait = min(AGAIN_SECONDS * 2 ** (tries - 1), LONGEST_SECONDS)
        self._failed[key] = tries, self._clock() + wait
        broken = None if isinstance(error, IntegrationError) else error
        log.info("deliveries.not_looked_up", error=repr(error), tries=tries, again_seconds=wait, exc_info=broken)
