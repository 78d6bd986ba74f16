"""Following every Application of one Argo CD: the stream for speed, lists for truth (A9, A10, A11)."""

import asyncio
import itertools
import random
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AbstractContextManager, suppress
from dataclasses import replace
from datetime import timedelta

import structlog

from bot.domain.application import Application, HealthStatus, SyncStatus
from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.runtime.gc import kept, uncollected
from integrations.argocd import wire
from integrations.argocd.errors import SYSTEM, stream_error
from integrations.argocd.merge import MergedChange, Sighting, StreamMerge
from integrations.argocd.pauses import PAUSE_EVERY, with_pauses
from integrations.http import Connection
from integrations.http.answer import decode

OPERATION = "follow applications"
SILENCE = 45.0
"""seconds; the server sends a keepalive every 15 when it is asked for server-sent events (A9)"""
OPENING = 3.0
"""seconds to wait for the stream before the first list"""
SHORTEST_WAIT = 0.5
LONGEST_WAIT = 30.0
"""seconds between two tries to reach an Argo CD that is away; a stream that stood for longer starts afresh"""
BACKLOG = 1000
"""events; beyond it the server must wait, and may drop (A10)"""

Convert = Callable[[wire.ArgoApplication], Application]
See = Callable[[wire.ArgoApplication], Sighting[Application]]
Read = Callable[[See, AbstractContextManager[None]], Awaitable[Sequence[Sighting[Application]]]]
log = structlog.get_logger(__name__)


class StreamOpened:
    """The stream stands: from here on nothing is missed, so now is the time to list."""


class Stream:
    """`read` lists all Applications, and converts them within what it is handed.

    `every` is the time between two lists: no lost event hides for longer.
    `heard` is called at every sign of life of the server, keepalives among them.
    """

    def __init__(
        self,
        connection: Connection,
        read: Read,
        selection: Mapping[str, str],
        every: timedelta,
        heard: Callable[[], object] = lambda: None,
    ) -> None:
        self._connection = connection
        self._read = read
        # A10: without it the server sends its state first and subscribes late, and what happens in between is lost
        self._params = {**selection, "resourceVersion": "0"}
        self._every = every.total_seconds()
        self._stood = False
        self._heard = heard
        self._opening = 0
        """counts the streams that have been opened"""
        self._stands = False
        self._complete = False

    @property
    def current(self) -> bool:
        """Whether a stream stands, all that was listed since then has been told, and the newest list did not fail.

        What a stream loses is missed until the next list (A10).
        """
        return self._stands and self._complete

    async def applications(self, convert: Convert) -> AsyncGenerator[Application]:
        """Raises Refused when the first contact is refused; later refusals are logged and tried again."""
        merge: StreamMerge[Application] = StreamMerge()
        heard: asyncio.Queue[wire.ArgoWatchEvent | StreamOpened | Refused] = asyncio.Queue(BACKLOG)
        opening = 0
        listening = asyncio.create_task(self._listen(heard), name="argocd application stream")
        due = asyncio.get_running_loop().time() + OPENING
        try:
            for count in itertools.count(1):
                if count % PAUSE_EVERY == 0:  # what has arrived already is taken without one
                    await asyncio.sleep(0)
                match await self._next(heard, due):
                    case Refused() as refusal:
                        raise refusal
                    case StreamOpened():
                        opening = self._opening
                        listed, due = await self._list(lambda app: sighting(app, convert))
                        whole = listed is not None
                        found = merge.listed(listed) if listed is not None else iter(())
                        del listed
                    case wire.ArgoWatchEvent() as event:
                        whole = False
                        deleted = event.type == "DELETED"
                        found = iter([merge.event(sighting(event.application, convert), deleted=deleted)])
                async for news in with_pauses(found):
                    for item in news:
                        yield told(item)
                # of a stream that was opened while the list was read, the beginning may have been missed
                self._complete = self._complete or (whole and self._stands and opening == self._opening)
        finally:
            self._stands = self._complete = False
            listening.cancel()
            with suppress(asyncio.CancelledError):
                await listening

    async def _next(
        self, heard: "asyncio.Queue[wire.ArgoWatchEvent | StreamOpened | Refused]", due: float
    ) -> wire.ArgoWatchEvent | StreamOpened | Refused:
        if asyncio.get_running_loop().time() >= due:
            return StreamOpened()
        try:
            async with asyncio.timeout_at(due):
                return await heard.get()
        except TimeoutError:
            return StreamOpened()

    async def _list(self, see: See) -> tuple[Sequence[Sighting[Application]] | None, float]:
        """The list, and when the next is due; None instead of it where Argo CD is away."""
        now = asyncio.get_running_loop().time
        try:
            # what the first list holds lives on, what a later one holds is compared and dropped
            listed = await self._read(see, uncollected() if self._stood else kept())
        except IntegrationError as error:
            if isinstance(error, Refused) and not self._stood:
                raise
            log.warning("argocd.list_failed", system=SYSTEM, detail=str(error))
            self._complete = False  # without lists, what the stream loses stays lost
            return None, now() + min(self._every, LONGEST_WAIT)
        self._stood = True
        self._heard()
        return listed, now() + self._every

    async def _listen(self, heard: "asyncio.Queue[wire.ArgoWatchEvent | StreamOpened | Refused]") -> None:
        wait = SHORTEST_WAIT
        while True:
            opened, began = False, asyncio.get_running_loop().time()
            try:
                async with self._connection.stream(
                    OPERATION,
                    "/api/v1/stream/applications",
                    params=self._params,
                    headers={"Accept": "text/event-stream"},
                    silence=SILENCE,
                ) as lines:
                    opened = True
                    await self._relay(lines, heard)
            except Unavailable as error:
                log.warning("argocd.stream_lost", system=SYSTEM, detail=str(error))
            except Refused as error:
                log.warning("argocd.stream_refused", system=SYSTEM, detail=str(error))
                if not opened and not self._stood:
                    await heard.put(error)
                    return
            if asyncio.get_running_loop().time() - began > LONGEST_WAIT:
                wait = SHORTEST_WAIT
            await asyncio.sleep(random.uniform(wait / 2, wait))  # noqa: S311 (jitter)
            wait = min(wait * 2, LONGEST_WAIT)

    async def _relay(
        self, lines: AsyncIterator[bytes], heard: "asyncio.Queue[wire.ArgoWatchEvent | StreamOpened | Refused]"
    ) -> None:
        """While the stream stands."""
        self._opening, self._stands, self._complete = self._opening + 1, True, False
        try:
            await heard.put(StreamOpened())
            async for event in events(self._signs_of_life(lines)):
                await heard.put(event)
        finally:
            self._stands = False

    async def _signs_of_life(self, lines: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        async for line in lines:
            self._heard()
            yield line


async def events(lines: AsyncIterator[bytes]) -> AsyncIterator[wire.ArgoWatchEvent]:
    """Out of server-sent events or bare JSON lines (A9). Raises as the stream's error line says."""
    async for line in lines:
        if line.startswith(b":"):
            continue
        frame = decode(line.removeprefix(b"data:"), wire.WatchFrame, SYSTEM, OPERATION)
        if frame.error:
            raise stream_error(OPERATION, frame.error)
        if frame.result:
            yield frame.result


def sighting(app: wire.ArgoApplication, convert: Convert) -> Sighting[Application]:
    """Names may be equal in two namespaces (A11). Argo CD itself compares versions as numbers (A10)."""
    version = app.metadata.resource_version or ""
    number = int(version) if version.isascii() and version.isdigit() and len(version) < 20 else None
    return Sighting((app.metadata.namespace, app.metadata.name), number, convert(app))


def told(news: MergedChange[Application]) -> Application:
    if not news.deleted:
        return news.value
    gone = {"sync": SyncStatus.UNKNOWN, "health": HealthStatus.MISSING, "conditions": ("Deleted: the Application",)}
    return replace(news.value, **gone, operation=None, deleted=True)  # type: ignore[arg-type]
