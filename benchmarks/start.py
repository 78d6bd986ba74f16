"""How long a start takes, and how much memory a bot holds that does nothing.

`python -m benchmarks.start` starts the sandbox's systems and the bot, stops the bot, and starts it again three times:
the database is there and git's cache is warm. Of each start it prints the seconds until `/readyz` answers 200, the
processor's seconds until then, and the memory ten seconds later. A machine with other work shows in the difference of
the two times.
"""

import asyncio
import compileall
import os
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

import httpx

import bot
from benchmarks._goals import goal
from integrations.sandbox.clock import Clock
from integrations.sandbox.ports import free_port
from integrations.sandbox.world import World, running

STARTS = 3
IDLE = 10.0
"""seconds"""
READY_SECONDS = 3.0
IDLE_MEBIBYTES = 150.0
TICKS = os.sysconf("SC_CLK_TCK")


@dataclass(frozen=True)
class Start:
    seconds: float
    processor: float
    mebibytes: float


def compiled() -> None:
    """As every installation leaves it: where PYTHONDONTWRITEBYTECODE is set, each start would compile 500 modules."""
    here = Path(bot.__file__).parents[1]
    for package in ("bot", "commands", "integrations"):
        compileall.compile_dir(here / package, quiet=1)


async def one_start(world: World) -> Start:
    begun = time.monotonic()
    await world.bot.start()
    async with httpx.AsyncClient(base_url=f"http://127.0.0.1:{world.bot_port}", trust_env=False) as http:
        async with asyncio.timeout(120):
            while not await _ready(http):  # noqa: ASYNC110 (another process)
                await asyncio.sleep(0.02)
    seconds, pid = time.monotonic() - begun, int(world.bot.snapshot()["pid"])
    processor = _processor_seconds(pid)
    await asyncio.sleep(IDLE)
    return Start(seconds, processor, _mebibytes(pid))


async def _ready(http: httpx.AsyncClient) -> bool:
    try:
        return (await http.get("/readyz")).status_code == 200
    except httpx.TransportError:
        return False


def _processor_seconds(pid: int) -> float:
    """User and system time of a process (proc(5), fields 14 and 15)."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / TICKS


def _mebibytes(pid: int) -> float:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:")) / 1024


async def main() -> None:
    compiled()
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = World(data, Clock(1), free_port())
        await stack.enter_async_context(running(world))
        if not await world.connected():
            raise RuntimeError(f"the bot did not come up:\n{(data / 'bot.log').read_text()[-2000:]}")
        starts = []
        for _ in range(STARTS):
            await world.bot.stop()
            starts.append(await one_start(world))
            print(
                "  ready after {0.seconds:.2f} s ({0.processor:.2f} s of a processor), {0.mebibytes:.0f} MiB".format(
                    starts[-1]
                )
            )
    goal("seconds until ready", min(start.seconds for start in starts), at_most=READY_SECONDS)
    goal("MiB while idle", max(start.mebibytes for start in starts), at_most=IDLE_MEBIBYTES)


if __name__ == "__main__":
    asyncio.run(main())
