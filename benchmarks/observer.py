"""Watching 10,000 Applications with the delivery record's observer, from its start, and then 1,000 changes a second.

How long until all are known, the memory of the process, the longest stall of the event loop, and what `/status` takes:
for the first time ever, after a restart, after a commit, and again.

`python -m benchmarks.observer` prints it. The server is another process; the record is SQLite in a file.
"""

import asyncio
import multiprocessing
import statistics
import tempfile
import time
from dataclasses import dataclass, replace
from datetime import timedelta
from multiprocessing.connection import Connection as Pipe
from pathlib import Path

from benchmarks._goals import goal
from benchmarks.argocd_read import APPLICATIONS, PER_SECOND, SECONDS, Stalls, listed, look, peak, serve
from bot.deliveries.annotations import AnnotatedSubscriptions
from bot.deliveries.application_names import ApplicationNames
from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.application_record import ApplicationRecord, RecordedApplications
from bot.deliveries.news_recorder import NewsRecorder
from bot.deliveries.overlay_changes import OverlayChanges
from bot.deliveries.recorder import Recorder
from bot.domain.caller import Caller, Person
from bot.domain.intent import Context, Status
from bot.overlays.catalog import Catalog
from bot.policy import parse
from bot.promotions.tags import Tags
from bot.queries.overview import OverviewQuery
from bot.queries.status import StatusQuery
from bot.runtime.gc import set_aside
from bot.settings import ArgoCDSettings
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.parsed_overlays import ParsedOverlayStore
from bot.store.promotions import PromotionStore
from bot.store.schema import migrate
from bot.store.subscriptions import SubscriptionStore
from integrations.argocd import ArgoCD
from tests.fakes.command_harness import Empty
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.promotions import MemoryPromotions
from tests.fakes.registry import MemoryRegistry

MEMORY_MIB = 250
BOARD_SECONDS = 0.05
STALL_SECONDS = 0.1
POLICY = "bindings: [{role: viewer, users: [U0BO]}]"
SOMEBODY = Caller(Person("U0BO", "Bo", "bo@example.com"), "T0PILOT")
PATIENCE = 120


def overlays() -> MemoryOverlays:
    names = (f"app-{number:05}" for number in range(APPLICATIONS))
    text = "images:\n- name: harbor.example.com/apps/{}\n  newTag: v1.4.2\n"
    return MemoryOverlays(
        {f"apps/{name}/overlays/production/kustomization.yaml": text.format(name).encode() for name in names}
    )


@dataclass(frozen=True)
class OverviewTimes:
    """Seconds of CPU that a page of `/status` takes."""

    first: float
    restarted: float
    committed: float
    usual: float


async def watch(port: int, directory: Path) -> tuple[float, int, Stalls, int, Stalls, OverviewTimes]:
    """Seconds until all are known, MiB then, the longest stalls till then; MiB and the longest stalls after changes."""
    database = Database(f"sqlite:///{directory / 'x.db'}")
    await migrate(database)
    policy, source, store = parse(POLICY), overlays(), DeliveryStore(database)
    promotions = PromotionStore(database)
    recorder = Recorder(database, store, NewsRecorder(NewsStore(database), promotions))
    async with ArgoCD(ArgoCDSettings(url=f"http://127.0.0.1:{port}")) as argocd:
        record = ApplicationRecord("", ("production",), argocd, following=True)
        names = ApplicationNames(Catalog(source, policy), policy, ["production"])
        changes, minute = OverlayChanges(source, policy), timedelta(minutes=1)
        observer = ApplicationObserver(
            record,
            argocd,
            source,
            names,
            changes,
            store,
            recorder,
            2 * minute,
            5 * minute,
            AnnotatedSubscriptions(SubscriptionStore(database), argocd, "production"),
        )
        stalls = Stalls()
        watching = asyncio.create_task(stalls.watch())
        await asyncio.sleep(0.2)
        set_aside()  # as the bot does when it has started
        await asyncio.sleep(0.2)
        stalls.begin()
        begun = time.perf_counter()
        observing = asyncio.create_task(observer.observe())
        async with asyncio.timeout(PATIENCE):
            while len(observer._apps) < APPLICATIONS:  # noqa: ASYNC110 (it tells nobody)
                await asyncio.sleep(0.02)
        complete = time.perf_counter() - begun, peak() // 1024, replace(stalls)
        stalls.begin()
        await asyncio.sleep(SECONDS + 6)
        after = peak() // 1024, replace(stalls)
        assert record.current
        shown = await overviews(RecordedApplications(argocd, [record]), source, database)
        for task in (observing, watching):
            task.cancel()
        await asyncio.gather(observing, watching, return_exceptions=True)
    await database.close()
    return *complete, *after, shown


async def overviews(applications: RecordedApplications, source: MemoryOverlays, database: Database) -> OverviewTimes:
    def begun() -> OverviewQuery:
        policy, store = parse(POLICY), ParsedOverlayStore(database)
        catalog, tags = Catalog(source, policy, parsed=store), Tags(MemoryRegistry())
        status = StatusQuery(catalog, policy, applications, source, MemoryPromotions(), tags)
        return OverviewQuery(status, Empty())

    first = await cpu(begun())
    again = begun()
    restarted = await cpu(again)
    path = "apps/app-00007/overlays/production/kustomization.yaml"
    source.push({path: b"images:\n- name: harbor.example.com/apps/app-00007\n  newTag: v1.4.3\n"})
    committed = await cpu(again)
    return OverviewTimes(first, restarted, committed, statistics.median([await cpu(again) for _ in range(5)]))


async def cpu(overviews: OverviewQuery) -> float:
    """Seconds, of a page of the board of all apps."""
    begun = time.process_time()
    overview = await overviews.page(Status(context=Context("r", "C0DEPLOY", "c")), SOMEBODY)
    took = time.process_time() - begun
    assert overview.page
    assert overview.page.apps == APPLICATIONS
    return took


def client(port: int, directory: Path, result: Pipe) -> None:
    result.send(asyncio.run(watch(port, directory)))


def told(stalls: Stalls) -> str:
    return f"longest stall {stalls.longest * 1000:.0f} ms, {stalls.own * 1000:.0f} ms of it our own CPU"


def main() -> None:
    """The baseline is one read of the same list by the client alone, in a process of its own."""
    spawn = multiprocessing.get_context("spawn")
    with tempfile.TemporaryDirectory() as directory:
        file = Path(directory) / "list.json"
        file.write_bytes(listed())
        here, there = spawn.Pipe()
        server = spawn.Process(target=serve, args=(file, there), daemon=True)
        server.start()
        port = here.recv()
        reader = spawn.Process(target=look, args=(port, "whole", there))
        reader.start()
        read, _, read_stall = here.recv()
        reader.join()
        watcher = spawn.Process(target=client, args=(port, Path(directory), there))
        watcher.start()
        took, mib, stall, later_mib, later_stall, overview = here.recv()
        watcher.join()
        server.terminate()
    print(f"One read of the list: {read:.1f} s; stall {read_stall * 1000:.0f} ms")
    print(f"{APPLICATIONS:,} Applications are known after {took:.1f} s, with {mib} MiB; {told(stall)}")
    print(f"With {PER_SECOND:,} changes a second for {SECONDS} s: {later_mib} MiB; {told(later_stall)}")
    print(
        f"A page of /status of all of them: {overview.usual * 1000:.0f} ms of CPU; after a commit "
        f"{overview.committed * 1000:.0f} ms; after a restart {overview.restarted * 1000:.0f} ms; the first one ever "
        f"{overview.first:.1f} s"
    )
    goal("until all are known, to one read of the list", took / read, at_most=3)
    goal(
        f"our own CPU of the longest stall at the start, to {STALL_SECONDS * 1000:.0f} ms",
        stall.own / STALL_SECONDS,
        at_most=1,
    )
    goal(
        f"our own CPU of the longest stall under changes, to {STALL_SECONDS * 1000:.0f} ms",
        later_stall.own / STALL_SECONDS,
        at_most=1,
    )
    goal(f"memory of the process at the peak, to {MEMORY_MIB} MiB", later_mib / MEMORY_MIB, at_most=1)
    goal(f"CPU of a page of /status, to {BOARD_SECONDS * 1000:.0f} ms", overview.usual / BOARD_SECONDS, at_most=1)


if __name__ == "__main__":
    main()
