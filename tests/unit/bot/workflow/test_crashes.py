"""Kill the story right before and right after each step's effect: the end is the same, and nothing is done twice."""

from collections import Counter

import pytest

from bot.domain.event import Event
from bot.domain.promotion import Phase
from tests.fakes.world import CoreWorld

STEPS = ["announce", "gates#1", "ask-people#1", "judge#1", "confirm#2", "commit", "follow", "conclude"]


@pytest.mark.parametrize("when", ["before", "after"])
@pytest.mark.parametrize("step", STEPS)
async def test_a_crash_at_any_step_changes_nothing_about_the_end(world: CoreWorld, step: str, when: str) -> None:
    (world.engine.crash_before if when == "before" else world.engine.crash_after).add(step)
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    assert not world.engine.crash_before
    assert not world.engine.crash_after
    done = await world.now(asked)
    assert (done.phase, done.outcome) == (Phase.SUCCEEDED, "my-app v1.4.2 is Healthy in production.")
    assert world.promotion_commits() == [asked.id]
    assert [a.approver.name for a in done.approvals] == ["bo"]
    assert Counter(event for _, event in world.events.told) == {Event.STARTED: 1, Event.WAITING: 1, Event.DONE: 1}
    told = Counter(row.event for row in await world.audit.rows())
    assert told == {"requested": 1, "gates": 2, "approve": 1, "committed": 1, "succeeded": 1}
    assert await world.audit.verify() is None


async def test_the_table_names_every_step_of_the_story(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    waits = ("gates-begin", "gates-asked", "approval-", "receive", "follow-begin", "finished")
    run = [name for name, _ in world.engine.tapes[asked.id].steps if not name.startswith(waits)]
    assert run == STEPS


async def test_a_promotion_that_was_written_down_but_never_begun_is_begun_at_the_next_start(world: CoreWorld) -> None:
    start, world.engine.start = world.engine.start, _die  # type: ignore[method-assign,assignment]
    with pytest.raises(ConnectionError):
        await world.deploy("ana")
    world.engine.start = start  # type: ignore[method-assign]
    assert await world.service.resume() == 1
    await world.engine.settle()
    assert await world.service.resume() == 0
    (waiting,) = await world.store.all_live()
    await world.approve("bo", waiting)
    assert (await world.now(waiting)).phase is Phase.SUCCEEDED


async def _die(*_: object) -> None:
    raise ConnectionError("the process died here")
