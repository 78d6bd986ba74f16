"""What is needed soon is asked for while something else is waited for."""

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, TypeVar

T = TypeVar("T")


@asynccontextmanager
async def asked_beside(ask: Coroutine[Any, Any, T]) -> AsyncIterator[asyncio.Task[T]]:
    """Await what it yields when the answer is needed; one that is not needed after all is given up."""
    asking = asyncio.create_task(ask)
    try:
        yield asking
    finally:
        asking.cancel()
        await asyncio.gather(asking, return_exceptions=True)
