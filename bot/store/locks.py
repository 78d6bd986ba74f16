"""Locks: who holds which app in which environment, and who waits for it."""

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.caller import Person
from bot.domain.safety import Lock
from bot.ports import Clock
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.codec import dump, load
from bot.store.database import Database, metadata

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
        query = sa.select(locks.c.state).where(locks.c.app.in_((app, "")), locks.c.environment == environment)
        states = (await connection.execute(query.order_by(locks.c.app.desc()))).scalars().all()
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
        query = sa.select(locks.c.state).where(locks.c.app == app, locks.c.environment == environment)
        state = (await connection.execute(query)).scalar_one_or_none()
        return load(state, Lock) if state is not None else None

    async def take(self, connection: AsyncConnection, lock: Lock) -> None:
        """In the caller's transaction; replaces the lock that was there. Whether it may is the caller's question."""
        await connection.execute(_same(locks.delete(), lock.app, lock.environment))
        values = {"app": lock.app, "environment": lock.environment, "state": dump(lock)}
        await connection.execute(locks.insert().values(values))

    async def release(self, connection: AsyncConnection, app: str, environment: str) -> tuple[Person, ...]:
        """Who waited for it, in order; they wait no more."""
        await connection.execute(_same(locks.delete(), app, environment))
        query = sa.select(waiting.c.person).where(waiting.c.app == app, waiting.c.environment == environment)
        people = (await connection.execute(query.order_by(waiting.c.since))).scalars().all()
        await connection.execute(waiting.delete().where(waiting.c.app == app, waiting.c.environment == environment))
        return tuple(load(person, Person) for person in people)

    async def wait(self, connection: AsyncConnection, app: str, environment: str, person: Person) -> None:
        """Ask to be told when it is free; asking twice is asking once."""
        mine = (waiting.c.app == app, waiting.c.environment == environment, waiting.c.user_id == person.id)
        if (await connection.execute(sa.select(waiting.c.user_id).where(*mine))).first():
            return
        values = {"app": app, "environment": environment, "user_id": person.id, "person": dump(person)}
        await connection.execute(waiting.insert().values(**values, since=self._clock.now()))

    async def all(self) -> tuple[Lock, ...]:
        """Expired ones too, until they are released; oldest first."""
        async with self._database.reading() as connection:
            states = (await connection.execute(sa.select(locks.c.state))).scalars().all()
        return tuple(sorted((load(state, Lock) for state in states), key=lambda lock: lock.since))


def _same(statement: sa.Delete, app: str, environment: str) -> sa.Delete:
    return statement.where(locks.c.app == app, locks.c.environment == environment)
