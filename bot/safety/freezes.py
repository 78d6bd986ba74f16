"""Freezes: called and ended."""

import hashlib
from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import UnknownName
from bot.domain.event import Event
from bot.domain.intent import CallFreeze, EndFreeze
from bot.domain.reply import FreezeCalled, Reply, Told
from bot.domain.safety import Freeze
from bot.domain.sentence import quoted
from bot.notify.ledger import Deed, Ledger
from bot.overlays.catalog import Catalog
from bot.policy import EVERY
from bot.ports import Clock
from bot.runtime.spelling import did_you_mean
from bot.store.freezes import FreezeStore
from bot.views import safety as views


class FreezeService:
    """Raises NotAllowed and UnknownName."""

    def __init__(self, freezes: FreezeStore, ledger: Ledger, catalog: Catalog, clock: Clock) -> None:
        self._freezes = freezes
        self._ledger = ledger
        self._catalog = catalog
        self._clock = clock

    async def call(self, ask: CallFreeze, caller: Caller, until: datetime) -> Reply:
        """A freeze of the same place that somebody called before stays: it is open when the last one ends."""
        await self._authorize(ask, caller, "freeze")
        await self._check_apps(*ask.exempt_apps, *([ask.app] if ask.app else []))
        freeze = Freeze(
            id="f-" + hashlib.sha256(ask.context.request_id.encode()).hexdigest()[:10],
            environment=self._catalog.environment(ask.environment).name,
            by=caller.person,
            reason=ask.reason,
            since=self._clock.now(),
            until=until,
            app=ask.app,
            exempt_apps=ask.exempt_apps,
        )

        async def effect(connection: AsyncConnection) -> Reply:
            await self._freezes.call(connection, freeze)
            lasting = await self._freezes.active_in(connection, freeze.app, freeze.environment)
            longer = lasting if lasting and lasting.until > freeze.until else None
            deed = _deed(Event.FROZEN, ask, caller, freeze)
            await self._ledger.write(connection, deed, views.frozen(freeze, longer))
            return FreezeCalled(freeze, longer=longer)

        return await self._ledger.once(ask.context, Event.FROZEN, effect)

    async def end(self, ask: EndFreeze, caller: Caller) -> Reply:
        await self._authorize(ask, caller, "unfreeze")

        async def effect(connection: AsyncConnection) -> Reply:
            ended = await self._freezes.end(connection, ask.app, ask.environment)
            name = f"{ask.app} in {ask.environment}" if ask.app else ask.environment
            if not ended:
                return Told(f"Nobody has frozen {name}. Freezes in the policy end automatically.")
            still = await self._freezes.active_in(connection, ask.app, ask.environment)
            for freeze in ended:  # each is on record; the channel reads once that the place is open
                news = None if freeze is not ended[-1] else views.unfrozen(freeze, caller.person, still)
                await self._ledger.write(connection, _deed(Event.UNFROZEN, ask, caller, freeze), news)
            if still:
                return Told(f"That freeze of {name} is over, but {still.by.name} has frozen all of {ask.environment}.")
            return Told(f"The freeze of {name} is over.")

        return await self._ledger.once(ask.context, Event.UNFROZEN, effect)

    async def _authorize(self, ask: CallFreeze | EndFreeze, caller: Caller, about: str) -> None:
        target = Target(ask.app or EVERY, ask.environment)
        await self._ledger.authorize(ask, caller, Permission.FREEZE, target, about)

    async def _check_apps(self, *apps: str) -> None:
        known = await self._catalog.apps() if apps else ()
        for app in apps:
            if app not in known:
                raise UnknownName(f"There is no app {quoted(app)}.{did_you_mean(app, known)}")


def _deed(event: Event, ask: CallFreeze | EndFreeze, caller: Caller, freeze: Freeze) -> Deed:
    detail: dict[str, object] = {"freeze": freeze.id, "reason": freeze.reason, "until": freeze.until.isoformat()}
    if freeze.exempt_apps:
        detail["exempt_apps"] = freeze.exempt_apps
    context = ask.context
    key = f"{context.request_id}:{freeze.id}"
    return Deed(event, key, caller.id, freeze.environment, (ask.app,), detail=detail, channel=context.channel)
