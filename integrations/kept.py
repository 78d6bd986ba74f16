"""What another system has answered about content that never changes, kept for the next time."""

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any, Generic, TypeVar

T = TypeVar("T")


class Kept(Generic[T]):
    """The `limit` newest, by what names the content: a digest or a sha. Gone at a restart."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._kept: OrderedDict[str, T] = OrderedDict()

    def get(self, key: str) -> T | None:
        return self._kept.get(key)

    def forget(self, key: str) -> None:
        self._kept.pop(key, None)

    def keep(self, key: str, value: T) -> T:
        """Returns the value."""
        self._kept[key] = value
        self._kept.move_to_end(key)
        if len(self._kept) > self._limit:
            self._kept.popitem(last=False)
        return value


class KeptAnswers(Generic[T]):
    """The same of what is asked for: once, however many ask for it at the same time. An error is everybody's, and gone.

    Who gives up leaves the answer to the others.
    """

    def __init__(self, limit: int) -> None:
        self._kept = Kept[T](limit)
        self._asking: dict[str, asyncio.Task[T]] = {}

    async def get(self, key: str, ask: Callable[[], Coroutine[Any, Any, T]]) -> T:
        """Raises what `ask` raises."""
        if (known := self._kept.get(key)) is not None:
            return known
        if key not in self._asking:
            self._asking[key] = asking = asyncio.create_task(ask())
            asking.add_done_callback(partial(self._answered, key))
        return await asyncio.shield(self._asking[key])

    def _answered(self, key: str, asked: asyncio.Task[T]) -> None:
        del self._asking[key]
        if not asked.cancelled() and asked.exception() is None:
            self._kept.keep(key, asked.result())
