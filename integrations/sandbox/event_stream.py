"""Tells whoever listens what changed, so that a page or a script need not ask again and again."""

import asyncio
import contextlib
import json
from collections.abc import AsyncIterator
from typing import Any

from sse_starlette import ServerSentEvent

from integrations.sandbox.world import World

BACKLOG = 1000
TOGETHER_SECONDS = 0.2


async def changes(world: World) -> AsyncIterator[ServerSentEvent]:
    """One event for each change in Slack, and one "world" for all changes of the world within a moment."""
    queue: asyncio.Queue[dict[str, Any]] = asyncio.Queue(BACKLOG)
    tasks = [asyncio.create_task(_of_slack(world, queue)), asyncio.create_task(_of_the_world(world, queue))]
    try:
        while True:
            yield ServerSentEvent(json.dumps(await queue.get()))
    finally:
        for task in tasks:
            task.cancel()


async def _of_slack(world: World, queue: "asyncio.Queue[dict[str, Any]]") -> None:
    with contextlib.closing(world.slack.subscribe()) as subscription:
        async for change in subscription:
            await queue.put({"of": "slack", **change})


async def _of_the_world(world: World, queue: "asyncio.Queue[dict[str, Any]]") -> None:
    changed = asyncio.Event()
    forget = world.on_change(changed.set)
    try:
        while True:
            await changed.wait()
            changed.clear()
            await queue.put({"of": "world", "type": "world"})
            await asyncio.sleep(TOGETHER_SECONDS)
    finally:
        forget()
