"""What a promotion has done to the world, counted from outside, after its processes have come and gone."""

import json
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.promotion import Promotion, VerdictState
from bot.store.audit import Audit, Row
from bot.store.locks import LockStore
from bot.store.promotions import PromotionStore
from bot.store.reviews import ReviewStore
from tests.restart.cases import Case
from tests.restart.child import promotion_of
from tests.restart.outside import Message
from tests.restart.process_harness import ProcessHarness

ASKED = 2
"""times that gates are asked: at the beginning, and right before the commit"""
WAITS = VerdictState.WAITING.value


@dataclass(frozen=True)
class Effects:
    """Of one promotion; `messages` and `audit` by kind."""

    commits: int
    pulls: int
    messages: Counter[str]
    audit: Counter[str]
    locks: int
    reviews: int
    votes: int
    successors: int
    end: str


@dataclass(frozen=True)
class Seen:
    """Everything there is to count."""

    trailers: Counter[str]
    branches: Counter[str]
    messages: list[Message]
    rows: tuple[Row, ...]
    locks: Counter[str]
    reviews: Counter[str]
    promotions: dict[str, Promotion]
    chain: str | None
    """what is wrong with the audit chain"""


async def look(harness: ProcessHarness) -> Seen:
    database = harness.database()
    try:
        audit, store = Audit(database), PromotionStore(database)
        log = await harness.git.log(10_000)
        return Seen(
            trailers=Counter(_promotion(entry["message"]) for entry in log),
            branches=Counter(pull.head for pull in harness.hub.pulls.all.values()),
            messages=harness.world.messages(),
            rows=await audit.rows(limit=100_000),
            locks=Counter(lock.app for lock in await LockStore(database).all()),
            reviews=Counter(review.promotion_id for review in await ReviewStore(database).open()),
            promotions={p.id: p for p in await store.history("", "", 10_000)},
            chain=await audit.verify(),
        )
    finally:
        await database.close()


def effects(seen: Seen, case: Case) -> Effects:
    id = promotion_of(case)
    promotion = seen.promotions[id]
    replaced = [p for p in seen.promotions.values() if p.plan.replaces == id]
    return Effects(
        commits=seen.trailers[id],
        pulls=seen.branches[promotion.plan.branch],
        messages=Counter(_kind(m) for m in seen.messages if m.key.endswith(f":{id}")),
        audit=_audited(row for row in seen.rows if row.promotion_id == id),
        locks=sum(seen.locks[app] for app in case.apps),
        reviews=seen.reviews[id],
        votes=len(promotion.approvals),
        successors=len(replaced),
        end=_without_names(f"{promotion.phase}: {promotion.outcome}", case),
    )


def _audited(rows: Iterable[Row]) -> Counter[str]:
    """By event. Gates are asked twice, and again only where one of them said that it waits.

    A gate that does not answer within its time waits, and on a busy machine that happens with and without a kill.
    """
    counted: Counter[str] = Counter()
    waited = False
    for row in rows:
        counted[row.event] += 1
        waited = waited or (row.event == "gates" and any(told["verdict"] == WAITS for told in _told(row)))
    if waited:
        counted["gates"] = ASKED
    return counted


def _told(row: Row) -> list[dict[str, str]]:
    results: list[dict[str, str]] = json.loads(row.detail)["results"]
    return results


def _kind(message: Message) -> str:
    """The card, or what is told where."""
    word = message.key.partition(":")[0]
    return word if word == "card" else f"{word} in {message.channel}"


def _promotion(message: str) -> str:
    return next((line[14:] for line in message.splitlines() if line.startswith("Promotion-Id: ")), "")


def _without_names(text: str, case: Case) -> str:
    for app in case.apps:
        text = text.replace(app, "the app")
    return text
