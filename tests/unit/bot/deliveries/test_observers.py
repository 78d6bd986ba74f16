"""One replica watches an Argo CD; another takes over when it is gone, and not before."""

import asyncio
import contextlib
import math
from collections.abc import AsyncIterator
from dataclasses import dataclass, field
from typing import cast

import pytest

from bot.deliveries import observers
from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.application_record import ApplicationRecord
from bot.deliveries.observers import LeasedObserver
from bot.domain.application import Application
from bot.domain.errors import DatabaseAway, Refused
from bot.store.leases import LeaseStore
from tests.waiting import until


@dataclass
class MemoryObserver:
    """Watches until it is cancelled, or fails."""

    record: ApplicationRecord
    watching: int = 0
    failing: BaseException | None = None
    begun: int = 0

    async def observe(self) -> None:
        self.begun += 1
        if self.failing:
            raise self.failing
        self.watching += 1
        try:
            await asyncio.Event().wait()
        finally:
            self.watching -= 1


@dataclass
class QuietStream:
    seconds: float = 1.0

    def silence(self, environment: str) -> float:
        return self.seconds if environment else math.inf

    def current(self, environment: str) -> bool:
        return bool(environment)

    async def changes(self, environment: str) -> AsyncIterator[Application]:
        return
        yield


@dataclass
class MemoryLeases(LeaseStore):
    """Whoever asks first has it."""

    holder: str = ""
    failing: Exception | None = None

    async def take(self, name: str, holder: str, seconds: float) -> bool:
        if self.failing:
            raise self.failing
        self.holder = self.holder or holder
        return self.holder == holder

    async def give_up(self, name: str, holder: str) -> None:
        self.holder = ""


@dataclass
class Replica:
    leases: LeaseStore
    name: str
    stream: QuietStream = field(default_factory=QuietStream)

    def __post_init__(self) -> None:
        self.observer = MemoryObserver(ApplicationRecord("", ("production",), self.stream))
        watched = cast(ApplicationObserver, self.observer)
        self.leased = LeasedObserver(watched, self.leases, self.name)

    @contextlib.asynccontextmanager
    async def running(self) -> AsyncIterator[None]:
        task = asyncio.create_task(self.leased.observe_forever())
        await asyncio.sleep(0.02)
        yield
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(observers, "RENEW_SECONDS", 0.005)
    monkeypatch.setattr(observers, "AGAIN_SECONDS", 0.005)


async def test_one_watches_and_the_next_takes_over() -> None:
    shared = MemoryLeases(None)  # type: ignore[arg-type]
    one, other = Replica(shared, "a"), Replica(shared, "b")
    async with other.running():
        async with one.running():
            assert (one.observer.watching, other.observer.watching) == (0, 1)
            assert one.leased.alive
            shared.holder = "a"  # the other was silent for too long
            await until(lambda: (one.observer.watching, other.observer.watching) == (1, 0))
        await until(lambda: other.observer.watching == 1)


@pytest.mark.parametrize("error", [Refused("Argo CD", "list", "401"), RuntimeError(), ExceptionGroup("x", [OSError()])])
async def test_whatever_ends_it_it_begins_again(error: Exception) -> None:
    replica = Replica(MemoryLeases(None), "a")  # type: ignore[arg-type]
    replica.observer.failing = error
    async with replica.running():
        replica.observer.failing = None
        await until(lambda: replica.observer.watching == 1 and replica.observer.begun > 1)


async def test_without_a_database_nobody_watches_and_then_somebody_does() -> None:
    store = MemoryLeases(None)  # type: ignore[arg-type]
    replica = Replica(store, "a")
    async with replica.running():
        store.failing = DatabaseAway("read", "it is away")
        await asyncio.sleep(0.05)
        assert replica.observer.watching == 0
        store.failing = None
        await until(lambda: replica.observer.watching == 1)


@pytest.mark.parametrize(("seconds", "alive"), [(14.0, True), (61.0, False), (math.inf, False)])
async def test_an_argo_cd_that_is_silent_shows(seconds: float, alive: bool) -> None:
    replica = Replica(MemoryLeases(None), "a", stream=QuietStream(seconds))  # type: ignore[arg-type]
    async with replica.running():
        assert replica.leased.alive is alive
