"""A release train asks for what each of its apps asks for: all of it, of people who may speak for that app."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import NotAllowed
from bot.domain.intent import Adjust, Promote
from bot.domain.promotion import Phase, Promotion, Stage
from tests.fakes.world import CoreWorld, core_world
from tests.sentences import says
from tests.unit.bot.promotions.test_scheduler import add_app

POLICY = """
channels: {default: C0DEPLOY}
environments:
- {name: development}
- {name: staging}
- {name: production, approval: {count: 2, roles: [release-manager]}}
apps:
  payments:
    environments:
      production: {approval: {count: 1, roles: [], required: [security]}}
roles:
  engineer: [view, promote, rollback]
  release-manager: [view, promote, approve]
  security: [view, approve]
bindings:
  - {role: engineer, groups: [engineers]}
  - {role: release-manager, groups: [release-managers]}
  - {role: security, users: [U0DEE], apps: [payments]}
"""


@pytest.fixture
async def world(tmp_path: Path) -> AsyncIterator[CoreWorld]:
    async with core_world(tmp_path, POLICY) as built:
        await add_app(built, "payments")
        yield built


async def train(world: CoreWorld) -> Promotion:
    asked = await world.service.start(
        Promote(context=world.context(), apps=(), environment="production"), await world.person("ana")
    )
    await world.engine.settle()
    return asked


async def test_the_rule_of_every_app_must_be_met(world: CoreWorld) -> None:
    asked = await train(world)
    await world.approve("bo", asked)
    await world.approve("mia", asked)
    assert (await world.now(asked)).stage is Stage.APPROVAL
    await world.approve("dee", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_one_voice_for_one_app_does_not_open_the_other(world: CoreWorld) -> None:
    asked = await train(world)
    await world.approve("dee", asked)
    waiting = await world.now(asked)
    assert (waiting.stage, waiting.approvals[0].voices) == (Stage.APPROVAL, {"payments": ("security",)})
    await world.approve("bo", asked)
    assert (await world.now(asked)).stage is Stage.APPROVAL
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_an_app_that_stays_behind_asks_for_nobody(world: CoreWorld) -> None:
    asked = await train(world)
    adjust = Adjust(context=world.context(), promotion=asked.id, left_out=("payments",))
    await world.service.adjust(adjust, await world.person("ana"))
    await world.engine.settle()
    with pytest.raises(NotAllowed):
        await world.approve("dee", asked)
    await world.approve("bo", asked)
    await world.approve("mia", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


async def test_whoever_may_decide_on_one_app_may_reject_the_train(world: CoreWorld) -> None:
    asked = await train(world)
    await world.reject("dee", asked, "payments is being audited")
    assert says((await world.now(asked)).outcome, "Rejected by dee", "payments is being audited")


async def test_a_required_role_that_was_lost_before_the_commit_is_wanted_again(world: CoreWorld) -> None:
    """Security is still a release manager then, but no longer security."""
    name = next(names for names in world.directory.groups if "release-managers" in names)
    world.directory.groups[name] |= {"U0DEE"}
    asked = await world.deploy("ana", app="payments")
    bindings, ask_gates = world.service.policy.bindings, world.service.evaluator.ask

    async def forget_security(*args: object) -> object:
        object.__setattr__(world.service.policy, "bindings", bindings[:2])
        return await ask_gates(*args)  # type: ignore[arg-type]

    world.service.evaluator.ask = forget_security  # type: ignore[method-assign,assignment]
    await world.approve("dee", asked)
    waiting = await world.now(asked)
    assert (waiting.phase, waiting.stage) == (Phase.RUNNING, Stage.APPROVAL)
