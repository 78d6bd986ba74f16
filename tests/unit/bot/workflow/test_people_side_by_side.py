"""Right before the commit everybody is looked up at the same time: with a cold directory that is one wait."""

import asyncio
from pathlib import Path

from bot.domain.caller import Caller
from tests.fakes.world import core_world

TWO = """
channels: {default: C0DEPLOY}
environments: [{name: development}, {name: staging}, {name: production, approval: {count: 2}}]
bindings:
- {role: engineer, groups: [engineers]}
- {role: release-manager, groups: [release-managers]}
"""


async def test_the_requester_and_the_approvers_are_looked_up_together(tmp_path: Path) -> None:
    async with core_world(tmp_path, TWO) as world:
        promotion = await world.deploy()
        await world.approve("bo", promotion)
        usual, steps, waiting, together = world.directory.caller, [""], set[str](), asyncio.Event()

        async def caller(user: str, team: str = "") -> Caller:
            if steps[-1].startswith("confirm#"):
                waiting.add(user)
                if waiting == {"U0ANA", "U0BO", "U0MIA"}:
                    together.set()
                await together.wait()  # for ever, where one is asked for after the other
            return await usual(user, team)

        world.engine.on_step = steps.append
        world.directory.caller = caller  # type: ignore[method-assign]
        async with asyncio.timeout(60):
            await world.approve("mia", promotion)
        assert together.is_set()
        assert (await world.now(promotion)).commit
