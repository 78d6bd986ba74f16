"""What ran, by Argo CD's own history: a pin that was never synced is no way back."""

from collections.abc import AsyncIterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bot.domain.application import ApplicationRef, HistoryEntry
from bot.domain.errors import Unavailable, UnknownName
from bot.domain.intent import Rollback
from bot.domain.reply import RollbackChoice
from tests.fakes.world import CoreWorld, core_world, kustomization, path

NAME = "my-app-production"


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path) as built:
        yield built


async def choices(world: CoreWorld) -> dict[str, RollbackChoice]:
    ask = Rollback(context=world.context(), app="my-app", environment="production", choose=True)
    return {choice.image.tag: choice for choice in await world.service.rollback_choices(ask)}


async def synced(world: CoreWorld, *revisions: str, since: timedelta = timedelta(days=3)) -> None:
    """Argo CD's history, its oldest entry that long ago."""
    app = await world.applications.get(ApplicationRef(NAME, "production"))
    begin = datetime.now(UTC) - since
    entries = (HistoryEntry(n, each, begin + timedelta(hours=n)) for n, each in enumerate(revisions))
    world.applications.put(replace(app, history=tuple(entries)))


def pin(world: CoreWorld, tag: str, ago: timedelta) -> str:
    """Somebody pinned a tag by hand, so long ago."""
    commit = world.overlays.push({path("production"): kustomization(tag)}, f"pin {tag}")
    world.overlays._log[-1] = replace(commit, at=datetime.now(UTC) - ago)
    return commit.sha


async def test_what_argo_cd_synced_ran_and_what_it_did_not_sync_did_not(world: CoreWorld) -> None:
    first = await world.overlays.head()
    good = pin(world, "v1.4.2", timedelta(hours=50))
    pin(world, "v1.4.0", timedelta(hours=40))  # an admission policy refuses it, for a day
    now = pin(world, "v1.4.3", timedelta(hours=10))
    await synced(world, first, good, now)
    assert {tag: choice.synced for tag, choice in (await choices(world)).items()} == {"v1.4.1": True, "v1.4.2": True}


async def test_what_was_there_before_argo_cd_remembers_is_told_as_unknown(world: CoreWorld) -> None:
    pin(world, "v1.4.2", timedelta(hours=50))
    now = pin(world, "v1.4.3", timedelta(hours=10))
    await synced(world, now, since=timedelta(hours=10))
    found = await choices(world)
    assert {tag: choice.synced for tag, choice in found.items()} == {"v1.4.1": False, "v1.4.2": False}


async def test_an_argo_cd_that_is_away_knows_nothing_and_hides_nothing(world: CoreWorld) -> None:
    pin(world, "v1.4.2", timedelta(hours=50))
    pin(world, "v1.4.3", timedelta(hours=10))
    world.applications.failing = Unavailable("Argo CD", "read an Application", "away")
    assert set(await choices(world)) == {"v1.4.1", "v1.4.2"}


async def test_the_default_is_not_what_never_ran(world: CoreWorld) -> None:
    first = await world.overlays.head()
    pin(world, "v1.4.0", timedelta(hours=40))
    now = pin(world, "v1.4.3", timedelta(hours=10))
    await synced(world, first, now)
    back = await world.rollback("ana")
    assert back.plan.moves[0].after.tag == "v1.4.1"


async def test_when_nothing_else_ran_there_is_nothing_to_go_back_to(world: CoreWorld) -> None:
    pin(world, "v1.4.0", timedelta(hours=40))
    now = pin(world, "v1.4.3", timedelta(hours=10))
    await synced(world, now, since=timedelta(days=9999))
    with pytest.raises(UnknownName, match="nothing to roll"):
        await world.rollback("ana")
