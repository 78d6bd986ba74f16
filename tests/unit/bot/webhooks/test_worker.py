"""The worker: in order, again after failures, given up in the end, and shared between replicas."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.errors import Refused, Unavailable
from bot.store.queue_worker import KEPT
from bot.store.webhooks import WebhookStore, events
from bot.webhooks.sender import Delivery
from bot.webhooks.worker import LEASE, TRIES, Worker
from tests.fakes.queues import worked_off
from tests.unit.bot.webhooks.conftest import a_store
from tests.waiting import until


@pytest.fixture
async def store(tmp_path: Path) -> AsyncIterator[WebhookStore]:
    async with a_store(tmp_path) as opened:
        yield opened


@dataclass
class Listener:
    """A sender that keeps what it is given, and fails on demand."""

    name: str = "github"
    setting = without = ""
    done: list[str] = field(default_factory=list)
    failures: list[Exception] = field(default_factory=list)
    gate: asyncio.Event | None = None

    def possible(self, headers: Mapping[str, str], secret: str) -> bool:
        raise NotImplementedError

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:
        return True

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:
        return Delivery(body.decode(), body.decode())

    async def act(self, facts: str) -> None:
        if self.gate:
            await self.gate.wait()
        if self.failures:
            raise self.failures.pop(0)
        self.done.append(facts)


@dataclass
class Clock:
    now: float = 1_000_000.0

    def __call__(self) -> float:
        return self.now


async def state(store: WebhookStore) -> list[tuple[str, str]]:
    rows = await store._all(sa.select(events.c.delivery, events.c.state).order_by(events.c.id))
    return [(row.delivery, row.state) for row in rows]


async def pending(store: WebhookStore) -> list[str]:
    return [delivery for delivery, now in await state(store) if now == "pending"]


async def test_alerts_stay_in_order_though_one_must_wait(store: WebhookStore) -> None:
    """The end of an alert must not come before its beginning."""
    clock, ours = Clock(), Listener("alertmanager", failures=[Unavailable("x", "y", "z")])
    others = Listener("harbor")
    worker = Worker(store, (ours, others), clock=clock)
    for sender, delivery in (("alertmanager", "1"), ("alertmanager", "2"), ("harbor", "3")):
        assert await store.note(sender, delivery, delivery, clock())
    await worked_off(worker)
    assert (ours.done, others.done) == ([], ["3"])
    clock.now += 10
    await worked_off(worker)
    assert ours.done == ["1", "2"]


async def test_what_is_refused_or_fails_too_often_is_given_up(store: WebhookStore) -> None:
    clock, sender = Clock(), Listener(failures=[Refused("x", "y", "no")])
    worker = Worker(store, (sender,), clock=clock)
    await store.note("github", "1", "1", clock())
    await worked_off(worker)
    await store.note("github", "2", "2", clock())
    sender.failures = [Unavailable("x", "y", "away") for _ in range(TRIES)]
    for _ in range(TRIES):
        clock.now += 400
        await worked_off(worker)
    assert await state(store) == [("1", "dead"), ("2", "dead")]
    assert not sender.done


async def test_one_that_hangs_is_not_waited_for(store: WebhookStore, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.webhooks.worker.LEASE", 0.1)
    sender = Listener(gate=asyncio.Event())
    worker = Worker(store, (sender,), clock=Clock())
    await store.note("github", "1", "1", 0.0)
    await asyncio.wait_for(worked_off(worker), 30)
    assert await state(store) == [("1", "pending")]


async def test_two_replicas_do_not_do_it_twice(store: WebhookStore) -> None:
    clock, sender = Clock(), Listener()
    for number in range(20):
        await store.note("github", str(number), str(number), clock())
    workers = [Worker(store, (sender,), clock=clock) for _ in range(3)]
    while any(state == "pending" for _, state in await state(store)):
        await asyncio.gather(*(worked_off(worker) for worker in workers))
    assert sender.done == [str(number) for number in range(20)]


async def test_what_a_dead_process_had_taken_is_done_by_the_next_one(store: WebhookStore) -> None:
    clock, sender = Clock(), Listener()
    await store.note("github", "1", "1", clock())
    (received,) = await store.due(clock())
    assert await store.lease(received, clock(), LEASE)
    worker = Worker(store, (sender,), clock=clock)
    assert not await worked_off(worker)
    working = asyncio.create_task(worker.work_forever())
    async with asyncio.timeout(30):
        while not sender.done:  # noqa: ASYNC110
            await asyncio.sleep(0.01)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_a_delivery_is_known_for_two_weeks_but_not_what_it_said(store: WebhookStore) -> None:
    clock, sender = Clock(), Listener()
    await store.note("github", "1", "secret plans", clock())
    await worked_off(Worker(store, (sender,), clock=clock))
    assert not await store.note("github", "1", "1", clock())
    assert await store._all(sa.select(events.c.facts)) == [("",)]
    assert not await store.forget(clock() - KEPT)
    assert await store.forget(clock() + 1) == 1
    assert await store.note("github", "1", "1", clock())


async def test_work_begins_when_something_is_noted(store: WebhookStore) -> None:
    sender = Listener()
    worker = Worker(store, (sender,))
    working = asyncio.create_task(worker.work_forever())
    await asyncio.sleep(0.05)
    await store.note("github", "1", "1", 0.0)
    worker.noted.set()
    async with asyncio.timeout(30):
        while not sender.done:  # noqa: ASYNC110
            await asyncio.sleep(0.005)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)


async def test_a_slow_sender_holds_up_no_other(store: WebhookStore) -> None:
    """Each one's deliveries wait for each other, and a stop waits for none."""
    slow, pager = Listener("harbor", gate=asyncio.Event()), Listener("alertmanager")
    worker = Worker(store, (slow, pager))
    working = asyncio.create_task(worker.work_forever())
    for delivery in ("scan", "another scan"):
        await store.note("harbor", delivery, delivery, 0.0)
    worker.noted.set()
    await until(lambda: worker._tasks.busy)
    for number in range(3):
        await store.note("alertmanager", str(number), str(number), 0.0)
        worker.noted.set()
        await until(lambda number=number: len(pager.done) == number + 1)  # type: ignore[misc]
    assert not slow.done
    async with asyncio.timeout(30):
        while await pending(store) != ["scan", "another scan"]:  # noqa: ASYNC110 (written down a moment after it is done)
            await asyncio.sleep(0.005)
    working.cancel()
    await asyncio.gather(working, return_exceptions=True)
    assert not worker._tasks.busy
    assert await pending(store) == ["scan", "another scan"]
