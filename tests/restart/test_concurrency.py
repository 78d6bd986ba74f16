"""Many promotions at once, and somebody else on the branch: nobody's work is lost, and everybody hears what became."""

from pathlib import Path

import pytest

from tests.restart.crowd import by_the_bot, lost, repository
from tests.sentences import says


@pytest.mark.parametrize(("apps", "every"), [(12, 0.5), (3, 0.2)])
async def test_all_land_beside_somebody_who_pushes_all_the_time(tmp_path: Path, apps: int, every: float) -> None:
    async with repository(tmp_path, apps) as place:
        outcome = await by_the_bot(place, every)
        assert await lost(place, outcome) == []
        assert outcome.said == {}
        assert len(outcome.foreign) > 1


async def test_who_is_overtaken_for_too_long_is_told_so_and_nothing_is_lost(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("bot.promotions.committer.TRIES", 3)
    async with repository(tmp_path, 4) as place:
        outcome = await by_the_bot(place, every=0.0)
        assert await lost(place, outcome) == []
        assert outcome.said
        assert all(says(why, "git: commit: ", "branch moved 3 times") for why in outcome.said.values())
