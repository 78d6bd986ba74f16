"""Promotions that an older version began: this version goes on with them, and comes to the same end."""

import json
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import msgspec
import pytest

from bot.domain.application import Application, HealthStatus, SyncStatus
from bot.domain.promotion import Phase, Promotion, Stage
from bot.store.codec import dump
from bot.store.promotions import PromotionStore
from bot.workflow.journal import pack
from tests.fakes.engine import Tape
from tests.fakes.world import CoreWorld, core_world
from tests.restart import journal
from tests.restart.cases import kustomization
from tests.restart.effects import effects, look
from tests.restart.process_harness import ProcessHarness, harness

pytestmark = pytest.mark.restart

RECORDED = sorted(journal.JOURNALS.glob("*.json"))


def load(file: Path, head: str = "") -> tuple[dict[str, Any], Promotion]:
    """What was recorded; `head` takes the place of the commit at which it was planned, in another repository."""
    text = file.read_text()
    if head:
        text = text.replace(json.loads(text)["promotion"]["plan"]["seen_commit"], head)
    recorded = json.loads(text)
    return recorded, msgspec.convert(recorded["promotion"], Promotion)


@pytest.fixture(params=RECORDED, ids=lambda file: file.stem)
def recorded(request: pytest.FixtureRequest) -> Path:
    assert isinstance(request.param, Path)
    return request.param


async def settle_in(world: CoreWorld, file: Path) -> Promotion:
    """The world that the promotion was planned in, and its journal, in this version."""
    found, promotion = load(file)
    for move in promotion.moves:
        world.overlays.push({move.overlay: kustomization(move.app, move.before.tag)})
        world.registry.finish_scan(
            world.registry.push(move.after.repository, move.after.tag, digest=move.after.digest).image
        )
        for environment in (promotion.plan.source, promotion.plan.environment):
            ref = replace(move.application, name=f"{move.app}-{environment}", environment=environment)
            head = await world.overlays.head()
            world.applications.put(Application(ref, SyncStatus.SYNCED, HealthStatus.HEALTHY, head, auto_sync=True))
    async with world.database.begin() as connection:
        await world.store.create(connection, promotion)
    steps = journal.steps(found["journal"])
    world.engine.now = datetime.fromisoformat(json.loads(dict(steps)["approval-opened#1"]))
    world.engine.tapes[promotion.id] = Tape(pack(promotion.plan), steps)
    world.engine._run(promotion.id)
    await world.engine.settle()
    return promotion


async def test_the_story_goes_on_from_what_was_recorded(tmp_path: Path, recorded: Path) -> None:
    async with core_world(tmp_path) as world:
        promotion = await settle_in(world, recorded)
        assert (await world.now(promotion)).stage is Stage.APPROVAL
        await world.approve("bo", promotion)
        done = await world.now(promotion)
        assert (done.phase, [a.approver.name for a in done.approvals]) == (Phase.SUCCEEDED, ["bo"])
        assert world.promotion_commits() == [promotion.id]


async def write_down(place: ProcessHarness, file: Path) -> None:
    """Make the databases as the older version left them."""
    await place.live(asks=False, presses=False)
    found, promotion = load(file, await place.git.head())
    journal.write(place.database_url, found["journal"])
    database = place.database()
    try:
        async with database.begin() as connection:
            await PromotionStore(database).create(connection, promotion)
    finally:
        await database.close()


async def test_the_engine_goes_on_from_what_was_recorded(tmp_path: Path, recorded: Path) -> None:
    async with harness(tmp_path, f"sqlite:///{tmp_path / 'pilothouse.db'}", (journal.CASE,)) as place:
        await write_down(place, recorded)
        assert await place.live(asks=False) == 0
        seen = await look(place)
        done = effects(seen, journal.CASE)
        assert done.end.startswith(Phase.SUCCEEDED), done.end
        assert (done.commits, done.votes, done.audit["approve"]) == (1, 1, 1)


def test_a_row_of_an_older_version_is_read(recorded: Path) -> None:
    _, promotion = load(recorded)
    assert dump(promotion)
