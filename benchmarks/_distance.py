"""Systems that are far away: every request reaches them later, and is written down."""

import asyncio
import contextlib
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

ROUND_TRIP = 0.15
"""Seconds; what Slack, GitHub and a hosted Argo CD cost."""


@dataclass
class Asked:
    """One request, and when its answer began and ended; seconds of the monotonic clock."""

    system: str
    what: str
    begun: float
    ended: float = 0


@dataclass
class Record:
    """Every request, in the order in which they began."""

    asked: list[Asked] = field(default_factory=list)

    def chain(self, begun: float, ended: float) -> list[Asked]:
        """Those between two moments that stood one behind the other: each the last to end before the next began."""
        found: list[Asked] = []
        inside = [one for one in self.asked if one.begun >= begun and one.ended]
        moment = ended
        while before := [one for one in inside if one.ended <= moment + 0.001]:
            last = max(before, key=lambda one: one.ended)
            found.insert(0, last)
            moment = last.begun
        return found

    def between(self, begun: float, ended: float) -> list[Asked]:
        return [one for one in self.asked if begun <= one.begun <= ended]


@dataclass
class Distance:
    """A way to one system that takes `ROUND_TRIP` for each request; answers come back at once."""

    system: str
    target: Callable[[], str]
    record: Record

    @asynccontextmanager
    async def open(self) -> AsyncIterator[str]:
        """Yields the URL to reach the system by."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}"

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        host, _, port = self.target().removeprefix("http://").partition(":")
        there, away = await asyncio.open_connection(host, int(port))
        line = _Line(self.system, self.record)
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            ways = [self._to(reader, away, line), self._back(there, writer, line)]
            tasks = [asyncio.create_task(way) for way in ways]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        writer.close()
        away.close()

    async def _to(self, reader: asyncio.StreamReader, away: asyncio.StreamWriter, line: "_Line") -> None:
        on_the_way: asyncio.Queue[tuple[float, bytes]] = asyncio.Queue()

        async def arrive() -> None:
            while True:
                due, data = await on_the_way.get()
                await asyncio.sleep(due - time.monotonic())
                away.write(data)
                await away.drain()

        arriving = asyncio.create_task(arrive())
        try:
            while data := await reader.read(65536):
                line.asks(data)
                on_the_way.put_nowait((time.monotonic() + ROUND_TRIP, data))
        finally:
            arriving.cancel()

    async def _back(self, there: asyncio.StreamReader, writer: asyncio.StreamWriter, line: "_Line") -> None:
        while data := await there.read(65536):
            writer.write(data)
            line.answered()
            await writer.drain()


class _Line:
    """What is asked on one connection: the bytes after an answer are the next request."""

    def __init__(self, system: str, record: Record) -> None:
        self._system = system
        self._record = record
        self._now: Asked | None = None
        self._is_answered = True

    def asks(self, data: bytes) -> None:
        if not self._is_answered:
            return
        method, _, rest = data.split(b"\r\n", 1)[0].decode(errors="replace").partition(" ")
        path = rest.partition(" ")[0].partition("?")[0]
        self._now = Asked(self._system, f"{method} {path}", time.monotonic())
        self._record.asked.append(self._now)
        self._is_answered = False

    def answered(self) -> None:
        self._is_answered = True
        if self._now:
            self._now.ended = time.monotonic()
