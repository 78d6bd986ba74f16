"""A real Postgres fails while promotions are under way: nothing is lost, nothing is doubled, everything ends."""

import asyncio
from collections.abc import Awaitable, Callable
from datetime import timedelta
from pathlib import Path

import psycopg
import pytest
from sqlalchemy.engine import make_url

from bot.domain.promotion import Phase, Stage
from bot.workflow.durable import HEARD_SECONDS, DurableEngine
from bot.workflow.journal import Journal, Json
from tests.postgres import NewDatabase
from tests.restart.cases import Case
from tests.restart.effects import effects, look
from tests.restart.process_harness import harness
from tests.restart.test_replicas import until

pytestmark = pytest.mark.restart

CASES = (*(Case("promotion", hold) for hold in ("", "x:1", "x:2")), Case("break-glass", ""))
"""The holds are no places, so nothing stands still."""
OUTAGE_SECONDS = 3.0

Server = psycopg.AsyncConnection[tuple[object, ...]]


async def disconnect(server: Server, name: str) -> int:
    """Every connection is ended, as when the server is failed over; how many."""
    ended = await server.execute(
        "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = %s AND pid <> pg_backend_pid()", (name,)
    )
    return ended.rowcount


async def again_and_again(server: Server, name: str) -> None:
    ended = 0
    for _ in range(10):
        ended += await disconnect(server, name)
        await asyncio.sleep(OUTAGE_SECONDS / 10)
    assert ended


async def read_only(server: Server, name: str) -> None:
    """As a standby that was not promoted yet, to which the connections have moved."""
    await server.execute(f"ALTER DATABASE {name} SET default_transaction_read_only = on".encode())
    assert await disconnect(server, name)
    await asyncio.sleep(OUTAGE_SECONDS)
    await server.execute(f"ALTER DATABASE {name} RESET default_transaction_read_only".encode())
    await disconnect(server, name)


async def refusing(server: Server, name: str) -> None:
    """Nobody is let in, as while the server starts."""
    await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS false".encode())
    assert await disconnect(server, name)
    await asyncio.sleep(OUTAGE_SECONDS)
    await server.execute(f"ALTER DATABASE {name} ALLOW_CONNECTIONS true".encode())


@pytest.mark.parametrize("outage", [again_and_again, read_only, refusing], ids=lambda outage: outage.__name__)
async def test_a_server_that_fails_while_promotions_are_under_way_loses_and_doubles_nothing(
    tmp_path: Path, postgres: NewDatabase, outage: Callable[[Server, str], Awaitable[None]]
) -> None:
    url, other = postgres(), postgres()
    name = str(make_url(url).database)
    async with harness(tmp_path, url, CASES) as place:
        life = place.begin(replica="pilothouse-0", presses=True, ends=False)
        await life.ready()
        async with await psycopg.AsyncConnection.connect(other, autocommit=True) as server:
            await outage(server, name)
        await until(place, Stage.DONE)
        seen = await look(place)
        for case in CASES:
            done = effects(seen, case)
            assert done.end.startswith(Phase.SUCCEEDED)
            assert (done.commits, done.audit["requested" if case.story == "promotion" else "break-glass"]) == (1, 1)
            assert done.votes == (1 if case.story == "promotion" else 0)
            assert done.messages["card"] == 1
        assert seen.chain is None


async def test_a_vote_whose_notice_is_lost_is_heard_within_seconds(postgres: NewDatabase) -> None:
    """As when it comes in the middle of a failover: it is written, and nobody listens."""
    url, heard = postgres(), asyncio.Event()

    async def story(journal: Journal, plan: Json) -> Json:
        while await journal.receive(timedelta(minutes=5)) is None:
            pass
        heard.set()
        return plan

    engine = DurableEngine(url, "pilothouse-0", story)
    await engine.launch()
    try:
        await engine.start("p1", {"id": "p1"})
        await asyncio.sleep(1)
        async with await psycopg.AsyncConnection.connect(url, autocommit=True) as server:
            await server.execute("ALTER TABLE dbos.notifications DISABLE TRIGGER ALL")
        await engine.signal("p1", "p1:vote", {"kind": "approve"})
        await asyncio.wait_for(heard.wait(), HEARD_SECONDS + 10)
    finally:
        await engine.close()
