"""Processes that the bot starts and does not leave behind."""

import asyncio
import os
import signal


async def end(process: asyncio.subprocess.Process) -> None:
    """Kill it, with all that it has started, unless it has ended; it was started with `start_new_session`."""
    if process.returncode is None:
        try:
            os.killpg(process.pid, signal.SIGKILL)
        except ProcessLookupError:
            return
        await asyncio.shield(process.wait())
