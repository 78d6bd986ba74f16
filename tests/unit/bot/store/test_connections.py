"""Connections are opened once: one costs more than most of what is done over it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.store import database
from bot.store.database import CONNECTIONS, Database


async def test_a_peak_opens_them_and_the_next_one_finds_them_open(tmp_path: Path) -> None:
    async with AsyncExitStack() as stack:
        there = Database(f"sqlite:///{tmp_path / 'here.db'}")
        stack.push_async_callback(there.close)
        opened: list[object] = []
        sa.event.listen(there.engine.sync_engine, "connect", lambda *made: opened.append(made))
        for _ in range(3):
            async with AsyncExitStack() as peak:
                for _ in range(CONNECTIONS):
                    await peak.enter_async_context(there.reading())
        assert len(opened) == CONNECTIONS


async def test_who_comes_when_all_are_in_use_waits_for_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(database, "CONNECTIONS", 1)
    async with AsyncExitStack() as stack:
        there = Database(f"sqlite:///{tmp_path / 'here.db'}")
        stack.push_async_callback(there.close)
        order: list[str] = []

        async def other() -> None:
            async with there.reading():
                order.append("other")

        async with there.reading():
            waiting = asyncio.create_task(other())
            await asyncio.sleep(0.05)
            order.append("first")
        await waiting
        assert order == ["first", "other"]
