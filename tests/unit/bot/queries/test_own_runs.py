"""Whose a run is: heard later while the database is away, and not forgotten with others."""

from collections.abc import AsyncIterator, Iterable, Mapping

import pytest

from bot.domain.errors import DatabaseAway
from bot.domain.pipeline import RunRequest
from bot.queries import own_runs
from bot.queries.own_runs import OwnRuns
from bot.store.database import Database
from bot.store.started_runs import StartedRunStore
from tests.fakes.databases import create_tables
from tests.fakes.pipelines import MemoryPipelines

ANA = "U0ANA"


def request(number: int) -> RunRequest:
    return RunRequest(f"r-{number}", "ci-pipeline", "my-app", {}, ANA)


class Away(StartedRunStore):
    """Does not answer the first `times` questions."""

    times = 0

    async def requesters(self, runs: Iterable[str]) -> Mapping[str, str]:
        self.times -= 1
        if self.times >= 0:
            raise DatabaseAway("read", "no connection")
        return await super().requesters(runs)


@pytest.fixture
async def store() -> AsyncIterator[Away]:
    database = Database("sqlite://")
    await create_tables(database)
    yield Away(database)
    await database.close()


async def test_a_run_is_heard_of_once_the_database_answers(store: Away) -> None:
    cluster = MemoryPipelines()
    run = await OwnRuns(cluster, store, lambda: 0.0).start(request(1))
    store.times = 3
    async for heard in OwnRuns(cluster, store, lambda: 0.0, pause=0.0).changes():
        assert (heard.name, heard.requester) == (run.name, ANA)
        break
    assert store.times < 0


async def test_what_is_remembered_is_not_forgotten_by_the_question_itself(
    store: Away, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(own_runs, "REMEMBERED", 1)
    cluster = MemoryPipelines()
    runs = OwnRuns(cluster, store, lambda: 0.0)
    for number in range(3):
        await runs.start(request(number))
    for _ in range(2):
        assert [run.requester for run in await runs.list("my-app", 10)] == [ANA] * 3
    assert len(runs._known) == 1
