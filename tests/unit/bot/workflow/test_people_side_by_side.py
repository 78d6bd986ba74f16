"""Right before the commit everybody is looked up at the same time: with a cold directory that is one wait."""

import asyncio
from pathlib import Path

from bot.domain.caller import Caller
from tests.fakes.world import house

TWO = """
channels: {default: C0DEPLOY}
environments: [{name: development}, {name: staging}, {name: production, approval: {count: 2}}]
bindings:
- {role: engineer, groups: [engineers]}
- {role: release-manager, groups: [release-managers]}
"""


async def test_the_requester_and_the_approvers_are_looked_up_together(tmp_path: Path) -> None:
    async with house(tmp_path, TWO) as home:
        promotion = await home.deploy()
        await home.approve("bo", promotion)
        usual, steps, waiting, together = home.directory.caller, [""], set[str](), asyncio.Event()

        async def caller(user: str, team: str = "") -> Caller:
            if steps[-1].startswith("confirm#"):
                waiting.add(user)
                if waiting == {"U0ANA", "U0BO", "U0MIA"}:
                    together.set()
                await together.wait()  # for ever, where one is asked for after the other
            return await usual(user, team)

        home.engine.on_step = steps.append
        home.directory.caller = caller  # type: ignore[method-assign]
        async with asyncio.timeout(60):
            await home.approve("mia", promotion)
        assert together.is_set()
        assert (await home.now(promotion)).commit
