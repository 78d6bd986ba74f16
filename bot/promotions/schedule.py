"""What waits for its time or its turn, to be looked at and taken off."""

from dataclasses import dataclass

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import Conflict, NotAllowed, UnknownName
from bot.domain.identity import promotion_id
from bot.domain.intent import Context
from bot.domain.queueing import Waiting, what
from bot.domain.reply import Reply, Scheduled, Told
from bot.domain.sentence import quoted
from bot.notify.ledger import Ledger
from bot.policy import EVERY, Policy, may, visible, who_could
from bot.store.audit import Audit, AuditEntry
from bot.store.promotions import PromotionStore
from bot.store.queue import QueueStore

UNSCHEDULED = "unscheduled"


@dataclass(frozen=True)
class Schedule:
    """Of apps that somebody may not view they learn nothing."""

    ledger: Ledger
    store: QueueStore
    audit: Audit
    policy: Policy
    promotions: PromotionStore

    async def show(self, caller: Caller) -> Reply:
        """In the order in which they start, as far as that is known."""
        return Scheduled(await self.waiting(caller))

    async def waiting(self, caller: Caller) -> tuple[Waiting, ...]:
        """As far as the caller may see it, in the order in which it starts."""
        return tuple(sorted(await self._seen(caller), key=_order))

    async def cancel(self, id: str, caller: Caller, context: Context) -> Reply:
        """Raises UnknownName; NotAllowed for who neither asked for it nor administers its apps; Conflict where it has
        started.
        """
        waiting = next((one for one in await self._seen(caller) if id_of(one) == id), None)
        if waiting:
            self._check_whose(waiting, caller)

        async def effect(connection: AsyncConnection) -> Reply:
            if waiting is None:
                raise _unknown(id)
            held = await self.store.holds(connection, waiting)
            if await self.promotions.get_in(connection, id):  # it is taken off the queue in a moment, and that is told
                raise Conflict(f"{what(waiting.wish)} has just started. `/abort {id}` stops it.")
            if not held:
                raise _unknown(id)
            return await self._take_off(connection, waiting, caller, context)

        return await self.ledger.once(context, UNSCHEDULED, effect)

    def _check_whose(self, waiting: Waiting, caller: Caller) -> None:
        targets = [Target(app, waiting.wish.environment) for app in waiting.wish.named_apps or (EVERY,)]
        hindered = [t for t in targets if not may(self.policy, caller, Permission.ADMINISTER, t)]
        if waiting.user != caller.id and hindered:
            rule = f"Only <@{waiting.user}>, the requester, or an administrator may cancel it."
            raise NotAllowed(f"{rule} {who_could(self.policy, Permission.ADMINISTER, hindered[0])}")

    async def _take_off(self, connection: AsyncConnection, waiting: Waiting, caller: Caller, context: Context) -> Reply:
        wish = waiting.wish
        detail, key = {"wish": what(wish)}, f"{UNSCHEDULED}:{context.request_id}"
        entry = AuditEntry(UNSCHEDULED, caller.id, wish.named_apps, wish.environment, detail=detail, dedupe=key)
        await self.store.remove(connection, waiting)
        await self.audit.append(connection, entry)
        return Told(f"You get no message about {what(wish)}." if wish.notify else f"{what(wish)} does not start.")

    async def _seen(self, caller: Caller) -> list[Waiting]:
        return [one for one in await self.store.all() if one.user == caller.id or self._views(caller, one)]

    def _views(self, caller: Caller, waiting: Waiting) -> bool:
        apps, environment = waiting.wish.named_apps, waiting.wish.environment
        if not apps:
            return may(self.policy, caller, Permission.VIEW, Target(EVERY, environment))
        return len(visible(self.policy, caller, apps, environment)) == len(apps)


def _unknown(id: str) -> UnknownName:
    return UnknownName(f"Nothing is scheduled as {quoted(id, 40)}: `/schedule` lists what is.")


def id_of(waiting: Waiting) -> str:
    """The id of the promotion that it will be."""
    return promotion_id(waiting.wish.context.request_id)


def _order(waiting: Waiting) -> tuple[bool, str]:
    start = waiting.wish.start_at
    return start is None, (start or waiting.since).isoformat()
