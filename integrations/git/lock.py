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
    while True:
        path.parent.mkdir(parents=True, exist_ok=True)
        descriptor = os.open(path, os.O_CREAT | os.O_RDWR | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if _still_there(path, descriptor):
                return descriptor
            os.close(descriptor)
        except BlockingIOError:
            os.close(descriptor)
            await asyncio.sleep(pause)
            pause = min(pause * 2, _LONGEST_PAUSE)
        except BaseException:
            os.close(descriptor)
            raise


def _still_there(path: Path, descriptor: int) -> bool:
    try:
        return os.path.samestat(path.stat(), os.fstat(descriptor))
    except FileNotFoundError:
        return False
