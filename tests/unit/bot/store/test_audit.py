"""The chain holds, or says which row was tampered with."""

import asyncio
import hashlib
import json
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import sqlalchemy as sa

from bot.domain.promotion import Phase, Stage
from bot.store.audit import GENESIS, Audit, AuditEntry, audit
from bot.store.database import Database
from bot.store.promotions import PromotionStore
from tests.fakes.databases import create_tables
from tests.sentences import says
from tests.views.samples import promotion


@pytest.fixture
async def database(tmp_path: Path) -> AsyncIterator[Database]:
    opened = Database(f"sqlite:///{tmp_path / 'audit.db'}")
    await create_tables(opened)
    yield opened
    await opened.close()


async def filled(database: Database, rows: int = 5) -> Audit:
    chain = Audit(database)
    for number in range(rows):
        await chain.record(AuditEntry("approve", f"U{number}", ("my-app",), "production", f"p-{number}", {"n": number}))
    return chain


async def test_a_chain_that_nobody_touched_verifies(database: Database) -> None:
    chain = await filled(database)
    assert await chain.verify() is None
    assert [row.seq for row in await chain.rows(after=2)] == [3, 4, 5]


@pytest.mark.parametrize(
    ("tamper", "sentence"),
    [
        (audit.update().where(audit.c.seq == 3).values(actor="U0EVIL"), "row 3 (approve by U0EVIL"),
        (audit.update().where(audit.c.seq == 3).values(detail='{"n": 99}'), "row 3 (approve by U2"),
        (audit.delete().where(audit.c.seq == 3), "row 3 is missing: it was removed"),
        (audit.update().where(audit.c.seq == 5).values(seq=6), "row 5 is missing"),
        (audit.update().where(audit.c.seq == 2).values(hash="0" * 64), "row 2 (approve by U1"),
        (audit.update().where(audit.c.seq == 3).values(version=1), "row 3 (approve by U2"),
        (audit.update().where(audit.c.seq == 3).values(version=9), "row 3 is of version 9"),
    ],
)
async def test_tampering_is_found_and_named(database: Database, tamper: sa.Update | sa.Delete, sentence: str) -> None:
    chain = await filled(database)
    async with database.begin() as connection:
        await connection.execute(tamper)
    found = await chain.verify()
    assert found is not None
    assert sentence in found


async def test_an_inserted_row_breaks_the_chain_even_with_a_hash_of_its_own(database: Database) -> None:
    chain = await filled(database, 2)
    row = dict(vars((await chain.rows())[0]), seq=3, actor="U0EVIL")
    async with database.begin() as connection:
        await connection.execute(audit.insert().values(row))
    assert says(await chain.verify() or "", "row 3 does not follow row 2")


async def test_a_row_that_stands_before_the_first_one_is_found(database: Database) -> None:
    chain = await filled(database, 2)
    row = dict(vars((await chain.rows())[0]), seq=0, actor="U0EVIL")
    async with database.begin() as connection:
        await connection.execute(audit.insert().values(row))
    assert says(await chain.verify() or "", "1 more rows", "inserted")


async def test_a_promotion_that_is_over_misses_what_was_cut_off_at_the_end(database: Database) -> None:
    chain, store, over = Audit(database), PromotionStore(database), promotion(phase=Phase.SUCCEEDED, stage=Stage.DONE)
    async with database.begin() as connection:
        await store.create(connection, over)
        await store.save(connection, over)
        await chain.append(connection, AuditEntry("requested", "U0ANA", promotion_id=over.id))
        await chain.append(connection, AuditEntry("succeeded", "pilothouse", dedupe=f"{over.id}:conclude"))
    assert await chain.verify() is None
    async with database.begin() as connection:
        await connection.execute(audit.delete().where(audit.c.seq == 2))
    assert says(await chain.verify() or "", f"the last row of {over.id}", "cut off")


async def test_the_same_step_is_written_once(database: Database) -> None:
    chain = Audit(database)
    for _ in range(2):
        await chain.record(AuditEntry("committed", "U0ANA", dedupe="p-1:commit"))
    assert len(await chain.rows()) == 1


async def test_many_at_once_make_one_chain(database: Database) -> None:
    chain = Audit(database)
    await asyncio.gather(*(chain.record(AuditEntry("approve", f"U{n}")) for n in range(25)))
    assert await chain.verify() is None
    assert len(await chain.rows()) == 25


async def test_a_changed_policy_is_noted_once(database: Database) -> None:
    chain = Audit(database)
    noted = [await chain.note_policy(text) for text in ("a", "a", "b", "a")]
    assert noted == [True, False, True, True]
    assert await chain.verify() is None


async def test_rows_of_the_version_before_verify_as_they_did_then(database: Database) -> None:
    """As releases before the column `version` wrote them; what is added is of today's version."""
    said = [1, "2026-01-02T03:04:05+00:00", "approve", "U1", "my-app", "production", "p-1", "{}", None]
    names = ("seq", "at", "event", "actor", "app", "environment", "promotion_id", "detail", "dedupe")
    hashed = hashlib.sha256(json.dumps([GENESIS, *said]).encode()).hexdigest()
    async with database.begin() as connection:
        row = dict(zip(names, said, strict=True), previous=GENESIS, hash=hashed)
        await connection.execute(audit.insert().values(row))
    chain = await filled(database, 2)
    assert [row.version for row in await chain.rows()] == [1, 2, 2]
    assert await chain.verify() is None
    async with database.begin() as connection:
        await connection.execute(audit.update().where(audit.c.seq == 1).values(actor="U0EVIL"))
    assert "row 1 (approve by U0EVIL" in (await chain.verify() or "")
