"""An effect, its audit row, and what is told about it: all in one transaction, or none."""

import hashlib
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain import slack_id
from bot.domain.caller import Caller, Permission, Person, Target
from bot.domain.event import Event
from bot.domain.intent import Context, Intent
from bot.domain.reply import Reply, Told
from bot.notify.audience import by_name, of_deed
from bot.notify.outbox import Outbox
from bot.policy import Policy, authorize
from bot.ports import Rendered
from bot.store.audit import Audit, AuditEntry
from bot.store.database import Database
from bot.store.outbox import OutboxEntry

T = TypeVar("T")
ATTEMPTS = 3
DONE_BEFORE = "This is done: Pilothouse stopped before it could tell you."


@dataclass(frozen=True)
class Deed:
    """Something that happened: for the audit, and for the channels that follow the event.

    `key` names this one happening: what is repeated under the same key is written and told once.
    """

    event: Event
    key: str
    actor: str
    environment: str
    apps: tuple[str, ...] = ("",)
    promotion_id: str = ""
    detail: Mapping[str, object] = field(default_factory=dict)
    channel: str = ""
    """where it was asked for"""


class Ledger:
    def __init__(self, database: Database, audit: Audit, outbox: Outbox, policy: Policy) -> None:
        self._database = database
        self._audit = audit
        self._outbox = outbox
        self._policy = policy

    async def authorize(self, ask: Intent, caller: Caller, permission: Permission, target: Target, about: str) -> None:
        """Raises NotAllowed, once the refusal is on record."""
        request = ask.context.request_id
        async with self._audit.refusals(caller.id, about, (target.app,), target.environment, request=request):
            authorize(self._policy, caller, permission, target)

    async def together(self, effect: Callable[[AsyncConnection], Awaitable[T]]) -> T:
        """One transaction; again when somebody else wrote the same at the same moment: then it is judged anew."""
        for attempt in range(ATTEMPTS):
            try:
                async with self._database.begin() as connection:
                    return await effect(connection)
            except IntegrityError:
                if attempt == ATTEMPTS - 1:
                    raise
        raise AssertionError("the loop returns or raises")

    async def once(self, context: Context, event: str, effect: Callable[[AsyncConnection], Awaitable[Reply]]) -> Reply:
        """`together`, unless the request's deed is on record: a process may have died between effect and answer."""

        async def unless_done(connection: AsyncConnection) -> Reply:
            if await self._on_record(connection, context, event):
                return Told(DONE_BEFORE)
            return await effect(connection)

        return await self.together(unless_done)

    async def done_before(self, context: Context, event: str) -> bool:
        """Whether this very request has done it, for what is asked of others before it is done once more."""
        if not context.again:
            return False
        async with self._database.reading() as connection:
            return await self._on_record(connection, context, event)

    async def _on_record(self, connection: AsyncConnection, context: Context, event: str) -> bool:
        return context.again and await self._audit.recorded(connection, f"{event}:{context.request_id}")

    async def write(self, connection: AsyncConnection, deed: Deed, said: Rendered | None = None) -> None:
        """The audit row, and the message to the channels that policy names for the event."""
        entry = AuditEntry(
            deed.event,
            deed.actor,
            deed.apps,
            deed.environment,
            deed.promotion_id,
            deed.detail,
            dedupe=f"{deed.event}:{deed.key}",
        )
        await self._audit.append(connection, entry)
        if said:
            await self.announce(connection, deed, said)

    async def tell(self, connection: AsyncConnection, deed: Deed, person: Person, said: Rendered) -> None:
        """A direct message, once for each key; Pilothouse itself, which has no id, is told nothing."""
        if slack_id.is_user(person.id):
            await self._outbox.put(connection, _outbox_entry(deed, person.id, said))

    async def tell_routed(self, connection: AsyncConnection, deed: Deed, said: Rendered) -> None:
        """To the channels of routes that name the event, of what else goes to persons alone."""
        for channel in by_name(self._policy, deed.apps, deed.environment, deed.event):
            await self._outbox.put(connection, _outbox_entry(deed, channel, said))

    async def announce(self, connection: AsyncConnection, deed: Deed, said: Rendered) -> None:
        """To the channels that policy names for the event, and to notifiers, without an audit row."""
        for channel in of_deed(self._policy, deed.apps, deed.environment, deed.event, deed.channel):
            await self._outbox.put(connection, _outbox_entry(deed, channel, said))
        await self._outbox.notify(connection, _outbox_entry(deed, "", said))


def _outbox_entry(deed: Deed, channel: str, said: Rendered) -> OutboxEntry:
    thread = f"{deed.event}-{hashlib.sha256(deed.key.encode()).hexdigest()[:24]}"
    apps = tuple(filter(None, deed.apps))
    return OutboxEntry(apps, deed.environment, thread, deed.event, channel, said)
