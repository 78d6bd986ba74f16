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
from tests.fakes.world import HARBOR, POLICY, House, house, kustomization, path
from tests.unit.bot.promotions.test_scheduler import add_app, policy

WAITS = ("gates-begin", "gates-asked", "approval-", "receive", "slept@", "sleep@", "follow-begin", "finished")
MINUTE = timedelta(minutes=1)


async def resumed(home: House) -> None:
    """Successors are begun, as the sweep does."""
    while await home.service.resume():
        await home.engine.settle()


async def refused(home: House, who: str, asked: Promotion) -> None:
    with suppress(UserError):
        await home.approve(who, asked)
    await home.engine.settle()


async def a_gate_fails(home: House) -> None:
    image = (await home.registry.artifact(f"{HARBOR}/my-app", "v1.4.2")).image
    home.registry.finish_scan(image, Vulnerability("CVE-1", "zlib", "1", Severity.CRITICAL))
    await home.deploy("ana")


async def a_gate_waits(home: House) -> None:
    image = home.registry.push(f"{HARBOR}/my-app", "v1.5.0").image
    await home.seen(image)
    asked = await home.deploy("ana", image="v1.5.0")
    home.registry.finish_scan(image)
    await home.engine.pass_time(MINUTE)
    await home.approve("bo", asked)


async def a_gate_fails_after_the_vote(home: House) -> None:
    asked = await home.deploy("ana")
    home.applications.put(replace(home.applications._apps["my-app-staging"], health=HealthStatus.DEGRADED))
    with suppress(UserError):
        await home.approve("bo", asked)
    await home.engine.pass_time(timedelta(hours=5))


async def votes_are_refused(home: House) -> None:
    asked = await home.deploy("ana")
    for who in ("ana", "cy"):
        await refused(home, who, asked)
    await home.approve("bo", asked)
    await refused(home, "bo", asked)


async def it_is_rejected(home: House) -> None:
    await home.reject("bo", await home.deploy("ana"), "not today")


async def nobody_answers(home: House) -> None:
    await home.deploy("ana")
    await home.engine.pass_time(timedelta(hours=5))


async def the_line_is_changed_and_a_new_card_is_issued(home: House) -> None:
    asked = await home.deploy("ana")
    home.overlays.push({path("production"): kustomization("v1.4.0")}, "by hand")
    await refused(home, "bo", asked)
    await resumed(home)
    if successor := (await home.now(asked)).successor:
        await home.approve("bo", await home.service.get(successor))


async def two_must_agree(home: House) -> None:
    asked = await home.deploy("ana")
    await home.approve("bo", asked)
    await refused(home, "bo", asked)
    await refused(home, "ana", asked)
    await home.approve("mia", asked)


async def one_agrees_and_one_rejects(home: House) -> None:
    asked = await home.deploy("ana")
    await home.approve("bo", asked)
    await home.reject("mia", asked, "not today")
    await refused(home, "bo", asked)


async def two_must_agree_to_a_train_and_leave_an_app_out(home: House) -> None:
    await add_app(home, "payments")
    asked = await home.service.start(
        Promote(context=home.context(), apps=(), environment="production"), await home.person("ana")
    )
    await home.engine.settle()
    await home.approve("bo", asked)
    left_out = Adjust(context=home.context(), promotion=asked.id, left_out=("payments",))
    await home.service.adjust(left_out, await home.person("mia"))
    await home.engine.settle()
    for who in ("mia", "bo"):
        await home.approve(who, asked)


TOLD: dict[str, Callable[[House], Awaitable[None]]] = {
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
    async with house(directory, OF_TWO if " agree" in story else POLICY) as home:
        steps: list[str] = []
        home.engine.on_step = steps.append
        home.engine.crash_after |= {killed_after} - {""}
        await TOLD[story](home)
        await resumed(home)
        assert not home.engine.crash_after, "the process was never killed"
        assert await home.audit.verify() is None
        assert await home.store.all_live() == ()
        return await ended(home), steps


async def ended(home: House) -> Ended:
    past = sorted(await home.store.history("", "", 100), key=lambda one: one.plan.requested_at)
    assert max(Counter(home.promotion_commits()).values(), default=0) <= 1
    rows = await home.audit.rows(limit=1000)
    return Ended(
        tuple((str(one.phase), one.outcome) for one in past),
        tuple(tuple(vote.approver.name for vote in one.approvals) for one in past),
        len(home.promotion_commits()),
        Counter(row.event for row in rows if row.event != "refused"),
        Counter((row.promotion_id, row.actor) for row in rows if row.event == "refused"),
        Counter(str(event) for _, event in home.events.told),
    )


@pytest.mark.parametrize("story", TOLD)
async def test_killed_after_any_step_it_ends_as_if_nobody_had_killed_it(tmp_path: Path, story: str) -> None:
    calm, steps = await tell(tmp_path / "calm", story)
    effects = [step for step in dict.fromkeys(steps) if not step.startswith(WAITS)]
    assert "announce" in effects
    for step in effects:
        killed, _ = await tell(tmp_path / step, story, killed_after=step)
        assert killed == calm, step
