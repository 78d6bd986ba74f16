"""The engine over a real journal: a story that is pending and runs in no task is found, and goes on."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path

import pytest
from dbos import DBOS

from bot.store.login import Login
from bot.workflow.durable import DurableEngine
from bot.workflow.journal import Journal, Json


class Told:
    """A story of two steps and a wait in between; counts how often each step was done."""

    def __init__(self) -> None:
        self.steps: list[str] = []
        self.on = asyncio.Event()
        self.waits = asyncio.Event()

    async def __call__(self, journal: Journal, plan: Json) -> Json:
        await journal.step("first", lambda: self._note("first"))
        self.waits.set()
        await self.on.wait()
        await journal.step("second", lambda: self._note("second"))
        return plan

    async def _note(self, step: str) -> Json:
        self.steps.append(step)
        return None


@pytest.fixture
def told() -> Told:
    return Told()


@pytest.fixture
async def engine(tmp_path: Path, told: Told) -> AsyncIterator[DurableEngine]:
    engine = DurableEngine(f"sqlite:///{tmp_path / 'journal'}", "pilothouse-0", told)
    await engine.launch()
    yield engine
    await engine.close()


async def until(so: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(20):
        while not await so():  # noqa: ASYNC110 (another thread's database)
            await asyncio.sleep(0.02)


async def over(engine: DurableEngine, story: str) -> bool:
    return (await engine.stories([story])).get(story, False)


async def test_what_runs_is_left_alone(engine: DurableEngine, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bot.workflow.durable.MISSED_SECONDS", 0.0)
    await engine.start("p1", {"id": "p1"})
    await told.waits.wait()
    assert await engine.executors() == {"pilothouse-0"}
    assert [await engine.take_up() for _ in range(3)] == [0, 0, 0]
    told.on.set()
    await until(lambda: over(engine, "p1"))
    assert told.steps == ["first", "second"]
    assert await engine.executors() == frozenset()


async def test_what_runs_nowhere_is_taken_up_and_does_nothing_twice(
    engine: DurableEngine, told: Told, monkeypatch: pytest.MonkeyPatch
) -> None:
    await engine.start("p1", {"id": "p1"})
    await told.waits.wait()
    told.waits.clear()
    engine._running.clear()
    assert [await engine.take_up(), await engine.take_up()] == [0, 0], "it may be on its way into its task"
    monkeypatch.setattr("bot.workflow.durable.MISSED_SECONDS", 0.0)
    assert await engine.take_up() == 1
    await asyncio.wait_for(told.waits.wait(), 20)
    told.on.set()
    await until(lambda: over(engine, "p1"))
    assert told.steps.count("first") == 1
    status = await DBOS.get_workflow_status_async("p1")
    assert status is not None
    assert status.status == "SUCCESS"


async def test_sqlite_needs_no_login_whatever_file_its_url_is_in(tmp_path: Path, told: Told) -> None:
    url = f"sqlite:///{tmp_path / 'x.db'}"
    (tmp_path / "database_url").write_text(url)
    engine = DurableEngine(f"{url}.journal", "pilothouse-0", told, login=Login(url, tmp_path / "database_url"))
    try:
        await engine.launch()
        assert await engine.executors() == frozenset()
    finally:
        await engine.close()


async def test_many_stories_are_one_question(engine: DurableEngine, told: Told) -> None:
    for story in ("p1", "p2"):
        await engine.start(story, {"id": story})
    assert await engine.stories(["p1", "p2", "p3"]) == {"p1": False, "p2": False}
    assert await engine.stories([]) == {}
    told.on.set()
    await until(lambda: over(engine, "p2"))
    assert (await engine.stories(["p2", "p3"])) == {"p2": True}
