"""What a promotion costs: read an overlay, change one line, commit, push; at 10, 1,000 and 10,000 apps.

`python -m benchmarks.promotion [APPS…]` serves a bare repository over smart HTTP on loopback and promotes through
GitRemote, beside the naive way (clone, edit, commit, push) in the same run. Exits with 1 when a goal is missed:
at the largest size 50 times faster than naive, and at most twice the time of the smallest.
"""

import asyncio
import functools
import re
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path

from bot.domain.overlay import Author, Change
from bot.settings import GitSettings
from integrations.git import GitRemote
from integrations.sandbox.git import GitServer
from integrations.sandbox.serving import serve

SIZES = (10, 1_000, 10_000)
ENVIRONMENTS = ("development", "staging", "production")
TOKEN = "benchmark"
ROUNDS = 9
TIMES_FASTER = 50
TIMES_SMALLEST = 2.0
ANA = Author("Ana", "ana@example.com")


@dataclass(frozen=True)
class Result:
    """Seconds. `cold`: the first promotion, with an empty cache; `warm`: the median of those after it."""

    apps: int
    cold: float
    warm: float
    head: float
    read: float
    commit: float
    naive: float


def overlay(app: int, environment: str = "production") -> str:
    return f"apps/app-{app:05}/overlays/{environment}/kustomization.yaml"


@functools.cache
def manifests() -> dict[str, str]:
    """Of the app that is deployed with the platform: what an app's manifests really look like."""
    app = Path(__file__).parents[1] / "deploy" / "apps" / "my-app"
    return {str(file.relative_to(app)): file.read_text() for file in sorted(app.rglob("*.yaml"))}


def files(apps: int) -> Iterator[tuple[str, bytes]]:
    for app in range(apps):
        for path, text in manifests().items():
            yield f"apps/app-{app:05}/{path}", text.replace("my-app", f"app-{app:05}").encode()


def fill(repository: Path, apps: int) -> None:
    stream = [b"commit refs/heads/main\ncommitter Seed <seed@example.com> 1767600000 +0000\ndata 4\nSeed\n"]
    stream += [b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(body), body) for path, body in files(apps)]
    git(repository, "fast-import", "--quiet", stdin=b"".join(stream))
    git(repository, "repack", "-adq")


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> None:
    subprocess.run(["git", *arguments], cwd=directory, input=stdin, check=True, capture_output=True)


def promoted(body: bytes, number: int) -> bytes:
    """The overlay with another tag. What is measured is git, not YAML."""
    text, count = re.subn(rb"(newTag: *)\S+", rb"\1v1.0.%d" % number, body)
    assert count == 1, body
    return text


async def measure(apps: int, rounds: int) -> Result:
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        server = GitServer(directory / "served", TOKEN)
        await server.repository.initialise()
        await asyncio.to_thread(fill, server.repository.path, apps)
        url = f"{await stack.enter_async_context(serve(server.app))}/deploy.git"
        remote = await stack.enter_async_context(GitRemote(GitSettings(url=url, token=TOKEN), directory / "cache"))
        times = [await promote(remote, 0, 0)]
        # The catalog of a running bot has read every overlay.
        await remote.read([overlay(app, name) for app in range(apps) for name in ENVIRONMENTS], await remote.head())
        times += [await promote(remote, number % apps, number) for number in range(1, rounds + 1)]
        naive = await asyncio.to_thread(clone_edit_push, directory / "clone", url, apps - 1)
    cold, warm = times[0], times[1:]
    head, read, commit = (statistics.median(step) for step in zip(*warm, strict=True))
    return Result(apps, sum(cold), statistics.median(map(sum, warm)), head, read, commit, naive)


async def promote(remote: GitRemote, app: int, number: int) -> tuple[float, float, float]:
    """The seconds of asking for the head, of reading, and of committing."""
    path = overlay(app)
    begun = time.perf_counter()
    head = await remote.head()
    asked = time.perf_counter()
    body = (await remote.read([path], head))[path]
    read = time.perf_counter()
    message = f"Promote app-{app:05}\n\nPromotion-Id: {number}"
    await remote.commit(Change({path: promoted(body, number)}, message, ANA), head)
    return asked - begun, read - asked, time.perf_counter() - read


def clone_edit_push(clone: Path, url: str, app: int) -> float:
    begun = time.perf_counter()
    address = url.replace("http://", f"http://git:{TOKEN}@")
    git(clone.parent, "clone", "--quiet", address, str(clone))
    file = clone / overlay(app)
    file.write_bytes(promoted(file.read_bytes(), 99))
    git(clone, "add", overlay(app))
    git(clone, "-c", "user.name=Ana", "-c", "user.email=ana@example.com", "commit", "--quiet", "-m", "Promote")
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    return time.perf_counter() - begun


async def main(sizes: tuple[int, ...]) -> None:
    print("   apps |   naive |    cold |    warm | = head + read + commit    | faster | of smallest")
    results: list[Result] = []
    for apps in sizes:
        found = await measure(apps, ROUNDS)
        results.append(found)
        steps = f"{found.head:.3f} + {found.read:.3f} + {found.commit:.3f} s"
        print(
            f"{apps:7,} | {found.naive:6.2f}s | {found.cold:6.2f}s | {found.warm:6.3f}s | {steps:25} |"
            f" {found.naive / found.warm:5.0f}× | {found.warm / results[0].warm:.2f}×",
            flush=True,
        )
    largest, smallest = results[-1], results[0]
    faster, growth = largest.naive / largest.warm, largest.warm / smallest.warm
    good = faster >= TIMES_FASTER and growth <= TIMES_SMALLEST
    print(
        f"goals {'met' if good else 'MISSED'}: {faster:.0f}× faster (at least {TIMES_FASTER}), "
        f"{growth:.2f}× smallest (at most {TIMES_SMALLEST:g})"
    )


if __name__ == "__main__":
    asyncio.run(main(tuple(map(int, sys.argv[1:])) or SIZES))
