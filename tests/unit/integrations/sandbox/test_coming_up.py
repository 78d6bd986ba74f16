"""The page is there when the bot is, and never before."""

import asyncio
from dataclasses import dataclass, field
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest

from integrations.sandbox.main import BotEnded, come_up


@dataclass
class Starting:
    """A world whose bot answers after so many looks, or has ended by then."""

    data: Path
    answers: list[bool]
    bot: Any = field(default_factory=lambda: SimpleNamespace(running=True))

    async def connected(self) -> bool:
        return self.answers.pop(0) if self.answers else await asyncio.Event().wait()


async def test_a_slow_bot_is_waited_for_and_that_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert await come_up(cast("Any", Starting(tmp_path, [False, False, True])), asyncio.Event())
    assert capsys.readouterr().err.count("still starting") == 2


async def test_a_bot_that_has_ended_is_told_with_its_last_words(tmp_path: Path) -> None:
    (tmp_path / "bot.log").write_text("one\ntwo\nSQLite 3.40.1 is too old: use Postgres.\n")
    ended = Starting(tmp_path, [False], SimpleNamespace(running=False))
    with pytest.raises(BotEnded, match=r"SQLite 3\.40\.1 is too old"):
        await come_up(cast("Any", ended), asyncio.Event())


async def test_whoever_stops_it_meanwhile_need_not_wait(tmp_path: Path) -> None:
    stop = asyncio.Event()
    stop.set()
    assert not await come_up(cast("Any", Starting(tmp_path, [])), stop)
