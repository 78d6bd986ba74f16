"""git's own server in a process of its own, as it is elsewhere: neither it nor we hold the other's event loop up.

`python -m benchmarks._git_host DIRECTORY TOKEN` serves the repositories below, says its URL on standard output, and
ends with its standard input.
"""

import asyncio
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import httpx
import msgspec
from starlette.types import ASGIApp, Receive, Scope, Send

from integrations.sandbox.git import GitServer
from integrations.sandbox.serving import serve

_WORKED = "/worked"

Span = tuple[float, float]
"""From and to, in seconds of the machine's monotonic clock, which every process reads alike."""


class Stopwatch:
    """Writes down from when to when the server worked at each request; `GET /worked` tells it once."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app
        self._worked: list[Span] = []

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["path"] == _WORKED:
            worked, self._worked = self._worked, []
            await send({"type": "http.response.start", "status": 200, "headers": []})
            await send({"type": "http.response.body", "body": msgspec.json.encode(worked)})
            return
        begun = time.monotonic()
        try:
            await self._app(scope, receive, send)
        finally:
            self._worked.append((begun, time.monotonic()))


@dataclass(frozen=True)
class GitHost:
    url: str

    def worked(self) -> list[Span]:
        """Since it was asked the last time."""
        return msgspec.json.decode(httpx.get(f"{self.url}{_WORKED}").content, type=list[Span])


@contextmanager
def git_host(root: Path, token: str) -> Iterator[GitHost]:
    command = [sys.executable, "-m", __name__, str(root), token]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdout is not None
        assert process.stdin is not None
        try:
            yield GitHost(process.stdout.readline().decode().strip())
        finally:
            process.stdin.close()


def together(spans: Sequence[Span], begun: float, ended: float) -> float:
    """The seconds between two moments in which the server worked, at one request or at several."""
    seconds, reached = 0.0, begun
    for since, until in sorted(spans):
        seconds += max(0.0, min(until, ended) - max(since, reached))
        reached = max(reached, until)
    return seconds


async def _main(root: Path, token: str) -> None:
    async with serve(Stopwatch(GitServer(root, token).app)) as url:
        print(url, flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(_main(Path(sys.argv[1]), sys.argv[2]))
