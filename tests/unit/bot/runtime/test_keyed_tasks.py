"""Work beside each other: one task a key, not too many, and a stop that ends."""

import asyncio

import pytest

from bot.domain.errors import DatabaseAway
from bot.runtime import keyed_tasks
from bot.runtime.keyed_tasks import KeyedTasks


async def settled() -> None:
    for _ in range(5):
        await asyncio.sleep(0)


@pytest.fixture
def changed() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
def tasks(changed: asyncio.Event) -> KeyedTasks[str]:
    return KeyedTasks("test", 2, changed)


async def test_a_key_has_one_task_and_there_are_not_too_many(tasks: KeyedTasks[str], changed: asyncio.Event) -> None:
    free, begun = asyncio.Event(), list[str]()

    def work(name: str) -> None:
        async def do() -> None:
            begun.append(name)
            await free.wait()

        tasks.start(name, do)

    for name in ("a", "a", "b", "c"):
        work(name)
    await settled()
    assert (begun, tasks.free, set(tasks.busy)) == (["a", "b"], 0, {"a", "b"})
    assert not changed.is_set()
    free.set()
    await settled()
    assert changed.is_set()
    assert (tasks.free, set(tasks.busy)) == (2, set())


@pytest.mark.parametrize("error", [DatabaseAway("away", "no connection"), OSError("disk")], ids=["away", "broken"])
async def test_what_breaks_does_not_ask_for_another_look_at_once(
    tasks: KeyedTasks[str], changed: asyncio.Event, error: Exception
) -> None:
    async def broken() -> None:
        raise error

    tasks.start("a", broken)
    await settled()
    assert not changed.is_set()
    assert tasks.free == 2


async def test_a_stop_does_not_wait_for_what_will_not_end(
    tasks: KeyedTasks[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(keyed_tasks, "STOP_SECONDS", 0.01)
    end = asyncio.Event()

    async def stubborn() -> None:
        while not end.is_set():
            try:
                await end.wait()
            except asyncio.CancelledError:
                continue

    tasks.start("a", stubborn)
    await settled()
    await asyncio.wait_for(tasks.stop(), 30)
    assert set(tasks.busy) == {"a"}
    end.set()
    await settled()
    assert not tasks.busy
