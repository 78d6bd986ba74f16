"""The bot as an ordinary child process, configured by nothing but settings."""

import asyncio
import contextlib
import json
import os
import signal
import sys
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

STOP_SECONDS = 25


class BotProcess:
    """`pilothouse run` with these settings. `on_change` is called when it starts and when it ends."""

    def __init__(self, settings: Mapping[str, str], log: Path, on_change: Callable[[], None]) -> None:
        self._settings = settings
        self._log = log
        self._on_change = on_change
        self._process: asyncio.subprocess.Process | None = None
        self._watching: asyncio.Task[None] | None = None
        self._starts = 0

    @property
    def running(self) -> bool:
        return self._process is not None and self._process.returncode is None

    def snapshot(self) -> dict[str, Any]:
        process = self._process
        return {
            "running": self.running,
            "pid": process.pid if process and self.running else None,
            "starts": self._starts,
            "exit": process.returncode if process else None,
        }

    async def start(self) -> None:
        """One that runs already is left alone."""
        if self.running:
            return
        with self._log.open("ab") as log:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "bot",
                "run",
                env={**_plain_environment(), **self._settings},
                stdout=log,
                stderr=log,
            )
        self._starts += 1
        self._watching = asyncio.create_task(self._watch(self._process))
        self._on_change()

    async def stop(self) -> None:
        """SIGTERM, and SIGKILL for one that does not end."""
        await self._end(signal.SIGTERM)

    async def kill(self) -> None:
        await self._end(signal.SIGKILL)

    async def _end(self, number: signal.Signals) -> None:
        process = self._process
        if process is None or process.returncode is not None:
            return
        process.send_signal(number)
        try:
            await asyncio.wait_for(process.wait(), STOP_SECONDS)
        except TimeoutError:
            process.kill()
            await process.wait()
        if self._watching:
            await self._watching

    async def _watch(self, process: asyncio.subprocess.Process) -> None:
        with contextlib.suppress(asyncio.CancelledError):
            await process.wait()
        self._on_change()


def _plain_environment() -> dict[str, str]:
    """This process's environment without settings that were meant for another bot."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PILOTHOUSE_")}


async def slack_manifest() -> dict[str, Any]:
    """The manifest of the bot's Slack app, asked of it as an administrator would."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bot", "slack-manifest", env=_plain_environment(), stdout=asyncio.subprocess.PIPE
    )
    output, _ = await process.communicate()
    if process.returncode:
        raise RuntimeError("`pilothouse slack-manifest` failed; see above")
    manifest: dict[str, Any] = json.loads(output)
    return manifest
