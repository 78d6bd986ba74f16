"""The commit, where another process does the same at the same time."""

from bot.domain.overlay import Change, Commit
from bot.workflow.committer import Committer
from tests.unit.bot.workflow.house import House


async def test_a_twin_that_was_faster_is_recognised_not_taken_for_a_stranger(home: House) -> None:
    """A replica that was thought dead may push while the one that took over is about to."""
    asked = await home.deploy("ana")
    promotion = await home.now(asked)

    class SlowWriter:
        """Somebody pushes the very same change between our look and our push."""

        raced = False

        async def commit(self, change: Change, expected_head: str) -> Commit:
            if not self.raced:
                self.raced = True
                await home.overlays.commit(change, expected_head)
            return await home.overlays.commit(change, expected_head)

        async def find(self, trailer: str, value: str, since: str) -> Commit | None:
            return await home.overlays.find(trailer, value, since)

    made = await Committer(home.overlays, SlowWriter(), home.registry).commit(promotion)
    assert made == home.overlays.log[-1]
    assert home.promotion_commits() == [asked.id]
