"""Whoever finds out that a request is refused, and however often: it is one row, on both databases."""

import asyncio

import pytest

from bot.store.audit import Audit, AuditEntry, refusal
from bot.store.database import Database


def refused(request: str, why: str, promotion: str = "p-1") -> AuditEntry:
    return refusal("U0BO", "approve", why, ("my-app",), "production", request=request, promotion_id=promotion)


async def test_a_request_that_two_refuse_at_once_is_refused_once(database: Database) -> None:
    """The story and who sent it the word, or two replicas; another request of the same person is another row."""
    story, service = Audit(database), Audit(database)
    requests = ("r1", "r2", "r3")
    await asyncio.gather(
        *(story.record(refused(request, "moved")) for request in requests),
        *(service.record(refused(request, "over")) for request in requests),
    )
    await service.record(refused("r1", "asked again after a crash"))
    rows = await story.rows()
    assert sorted(row.dedupe or "" for row in rows) == [f"p-1:refused:{request}" for request in requests]
    assert await story.verify() is None


@pytest.mark.parametrize("other", [refused("r1", "over", "p-2"), refused("r2", "over"), refused("", "over")])
async def test_another_promotion_or_another_request_is_another_refusal(database: Database, other: AuditEntry) -> None:
    audit = Audit(database)
    await audit.record(refused("r1", "over"))
    for _ in range(2):
        await audit.record(other)
    assert len(await audit.rows()) == (2 if other.dedupe else 3)
