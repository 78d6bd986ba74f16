"""Reading 10,000 Applications, whole and as the overview that a board needs, and following 1,000 changes a second.

Time, memory, latency, and JSON's share of it.

`python -m benchmarks.argocd_read` prints it. The server is another process, so that only the client is measured.
"""

import asyncio
import json
import multiprocessing
import statistics
import tempfile
import time
from collections.abc import Callable
from contextlib import aclosing, suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from multiprocessing.connection import Connection as Pipe
from pathlib import Path
from typing import Any

import msgspec
from pydantic import BaseModel, ConfigDict, Field, TypeAdapter
from pydantic.alias_generators import to_camel

from bot.settings import ArgoCDSettings
from integrations.argocd import ArgoCD, wire
from integrations.argocd.client import IDENTITY, OVERVIEW
from integrations.sandbox.argocd.selection import select_list_fields

APPLICATIONS = 10_000
PER_SECOND = 1_000
SECONDS = 5
HEAD = b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Type: "


def application(number: int, at: str, version: int) -> dict[str, Any]:
    """About 6 KiB, as real ones are: ten deployments of history, a handful of resources."""
    name, sha = f"app-{number:05}-production", f"{number:040x}"
    source = {
        "repoURL": "https://git.example.com/platform/deploy.git",
        "path": f"apps/app-{number:05}/overlays/production",
        "targetRevision": "main",
        "kustomize": {"images": [f"harbor.example.com/apps/app-{number:05}:v1.4.2"]},
    }
    destination = {"name": "production", "namespace": f"app-{number:05}"}
    resources = [
        {"group": "apps", "version": "v1", "kind": kind, "namespace": f"app-{number:05}", "name": name}
        | {"status": "Synced", "health": {"status": "Healthy"}}
        for kind in ("Deployment", "Service", "ConfigMap", "Ingress", "ServiceAccount", "HorizontalPodAutoscaler")
    ]
    history = [{"id": i, "revision": sha, "deployedAt": at, "deployStartedAt": at, "source": source} for i in range(10)]
    state = {
        "phase": "Succeeded",
        "message": "successfully synced (all tasks run)",
        "startedAt": at,
        "finishedAt": at,
        "operation": {"sync": {"revision": sha}, "initiatedBy": {"automated": True}},
        "syncResult": {"revision": sha, "source": source, "resources": resources},
    }
    return {
        "metadata": {"name": name, "namespace": "argocd", "resourceVersion": str(version), "uid": sha},
        "spec": {"project": "apps", "source": source, "destination": destination, "syncPolicy": {"automated": {}}},
        "status": {
            "sync": {"status": "Synced", "revision": sha, "comparedTo": {"source": source, "destination": destination}},
            "health": {"status": "Healthy", "lastTransitionTime": at},
            "history": history,
            "operationState": state,
            "reconciledAt": at,
            "resources": resources,
            "summary": {"images": [f"harbor.example.com/apps/app-{number:05}:v1.4.2"]},
        },
    }


def listed() -> bytes:
    at = datetime.now(UTC).isoformat()
    return json.dumps({"items": [application(n, at, 1000) for n in range(APPLICATIONS)]}).encode()


class Lenient(BaseModel):
    model_config = ConfigDict(alias_generator=to_camel, frozen=True)


class Metadata(Lenient):
    name: str
    namespace: str | None = None
    resource_version: str | None = None


class Sync(Lenient):
    status: str | None = None
    revision: str | None = None


class Health(Lenient):
    status: str | None = None
    last_transition_time: datetime | None = None


class Entry(Lenient):
    id: int
    revision: str | None = None
    deployed_at: datetime | None = None


class State(Lenient):
    phase: str | None = None
    message: str | None = None
    started_at: datetime | None = None
    finished_at: datetime | None = None


class Status(Lenient):
    sync: Sync | None = None
    health: Health | None = None
    history: list[Entry] | None = None
    operation_state: State | None = None
    reconciled_at: datetime | None = None


class PydanticApplication(Lenient):
    metadata: Metadata
    status: Status | None = None


class PydanticList(Lenient):
    items: list[PydanticApplication] | None = Field(None)


def by_msgspec(body: bytes) -> object:
    raw = msgspec.json.decode(body, type=wire.RawList)
    return [msgspec.json.decode(item, type=wire.ArgoApplication) for item in raw.items or ()]


PARSERS: dict[str, Callable[[bytes], object]] = {
    "json.loads, untyped": json.loads,
    "json.loads + pydantic": lambda body: PydanticList.model_validate(json.loads(body)),
    "pydantic from bytes": lambda body: TypeAdapter(PydanticList).validate_json(body),
    "msgspec, typed": by_msgspec,
}


def peak() -> int:
    """This process's highest memory so far, in KiB; not its parent's, which getrusage would tell after a spawn."""
    status = Path("/proc/self/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM"))


def parse(name: str, file: Path, result: Pipe) -> None:
    """In a process of its own, because a peak of memory never comes down again."""
    PARSERS[name](b'{"items":[]}')
    body = file.read_bytes()
    before = peak()
    begun = time.perf_counter()
    kept = PARSERS[name](body)
    took = time.perf_counter() - begun
    result.send((took, peak() - before))
    del kept


def parsers(file: Path) -> None:
    print(f"Parsing {APPLICATIONS:,} Applications ({file.stat().st_size / 2**20:.0f} MiB of JSON)")
    spawn = multiprocessing.get_context("spawn")
    for name in PARSERS:
        here, there = spawn.Pipe()
        process = spawn.Process(target=parse, args=(name, file, there))
        process.start()
        took, kibibytes = here.recv()
        process.join()
        print(f"  {name:24} {took * 1000:7.0f} ms  {kibibytes / 1024:6.0f} MiB more memory")


def selected(body: bytes, fields: str) -> bytes:
    """The list as `fields=` leaves it (A7)."""
    items = [select_list_fields(item, fields) for item in json.loads(body)["items"]]
    return json.dumps({"items": items}).encode()


def serve(file: Path, result: Pipe) -> None:
    body = file.read_bytes()
    overview = selected(body, ",".join(f"items.{field}" for field in (*OVERVIEW, *IDENTITY)))
    print(f"Whole: {len(body) / APPLICATIONS:,.0f} bytes an Application; overview: {len(overview) / APPLICATIONS:,.0f}")
    asyncio.run(serving(body, overview, result))


async def serving(body: bytes, overview: bytes, result: Pipe) -> None:

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(ConnectionError):
            head = await reader.readuntil(b"\r\n\r\n")
            if b"/stream/" in head:
                await stream(writer)
            else:
                whole = overview if b"fields=" in head else body
                told = whole if b"/applications" in head else b"{}"
                writer.write(HEAD + b"application/json\r\nContent-Length: %d\r\n\r\n" % len(told) + told)
                await writer.drain()
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    result.send(server.sockets[0].getsockname()[1])
    await server.serve_forever()


async def stream(writer: asyncio.StreamWriter) -> None:
    """Each event tells when it was sent, as the time of its reconcile."""
    writer.write(HEAD + b"text/event-stream\r\n\r\n:\n\n")
    await writer.drain()
    await asyncio.sleep(4)
    begun = time.perf_counter()
    for number in range(PER_SECOND * SECONDS):
        app = application(number % APPLICATIONS, datetime.now(UTC).isoformat(), 2000 + number)
        event = {"result": {"type": "MODIFIED", "application": app}}
        writer.write(b"data: " + msgspec.json.encode(event) + b"\n\n")
        await writer.drain()
        ahead = begun + number / PER_SECOND - time.perf_counter()
        if ahead > 0.002:
            await asyncio.sleep(ahead)
    await asyncio.sleep(30)


@dataclass
class Stalls:
    """The longest that the event loop was held up, in seconds; `own`: of our own CPU, however busy the machine is."""

    longest: float = 0
    own: float = 0

    def begin(self) -> None:
        self.longest = self.own = 0

    async def watch(self) -> None:
        while True:
            before, used = time.perf_counter(), time.thread_time()
            await asyncio.sleep(0.005)
            self.longest = max(self.longest, time.perf_counter() - before - 0.005)
            self.own = max(self.own, time.thread_time() - used)


def json_share(seconds: float, body: bytes, model: type[Any], times: int) -> str:
    begun = time.process_time()
    for _ in range(times):
        msgspec.json.decode(body, type=model)
    return f"{100 * (time.process_time() - begun) / seconds:.0f} %"


def look(port: int, what: str, result: Pipe) -> None:
    result.send(asyncio.run(looking(port, what)))


async def looking(port: int, what: str) -> tuple[float, int, float]:
    """Seconds, KiB more at the peak, and the longest stall in seconds."""
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    async with ArgoCD(ArgoCDSettings(url=f"http://127.0.0.1:{port}")) as argocd:
        await argocd.version()
        await asyncio.sleep(0.1)
        stalls.longest, before, begun = 0, peak(), time.perf_counter()
        kept = await (argocd.overview if what == "overview" else argocd.list)("production")
        took, more = time.perf_counter() - begun, peak() - before
        assert len(kept) == APPLICATIONS
    watching.cancel()
    return took, more, stalls.longest


def overviews(port: int) -> None:
    """Each in a process of its own, because a peak of memory never comes down again."""
    spawn = multiprocessing.get_context("spawn")
    found: dict[str, tuple[float, int, float]] = {}
    print(f"\nOne look at {APPLICATIONS:,} Applications, as /status takes it")
    for what in ("whole", "overview"):
        here, there = spawn.Pipe()
        process = spawn.Process(target=look, args=(port, what, there))
        process.start()
        took, more, stall = found[what] = here.recv()
        process.join()
        print(f"  {what:10} {took * 1000:6.0f} ms, {more / 1024:4.0f} MiB more memory, stall {stall * 1000:.0f} ms")
    (slow, much, _), (fast, little, _) = found["whole"], found["overview"]
    print(f"  the overview takes {100 * fast / slow:.0f} % of the time and {100 * little / much:.0f} % of the memory")


def read(port: int, file: Path) -> None:
    asyncio.run(client(port, file))


async def client(port: int, file: Path) -> None:
    settings = ArgoCDSettings(url=f"http://127.0.0.1:{port}")
    stalls = Stalls()
    watching = asyncio.create_task(stalls.watch())
    async with ArgoCD(settings) as argocd:
        await asyncio.sleep(0.1)
        stalls.longest = 0
        before, begun = peak(), time.perf_counter()
        cpu = time.process_time()
        apps = await argocd.list("production")
        took, cpu = time.perf_counter() - begun, time.process_time() - cpu
        more = peak() - before
        body = await asyncio.to_thread(file.read_bytes)
        parsing = time.process_time()
        by_msgspec(body)
        parsing = time.process_time() - parsing
        print(f"\nReading {len(apps):,} Applications with the client")
        print(f"  {took * 1000:.0f} ms, {more / 1024:.0f} MiB more memory, JSON {100 * parsing / cpu:.0f} % of the CPU")
        print(f"  longest stall of the event loop {stalls.longest * 1000:.0f} ms")
        del apps, body
        await follow(argocd, stalls)
    watching.cancel()


async def follow(argocd: ArgoCD, stalls: Stalls) -> None:
    latencies: list[float] = []
    cpu = 0.0
    async with aclosing(argocd.changes("production")) as changes:  # type: ignore[type-var]
        for _ in range(APPLICATIONS):
            await anext(changes)
        stalls.longest = 0
        async for app in changes:
            cpu = cpu or time.process_time()
            assert app.reconciled_at
            latencies.append(time.time() - app.reconciled_at.timestamp())
            if len(latencies) == PER_SECOND * SECONDS:
                break
        cpu = time.process_time() - cpu
    event = {"result": {"type": "MODIFIED", "application": application(1, datetime.now(UTC).isoformat(), 1)}}
    share = json_share(cpu, msgspec.json.encode(event), wire.WatchFrame, len(latencies))
    ordered = [1000 * latency for latency in sorted(latencies)]
    print(f"\nFollowing {PER_SECOND:,} changes a second for {SECONDS} s")
    print(f"  latency: median {statistics.median(ordered):.1f} ms, 99 % {ordered[-len(ordered) // 100]:.1f} ms")
    print(f"  CPU {cpu / SECONDS * 100:.0f} % of a core, JSON {share} of that")
    print(f"  longest stall of the event loop {stalls.longest * 1000:.0f} ms")


def main() -> None:
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "applications.json"
        file.write_bytes(listed())
        parsers(file)
        here, there = spawn.Pipe()
        server = spawn.Process(target=serve, args=(file, there), daemon=True)
        server.start()
        port = here.recv()
        overviews(port)
        reader = spawn.Process(target=read, args=(port, file))
        reader.start()
        reader.join()
        server.terminate()
        server.join()


if __name__ == "__main__":
    main()
