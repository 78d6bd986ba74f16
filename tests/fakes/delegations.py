"""People who are away, and whom they named."""

from datetime import UTC, datetime, timedelta

from bot.domain.safety import Delegation
from tests.fakes.world import CoreWorld


async def lend(world: CoreWorld, absent: str, delegate: str, left: timedelta = timedelta(days=1)) -> None:
    """The first has named the second, a while ago. Both by their names in the world."""
    now = datetime.now(UTC)
    away, here = await world.person(absent), await world.person(delegate)
    delegation = Delegation(away.person, here.person, now - timedelta(hours=1), now + left)
    async with world.database.begin() as connection:
        await world.delegations.delegate(connection, delegation)
