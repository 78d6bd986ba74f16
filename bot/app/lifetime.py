"""The life of the process: everything is started in order, and stopped in the opposite one."""

import asyncio
import contextlib
import signal
from collections.abc import Awaitable, Callable, Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from typing import TypeVar

import structlog

from bot.app.assembly import assemble
from bot.app.parts import Pilothouse
from bot.app.serving import listening, serving
from bot.app.supervisor import Loop
from bot.domain.errors import DatabaseAway
from bot.evaluation.loading import gate_mistakes
from bot.policy import load, unguarded
from bot.runtime.gc import set_aside
from bot.settings import Settings
from bot.store.alone import alone
from bot.store.schema import migrate

log = structlog.get_logger(__name__)
T = TypeVar("T")

START_PAUSE = 2.0
"""seconds between two tries of a start that waits for the database; what it waits for is logged once a minute"""
CONNECTED_SECONDS = 2.0
"""for Slack's connection, before what needs no Slack begins without it"""


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then stop: no new work, running handlers end, stories wait for the next start.

    The HTTP port is open from the beginning: `/readyz` says what a start waits for. Raises PolicyError, and OSError
    when the port or the SQLite file is another process's.
    """
    policy = load(settings.policy_file, gate_mistakes)
    for _, sentence in unguarded(policy):
        log.warning("policy.unguarded", what=sentence)
    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        async with AsyncExitStack() as stack:
            pilothouse = await assemble(settings, policy, stack)
            pilothouse.router.closed = True  # until there is somebody to do the work
            await stack.enter_async_context(serving(pilothouse))
            if await _unless(stop, _Start(pilothouse, stack).run()):
                await stop.wait()
            log.info("bot.stopping")
            await pilothouse.router.drain(settings.shutdown_seconds)
    log.info("bot.stopped")


@dataclass
class _Start:
    """Everything behind the port, in order. The database is waited for, for as long as it takes."""

    pilothouse: Pilothouse
    stack: AsyncExitStack
    connecting: asyncio.Task[None] | None = None

    async def run(self) -> None:
        pilothouse, core, settings = self.pilothouse, self.pilothouse.core, self.pilothouse.settings
        await self._when_there(self._be_alone)
        await self._when_there(lambda: migrate(core.stores.database))
        await self._when_there(lambda: _note_policy(pilothouse))
        # Before any story goes on: it tells channels by their ids, once each, and persons by theirs.
        await asyncio.gather(pilothouse.name_channels(), core.roster.first())
        await self._when_there(core.engine.launch)
        self.stack.push_async_callback(core.engine.close)
        begun = await self._when_there(core.service.resume)
        set_aside()  # before anybody can wait for it
        pilothouse.router.closed = False
        connected = self._listen()
        # Their first rounds ask the record, the cluster and git, and Slack's connection would wait for them. But it is
        # tried for as long as Slack is away, and what is under way needs no Slack.
        await asyncio.wait((connected,), timeout=CONNECTED_SECONDS)
        for name, loop in _loops(pilothouse):
            await self.stack.enter_async_context(pilothouse.supervisor.keeping(name, loop))
        await connected
        log.info("bot.ready", mode=settings.slack.mode, port=settings.port, resumed=begun)

    async def _when_there(self, do: Callable[[], Awaitable[T]]) -> T:
        """What it returns, once the database takes it. Until then people hear that nothing is done."""
        while True:
            try:
                return await do()
            except DatabaseAway:  # told in the log where it was noticed
                self._listen()
                await asyncio.sleep(START_PAUSE)

    def _listen(self) -> asyncio.Task[None]:
        """Done when Slack can reach us."""
        if self.connecting is None:
            self.connecting = asyncio.create_task(self._connect())
            self.stack.push_async_callback(self._give_up, self.connecting)
        return self.connecting

    async def _connect(self) -> None:
        await self.stack.enter_async_context(listening(self.pilothouse))

    async def _give_up(self, connecting: asyncio.Task[None]) -> None:
        connecting.cancel()
        await asyncio.gather(connecting, return_exceptions=True)

    async def _be_alone(self) -> None:
        self.stack.enter_context(alone(self.pilothouse.settings.database_url))


async def _unless(stop: asyncio.Event, work: Awaitable[None]) -> bool:
    """Whether the work was done before the process was told to stop; raises what the work raises."""
    doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait((doing, stopping), return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            await doing
        return doing.done()
    finally:
        for task in (doing, stopping):
            task.cancel()
        await asyncio.gather(doing, stopping, return_exceptions=True)


async def _note_policy(pilothouse: Pilothouse) -> None:
    file = pilothouse.settings.policy_file
    if await pilothouse.core.stores.audit.note_policy(file.read_text()):
        log.info("policy.changed", file=str(file))


def _loops(pilothouse: Pilothouse) -> Iterator[tuple[str, Loop]]:
    yield from pilothouse.core.loops()
    yield "webhooks", pilothouse.webhooks.worker.work_forever


@contextlib.contextmanager
def _stopped_by_signals(stop: asyncio.Event) -> Iterator[None]:
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT):
        loop.add_signal_handler(number, stop.set)
    try:
        yield
    finally:
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.remove_signal_handler(number)
