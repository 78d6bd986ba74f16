"""Locks: who holds which app in which environment, and who waits for it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Person
from bot.domain.safety import Lock
from bot.ports import Clock
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import given

locks = sa.Table(
    "locks",
    metadata,
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("environment", sa.String(64), primary_key=True),
    sa.Column("state", sa.Text, nullable=False),
)

waiting = sa.Table(
    "lock_waiters",
    metadata,
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("environment", sa.String(64), primary_key=True),
    sa.Column("user_id", sa.String(32), primary_key=True),
    sa.Column("person", sa.Text, nullable=False),
    sa.Column("since", sa.DateTime(timezone=True), nullable=False),
)

_HERE = given(locks.c.app, locks.c.environment)
_LOCK = sa.select(locks.c.state).where(_HERE)
_HOLDING = (
    sa.select(locks.c.state)
    .where(given(locks.c.environment), given(locks.c.app) | (locks.c.app == ""))
    .order_by(locks.c.app.desc())
)
_ALL = sa.select(locks.c.state)
_TAKEN = locks.insert()
_RELEASED = locks.delete().where(_HERE)
_WAITED_FOR = given(waiting.c.app, waiting.c.environment)
_WAITING = sa.select(waiting.c.person).where(_WAITED_FOR).order_by(waiting.c.since)
_WAITS = sa.select(waiting.c.user_id).where(_WAITED_FOR, given(waiting.c.user_id))
_ASKED = waiting.insert()
_ANSWERED = waiting.delete().where(_WAITED_FOR)

ALONE = sa.text("SELECT pg_advisory_xact_lock(hashtextextended(:place, 0))")
"""SQLite's transactions are serial already."""


class LockStore:
    """One lock for each app and environment; `app` "" is the lock of the whole environment."""

    def __init__(self, database: Database, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock

    async def held(self, app: str, environment: str) -> Lock | None:
        """One that holds this app there now, as people are told. What passes it need not pass the others: `holding`."""
        return next(iter(await self.holding(app, environment)), None)

    async def holding(self, app: str, environment: str) -> tuple[Lock, ...]:
        async with self._database.reading() as connection:
            return await self._holding(connection, app, environment)

    async def held_in(self, connection: AsyncConnection, app: str, environment: str) -> Lock | None:
        """As `held`."""
        return next(iter(await self._holding(connection, app, environment)), None)

    async def _holding(self, connection: AsyncConnection, app: str, environment: str) -> tuple[Lock, ...]:
        """An expired one holds nothing."""
        states = (await connection.execute(_HOLDING, {"app": app, "environment": environment})).scalars().all()
        found = sorted((load(state, Lock) for state in states), key=lambda lock: lock.automatic)
        return tuple(lock for lock in found if lock.lasts(self._clock.now()))

    async def exactly(self, connection: AsyncConnection, app: str, environment: str) -> Lock | None:
        """The lock of just this app ("" for the environment's own); an expired one holds nothing.

        Who asks is alone with the answer until the transaction ends: of two that find no lock, one would replace the
        other's in silence.
        """
        if connection.dialect.name == "postgresql":
            await connection.execute(ALONE, {"place": f"{app} in {environment}"})
        lock = await self.there(connection, app, environment)
        return lock if lock and lock.lasts(self._clock.now()) else None

    async def there(self, connection: AsyncConnection, app: str, environment: str) -> Lock | None:
        """Like `exactly`, expired or not."""
        state = (await connection.execute(_LOCK, {"app": app, "environment": environment})).scalar_one_or_none()
        return load(state, Lock) if state is not None else None

    async def take(self, connection: AsyncConnection, lock: Lock) -> None:
        """In the caller's transaction; replaces the lock that was there. Whether it may is the caller's question."""
        here = {"app": lock.app, "environment": lock.environment}
        await connection.execute(_RELEASED, here)
        await connection.execute(_TAKEN, {**here, "state": dump(lock)})

    async def release(self, connection: AsyncConnection, app: str, environment: str) -> tuple[Person, ...]:
        """Who waited for it, in order; they wait no more."""
        here = {"app": app, "environment": environment}
        await connection.execute(_RELEASED, here)
        people = (await connection.execute(_WAITING, here)).scalars().all()
        await connection.execute(_ANSWERED, here)
        return tuple(load(person, Person) for person in people)

    async def wait(self, connection: AsyncConnection, app: str, environment: str, person: Person) -> None:
        """Ask to be told when it is free; asking twice is asking once."""
        mine = {"app": app, "environment": environment, "user_id": person.id}
        if not (await connection.execute(_WAITS, mine)).first():
            await connection.execute(_ASKED, {**mine, "person": dump(person), "since": self._clock.now()})

    async def all(self) -> tuple[Lock, ...]:
        """Expired ones too, until they are released; oldest first."""
        async with self._database.reading() as connection:
            states = (await connection.execute(_ALL)).scalars().all()
        return tuple(sorted((load(state, Lock) for state in states), key=lambda lock: lock.since))
