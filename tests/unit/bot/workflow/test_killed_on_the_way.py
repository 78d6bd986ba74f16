"""What goes wrong on the way, and the process dies when a step is done and not written down: nothing comes of that.

`tests/restart` kills real processes in the stories that go well, and `test_crashes` shows that before a step it is the
same. A step that only waits or reads the clock has no effect that could be there twice.
"""

from collections import Counter
from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.application import HealthStatus
from bot.domain.errors import UserError
from bot.domain.intent import Adjust, Promote
from bot.domain.promotion import Promotion
from bot.domain.scan import Severity, Vulnerability
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world, kustomization, path
from tests.unit.bot.promotions.test_scheduler import add_app, policy

WAITS = ("gates-begin", "gates-asked", "approval-", "receive", "slept@", "sleep@", "follow-begin", "finished")
MINUTE = timedelta(minutes=1)


async def resumed(world: CoreWorld) -> None:
    """Successors are begun, as the sweep does."""
    while await world.service.resume():
        await world.engine.settle()


async def refused(world: CoreWorld, who: str, asked: Promotion) -> None:
    with suppress(UserError):
        await world.approve(who, asked)
    await world.engine.settle()


async def a_gate_fails(world: CoreWorld) -> None:
    image = (await world.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    world.registry.finish_scan(image, Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL))
    await world.deploy("ana")


async def a_gate_waits(world: CoreWorld) -> None:
    image = world.registry.push(f"{HARBOR}/my-app", "v1.5.0").image
    await world.seen(image)
    asked = await world.deploy("ana", image="v1.5.0")
    world.registry.finish_scan(image)
    await world.engine.pass_time(MINUTE)
    await world.approve("bo", asked)


async def a_gate_fails_after_the_vote(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.applications.put(replace(world.applications._apps["my-app-staging"], health=HealthStatus.DEGRADED))
    with suppress(UserError):
        await world.approve("bo", asked)
    await world.engine.pass_time(timedelta(hours=5))


async def votes_are_refused(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    for who in ("ana", "cy"):
        await refused(world, who, asked)
    await world.approve("bo", asked)
    await refused(world, "bo", asked)


async def it_is_rejected(world: CoreWorld) -> None:
    await world.reject("bo", await world.deploy("ana"), "not today")


async def nobody_answers(world: CoreWorld) -> None:
    await world.deploy("ana")
    await world.engine.pass_time(timedelta(hours=5))


async def the_line_is_changed_and_a_new_card_is_issued(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    world.overlays.push({path("production"): kustomization("v1.4.0")}, "by hand")
    await refused(world, "bo", asked)
    await resumed(world)
    if successor := (await world.now(asked)).successor:
        await world.approve("bo", await world.service.get(successor))


async def two_must_agree(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    await refused(world, "bo", asked)
    await refused(world, "ana", asked)
    await world.approve("mia", asked)


async def one_agrees_and_one_rejects(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    await world.reject("mia", asked, "not today")
    await refused(world, "bo", asked)


async def two_must_agree_to_a_train_and_leave_an_app_out(world: CoreWorld) -> None:
    await add_app(world, "payments")
    asked = await world.service.start(
        Promote(context=world.context(), apps=(), environment="production"), await world.person("ana")
    )
    await world.engine.settle()
    await world.approve("bo", asked)
    left_out = Adjust(context=world.context(), promotion=asked.id, left_out=("payments",))
    await world.service.adjust(left_out, await world.person("mia"))
    await world.engine.settle()
    for who in ("mia", "bo"):
        await world.approve(who, asked)


TOLD: dict[str, Callable[[CoreWorld], Awaitable[None]]] = {
    "a gate fails": a_gate_fails,
    "a gate waits": a_gate_waits,
    "a gate fails after the vote": a_gate_fails_after_the_vote,
    "votes are refused": votes_are_refused,
    "it is rejected": it_is_rejected,
    "nobody answers": nobody_answers,
    "the line is changed, and a new card is issued": the_line_is_changed_and_a_new_card_is_issued,
    "two must agree": two_must_agree,
    "one agrees and one rejects": one_agrees_and_one_rejects,
    "two must agree to a train, and leave an app out": two_must_agree_to_a_train_and_leave_an_app_out,
}
OF_TWO = policy("  approval: {count: 2}\n")
"""where the story says so"""


@dataclass(frozen=True)
class Ended:
    """What the world holds at the end, however it came to that."""

    ends: tuple[tuple[str, str], ...]
    votes: tuple[tuple[str, ...], ...]
    commits: int
    audit: Counter[str]
    refused: Counter[tuple[str, str]]
    """promotion, and whom: once for each press, whether the story or the service hears of it first"""
    events: Counter[str]


async def tell(directory: Path, story: str, *, killed_after: str = "") -> tuple[Ended, list[str]]:
    """The end of one story in a world of its own, and the steps that it ran."""
    directory.mkdir()  # noqa: ASYNC240 (nobody waits)
    async with core_world(directory, OF_TWO if " agree" in story else POLICY) as world:
        steps: list[str] = []
        world.engine.on_step = steps.append
        world.engine.crash_after |= {killed_after} - {""}
        await TOLD[story](world)
        await resumed(world)
        assert not world.engine.crash_after, "the process was never killed"
        assert await world.audit.verify() is None
        assert await world.store.all_live() == ()
        return await ended(world), steps


async def ended(world: CoreWorld) -> Ended:
    past = sorted(await world.store.history("", "", 100), key=lambda one: one.plan.requested_at)
    assert max(Counter(world.promotion_commits()).values(), default=0) <= 1
    rows = await world.audit.rows(limit=1000)
    return Ended(
        tuple((str(one.phase), one.outcome) for one in past),
        tuple(tuple(vote.approver.name for vote in one.approvals) for one in past),
        len(world.promotion_commits()),
        Counter(row.event for row in rows if row.event != "refused"),
        Counter((row.promotion_id, row.actor) for row in rows if row.event == "refused"),
        Counter(str(event) for _, event in world.events.told),
    )


@pytest.mark.parametrize("story", TOLD)
async def test_killed_after_any_step_it_ends_as_if_nobody_had_killed_it(tmp_path: Path, story: str) -> None:
    calm, steps = await tell(tmp_path / "calm", story)
    effects = [step for step in dict.fromkeys(steps) if not step.startswith(WAITS)]
    assert "announce" in effects
    for step in effects:
        killed, _ = await tell(tmp_path / step, story, killed_after=step)
        assert killed == calm, step
