"""The metrics of what is owed to people: right while the database answers, and never healthy by standing still."""

import asyncio
import math
from dataclasses import dataclass

import pytest

from bot.app.backlog import Backlog
from bot.domain.errors import DatabaseAway
from bot.runtime.metrics import REGISTRY
from bot.store.outbox import Counts

AGES = ("pilothouse_oldest_message_seconds", "pilothouse_oldest_request_seconds")
NUMBERS = ("pilothouse_requests_waiting", *(f"letters {state}" for state in ("pending", "dead", "stale cards")))


@dataclass
class Tables:
    """`since`: when the oldest of both came. `how` they answer: "yes", "no", "never" or "broken"."""

    since: float | None = None
    how: str = "yes"

    async def counts(self) -> Counts:
        await self._answer()
        return Counts(3, 1, 2, self.since)

    async def oldest(self) -> tuple[int, float | None]:
        await self._answer()
        return 4, self.since

    async def _answer(self) -> None:
        if self.how == "never":
            await asyncio.Event().wait()
        if self.how == "no":
            raise DatabaseAway("be read", "connection refused")
        if self.how == "broken":
            raise RuntimeError("no such table")


@dataclass
class Clock:
    now: float = 1000.0

    def __call__(self) -> float:
        return self.now


def told(name: str) -> float:
    labels = {"state": name.removeprefix("letters ")} if name.startswith("letters ") else {}
    value = REGISTRY.get_sample_value("pilothouse_outbox_letters" if labels else name, labels)
    assert value is not None
    return value


async def look(backlog: Backlog) -> list[float]:
    await backlog.refresh()
    return [told(name) for name in (*AGES, *NUMBERS, "pilothouse_database_answers")]


def backlog_of(tables: Tables, clock: Clock) -> Backlog:
    return Backlog(tables, tables, clock, 30 if tables.how != "never" else 0.01)


async def test_while_the_database_answers_it_says_what_waits_and_since_when() -> None:
    assert await look(backlog_of(Tables(since=940.0), Clock())) == [60, 60, 4, 3, 1, 2, 1]
    assert await look(backlog_of(Tables(), Clock())) == [0, 0, 4, 3, 1, 2, 1]


@pytest.mark.parametrize("how", ["no", "never", "broken"])
async def test_what_waited_before_the_database_went_away_grows_older_and_the_rest_is_not_known(how: str) -> None:
    tables, clock = Tables(since=940.0), Clock()
    backlog = backlog_of(tables, clock)
    assert (await look(backlog))[:2] == [60, 60]
    tables.how = how
    backlog._patience = 0.01 if how == "never" else 30
    for passed in (10, 300):
        clock.now += passed
        seen = await look(backlog)
        assert seen[:2] == [clock.now - 940] * 2
        assert all(map(math.isnan, seen[2:-1]))
        assert seen[-1] == 0
    tables.how, tables.since = "yes", None
    backlog._patience = 30
    assert await look(backlog) == [0, 0, 4, 3, 1, 2, 1]


@pytest.mark.parametrize("how", ["no", "never", "broken"])
async def test_nothing_is_said_to_be_zero_that_nobody_could_look_at(how: str) -> None:
    """A start while the database is away, or an outage that began when nothing waited."""
    seen = await look(backlog_of(Tables(how=how), Clock()))
    assert all(map(math.isnan, seen[:-1]))
    assert seen[-1] == 0
