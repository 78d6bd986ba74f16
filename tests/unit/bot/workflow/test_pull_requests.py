"""The change as a pull request, where others merge at the same time."""

from datetime import timedelta
from pathlib import Path

import pytest

from bot.domain.errors import HeadMoved
from bot.domain.promotion import Phase, Stage
from bot.ports import PullRequest
from bot.workflow.pull_requests import MERGE_TRIES
from tests.unit.bot.workflow.house import POLICY, house

PULL_REQUESTS = POLICY + (
    "environments:\n- {name: development}\n- {name: staging}\n- {name: production, mode: pull-request}\n"
)


@pytest.mark.parametrize("times", [1, MERGE_TRIES])
async def test_a_merge_that_others_overtook_is_tried_again(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, times: int
) -> None:
    monkeypatch.setattr("bot.workflow.pull_requests.MERGE_PAUSE", 0)
    async with house(tmp_path, PULL_REQUESTS) as home:
        merge, overtaken = home.overlays.merge, [HeadMoved("github", "merge #1", "Base branch was modified.")] * times

        async def merge_at_a_bad_moment(number: int, message: str) -> PullRequest:
            if overtaken:
                raise overtaken.pop()
            return await merge(number, message)

        monkeypatch.setattr(home.overlays, "merge", merge_at_a_bad_moment)
        asked = await home.deploy("ana")
        await home.approve("bo", asked)
        home.overlays.set_checks(1, "success")
        assert (await home.now(asked)).stage is Stage.COMMIT
        await home.engine.pass_time(timedelta(minutes=1))
        assert not overtaken
        assert (await home.now(asked)).phase is Phase.SUCCEEDED
