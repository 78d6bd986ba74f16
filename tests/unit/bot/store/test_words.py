"""People's words under contention, and what the record of promotions answers; on both databases."""

import asyncio
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count

import pytest

from bot.domain.caller import Caller, Person
from bot.domain.errors import Conflict
from bot.domain.intent import Context, StealLock, TakeLock
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.reply import LockHeld, LockTaken, Reply
from bot.notify.ledger import Ledger
from bot.notify.outbox import Outbox
from bot.overlays.catalog import Catalog
from bot.policy import parse
from bot.runtime.clock import SYSTEM_CLOCK
from bot.safety.locks import LockService
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.locks import LockStore
from bot.store.messages import Messages
from bot.store.promotions import PromotionStore
from tests.fakes.messenger import FakeMessenger
from tests.fakes.overlays import MemoryOverlays
from tests.views.samples import COMMIT, promotion

POLICY = parse("bindings:\n- {role: admin, groups: [all]}\n")
NUMBERS = count()


def somebody(name: str) -> Caller:
    return Caller(Person(f"U0{name.upper()}", name), "T0PILOT", frozenset({"all"}))


def service(database: Database) -> LockService:
    ledger = Ledger(database, Audit(database), Outbox(Messages(database), FakeMessenger()), POLICY)
    overlays = MemoryOverlays({"apps/my-app/overlays/production/kustomization.yaml": b"images: []\n"})
    return LockService(LockStore(database), ledger, Catalog(overlays, POLICY), SYSTEM_CLOCK)


def ask() -> TakeLock:
    context = Context(f"r{next(NUMBERS)}", "C0DEPLOY", "c", "T0PILOT")
    return TakeLock(context=context, app="my-app", environment="production", reason="mine")


async def test_of_many_who_lock_at_once_one_has_it_and_the_others_are_told_who(database: Database) -> None:
    locks = service(database)
    people = [somebody(name) for name in ("ana", "bo", "mia", "dee", "cy")]
    replies: list[Reply] = await asyncio.gather(*(locks.take(ask(), person, None) for person in people))
    (taken,) = [reply for reply in replies if isinstance(reply, LockTaken)]
    held = [reply for reply in replies if isinstance(reply, LockHeld)]
    assert len(held) == len(people) - 1
    assert {reply.lock.owner.id for reply in held} == {taken.lock.owner.id}
    assert [row.event for row in await Audit(database).rows()] == ["locked"]
    assert await Audit(database).verify() is None


async def test_of_many_who_steal_the_same_lock_one_gets_it(database: Database) -> None:
    locks = service(database)
    first = await locks.take(ask(), somebody("ana"), None)
    assert isinstance(first, LockTaken)
    since = first.lock.since.isoformat()
    thieves = [somebody(name) for name in ("bo", "mia", "dee", "cy")]
    results = await asyncio.gather(
        *(locks.take(StealLock(**vars(ask()), since=since), thief, None) for thief in thieves), return_exceptions=True
    )
    assert sum(isinstance(result, LockTaken) for result in results) == 1
    assert sum(isinstance(result, Conflict) for result in results) == len(thieves) - 1


def change(id: str, **facts: object) -> Promotion:
    made = promotion(phase=Phase.SUCCEEDED, stage=Stage.DONE, commit=COMMIT)
    return replace(made, plan=replace(made.plan, id=id), **facts)  # type: ignore[arg-type]


async def keep(database: Database, *changes: Promotion) -> PromotionStore:
    store = PromotionStore(database)
    async with database.begin() as connection:
        for one in changes:
            await store.create(connection, one)
            await store.save(connection, one)
    return store


@pytest.mark.parametrize(
    ("facts", "seen"),
    [
        ({}, True),
        ({"phase": Phase.FAILED}, False),
        ({"phase": Phase.ABORTED}, False),
        ({"left_out": ("my-app",)}, False),
    ],
)
async def test_what_a_promotion_saw_healthy(database: Database, facts: dict[str, object], seen: bool) -> None:
    made = change("p-1", **facts)
    move, environment = made.plan.moves[0], made.plan.environment
    store = await keep(database, made)
    assert await store.succeeded(move.app, environment, move.after.digest) is seen
    assert not await store.succeeded(move.app, "elsewhere", move.after.digest)
    assert not await store.succeeded("another", environment, move.after.digest)
    assert not await store.succeeded(move.app, environment, "sha256:" + "f" * 64)


async def test_what_changed_since_then(database: Database) -> None:
    made = change("p-1")
    store = await keep(database, made, change("p-2", commit=None))
    environment, at = made.plan.environment, made.plan.requested_at
    assert [one.id for one in await store.changes(environment, at)] == ["p-1"]
    assert await store.changes(environment, at + timedelta(seconds=1)) == ()
    assert await store.changes("elsewhere", datetime.min.replace(tzinfo=UTC)) == ()
