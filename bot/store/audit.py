"""The audit chain: append-only rows, each holding the hash of the one before it, and by which version it is hashed."""

import hashlib
import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

import sqlalchemy as sa
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.errors import Conflict, NotAllowed
from bot.domain.promotion import Phase
from bot.ports import Clock
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.database import Database, metadata
from bot.store.promotions import promotions
from bot.store.statements import limit

APP_LENGTH = 255
"""characters; a train's apps are named in full in the detail of its rows"""

audit = sa.Table(
    "audit",
    metadata,
    sa.Column("seq", sa.BigInteger().with_variant(sa.Integer, "sqlite"), primary_key=True, autoincrement=False),
    sa.Column("at", sa.String(40), nullable=False),
    sa.Column("event", sa.String(64), nullable=False, index=True),
    sa.Column("actor", sa.String(64), nullable=False),
    sa.Column("app", sa.String(APP_LENGTH), nullable=False),
    sa.Column("environment", sa.String(64), nullable=False),
    sa.Column("promotion_id", sa.String(64), nullable=False, index=True),
    sa.Column("detail", sa.Text, nullable=False),
    sa.Column("dedupe", sa.String(255), unique=True),
    sa.Column("previous", sa.String(64), nullable=False),
    sa.Column("hash", sa.String(64), nullable=False),
    sa.Column("version", sa.Integer, nullable=False, server_default="1"),
)

_EARLIER = audit.alias()
_LAST = (
    sa.select(
        audit.c.seq,
        audit.c.hash,
        sa.exists(sa.select(_EARLIER.c.seq).where(_EARLIER.c.dedupe == sa.bindparam("of"))).label("seen"),
    )
    .order_by(audit.c.seq.desc())
    .limit(1)
)
"""the row that the next one follows, and whether there is one of that `dedupe`"""
_ADDED = audit.insert()
_RECORDED = (
    sa.select(audit.c.seq)
    .where(audit.c.dedupe >= sa.bindparam("first"), audit.c.dedupe < sa.bindparam("beyond"))
    .limit(1)
)
_ROWS = sa.select(audit).where(audit.c.seq > sa.bindparam("after")).order_by(audit.c.seq).limit(limit())
_ROWS_SINCE = _ROWS.where(audit.c.at >= sa.bindparam("since"))
_NUMBER = sa.select(sa.func.count()).select_from(audit)
_CUT_OFF = (
    sa.select(promotions.c.id)
    .where(
        promotions.c.phase.in_([sa.literal(phase, promotions.c.phase.type) for phase in Phase if phase.final]),
        ~sa.select(audit.c.promotion_id).where(audit.c.dedupe == promotions.c.id + ":conclude").exists(),
    )
    .limit(1)
)

GENESIS = "0" * 64
HASHED = {
    1: ("seq", "at", "event", "actor", "app", "environment", "promotion_id", "detail", "dedupe"),
    2: ("version", "seq", "at", "event", "actor", "app", "environment", "promotion_id", "detail", "dedupe"),
}
"""version of a row → the columns that its hash is made of; a row of version 2 cannot be passed off as another's"""
VERSION = 2
"""that rows are written by now"""
CHAIN_LOCK = 0x9170
"""Key of the Postgres advisory lock under which rows are appended; SQLite's transactions are serial already."""
_ALONE = sa.text("SELECT pg_advisory_xact_lock(:key)")


@dataclass(frozen=True)
class AuditEntry:
    """What happened. `dedupe` makes a repeated append (a replayed step) a no-op."""

    event: str
    actor: str
    apps: tuple[str, ...] = ()
    environment: str = ""
    promotion_id: str = ""
    detail: Mapping[str, Any] = field(default_factory=dict)
    dedupe: str | None = None

    @property
    def app(self) -> str:
        """As the column holds it."""
        names = ", ".join(self.apps)
        return names if len(names) <= APP_LENGTH else f"{names[: APP_LENGTH - 1]}…"


def refusal(
    actor: str,
    asked: str,
    reason: str,
    apps: tuple[str, ...],
    environment: str,
    *,
    request: str,
    promotion_id: str = "",
    **detail: Any,
) -> AuditEntry:
    """Somebody asked for what they may not, or for what does not count; `reason` is the sentence that they read.

    One request is refused once, whoever finds out first (the story or who sent it the word), and however often a
    process dies over it: `request` is its id.
    """
    detail = {"asked": asked, "reason": reason, **detail}
    dedupe = f"{promotion_id}:refused:{request}" if request else None
    return AuditEntry("refused", actor, apps, environment, promotion_id, detail, dedupe)


@dataclass(frozen=True)
class Row:
    seq: int
    at: str
    event: str
    actor: str
    app: str
    environment: str
    promotion_id: str
    detail: str
    dedupe: str | None
    previous: str
    hash: str
    version: int = 1

    def expected_hash(self) -> str:
        """Raises KeyError for a version that nobody here knows."""
        return chained(self.previous, vars(self))


def chained(previous: str, row: Mapping[str, Any]) -> str:
    """SHA-256 over the previous hash and the columns that the row's version names, as a JSON array."""
    said = HASHED[row["version"]]
    return hashlib.sha256(json.dumps([previous, *(row[c] for c in said)]).encode()).hexdigest()


class Audit:
    def __init__(self, database: Database, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock

    async def append(self, connection: AsyncConnection, entry: AuditEntry) -> None:
        """Add one row in the caller's transaction, so that it is there exactly when its effect is."""
        if not self._database.sqlite:
            await connection.execute(_ALONE, {"key": CHAIN_LOCK})
        last = (await connection.execute(_LAST, {"of": entry.dedupe})).first()
        if last and last.seen:
            return
        row: dict[str, Any] = {
            "seq": last.seq + 1 if last else 1,
            "at": self._clock.now().isoformat(),
            "event": entry.event,
            "actor": entry.actor,
            "app": entry.app,
            "environment": entry.environment,
            "promotion_id": entry.promotion_id,
            "detail": json.dumps(entry.detail, sort_keys=True),
            "dedupe": entry.dedupe,
            "version": VERSION,
        }
        row["previous"] = last.hash if last else GENESIS
        row["hash"] = chained(row["previous"], row)
        await connection.execute(_ADDED, row)

    async def recorded(self, connection: AsyncConnection, dedupe: str) -> bool:
        """Whether there is a row whose `dedupe` begins so."""
        named = {"first": dedupe, "beyond": f"{dedupe}\U0010ffff"}
        return (await connection.execute(_RECORDED, named)).first() is not None

    async def record(self, entry: AuditEntry) -> None:
        """Append in a transaction of its own."""
        async with self._database.begin() as connection:
            await self.append(connection, entry)

    @asynccontextmanager
    async def refusals(
        self, actor: str, asked: str, apps: tuple[str, ...], environment: str, *, request: str, **detail: Any
    ) -> AsyncIterator[None]:
        """Whoever is refused within reads it once the refusal is on record. Raises that NotAllowed or Conflict."""
        try:
            yield
        except (NotAllowed, Conflict) as refused:
            await self.record(refusal(actor, asked, refused.sentence, apps, environment, request=request, **detail))
            raise

    async def note_policy(self, text: str) -> bool:
        """Record that the policy has changed since it was last noted; whether it has."""
        digest = hashlib.sha256(text.encode()).hexdigest()
        query = sa.select(audit.c.detail).where(audit.c.event == "policy").order_by(audit.c.seq.desc()).limit(1)
        async with self._database.begin() as connection:
            last = (await connection.execute(query)).scalar_one_or_none()
            before = json.loads(last)["sha256"] if last else ""
            if before == digest:
                return False
            await self.append(
                connection, AuditEntry("policy", "pilothouse", detail={"sha256": digest, "before": before})
            )
        return True

    async def rows(self, since: datetime | None = None, after: int = 0, limit: int = 1000) -> tuple[Row, ...]:
        """Oldest first; page on with the last `seq` as `after`."""
        named = {"after": after, "most": limit, "since": since.astimezone(UTC).isoformat() if since else ""}
        async with self._database.reading() as connection:
            found = (await connection.execute(_ROWS_SINCE if since else _ROWS, named)).mappings().all()
        return tuple(Row(**row) for row in found)

    async def verify(self) -> str | None:
        """None when the chain holds, else one sentence on the first row that was changed, removed or inserted.

        The chain alone does not know its end; promotions do, for each that is over is there with its last row.
        """
        previous, expected_seq = GENESIS, 1
        while page := await self.rows(after=expected_seq - 1):
            for row in page:
                if row.seq != expected_seq:
                    return f"row {expected_seq} is missing: it was removed"
                if row.previous != previous:
                    return f"row {row.seq} does not follow row {row.seq - 1}: one of them was removed or inserted"
                if row.version not in HASHED:
                    return f"row {row.seq} is of version {row.version}, which this release does not know"
                if row.hash != row.expected_hash():
                    return f"row {row.seq} ({row.event} by {row.actor} at {row.at}) was changed"
                previous, expected_seq = row.hash, row.seq + 1
        return await self._beside_the_chain(expected_seq - 1) or await self._cut_off()

    async def _beside_the_chain(self, rows: int) -> str | None:
        async with self._database.begin() as connection:
            there = (await connection.execute(_NUMBER)).scalar_one()
        return f"{there - rows} more rows are there than the chain has: they were inserted" if there != rows else None

    async def _cut_off(self) -> str | None:
        """A promotion that is over was written down together with its last row: without it, that was removed."""
        async with self._database.begin() as connection:
            lost = (await connection.execute(_CUT_OFF)).scalar_one_or_none()
        return f"the last row of {lost} is missing: rows were cut off at the end" if lost else None
