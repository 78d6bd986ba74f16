"""`pilothouse sandbox`: the world, the bot, and a page to use them, until Ctrl-C."""

import asyncio
import os
import signal
import sys
from pathlib import Path

from starlette.applications import Starlette
from starlette.exceptions import HTTPException
from starlette.middleware import Middleware
from starlette.routing import Mount

from integrations.sandbox.clock import Clock
from integrations.sandbox.interface import Interface, refused
from integrations.sandbox.local_only import LocalOnlyMiddleware
from integrations.sandbox.options import BadOption, data_directory, read_options
from integrations.sandbox.page import Page
from integrations.sandbox.platform import PlatformMissing
from integrations.sandbox.ports import free_port
from integrations.sandbox.serving import serve
from integrations.sandbox.world import World, running

LAST_LINES = 5


class BotEnded(Exception):
    """The bot has ended instead of answering."""


def main() -> None:
    """Reads PORT, SANDBOX_SPEED, SANDBOX_APPS and SANDBOX_DATA from the environment; exits with 1 and a sentence on
    bad ones.
    """
    try:
        options = read_options(os.environ)
        asyncio.run(run(options.port, options.clock, data_directory(os.environ), options.units))
    except BadOption as error:
        sys.exit(str(error))
    except (BotEnded, PlatformMissing, OSError) as error:
        sys.exit(f"The sandbox cannot start: {error}")


async def run(port: int, clock: Clock, data: Path, units: int = 0) -> None:
    """Until SIGINT or SIGTERM."""
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    world = World(data, clock, free_port(), units)
    print(f"Data and the bot's log are in {data}\nThe bot is starting…", flush=True)
    async with running(world):
        # First the bot, then the page: whoever gets an answer can give a command.
        if await come_up(world, stop):
            await serve_until(stop, world, port)


async def come_up(world: World, stop: asyncio.Event) -> bool:
    """Wait for the bot, however long it takes; False when it is stopped before. Raises BotEnded with its last words."""
    log, stopped = world.data / "bot.log", asyncio.create_task(stop.wait())
    try:
        while True:
            waiting = asyncio.create_task(world.connected())
            await asyncio.wait({waiting, stopped}, return_when=asyncio.FIRST_COMPLETED)
            if stopped.done():
                waiting.cancel()
                return False
            if waiting.result():
                return True
            if not world.bot.running:
                raise BotEnded(f"the bot did not come up:\n{last_lines(log)}\nAll that it said is in {log}.")
            print(f"The bot is still starting; what it says is in {log}", file=sys.stderr, flush=True)
    finally:
        stopped.cancel()


def last_lines(log: Path) -> str:
    """What a process said last."""
    lines = log.read_text(errors="replace").splitlines() if log.is_file() else []
    return "\n".join(f"  {line}" for line in lines[-LAST_LINES:])


async def serve_until(stop: asyncio.Event, world: World, port: int) -> None:
    async with serve(application(world), port) as url:
        print(f"\n  Open {url} — you are ana; try /deploy my-app prod\n\n  Ctrl-C ends it.", flush=True)
        await stop.wait()


def application(world: World) -> Starlette:
    return Starlette(
        routes=[*Interface(world).routes(), Mount("/", Page())],
        exception_handlers={HTTPException: refused},
        middleware=[Middleware(LocalOnlyMiddleware)],
    )
