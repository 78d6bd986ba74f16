"""Wakes, within this process, whoever waits for the next word about one thing in the database."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager


class Written:
    """What another process writes wakes nobody: whoever waits looks again from time to time as well."""

    def __init__(self) -> None:
        self._waiting: dict[str, set[asyncio.Event]] = {}

    def tell(self, subject: str) -> None:
        """After the transaction, so that a look finds it."""
        for event in self._waiting.get(subject, ()):
            event.set()

    @contextmanager
    def watched(self, subject: str) -> Iterator[asyncio.Event]:
        """Set at each word from now on; whoever waits clears it, and then looks."""
        event = asyncio.Event()
        waiting = self._waiting.setdefault(subject, set())
        waiting.add(event)
        try:
            yield event
        finally:
            waiting.discard(event)
            if not waiting:
                del self._waiting[subject]
