"""Who asked for a pipeline run."""

from bot.store.database import Database
from bot.store.started_runs import KEPT_FOR, StartedRunStore

NOW = 1_700_000_000.0


async def test_who_asked_first_stays_the_requester(database: Database) -> None:
    store = StartedRunStore(database)
    await store.note("run-1", "U0ANA", NOW)
    await store.note("run-1", "U0BO", NOW)
    assert await store.requesters(["run-1", "run-2"]) == {"run-1": "U0ANA"}
    assert await store.requesters([]) == {}


async def test_it_is_forgotten_when_no_cluster_keeps_the_run(database: Database) -> None:
    store = StartedRunStore(database)
    await store.note("run-1", "U0ANA", NOW)
    await store.note("run-2", "U0ANA", NOW + KEPT_FOR - 1)
    assert await store.requesters(["run-1", "run-2"]) == {"run-1": "U0ANA", "run-2": "U0ANA"}
    await store.note("run-3", "U0ANA", NOW + KEPT_FOR + 1)
    assert await store.requesters(["run-1", "run-2"]) == {"run-2": "U0ANA"}
