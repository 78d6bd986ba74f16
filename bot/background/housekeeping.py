"""What must happen because time passes: expired locks and freezes go, owners and reviewers are reminded.

Several replicas may tidy at once: each deed is written once by its key.
"""

import asyncio
import hashlib
from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import PILOTHOUSE
from bot.domain.errors import DatabaseAway
from bot.domain.event import Event
from bot.domain.safety import Delegation, Freeze, Lock, Review
from bot.notify.audience import reviewers
from bot.notify.ledger import Deed, Ledger
from bot.policy import Policy
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.delegations import DelegationStore
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore
from bot.store.requests import RequestStore
from bot.store.reviews import ReviewStore
from bot.store.subscriptions import SubscriptionStore
from bot.views import safety as views

log = structlog.get_logger(__name__)

EVERY_SECONDS = 30.0
WARNING = timedelta(minutes=15)
"""How long before its end the owner of a lock is told; a quarter of its time, when that is less."""
STILL_THERE = timedelta(days=1)
"""How often the owner of a lock without an end is reminded of it."""


@dataclass(frozen=True)
class HousekeepingStores:
    """The stores that housekeeping looks through."""

    locks: LockStore
    freezes: FreezeStore
    reviews: ReviewStore
    delegations: DelegationStore
    requests: RequestStore
    subscriptions: SubscriptionStore


class Housekeeping:
    """`clock` tells the time in UTC; `seconds` lie between two rounds."""

    def __init__(
        self,
        housekeeping_stores: HousekeepingStores,
        ledger: Ledger,
        policy: Policy,
        *,
        clock: Callable[[], datetime] = SYSTEM_CLOCK.now,
        seconds: float = EVERY_SECONDS,
    ) -> None:
        self._housekeeping_stores = housekeeping_stores
        self._ledger = ledger
        self._policy = policy
        self._clock = clock
        self._seconds = seconds

    async def run_forever(self) -> None:
        """Until it is cancelled; whatever breaks is logged, and tried again in the next round."""
        while True:
            await self.tidy()
            await asyncio.sleep(self._seconds)

    async def tidy(self) -> None:
        """One round."""
        for chore in (self._locks, self._freezes, self._reviews, self._delegations, self._requests, self._mutes):
            try:
                await chore()
            except DatabaseAway:
                return  # told where it was noticed
            except Exception:
                log.exception("housekeeping.broke", chore=chore.__name__)

    async def _locks(self) -> None:
        now = self._clock()
        for lock in await self._housekeeping_stores.locks.all():
            if not lock.lasts(now):
                await self._expire(lock)
            elif nag := _nag(lock, now):
                await self._remind(lock, nag)

    async def _remind(self, lock: Lock, nag: str) -> None:
        deed = _about_lock(Event.LOCK_ENDING, lock, nag)

        async def effect(connection: AsyncConnection) -> None:
            await self._ledger.tell(connection, deed, lock.owner, views.lock_ending(lock))
            await self._ledger.tell_routed(connection, deed, views.lock_ends(lock))

        await self._ledger.together(effect)

    async def _expire(self, lock: Lock) -> None:
        async def effect(connection: AsyncConnection) -> None:
            if await self._housekeeping_stores.locks.there(connection, lock.app, lock.environment) != lock:
                return  # released or renewed meanwhile
            waiting = await self._housekeeping_stores.locks.release(connection, lock.app, lock.environment)
            deed = _about_lock(Event.UNLOCKED, lock, "expired")
            still = await self._housekeeping_stores.locks.held_in(connection, lock.app, lock.environment)
            gone = views.unlocked(lock, None, still)
            await self._ledger.write(connection, deed, gone)
            await self._ledger.tell(connection, deed, lock.owner, gone)
            free = replace(deed, event=Event.LOCK_FREE)
            for person in waiting:
                await self._ledger.tell(connection, free, person, views.lock_free(lock, still))

        await self._ledger.together(effect)

    async def _freezes(self) -> None:
        now = self._clock()
        for freeze in await self._housekeeping_stores.freezes.all():
            if not freeze.lasts(now):
                await self._thaw(freeze)

    async def _thaw(self, freeze: Freeze) -> None:
        async def effect(connection: AsyncConnection) -> None:
            if await self._housekeeping_stores.freezes.clear(connection, freeze):
                freezes = self._housekeeping_stores.freezes
                still = await freezes.active_in(connection, freeze.app, freeze.environment)
                await self._ledger.write(connection, _about_freeze(freeze), views.unfrozen(freeze, None, still))

        await self._ledger.together(effect)

    async def _reviews(self) -> None:
        now = self._clock()
        for review in await self._housekeeping_stores.reviews.open():
            every = self._policy.rules(review.apps[0], review.environment).break_glass().remind
            if number := int((now - review.opened_at) / every):
                await self._ask_for(review, number)

    async def _ask_for(self, review: Review, number: int) -> None:
        said = views.review_owed(review, reviewers(self._policy, review))
        await self._ledger.together(lambda c: self._ledger.announce(c, _about_review(review, number), said))

    async def _delegations(self) -> None:
        now = self._clock()
        for delegation in await self._housekeeping_stores.delegations.all():
            if delegation.until <= now:
                await self._end(delegation)

    async def _end(self, delegation: Delegation) -> None:
        async def effect(connection: AsyncConnection) -> None:
            ended = await self._housekeeping_stores.delegations.end(connection, delegation.absent.id)
            if ended == delegation:
                deed = _about_delegation(delegation)
                await self._ledger.write(connection, deed)
                await self._ledger.tell(connection, deed, delegation.delegate, views.stand_in_over(delegation))
                await self._ledger.tell_routed(connection, deed, views.delegation_over(delegation))
            elif ended:
                await self._housekeeping_stores.delegations.delegate(connection, ended)  # renewed meanwhile

        await self._ledger.together(effect)

    async def _requests(self) -> None:
        await self._housekeeping_stores.requests.forget_old(self._clock())

    async def _mutes(self) -> None:
        """Those that are over."""
        await self._housekeeping_stores.subscriptions.forget_mutes(self._clock().timestamp())


def _nag(lock: Lock, now: datetime) -> str:
    """Which reminder is due, "" for none."""
    if lock.automatic:
        return ""
    if lock.expires_at is None:
        days = int((now - lock.since) / STILL_THERE)
        return f"day {days}" if days else ""
    warning = min(WARNING, (lock.expires_at - lock.since) / 4)
    return "ending" if now >= lock.expires_at - warning else ""


def _about_lock(event: Event, lock: Lock, what: str) -> Deed:
    until = lock.expires_at.isoformat() if lock.expires_at else ""
    key = hashlib.sha256(f"{lock.app}\0{lock.environment}\0{lock.since.isoformat()}\0{until}\0{what}".encode())
    detail = {"owner": lock.owner.id, "reason": lock.reason, "since": lock.since.isoformat(), "until": until}
    return Deed(event, key.hexdigest(), PILOTHOUSE.name, lock.environment, (lock.app,), detail=detail)


def _about_freeze(freeze: Freeze) -> Deed:
    detail = {"freeze": freeze.id, "reason": freeze.reason, "until": freeze.until.isoformat()}
    key = f"expired:{freeze.id}"
    return Deed(Event.UNFROZEN, key, PILOTHOUSE.name, freeze.environment, (freeze.app,), detail=detail)


def _about_review(review: Review, number: int) -> Deed:
    key = f"{review.promotion_id}:{number}"
    return Deed(Event.REVIEW_OWED, key, PILOTHOUSE.name, review.environment, review.apps, review.promotion_id)


def _about_delegation(delegation: Delegation) -> Deed:
    key = f"ended:{delegation.absent.id}:{delegation.since.isoformat()}"
    detail = {"delegate": delegation.delegate.id, "ended_by": "time"}
    return Deed(Event.DELEGATED, key, delegation.absent.id, "", detail=detail)
