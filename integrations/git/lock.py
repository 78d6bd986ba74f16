"""One process at a time changes a cache directory, whichever processes share it."""

import asyncio
import fcntl
import os
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

_LONGEST_PAUSE = 0.1


@asynccontextmanager
async def locked(path: Path, seconds: float) -> AsyncIterator[None]:
    """Holds the lock file `path`. Raises TimeoutError after `seconds`.

    The kernel lets go of it when a process dies. A lock file that was deleted meanwhile locks nothing: then again.
    """
    async with asyncio.timeout(seconds):
        descriptor = await _acquire(path)
    try:
        yield
    finally:
        os.close(descriptor)


async def _acquire(path: Path) -> int:
    pause = 0.005
    while (descriptor := _try(path)) is None:
        await asyncio.sleep(pause)
        pause = min(pause * 2, _LONGEST_PAUSE)
    return descriptor


def _try(path: Path) -> int | None:
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
    except FileNotFoundError:
        return None  # the directory was deleted at this very moment
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        if _still_there(path, descriptor):
            return descriptor
    except BlockingIOError:
        pass
    os.close(descriptor)
    return None


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
