"""Start a promotion, or say what stands in its way: wait behind it, or take its place."""

from typing import Protocol

from bot.domain.caller import Caller
from bot.domain.errors import (
    Conflict,
    DatabaseAway,
    InvalidCommand,
    PromotionInProgress,
    Unavailable,
    UnknownName,
    UserError,
)
from bot.domain.intent import Abort, IfBusy, Wish
from bot.domain.promotion import Phase, Promotion, Stage
from bot.domain.queueing import Waiting, is_closed
from bot.domain.reply import Occupied, OlderAsked, Postponed, Queued, Reply, Started, Unhindered
from bot.domain.sentence import capital
from bot.ports import Clock
from bot.promotions.promotions import OlderImage, Promotions
from bot.runtime.clock import SYSTEM_CLOCK


class Queue(Protocol):
    async def add(self, waiting: Waiting, behind: Promotion | None) -> Waiting | None:
        """Written down; started when its turn or its time comes. Asking twice is asking once.

        What the same person had waiting there, if it asked for something else: it no longer starts.
        """
        ...


class Scheduler:
    """Raises what `Promotions` raises, but for PromotionInProgress, OlderImage and Unavailable."""

    def __init__(self, promotions: Promotions, queue: Queue, clock: Clock = SYSTEM_CLOCK) -> None:
        self._promotions = promotions
        self._queue = queue
        self._clock = clock

    async def start(self, wish: Wish, caller: Caller) -> Reply:
        try:
            if wish.waits_for_its_time and (later := await self._later(wish, caller)):
                return later
            return await self._started(wish, caller)
        except PromotionInProgress as busy:
            other = await self._promotions.get(busy.promotion_id)
            if wish.if_busy is IfBusy.REFUSE:
                return Occupied(busy.sentence, await self._viewed(other, caller), wish)
        except OlderImage as older:
            return OlderAsked(Promotion(older.plan, Phase.PENDING, Stage.GATES), wish)
        except DatabaseAway:
            raise
        except Unavailable as away:
            raise UserError(
                f"{capital(away.system)} does not answer, and without it I cannot tell what would be promoted: nothing "
                "was started. Run the command again in a minute; what is under way continues."
            ) from away
        if wish.if_busy is IfBusy.REPLACE:
            return await self._replace(wish, caller, other)
        if wish.breaks_glass:
            raise InvalidCommand(
                "Broken glass does not wait: what was shown is of now. Replace the promotion in progress with "
                "`--replace`, or ask again when it has ended."
            )
        return await self._wait(wish, caller, other)

    async def _later(self, wish: Wish, caller: Caller) -> Reply | None:
        """None where nothing keeps it from starting now. Raises what starting it now would raise for the asker."""
        if wish.breaks_glass:
            raise InvalidCommand("Broken glass does not wait: what was shown is of now. Leave the time out.")
        if wish.notify:
            return await self._notified(wish, caller)
        promotion = await self._promotions.rehearse(wish, caller)
        if wish.when_open and not is_closed(promotion):
            return None
        waiting = Waiting(wish, caller.id, wish.context.team or caller.team, self._clock.now())
        return Postponed(promotion, wish, await self._queue.add(waiting, None))

    async def _notified(self, wish: Wish, caller: Caller) -> Reply:
        """Its asker gets a message as soon as no gate that opens again, and nothing under way, keeps it."""
        promotion = await self._promotions.preview(wish, caller)
        under_way = [await self._promotions.live(app, wish.environment) for app in promotion.plan.apps]
        is_busy = any(one and not one.gives_way_to(promotion.plan) for one in under_way)
        if not (is_closed(promotion) or is_busy):
            return Unhindered(promotion, wish)
        waiting = Waiting(wish, caller.id, wish.context.team or caller.team, self._clock.now())
        return Postponed(promotion, wish, await self._queue.add(waiting, None))

    async def _started(self, wish: Wish, caller: Caller) -> Reply:
        promotion = await self._promotions.start(wish, caller)
        channel = promotion.plan.channel
        unchanged = wish.beside(promotion.plan.apps)
        return Started(promotion, channel, here=channel == wish.context.channel, unchanged=unchanged)

    async def _replace(self, wish: Wish, caller: Caller, other: Promotion) -> Reply:
        """Raises NotAllowed for who may not abort the other one, Conflict when it is too late for that."""
        try:
            await self._promotions.abort(Abort(context=wish.context, promotion=other.id), caller)
        except Conflict:
            if not (await self._promotions.get(other.id)).phase.final:
                raise
        return await self._wait(wish, caller, other, first=True)

    async def _wait(self, wish: Wish, caller: Caller, other: Promotion, *, first: bool = False) -> Reply:
        waiting = Waiting(wish, caller.id, wish.context.team or caller.team, self._clock.now(), first)
        instead_of = await self._queue.add(waiting, other)
        return Queued(await self._viewed(other, caller), replacing=first, instead_of=instead_of)

    async def _viewed(self, other: Promotion, caller: Caller) -> Promotion | None:
        """None where the caller may not view every app of it."""
        try:
            return await self._promotions.find(other.id, caller, whole=True)
        except UnknownName:
            return None
