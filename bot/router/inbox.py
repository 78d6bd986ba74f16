"""Requests are noted before they are acknowledged, and worked on until they are done: by us, or by the next process."""

import asyncio
import time
from collections.abc import Callable, Coroutine
from dataclasses import replace
from typing import Any

import structlog

from bot.domain.errors import DatabaseAway
from bot.ports import Request, RequestLog
from bot.router.answers import Respond
from bot.router.tasks import Tasks
from bot.store.queue_worker import Rounds

POLL = 1.0
"""seconds between two looks for what another process has left"""
RENEW = 4.0
"""seconds between two words that we still work on what we have taken; another replica waits for longer"""
AGAIN = 5.0
"""seconds before what needs the database is tried again"""
TOLD_SECONDS = 3.0
"""at the stop, for the word that what was in doubt is not done"""
AT_ONCE = 20
"""of what was left, beside what comes"""

log = structlog.get_logger(__name__)

Work = Callable[[Request, Respond | None], Coroutine[Any, Any, bool]]
"""does what a request asks for; False when it is to be tried again. It never raises."""
Tell = Callable[[Request], Coroutine[Any, Any, None]]
"""says that a request is not done, of which nobody knew whether it was taken"""


class Inbox:
    """`clock` counts seconds since the epoch. Nothing that was left is begun while it is `closed`."""

    def __init__(
        self, requests: RequestLog, work: Work, tell: Tell, tasks: Tasks, clock: Callable[[], float] = time.time
    ) -> None:
        self._requests = requests
        self._work = work
        self._tell = tell
        self._tasks = tasks
        self._clock = clock
        self._rounds = Rounds("requests", POLL)
        self._mine: dict[str, float] = {}
        """what is to be acknowledged, or is being worked on → when that was last told to others"""
        self._taken: set[str] = set()
        """what of that was left by others"""
        self._done: set[str] = set()
        """what was done while nobody could write that down"""
        self._left: set[str] = set()
        """what was begun and is not done, for we stop"""
        self.closed = False

    async def note(self, request: Request) -> bool:
        """Whether it is there for the first time; then it is ours to `begin`. Raises DatabaseAway, and DatabaseInDoubt
        where nobody knows: then the sender hears that, and the rest as soon as it is known.

        From then on nobody else takes it up, until it is done or we `leave` it: acknowledging it may take long.
        """
        new = await self._requests.note(request)
        if new:
            self._mine[request.id] = self._clock()
        return new

    def leave(self, request: Request) -> None:
        """It is noted, and we do not begin: it is for whoever looks next."""
        self._mine.pop(request.id, None)
        self._left.add(request.id)

    def begin(self, request: Request, respond: Respond | None = None) -> None:
        self._mine[request.id] = self._clock()
        self._tasks.start(self._do(request, respond))

    async def work_forever(self) -> None:
        """What other processes have left: before a crash, or while the database was away."""
        await self._rounds.patiently(self._requests.release)
        await self._rounds.forever(self._look_unless_closed)

    async def _look_unless_closed(self) -> None:
        if not self.closed:
            await self.look()

    async def look(self) -> None:
        """Begin what is left, and say what is still worked on. Raises DatabaseAway."""
        now = self._clock()
        await self._resolve()
        if due := [id for id, told in self._mine.items() if now - told > RENEW]:
            await self._requests.renew(due, now)
            self._mine.update(dict.fromkeys((id for id in due if id in self._mine), now))
        if done := tuple(self._done):
            await asyncio.gather(*map(self._requests.settle, done))
            self._done.difference_update(done)
        free = AT_ONCE - len(self._taken)
        for request in await self._requests.take(now, max(0, free)):
            if request.id not in self._mine and request.id not in self._done:
                log.info("request.taken_up", kind=request.kind, tries=request.tries, age=round(now - request.at, 1))
                self._taken.add(request.id)
                self.begin(request)

    async def _resolve(self) -> None:
        for request in await self._requests.resolve():
            log.info("request.not_taken", kind=request.kind, age=round(self._clock() - request.at, 1))
            self._tasks.start(self._tell(request))

    async def release(self) -> None:
        """At the stop: what was not done is for whoever comes next, at once. Who waits to hear of a doubt hears it."""
        await self._rounds.patiently(self._resolve)
        await self._tasks.drain(TOLD_SECONDS)
        await self._rounds.patiently(lambda: self._requests.release((*self._mine, *self._left)))

    async def _do(self, request: Request, respond: Respond | None) -> None:
        done = False
        try:
            while not (done := await self._work(request, respond)):
                await asyncio.sleep(AGAIN)
                request = replace(request, tries=request.tries + 1)
            await self._settle(request.id)
        finally:
            self._taken.discard(request.id)
            del self._mine[request.id]  # not before it is settled: somebody would take it up again
            if not done:
                self._left.add(request.id)

    async def _settle(self, id: str) -> None:
        try:
            await self._requests.settle(id)
        except DatabaseAway:  # told where it was noticed
            self._done.add(id)
        except Exception:
            self._done.add(id)
            log.exception("request.not_settled")
