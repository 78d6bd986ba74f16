"""What waits in a queue is worked off now, as the loops of the bot do it, without waiting for what is to come later."""

import asyncio
from collections.abc import Iterator, Sequence

from bot.notify import Outbox
from bot.runtime.keyed_tasks import KeyedTasks
from bot.webhooks.worker import Worker


async def delivered(outbox: Outbox) -> int:
    """Cards and letters, as far as they may be tried; how many of them are out of the way."""
    before = await outbox.counts()
    await _idle(outbox, [outbox._tasks, outbox._keeper._tasks])
    after = await outbox.counts()
    return before.pending + before.stale_cards - after.pending - after.stale_cards


async def worked_off(worker: Worker) -> int:
    """What other systems sent; how much was tried."""
    return await _idle(worker, [worker._tasks])


async def _idle(loop: Outbox | Worker, pools: Sequence[KeyedTasks]) -> int:  # type: ignore[type-arg]
    tried = 0
    while True:
        await loop.look()
        running = list(_running(pools))
        ended = await asyncio.gather(*running)
        await asyncio.sleep(0)  # what has ended is taken off the list
        tried += sum(ended)
        if not any(ended):
            return tried


def _running(pools: Sequence[KeyedTasks]) -> Iterator[asyncio.Task[bool]]:  # type: ignore[type-arg]
    for pool in pools:
        yield from pool._running.values()
