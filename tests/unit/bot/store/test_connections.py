"""Connections are opened once: one costs more than most of what is done over it."""

import asyncio
from contextlib import AsyncExitStack
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

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


async def test_whoever_is_interrupted_in_sqlite_leaves_no_connection_open(tmp_path: Path) -> None:
    """However far they have come: on the way to the connection, in a statement, or at the end."""
    there = Database(f"sqlite:///{tmp_path / 'here.db'}")
    used: list[AsyncConnection] = []

    async def read() -> None:
        async with there.reading() as connection:
            used.append(connection)
            await connection.execute(sa.text("SELECT 1"))

    async def write() -> None:
        async with there.begin() as connection:
            used.append(connection)
            await connection.execute(sa.text("CREATE TABLE IF NOT EXISTS apps (name TEXT)"))

    await asyncio.gather(read(), write(), read(), write())  # to open a connection takes longer than anything after it
    for turns in range(30):
        asked = [asyncio.create_task(ask()) for ask in (read, write, read, write)]
        for _ in range(turns):
            await asyncio.sleep(0)
        for task in asked:
            task.cancel()
        await asyncio.gather(*asked, return_exceptions=True)
    assert [one for one in used if not one.closed] == []
    await asyncio.gather(*(read() for _ in range(CONNECTIONS)), write())
    await there.close()


async def test_what_went_well_in_sqlite_is_closed_without_a_task_of_its_own(tmp_path: Path) -> None:
    there = Database(f"sqlite:///{tmp_path / 'here.db'}")
    loop = asyncio.get_running_loop()
    begun: list[object] = []

    def noting(loop: asyncio.AbstractEventLoop, todo: Any, **how: Any) -> asyncio.Task[Any]:
        begun.append(todo)
        return asyncio.Task(todo, loop=loop, **how)

    loop.set_task_factory(noting)
    for block in (there.reading, there.begin):
        async with block() as connection:
            await connection.execute(sa.text("SELECT 1"))
    assert begun == []
    await there.close()
