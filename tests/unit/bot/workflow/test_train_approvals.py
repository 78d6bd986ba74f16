"""A release train asks for what each of its apps asks for: all of it, of people who may speak for that app."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from bot.domain.errors import NotAllowed
from bot.domain.intent import Adjust, Promote
from bot.domain.promotion import Phase, Promotion, Stage
from tests.fakes.world import House, house
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
async def home(tmp_path: Path) -> AsyncIterator[House]:
    async with house(tmp_path, POLICY) as built:
        await add_app(built, "payments")
        yield built


async def train(home: House) -> Promotion:
    asked = await home.service.start(
        Promote(context=home.context(), apps=(), environment="production"), await home.person("ana")
    )
    await home.engine.settle()
    return asked


async def test_the_rule_of_every_app_must_be_met(home: House) -> None:
    asked = await train(home)
    await home.approve("bo", asked)
    await home.approve("mia", asked)
    assert (await home.now(asked)).stage is Stage.APPROVAL
    await home.approve("dee", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_one_voice_for_one_app_does_not_open_the_other(home: House) -> None:
    asked = await train(home)
    await home.approve("dee", asked)
    waiting = await home.now(asked)
    assert (waiting.stage, waiting.approvals[0].voices) == (Stage.APPROVAL, {"payments": ("security",)})
    await home.approve("bo", asked)
    assert (await home.now(asked)).stage is Stage.APPROVAL
    await home.approve("mia", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_an_app_that_stays_behind_asks_for_nobody(home: House) -> None:
    asked = await train(home)
    adjust = Adjust(context=home.context(), promotion=asked.id, left_out=("payments",))
    await home.service.adjust(adjust, await home.person("ana"))
    await home.engine.settle()
    with pytest.raises(NotAllowed):
        await home.approve("dee", asked)
    await home.approve("bo", asked)
    await home.approve("mia", asked)
    assert (await home.now(asked)).phase is Phase.SUCCEEDED


async def test_whoever_may_decide_on_one_app_may_reject_the_train(home: House) -> None:
    asked = await train(home)
    await home.reject("dee", asked, "payments is being audited")
    assert says((await home.now(asked)).outcome, "Rejected by dee", "payments is being audited")


async def test_a_required_role_that_was_lost_before_the_commit_is_wanted_again(home: House) -> None:
    """Security is still a release manager then, but no longer security."""
    name = next(names for names in home.directory.groups if "release-managers" in names)
    home.directory.groups[name] |= {"U0DEE"}
    asked = await home.deploy("ana", app="payments")
    bindings, ask_gates = home.service.policy.bindings, home.service.panel.ask

    async def forget_security(*args: object) -> object:
        object.__setattr__(home.service.policy, "bindings", bindings[:2])
        return await ask_gates(*args)  # type: ignore[arg-type]

    home.service.panel.ask = forget_security  # type: ignore[method-assign,assignment]
    await home.approve("dee", asked)
    waiting = await home.now(asked)
    assert (waiting.phase, waiting.stage) == (Phase.RUNNING, Stage.APPROVAL)
