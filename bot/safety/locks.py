"""Locks: taken, taken over, released, waited for."""

from dataclasses import replace
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, UnknownName
from bot.domain.event import Event
from bot.domain.intent import AwaitLock, BreakLock, ReleaseLock, StealLock, TakeLock
from bot.domain.reason import need_reason
from bot.domain.reply import LockHeld, LockTaken, Reply, Told
from bot.domain.safety import Lock
from bot.domain.sentence import quoted
from bot.notify.ledger import Deed, Ledger
from bot.overlays.catalog import Catalog
from bot.policy import EVERY
from bot.ports import Clock
from bot.store.locks import LockStore
from bot.views import safety as views


class LockService:
    """Raises NotAllowed, UnknownName, and Conflict when the lock is no longer the one that was seen."""

    def __init__(self, locks: LockStore, ledger: Ledger, catalog: Catalog, clock: Clock) -> None:
        self._locks = locks
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock

    async def take(self, ask: TakeLock, caller: Caller, until: datetime | None) -> Reply:
        """The lock, or who has it. One's own is renewed; another's is taken only by `StealLock`."""
        need_reason(ask.reason, "A lock")
        await self._authorize(ask, caller, "lock")
        await self._check_place(ask.app, ask.environment)
        lock = Lock(ask.app, ask.environment, caller.person, ask.reason, self._clock.now(), until)

        async def effect(connection: AsyncConnection) -> Reply:
            held = await self._locks.exactly(connection, ask.app, ask.environment)
            if held and held.owner.id == caller.id:
                return await self._put(connection, ask, replace(lock, since=held.since), None)
            if isinstance(ask, StealLock):
                _check_same(held, ask.since)
            elif held:
                return LockHeld(held, ask.reason, ask.until)
            return await self._put(connection, ask, lock, held)

        return await self._ledger.once(ask.context, Event.LOCKED, effect)

    async def release(self, ask: ReleaseLock, caller: Caller) -> Reply:
        """Freely by its owner, or when a rollback left it behind; another's only by `BreakLock`."""
        await self._authorize(ask, caller, "unlock")

        async def effect(connection: AsyncConnection) -> Reply:
            held = await self._locks.exactly(connection, ask.app, ask.environment)
            name = _place(ask.app, ask.environment)
            if isinstance(ask, BreakLock):
                _check_same(held, ask.since)
            if held is None:
                return Told(f"{name} is not locked. `/locks` shows what is.")
            own = held.automatic or held.owner.id == caller.id
            if not own and not isinstance(ask, BreakLock):
                return LockHeld(held, release=True)
            still = await self._let_go(connection, ask, held, caller)
            if still:
                return Told(f"{name} is unlocked, but {still.owner.name} has locked all of {ask.environment}.")
            return Told(f"{name} is unlocked.")

        return await self._ledger.once(ask.context, Event.UNLOCKED, effect)

    async def wait(self, ask: AwaitLock, caller: Caller) -> Reply:
        """Told by direct message, once, when it is free."""
        await self._authorize(ask, caller, "wait for the lock")

        async def effect(connection: AsyncConnection) -> Reply:
            name = _place(ask.app, ask.environment)
            if await self._locks.exactly(connection, ask.app, ask.environment) is None:
                if still := await self._locks.held_in(connection, ask.app, ask.environment):
                    return Told(f"That lock is gone, but {still.owner.name} has locked all of {ask.environment}.")
                return Told(f"{name} is free already: take it with `/lock`.")
            await self._locks.wait(connection, ask.app, ask.environment, caller.person)
            return Told(f"You will get a message as soon as {name} is free.")

        return await self._ledger.together(effect)

    async def _put(self, connection: AsyncConnection, ask: TakeLock, lock: Lock, before: Lock | None) -> LockTaken:
        await self._locks.take(connection, lock)
        deed = _deed(Event.LOCKED, ask, lock.owner.id, lock)
        await self._ledger.write(connection, deed, views.locked(lock, before))
        if before:
            await self._ledger.tell(connection, deed, before.owner, views.lock_lost(before, lock.owner, stolen=True))
        return LockTaken(lock, before)

    async def _let_go(self, connection: AsyncConnection, ask: ReleaseLock, held: Lock, caller: Caller) -> Lock | None:
        """What holds it all the same: the lock of the whole environment."""
        waiting = await self._locks.release(connection, ask.app, ask.environment)
        still = await self._locks.held_in(connection, ask.app, ask.environment)
        deed = _deed(Event.UNLOCKED, ask, caller.id, held)
        await self._ledger.write(connection, deed, views.unlocked(held, caller.person, still))
        if held.owner.id != caller.id:
            await self._ledger.tell(connection, deed, held.owner, views.lock_lost(held, caller.person, stolen=False))
        free = replace(deed, event=Event.LOCK_FREE)
        for person in waiting:
            await self._ledger.tell(connection, free, person, views.lock_free(held, still))
        return still

    async def _authorize(self, ask: TakeLock | ReleaseLock | AwaitLock, caller: Caller, about: str) -> None:
        target = Target(ask.app or EVERY, ask.environment)
        await self._ledger.authorize(ask, caller, Permission.LOCK, target, about)

    async def _check_place(self, app: str, environment: str) -> None:
        self._catalog.environment(environment)
        if app and app not in await self._catalog.apps():
            raise UnknownName(f"There is no app {quoted(app)}: `/status` lists them.")


def _check_same(held: Lock | None, since: str) -> None:
    if held is None:
        raise Conflict("It is no longer locked: type the command again.")
    if held.since.isoformat() != since:
        raise Conflict(f"It is another lock now: {held.owner.name} holds it. Type the command again.")


def _place(app: str, environment: str) -> str:
    return f"{app} in {environment}" if app else f"All of {environment}"


def _deed(event: Event, ask: TakeLock | ReleaseLock, actor: str, lock: Lock) -> Deed:
    until = lock.expires_at.isoformat() if lock.expires_at else ""
    detail = {"owner": lock.owner.id, "reason": lock.reason, "since": lock.since.isoformat(), "until": until}
    context = ask.context
    return Deed(event, context.request_id, actor, ask.environment, (ask.app,), detail=detail, channel=context.channel)
