"""What is called late: what nobody could see when it happened. What a commit says of its own time is no proof."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.application import OperationPhase, SyncStatus
from bot.domain.errors import Unavailable
from bot.domain.event import Event
from bot.store.delivery_news import NewsStore
from tests.unit.bot.deliveries.test_application_observer import CRASH, REF, Cluster, begun

HOUR = 3600.0


@pytest.fixture
async def cluster(tmp_path: Path) -> AsyncIterator[Cluster]:
    cluster = await begun(tmp_path)
    for _ in range(3):
        await cluster.look(900)
    yield cluster
    await cluster.database.close()


async def told(cluster: Cluster) -> dict[Event, bool]:
    """Event → whether it is late."""
    return {one.news.event: one.news.late for one in await NewsStore(cluster.database).unaddressed(10)}


async def away(cluster: Cluster, seconds: float) -> None:
    cluster.now += timedelta(seconds=seconds)
    cluster.restart()
    await cluster.observer.begin()


def committed_ago(cluster: Cluster, hours: float) -> str:
    """Made then, and pushed now."""
    sha = cluster.commit()
    cluster.overlays._log[-1] = replace(cluster.overlays.log[-1], at=cluster.now - timedelta(hours=hours))
    return sha


@pytest.mark.parametrize("hours", [0, 2, 24 * 9])
@pytest.mark.parametrize("restarts", [False, True])
async def test_a_commit_that_is_pushed_long_after_it_was_made_is_not_late(
    cluster: Cluster, hours: float, *, restarts: bool
) -> None:
    committed_ago(cluster, hours)
    if restarts:
        await away(cluster, 600)
    await cluster.look(5)
    assert await told(cluster) == {Event.DEPLOYED: False}


async def test_what_was_pushed_while_the_bot_was_away_is_late(cluster: Cluster) -> None:
    committed_ago(cluster, 0)
    await away(cluster, 2 * HOUR)
    await cluster.look()
    assert await told(cluster) == {Event.DEPLOYED: True}


async def test_what_is_pushed_after_it_came_back_is_not(cluster: Cluster) -> None:
    await away(cluster, 30 * HOUR)
    await cluster.look()
    committed_ago(cluster, 3)
    await cluster.look(15)
    assert await told(cluster) == {Event.DEPLOYED: False}


async def test_what_was_pushed_while_git_was_away_is_late(cluster: Cluster) -> None:
    cluster.overlays.failing = Unavailable("git", "fetch", "timeout")
    cluster.commit()
    for _ in range(9):
        cluster.now += timedelta(minutes=10)
        with pytest.raises(Unavailable):
            await cluster.branch.look()
    cluster.overlays.failing = None
    await cluster.branch.look()
    assert await told(cluster) == {Event.DEPLOYED: True}


async def test_an_illness_that_began_while_the_bot_was_away_is_late(cluster: Cluster) -> None:
    cluster.applications.sicken(REF.name, CRASH)
    cluster.shows(health_since=cluster.now)
    await away(cluster, 3 * HOUR)
    await cluster.look()
    await cluster.look(130)
    assert await told(cluster) == {Event.DEGRADED: True}


async def test_an_illness_is_not_late_only_because_policy_waits_long(cluster: Cluster) -> None:
    cluster.observer.patience = timedelta(hours=2)
    cluster.applications.sicken(REF.name, CRASH)
    cluster.shows(health_since=cluster.now)
    for _ in range(14):
        await cluster.look(600)
    assert await told(cluster) == {Event.DEGRADED: False}


async def test_a_failure_of_a_sync_that_came_days_after_its_commit_is_not_late(cluster: Cluster) -> None:
    sha = cluster.commit()
    cluster.shows(sync=SyncStatus.OUT_OF_SYNC, revision=sha, auto_sync=False)
    for _ in range(60):
        await cluster.look(1800)
    cluster.arrives(sha, tag="v1", sync=SyncStatus.OUT_OF_SYNC, operation=cluster.syncs(sha, OperationPhase.FAILED))
    await cluster.look(5)
    assert await told(cluster) == {Event.DEPLOYED: False, Event.DEPLOY_FAILED: False}


async def test_a_replica_that_takes_over_was_not_away_while_another_looked(cluster: Cluster) -> None:
    waiting = cluster.observer.recorder
    name = f"Argo CD {cluster.observer.record.name}"
    cluster.restart()
    await cluster.observer.begin()
    for _ in range(12):
        await cluster.look(900)
        assert not await cluster.observer.recorder.was_away(name)
    assert not await waiting.was_away(name)
    cluster.now += timedelta(hours=2)
    assert await waiting.was_away(name), "nobody has looked since"


async def test_before_the_first_look_ever_nothing_was_missed(tmp_path: Path) -> None:
    cluster = await begun(tmp_path)
    cluster.applications.sicken(REF.name, CRASH)
    cluster.shows(health_since=cluster.now - timedelta(days=3))
    await cluster.look(5)
    assert await told(cluster) == {Event.DEGRADED: False}
    await cluster.database.close()


async def test_when_it_last_looked_is_written_down_once_a_minute(
    cluster: Cluster, monkeypatch: pytest.MonkeyPatch
) -> None:
    written: list[str] = []
    move = cluster.store.move

    async def counted(connection: object, observer: str, position: str) -> None:
        written.append(observer)
        await move(connection, observer, position)  # type: ignore[arg-type]

    monkeypatch.setattr(cluster.store, "move", counted)
    for _ in range(120):
        cluster.now += timedelta(seconds=1)
        await cluster.observer.tick()
    assert len(written) == 2
