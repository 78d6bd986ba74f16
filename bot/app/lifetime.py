"""The life of the process: everything is started in order, and stopped in the opposite one."""

import asyncio
import contextlib
import signal
from collections.abc import AsyncIterator, Coroutine, Iterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import structlog

from bot.app.assembly import assemble
from bot.app.parts import Pilothouse
from bot.app.serving import listening, serving
from bot.domain.errors import DatabaseAway
from bot.evaluation.loading import gate_mistakes
from bot.policy import load
from bot.runtime.gc import set_aside
from bot.settings import Settings
from bot.store.alone import alone

log = structlog.get_logger(__name__)

SWEEP_SECONDS = 30
"""Time between two looks for stories that wait to be begun, where nobody says that there is one."""


async def run(settings: Settings) -> None:
    """Run until SIGTERM or SIGINT, then stop: no new work, running handlers end, stories wait for the next start.

    Raises PolicyError, OSError (the port is taken), and what the database says when it cannot be opened.
    """
    policy = load(settings.policy_file, gate_mistakes)
    stop = asyncio.Event()
    with _stopped_by_signals(stop):
        async with AsyncExitStack() as stack:
            stack.enter_context(alone(settings.database_url))
            pilothouse = await assemble(settings, policy, stack)
            await _note_policy(pilothouse)
            await stack.enter_async_context(serving(pilothouse))
            await pilothouse.name_channels()
            await pilothouse.engine.launch()
            stack.push_async_callback(pilothouse.engine.close)
            begun = await pilothouse.desk.resume()
            for work in _beside(pilothouse):
                await stack.enter_async_context(_running(work))
            set_aside()  # before anybody can wait for it
            await stack.enter_async_context(listening(pilothouse))
            log.info("ready", mode=settings.slack.mode, port=settings.port, resumed=begun)
            await stop.wait()
            log.info("stopping")
            await pilothouse.router.drain(settings.shutdown_seconds)
    log.info("stopped")


async def _note_policy(pilothouse: Pilothouse) -> None:
    file = pilothouse.settings.policy_file
    if await pilothouse.desk.audit.note_policy(file.read_text()):
        log.info("policy has changed since it was last noted", file=str(file))


def _beside(pilothouse: Pilothouse) -> Iterator[Coroutine[Any, Any, None]]:
    """What goes on beside the answering of requests, for as long as the process lives."""
    yield pilothouse.outbox.deliver_forever()
    yield pilothouse.webhooks.worker.work_forever()
    yield _begin_stories(pilothouse)
    yield pilothouse.run_cards.keep_forever()
    yield pilothouse.housekeeping.run_forever()
    yield pilothouse.lookout.watch_forever()
    if pilothouse.replicas:
        yield pilothouse.replicas.watch()


async def _begin_stories(pilothouse: Pilothouse) -> None:
    """Begin what one story left for another to do. Whatever breaks is logged, and tried again."""
    while True:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(SWEEP_SECONDS):
                await pilothouse.begin.wait()
        pilothouse.begin.clear()
        try:
            await pilothouse.desk.resume()
            await pilothouse.desk.strays.look()
            await pilothouse.queue.start_next()
        except DatabaseAway:
            pass  # told where it was noticed
        except Exception:
            log.exception("stories could not be begun")


@asynccontextmanager
async def _running(work: Coroutine[Any, Any, None]) -> AsyncIterator[None]:
    task = asyncio.create_task(work)
    try:
        yield
    finally:
        task.cancel()
        with contextlib.suppress(asyncio.CancelledError):
            await task


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
