"""From the approval to the commit on the remote's branch, at 10, 1,000 and 10,000 apps.

`python -m benchmarks.promotion [APPS…]` serves a bare repository by git's own `http-backend` on loopback and promotes
with the bot's committer, all of its step: look whether it is done, ask for the head, read, check, edit, commit, push.
Beside it, in the same run and from the same server, what a script does: clone (whole, and shallow), edit, commit, push.

"server" is the part of our time in which the server works, at one request or at several side by side: most of it is
git's own check, on every push, that the pushed commit is connected, for which it reads all trees of its parent. That
part grows with the repository, whoever pushes, and no client can do anything about it. "own" is the rest, and "CPU"
what this process computed all in all, on every thread: on a machine that is busy only that one can be compared.
"""

import asyncio
import functools
import re
import statistics
import subprocess
import sys
import tempfile
import time
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from benchmarks._git_host import GitHost, git_host, together
from benchmarks._goals import goal
from bot.domain.application import ApplicationRef
from bot.domain.overlay import Commit
from bot.domain.promotion import ApprovalRule, Kind, Move, Phase, Plan, Promotion, Stage
from bot.overlays.kustomization import read_images
from bot.settings import GitSettings
from integrations.git import GitRemote
from integrations.sandbox.git import BareRepository
from tests.fakes.registry import MemoryRegistry
from tests.restart.crowd import ANA, committer

SIZES = (10, 1_000, 10_000)
ENVIRONMENTS = ("development", "staging", "production")
TOKEN = "benchmark"
ROUNDS = 9


@dataclass(frozen=True)
class Result:
    """Seconds. `first`: with an empty cache; `ours`, `server`, `own` and `cpu`: the medians of those after."""

    apps: int
    clone: float
    shallow: float
    first: float
    ours: float
    server: float
    own: float
    cpu: float


@dataclass(frozen=True)
class Took:
    """Seconds: from the approval to the commit, those of them in which the server worked, and of our processor."""

    whole: float
    server: float
    cpu: float


def overlay(app: int, environment: str = "production") -> str:
    return f"apps/app-{app:05}/overlays/{environment}/kustomization.yaml"


@functools.cache
def manifests() -> dict[str, str]:
    """Of the app that is deployed with the platform: what an app's manifests really look like."""
    app = Path(__file__).parents[1] / "deploy" / "apps" / "my-app"
    return {str(file.relative_to(app)): file.read_text() for file in sorted(app.rglob("*.yaml"))}


def files_of(app: int) -> dict[str, bytes]:
    name = f"app-{app:05}"
    return {f"apps/{name}/{path}": text.replace("my-app", name).encode() for path, text in manifests().items()}


def fill(repository: Path, apps: int) -> None:
    stream = [b"commit refs/heads/main\ncommitter Seed <seed@example.com> 1767600000 +0000\ndata 4\nSeed\n"]
    stream += [
        b"M 100644 inline %s\ndata %d\n%s\n" % (path.encode(), len(body), body)
        for app in range(apps)
        for path, body in files_of(app).items()
    ]
    git(repository, "fast-import", "--quiet", stdin=b"".join(stream))
    git(repository, "repack", "-adq")


def git(directory: Path, *arguments: str, stdin: bytes = b"") -> None:
    subprocess.run(["git", *arguments], cwd=directory, input=stdin, check=True, capture_output=True)


def promoted(body: bytes) -> bytes:
    """The overlay with another tag, as sed would write it."""
    text, count = re.subn(rb"(newTag: *)\S+", rb"\1v2.0.0", body)
    assert count == 1, body
    return text


async def measure(apps: int) -> Result:
    async with AsyncExitStack() as stack:
        directory = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        repository = BareRepository(directory / "served" / "deploy.git")
        await repository.initialise()
        await asyncio.to_thread(fill, repository.path, apps)
        host = stack.enter_context(git_host(directory / "served", TOKEN))
        url = f"{host.url}/deploy.git"
        remote = await stack.enter_async_context(GitRemote(GitSettings(url=url, token=TOKEN), directory / "cache"))
        first = await promote(remote, 0, 0, await remote.head(), host)
        # The catalog of a running bot has read every overlay.
        await remote.read([overlay(app, name) for app in range(apps) for name in ENVIRONMENTS], await remote.head())
        warm: list[Took] = []
        for number in range(1, ROUNDS + 1):
            # Since each was planned, the one before it has come in between.
            seen = (await remote.history("", 2))[-1].sha
            warm.append(await promote(remote, number % apps, number, seen, host))
        shallow = await asyncio.to_thread(clone_edit_push, directory / "shallow", url, apps - 2, "--depth=1")
        clone = await asyncio.to_thread(clone_edit_push, directory / "clone", url, apps - 1)
    parts = zip(*((each.whole, each.server, each.whole - each.server, each.cpu) for each in warm), strict=True)
    return Result(apps, clone, shallow, first.whole, *map(statistics.median, parts))


async def promote(remote: GitRemote, app: int, number: int, seen: str, host: GitHost) -> Took:
    path, registry = overlay(app), MemoryRegistry()
    before = read_images(files_of(app)[path], path)[0]
    after = registry.push(before.repository, f"v1.0.{number}").image
    name = f"app-{app:05}"
    move = Move(name, path, before, after, ApplicationRef(f"{name}-production", "production"))
    plan = Plan(
        f"p-{number}", Kind.PROMOTION, "production", "staging", (move,), ANA, "C0DEPLOY", datetime.now(UTC), (),
        ApprovalRule(), seen,
    )  # fmt: skip
    ours = committer(remote, registry)
    await asyncio.to_thread(host.worked)
    cpu, begun = time.process_time(), time.monotonic()
    made = await ours.commit(Promotion(plan, Phase.RUNNING, Stage.COMMIT))
    ended, spent = time.monotonic(), time.process_time() - cpu
    assert isinstance(made, Commit), made
    server = together(await asyncio.to_thread(host.worked), begun, ended)
    return Took(ended - begun, server, spent)


def clone_edit_push(clone: Path, url: str, app: int, *how: str) -> float:
    begun = time.perf_counter()
    address = url.replace("http://", f"http://git:{TOKEN}@")
    git(clone.parent, "clone", "--quiet", "--single-branch", *how, address, str(clone))
    file = clone / overlay(app)
    file.write_bytes(promoted(file.read_bytes()))
    git(clone, "add", overlay(app))
    git(clone, "-c", "user.name=Ana", "-c", "user.email=ana@example.com", "commit", "--quiet", "-m", "Promote")
    git(clone, "push", "--quiet", "origin", "HEAD:main")
    return time.perf_counter() - begun


async def main(sizes: tuple[int, ...]) -> None:
    print("From the approval to the commit on the remote, in seconds. The baselines clone, edit, commit and push.")
    print(
        "   apps |  clone | --depth=1 | ours, first |  ours | server's part |   own |   CPU | clone/ours | shallow/ours"
    )
    results: list[Result] = []
    for apps in sizes:
        r = await measure(apps)
        results.append(r)
        print(
            f"{apps:7,} | {r.clone:6.2f} | {r.shallow:9.2f} | {r.first:11.2f} | {r.ours:5.3f} | {r.server:13.3f} |"
            f" {r.own:5.3f} | {r.cpu:5.3f} | {r.clone / r.ours:9.0f}× | {r.shallow / r.ours:11.0f}×",
            flush=True,
        )
    small, large = results[0], results[-1]
    goal(f"clone, edit, push against ours at {large.apps:,} apps", large.clone / large.ours, at_least=50)
    goal(f"ours at {large.apps:,} apps against ours at {small.apps:,}", large.ours / small.ours, at_most=2)
    print(f"          without the server's part, which is git's own: {large.own / small.own:.2f}×")


if __name__ == "__main__":
    asyncio.run(main(tuple(map(int, sys.argv[1:])) or SIZES))
