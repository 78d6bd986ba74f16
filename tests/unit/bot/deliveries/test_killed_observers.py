"""Observers that die at any transaction with the database, before it or right after it, and begin again from it.

A database that was told to commit has all of a transaction or nothing of it, and a process that dies takes with it what
it had in memory. So a death in the process, with everything made anew, is as good as one by the kernel, and cheaper.
"""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from pathlib import Path

import msgspec
import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.application import HealthStatus, HistoryEntry, SyncStatus
from bot.store.database import Database
from bot.store.delivery_news import news
from tests.unit.bot.deliveries.test_application_observer import CRASH, REF, Cluster, begun


class Killed(BaseException):
    """The process is gone."""


class Deaths:
    """One, at the n-th transaction from now on; `after`: when it is in the database already."""

    def __init__(self, database: Database, number: int, *, after: bool) -> None:
        self.left = number
        self._after = after
        self._real = database.begin
        database.begin = self.begin  # type: ignore[method-assign]

    @asynccontextmanager
    async def begin(self, *, urgent: bool = False) -> AsyncIterator[AsyncConnection]:
        self.left -= 1
        if self.left == 0 and not self._after:
            raise Killed
        async with self._real(urgent=urgent) as connection:
            yield connection
        if self.left == 0:
            raise Killed


async def looks(cluster: Cluster, seconds: float) -> None:
    """However the process dies meanwhile, until what lasts has lasted long enough.

    Argo CD does not say since when an Application drifts, so after a death that time begins anew.
    """
    for waits in (seconds, 1, 400, 400):
        try:
            await cluster.look(waits)
        except Killed:
            cluster.restart()
            await cluster.observer.begin()
            await cluster.look()


Told = tuple[list[str], list[tuple[str, str, bool]]]


async def told(cluster: Cluster) -> Told:
    """Every fact, without when, and every piece of news, with what became of it and whether it is over."""
    kept = await cluster.store.of()
    facts = sorted(f"{fact.kind} {msgspec.json.encode(_timeless(fact.detail)).decode()}" for fact in kept)
    async with cluster.database.reading() as connection:
        rows = (await connection.execute(sa.select(news.c.event, news.c.state).order_by(news.c.id))).all()
    states = [(row.event, msgspec.json.decode(row.state)) for row in rows]
    return facts, sorted((event, state.get("outcome") or "", bool(state.get("over_at"))) for event, state in states)


def _timeless(detail: object) -> object:
    return replace(detail, synced_at=None) if hasattr(detail, "synced_at") else detail  # type: ignore[type-var]


async def story(cluster: Cluster) -> None:
    """A commit by hand that arrives, an illness, a change in the cluster, a broken comparison, each with its end."""
    await looks(cluster, 0)
    sha = cluster.commit("v2")
    await looks(cluster, 1)
    cluster.arrives(sha, history=(HistoryEntry(1, sha, cluster.now),))
    await looks(cluster, 1)
    cluster.shows(health=HealthStatus.DEGRADED, health_since=cluster.now)
    cluster.applications._sick[REF.name] = (CRASH,)
    await looks(cluster, 1)
    cluster.shows(health=HealthStatus.HEALTHY, health_since=cluster.now)
    await looks(cluster, 1)
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC)
    await looks(cluster, 1)
    cluster.shows(sync=SyncStatus.SYNCED)
    await looks(cluster, 1)
    cluster.shows(sync=SyncStatus.UNKNOWN)
    await looks(cluster, 1)
    cluster.shows(sync=SyncStatus.SYNCED)
    await looks(cluster, 1)


async def told_by(directory: Path, number: int, *, after: bool) -> tuple[Told, bool]:
    """What is told when the process dies at the n-th transaction (0: never), and whether the story came so far."""
    directory.mkdir()  # noqa: ASYNC240 (a test has no one to keep waiting)
    cluster = await begun(directory)
    deaths = Deaths(cluster.database, number, after=after)
    try:
        await story(cluster)
        return await told(cluster), deaths.left <= 0
    finally:
        await cluster.database.close()


@pytest.mark.parametrize("after", [False, True], ids=["before it is written", "right after"])
async def test_whenever_the_observers_die_nothing_is_lost_and_nothing_told_twice(tmp_path: Path, after: bool) -> None:
    expected, _ = await told_by(tmp_path / "0", 0, after=after)
    facts, news_told = expected
    assert len(facts) == 8, facts
    assert [event for event, _, _ in news_told] == ["degraded", "deployed", "drifted", "sync-unknown"]
    died = 0
    for number in range(1, 50):
        found, came = await told_by(tmp_path / str(number), number, after=after)
        if not came:
            break
        died += 1
        assert found == expected, f"after a death at transaction {number}"
    assert died >= 6
