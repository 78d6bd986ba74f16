"""Tells whoever watches that something changed, for server-sent events and for tests that wait."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

Change = dict[str, Any]
BACKLOG = 1000


class ChangeSubscription(AsyncIterator[Change]):
    """Iterate for the changes since `subscribe()`; `close()` ends it. A slow reader loses the oldest."""

    def __init__(self, changes: "Changes") -> None:
        self._changes = changes
        self._queue: asyncio.Queue[Change | None] = asyncio.Queue(BACKLOG)

    async def __anext__(self) -> Change:
        change = await self._queue.get()
        if change is None:
            raise StopAsyncIteration
        return change

    def put(self, change: Change | None) -> None:
        if self._queue.full():
            self._queue.get_nowait()
        self._queue.put_nowait(change)

    def close(self) -> None:
        self._changes.discard(self)
        self.put(None)


class Changes:
    """Every change has a `type`: message, view, home, workspace, connection, failure or complaint."""

    def __init__(self) -> None:
        self._subscriptions: set[ChangeSubscription] = set()

    def subscribe(self) -> ChangeSubscription:
        subscription = ChangeSubscription(self)
        self._subscriptions.add(subscription)
        return subscription

    def discard(self, subscription: ChangeSubscription) -> None:
        self._subscriptions.discard(subscription)

    def tell(self, kind: str, **facts: Any) -> None:
        for subscription in tuple(self._subscriptions):
            subscription.put({"type": kind, **facts})
