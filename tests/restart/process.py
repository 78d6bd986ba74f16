"""Processes to be killed: forked from one that has imported what they run, which takes each of them three seconds."""

import asyncio
import gc
import multiprocessing
import os
import sys
from collections.abc import Callable
from dataclasses import dataclass
from multiprocessing.connection import Connection
from multiprocessing.context import ForkServerProcess
from pathlib import Path

from bot.runtime.ending import end_after
from tests.plain_tracebacks import show_plain_tracebacks

_FORKING = multiprocessing.get_context("forkserver")
_FORKING.set_forkserver_preload(["tests.restart.asked", "tests.restart.editor"])

Main = Callable[[str], int | None]


@dataclass
class Process:
    """One life that has begun. What it says goes to `log`, and its standard output to `_said`."""

    _process: ForkServerProcess
    _output: Connection
    log: Path

    async def ready(self) -> None:
        line = b""
        while not line.endswith(b"\n"):
            await _readable(self._output.fileno())
            some = os.read(self._output.fileno(), 100)
            assert some, self.said()
            line += some
        assert line == b"ready\n", self.said()

    async def ended(self) -> int:
        await _readable(self._process.sentinel)
        self._process.join()
        assert self._process.exitcode is not None
        return self._process.exitcode

    def kill(self) -> None:
        self._process.kill()

    async def stop(self) -> None:
        if self._process.exitcode is None:
            self.kill()
            await self.ended()

    def said(self) -> str:
        lines = self.log.read_text().splitlines()
        return "\n".join(line for line in lines if "Asyncio task cancelled" not in line)[-8000:]


def begin(main: Main, argument: str, log: Path) -> Process:
    """Run this in a process of its own, which ends with what it returns. `log`: the file for what it says."""
    log.touch()
    ours, output = _FORKING.Pipe(duplex=False)
    process = _FORKING.Process(target=_live, args=(main, argument, str(log), output), daemon=True)
    process.start()
    output.close()
    return Process(process, ours, log)


def _live(main: Main, argument: str, log: str, output: Connection) -> None:
    gc.freeze()  # what was imported is looked through no more, as in the bot once it is built
    show_plain_tracebacks()
    os.dup2(output.fileno(), 1)
    os.dup2(os.open(log, os.O_WRONLY | os.O_CREAT | os.O_APPEND), 2)
    # A life that fails while its journal is away would never end: the engine's threads wait for the journal.
    end_after(lambda: sys.exit(main(argument)))


async def _readable(file: int) -> None:
    """Until there is something to read from it, or nothing will ever be."""
    there = asyncio.Event()
    loop = asyncio.get_running_loop()
    loop.add_reader(file, there.set)
    try:
        await there.wait()
    finally:
        loop.remove_reader(file)
