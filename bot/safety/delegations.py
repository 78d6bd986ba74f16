"""Stand-ins for approvers who are away."""

from datetime import datetime

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import InvalidCommand, NotFound, UnknownName
from bot.domain.event import Event
from bot.domain.intent import NameDelegate
from bot.domain.reply import Delegated, Reply, Told
from bot.domain.safety import Delegation
from bot.domain.sentence import quoted
from bot.notify.ledger import Deed, Ledger
from bot.ports import Clock, Directory
from bot.store.delegations import DelegationStore
from bot.views import safety as views


class DelegationService:
    """Raises NotAllowed for who may approve nowhere, UnknownName and InvalidCommand for who cannot stand in."""

    def __init__(self, delegations: DelegationStore, ledger: Ledger, directory: Directory, clock: Clock) -> None:
        self._delegations = delegations
        self._ledger = ledger
        self._directory = directory
        self._clock = clock

    async def name(self, ask: NameDelegate, caller: Caller, until: datetime) -> Reply:
        await self._ledger.authorize(ask, caller, Permission.APPROVE, Target(), "delegate")
        delegate = await self._delegate(ask.to)
        _check(delegate, caller)
        delegation = Delegation(caller.person, delegate.person, self._clock.now(), until)

        async def effect(connection: AsyncConnection) -> Reply:
            before = await self._delegations.end(connection, caller.id)
            await self._delegations.delegate(connection, delegation)
            deed = _deed(ask, delegation)
            await self._ledger.write(connection, deed)
            if before and before.delegate.id != delegate.person.id:
                await self._ledger.tell(connection, deed, before.delegate, views.stand_in_over(before))
            await self._ledger.tell(connection, deed, delegation.delegate, views.stand_in(delegation))
            await self._ledger.tell_routed(connection, deed, views.delegation_begun(delegation))
            return Delegated(delegation)

        return await self._ledger.once(ask.context, Event.DELEGATED, effect)

    async def end(self, ask: NameDelegate, caller: Caller) -> Reply:
        async def effect(connection: AsyncConnection) -> Reply:
            ended = await self._delegations.end(connection, caller.id)
            if ended is None:
                return Told("Nobody stands in for you.")
            deed = _deed(ask, ended, ended_by=caller.id)
            await self._ledger.write(connection, deed)
            await self._ledger.tell(connection, deed, ended.delegate, views.stand_in_over(ended))
            await self._ledger.tell_routed(connection, deed, views.delegation_over(ended))
            return Told(f"{ended.delegate.name} no longer stands in for you.")

        return await self._ledger.once(ask.context, Event.DELEGATED, effect)

    async def _delegate(self, to: str) -> Caller:
        try:
            return await (self._directory.by_email(to) if "@" in to else self._directory.caller(to))
        except NotFound as error:
            raise UnknownName(
                f"Slack knows nobody as {quoted(to)}: mention them as @name after `/delegate`, or give their e-mail "
                "address."
            ) from error


def _check(delegate: Caller, caller: Caller) -> None:
    if delegate.id == caller.id:
        raise InvalidCommand("You cannot stand in for yourself: name somebody else.")
    if delegate.guest or delegate.bot or delegate.foreign or not delegate.active:
        raise InvalidCommand(
            f"{delegate.person.name} cannot stand in: guests, apps, deactivated accounts and people of other "
            "workspaces approve nothing. Name a member of this workspace."
        )


def _deed(ask: NameDelegate, delegation: Delegation, ended_by: str = "") -> Deed:
    detail = {"delegate": delegation.delegate.id, "until": delegation.until.isoformat()}
    if ended_by:
        detail["ended_by"] = ended_by
    context = ask.context
    return Deed(Event.DELEGATED, context.request_id, delegation.absent.id, "", detail=detail, channel=context.channel)
