"""Who speaks for whom while they are away."""

from collections.abc import Collection, Mapping
from typing import Any

import sqlalchemy as sa
import structlog
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Caller
from bot.domain.errors import NotFound, Refused
from bot.domain.safety import Delegation
from bot.ports import Clock, Directory
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import given

log = structlog.get_logger(__name__)

delegations = sa.Table(
    "delegations",
    metadata,
    sa.Column("absent_id", sa.String(32), primary_key=True),
    sa.Column("delegate_id", sa.String(32), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
)
_ALL = sa.select(delegations.c.state)
_OF_ABSENT = _ALL.where(given(delegations.c.absent_id))
_TO_DELEGATE = _ALL.where(given(delegations.c.delegate_id))
_BEGUN = delegations.insert()
_ENDED = delegations.delete().where(given(delegations.c.absent_id))


class DelegationStore:
    """One delegate for each absent person."""

    def __init__(self, database: Database, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock

    async def delegate(self, connection: AsyncConnection, delegation: Delegation) -> None:
        """In the caller's transaction; replaces the one that the absent person named before."""
        await self.end(connection, delegation.absent.id)
        values = {"absent_id": delegation.absent.id, "delegate_id": delegation.delegate.id, "state": dump(delegation)}
        await connection.execute(_BEGUN, values)

    async def end(self, connection: AsyncConnection, absent: str) -> Delegation | None:
        """The one that was ended, if there was one."""
        state = (await connection.execute(_OF_ABSENT, {"absent_id": absent})).scalar_one_or_none()
        await connection.execute(_ENDED, {"absent_id": absent})
        return load(state, Delegation) if state is not None else None

    async def absent_for(self, delegate: str) -> tuple[Delegation, ...]:
        """Those who are away now and named this person."""
        now = self._clock.now()
        found = await self._load(_TO_DELEGATE, {"delegate_id": delegate})
        return tuple(one for one in found if one.since <= now < one.until)

    async def now(self) -> tuple[Delegation, ...]:
        """Of everybody who is away now, the oldest first."""
        now = self._clock.now()
        return tuple(one for one in await self.all() if one.since <= now < one.until)

    async def all(self) -> tuple[Delegation, ...]:
        """Expired ones too, until they are ended; oldest first."""
        found = await self._load(_ALL)
        return tuple(sorted(found, key=lambda one: one.since))

    async def lenders(self, caller: Caller, directory: Directory, without: Collection[str] = ()) -> tuple[Caller, ...]:
        """Whoever is away and named the caller, as the workspace knows them now; nobody whom it knows no longer, or
        refuses to show.

        Raises Unavailable.
        """
        if caller.guest or caller.bot or caller.foreign or not caller.active:
            return ()
        absent = [one.absent.id for one in await self.absent_for(caller.id) if one.absent.id not in without]
        lenders: list[Caller] = []
        for id in absent:
            try:
                lenders.append(await directory.caller(id))
            except NotFound:
                pass
            except Refused as error:  # a retry will not change that, and the caller has a voice of their own
                log.warning("delegation.not_looked_up", absent=id, error=str(error))
        return tuple(lenders)

    async def _load(self, query: sa.Select[Any], named: Mapping[str, str] | None = None) -> tuple[Delegation, ...]:
        async with self._database.reading() as connection:
            return tuple(load(state, Delegation) for state in (await connection.execute(query, named)).scalars().all())
