"""Draws off the loop: a process for each chart, which ends with it, so that the bot never holds a plotting library."""

import asyncio
import json
import os
import sys
import tempfile
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import asdict
from importlib.util import find_spec

from bot.domain.chart import Chart
from bot.domain.errors import Refused, Unavailable
from integrations.processes import end

SYSTEM = "charts"
DRAWING = "integrations.charts.drawing"
LONGEST_SECONDS = 60.0
LARGEST = 5 << 20
"""bytes of a picture"""
INHERITED = ("PATH", "PYTHONPATH", "LANG", "LC_ALL", "TMPDIR", "SYSTEMROOT", "OPENBLAS_CORETYPE")
"""of the environment: the drawing has no use for the bot's secrets"""


class ProcessPainter:
    """Implements the port ChartPainter. One chart at a time: each takes about 100 MB while it is drawn.

    `command` is what draws: the chart as JSON on its standard input, a PNG on its standard output. `seconds`: after
    which it is killed. `patience`: the longest that a chart waits for those before it, in seconds.
    """

    def __init__(
        self, command: Sequence[str] = (), seconds: float = LONGEST_SECONDS, patience: float = LONGEST_SECONDS
    ) -> None:
        self._command = tuple(command) or (sys.executable, "-m", DRAWING)
        self._ready = bool(command) or find_spec("matplotlib") is not None
        self._seconds = seconds
        self._patience = patience
        self._turn = asyncio.Lock()

    @property
    def ready(self) -> bool:
        """False where matplotlib is not installed."""
        return self._ready

    async def paint(self, chart: Chart) -> bytes:
        """A PNG. Raises Unavailable where it takes too long or cannot begin, Refused where it cannot be drawn."""
        async with self._its_turn():
            try:
                with tempfile.TemporaryDirectory(prefix="charts-", ignore_cleanup_errors=True) as scratch:
                    return await self._run(json.dumps(asdict(chart)).encode(), scratch)
            except OSError as error:
                raise Unavailable(SYSTEM, "draw", error.strerror or type(error).__name__) from error

    @asynccontextmanager
    async def _its_turn(self) -> AsyncIterator[None]:
        try:
            async with asyncio.timeout(self._patience):
                await self._turn.acquire()
        except TimeoutError as error:
            raise Unavailable(SYSTEM, "draw", f"no turn within {self._patience:g} seconds") from error
        try:
            yield
        finally:
            self._turn.release()

    async def _run(self, chart: bytes, scratch: str) -> bytes:
        kept = {name: os.environ[name] for name in INHERITED if name in os.environ}
        process = await asyncio.create_subprocess_exec(
            *self._command,
            # matplotlib writes a list of fonts, and the home may be read-only.
            env={**kept, "HOME": scratch, "MPLCONFIGDIR": scratch, "OPENBLAS_NUM_THREADS": "1"},
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            start_new_session=True,
        )
        try:
            async with asyncio.timeout(self._seconds):
                picture, said = await process.communicate(chart)
        except TimeoutError as error:
            raise Unavailable(SYSTEM, "draw", f"not done within {self._seconds:g} seconds") from error
        finally:
            await end(process)
        if process.returncode or not picture.startswith(b"\x89PNG") or len(picture) > LARGEST:
            last = said.decode(errors="replace").strip().rpartition("\n")[2][:200]
            raise Refused(SYSTEM, "draw", last or f"the process ended with status {process.returncode}")
        return picture
