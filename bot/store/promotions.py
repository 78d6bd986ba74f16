"""Promotions as rows, and the one live promotion that an app may have in an environment."""

from collections.abc import Collection, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import cache, lru_cache
from operator import itemgetter
from typing import Any

import sqlalchemy as sa
from sqlalchemy.exc import IntegrityError
from sqlalchemy.ext.asyncio import AsyncConnection

from bot.domain.approval import needs_approval
from bot.domain.duration import in_words
from bot.domain.errors import PromotionInProgress
from bot.domain.promotion import Doubt, Phase, Plan, Promotion, Stage
from bot.domain.sentence import listed
from bot.ports import Clock
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.codec import dump, load
from bot.store.database import Database, metadata
from bot.store.statements import among, escaped, given, limit, unless_there
from bot.store.written import Written

promotions = sa.Table(
    "promotions",
    metadata,
    sa.Column("id", sa.String(64), primary_key=True),
    sa.Column("environment", sa.String(64), nullable=False),
    sa.Column("phase", sa.String(16), nullable=False, index=True),
    sa.Column("requested_at", sa.DateTime(timezone=True), nullable=False, index=True),
    sa.Column("state", sa.Text, nullable=False),
)

promoted_apps = sa.Table(
    "promoted_apps",
    metadata,
    sa.Column("promotion_id", sa.ForeignKey("promotions.id"), primary_key=True),
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("environment", sa.String(64), nullable=False),
    sa.Index("ix_promoted_apps_app_environment", "app", "environment"),
)

live = sa.Table(
    "live_promotions",
    metadata,
    sa.Column("app", sa.String(255), primary_key=True),
    sa.Column("environment", sa.String(64), primary_key=True),
    sa.Column("promotion_id", sa.ForeignKey("promotions.id"), nullable=False),
)

IN_DOUBT = f'"doubt":"{Doubt.OPEN}"'
_FINAL = [sa.literal(phase, promotions.c.phase.type) for phase in Phase if phase.final]
_OF = promotions.c.id == sa.bindparam("of")
_IN = promotions.c.environment == sa.bindparam("environment")
_SINCE = promotions.c.requested_at >= sa.bindparam("since")
_STATES = sa.select(promotions.c.state)
_STATE = _STATES.where(_OF)
_LIVE = _STATES.where(promotions.c.phase.not_in(_FINAL)).order_by(promotions.c.requested_at)
_BESIDE = _STATES.where(_IN, ~_OF, promotions.c.phase.not_in(_FINAL))
_LATER = _STATES.where(_IN, promotions.c.requested_at > sa.bindparam("then"), ~_OF)
_CHANGES = _STATES.where(_IN, _SINCE).order_by(promotions.c.requested_at)
_DOUBTFUL = _STATES.where(
    promotions.c.phase.in_([Phase.ERRORED, Phase.ABORTED, Phase.FAILED]),
    _SINCE,
    promotions.c.state.contains(IN_DOUBT),
).order_by(promotions.c.requested_at)
_SUCCEEDED = _STATES.join(promoted_apps, promoted_apps.c.promotion_id == promotions.c.id).where(
    given(promoted_apps.c.app, promoted_apps.c.environment),
    promotions.c.phase == Phase.SUCCEEDED,
    promotions.c.state.contains(sa.bindparam("digest"), escape="/"),
)
_CREATED = unless_there(promotions, promotions.c.id)
_SAVED = promotions.update().where(_OF)
_OF_APPS = promoted_apps.insert()

_HERE = given(live.c.app, live.c.environment)
_LIVE_HERE = _STATES.join(live, live.c.promotion_id == promotions.c.id).where(_HERE)
_HOLDER = sa.select(live.c.promotion_id).where(_HERE)
_IN_THE_WAY = among(live.c.app, "apps") & given(live.c.environment)
_HOLDERS = sa.select(live.c.promotion_id).where(_IN_THE_WAY).distinct()
_GIVEN_WAY = live.delete().where(_IN_THE_WAY)
_HELD = sa.select(live.c.app).where(live.c.promotion_id == sa.bindparam("of"))
_TAKEN = live.insert()
_ENDED = live.delete().where(live.c.promotion_id == sa.bindparam("of"))
_LEFT_OUT = _ENDED.where(among(live.c.app, "left_out"))
_RELEASED = live.delete().where(
    live.c.promotion_id.in_(sa.select(promotions.c.id).where(promotions.c.phase.in_(_FINAL)))
)

LONGEST = timedelta(days=90)
"""between a request and its commit: a gate, people, or a pull request may be waited for"""
UNCHANGED = 128
"""how many promotions are kept as they were last read, by their whole text"""
LARGEST = 50_000
"""characters of the longest text that is kept: a train of 1,000 apps takes 13 MiB, for each change of it"""


class PromotionStore:
    """Every method that changes something takes the caller's transaction."""

    def __init__(self, database: Database, clock: Clock = SYSTEM_CLOCK) -> None:
        self._database = database
        self._clock = clock
        self.written = Written()
        """of what this process has changed"""

    async def create(self, connection: AsyncConnection, promotion: Promotion) -> None:
        """Raises PromotionInProgress when one of its apps has a live promotion there, be it this very one.

        One that is by now only watched gives way: a person who acts knows more than it does. So does one that is
        followed, to a rollback.
        """
        plan = promotion.plan
        await self._make_way(connection, plan.apps, plan)
        row = {
            "id": plan.id,
            "environment": plan.environment,
            "phase": promotion.phase,
            "requested_at": plan.requested_at,
            "state": dump(promotion),
        }
        made = await connection.execute(_CREATED.on(connection), row)
        if made.scalar_one_or_none() is None:
            raise PromotionInProgress(f"{plan.id} has begun already.", plan.id)  # another replica, at this moment
        rows = [{"app": app, "environment": plan.environment, "promotion_id": plan.id} for app in plan.apps]
        await connection.execute(_OF_APPS, rows)
        if promotion.apps:
            await self._take(connection, promotion, promotion.apps)

    async def claim(self, connection: AsyncConnection, promotion: Promotion) -> None:
        """Hold every app that goes, those that were left out before too. Raises PromotionInProgress."""
        held = set((await connection.execute(_HELD, {"of": promotion.id})).scalars())
        wanted = [app for app in promotion.apps if app not in held]
        if wanted:
            await self._make_way(connection, wanted, promotion.plan)
            await self._take(connection, promotion, wanted)

    async def replaced(self, promotion: Promotion) -> frozenset[str]:
        """The apps of a promotion that a later one has changed since."""
        plan = promotion.plan
        named = {"of": plan.id, "environment": plan.environment, "then": plan.requested_at}
        newer = await self._load(_LATER, named)
        return frozenset(app for one in newer if one.commit for app in one.apps)

    async def save(self, connection: AsyncConnection, promotion: Promotion) -> None:
        """The new state; a final phase frees its apps for the next promotion."""
        await connection.execute(_SAVED, {"of": promotion.id, "phase": promotion.phase, "state": dump(promotion)})
        if promotion.phase.final:
            await connection.execute(_ENDED, {"of": promotion.id})
        elif promotion.left_out:
            await connection.execute(_LEFT_OUT, {"of": promotion.id, "left_out": promotion.left_out})

    async def release_ended(self, connection: AsyncConnection) -> int:
        """Free what is held for promotions that are over; how many apps."""
        return (await connection.execute(_RELEASED)).rowcount

    async def get(self, promotion_id: str) -> Promotion | None:
        async with self._database.reading() as connection:
            return await self.get_in(connection, promotion_id)

    async def get_in(self, connection: AsyncConnection, promotion_id: str) -> Promotion | None:
        state = (await connection.execute(_STATE, {"of": promotion_id})).scalar_one_or_none()
        return _promotion(state) if state is not None else None

    async def live(self, app: str, environment: str) -> Promotion | None:
        found = await self._load(_LIVE_HERE, {"app": app, "environment": environment})
        return found[0] if found else None

    async def live_in(self, connection: AsyncConnection, app: str, environment: str) -> bool:
        """Whether a promotion there has written its commit, and is followed or watched."""
        id = (await connection.execute(_HOLDER, {"app": app, "environment": environment})).scalar_one_or_none()
        found = await self.get_in(connection, id) if id else None
        return found is not None and found.commit is not None

    async def all_live(self) -> tuple[Promotion, ...]:
        return await self._load(_LIVE)

    async def doubtful(self, since: datetime) -> tuple[Promotion, ...]:
        """Those asked for since then that ended before anybody could tell whether their change is in git."""
        return await self._load(_DOUBTFUL, {"since": since})

    async def history(self, app: str, environment: str, limit: int) -> tuple[Promotion, ...]:
        """Newest first; "" for any app or any environment."""
        query = _newest_first(app=bool(app), environment=bool(environment))
        return await self._load(query, {"app": app, "environment": environment, "most": limit})

    async def succeeded(self, app: str, environment: str, digest: str) -> bool:
        """Whether a promotion ever saw this image Healthy there."""
        past = await self._load(_SUCCEEDED, {"app": app, "environment": environment, "digest": escaped(digest)})
        return any(move.app == app and move.after.digest == digest for one in past for move in one.moves)

    async def changes(self, environment: str, since: datetime) -> tuple[Promotion, ...]:
        """Those that changed the environment's overlays since then, oldest first, whenever they were asked for."""
        asked = since - LONGEST if since - datetime.min.replace(tzinfo=UTC) > LONGEST else since
        asked_since = await self._load(_CHANGES, {"environment": environment, "since": asked})
        changed = [(at, one) for one in asked_since if (at := one.changed_at) and at >= since]
        return tuple(one for _, one in sorted(changed, key=itemgetter(0)))

    async def _load(self, query: sa.Select[Any], named: Mapping[str, object] | None = None) -> tuple[Promotion, ...]:
        async with self._database.reading() as connection:
            states: Sequence[str] = (await connection.execute(query, named)).scalars().all()
        return tuple(_promotion(state) for state in states)

    async def _take(self, connection: AsyncConnection, promotion: Promotion, apps: Sequence[str]) -> None:
        rows = [{"app": app, "environment": promotion.plan.environment, "promotion_id": promotion.id} for app in apps]
        try:
            async with connection.begin_nested():
                await connection.execute(_TAKEN, rows)
        except IntegrityError:  # another replica, at this moment
            await self._make_way(connection, apps, promotion.plan)
            raise

    async def _make_way(self, connection: AsyncConnection, apps: Sequence[str], plan: Plan) -> None:
        """Raises PromotionInProgress unless all that is in the way gives way; a watch is over then."""
        there = {"apps": apps, "environment": plan.environment}
        ids = (await connection.execute(_HOLDERS, there)).scalars().all()
        for other in await self._beside(connection, ids, apps, plan):
            if not other.gives_way_to(plan):
                raise _in_progress(other, apps, self._clock.now())
        if ids:
            await connection.execute(_GIVEN_WAY, there)

    async def _beside(
        self, connection: AsyncConnection, ids: Sequence[str], apps: Sequence[str], plan: Plan
    ) -> list[Promotion]:
        """Those that hold an app there, and those that are still followed after a rollback took their place."""
        states = (await connection.execute(_BESIDE, {"of": plan.id, "environment": plan.environment})).scalars()
        return [one for one in map(_promotion, states) if one.id in ids or {*one.apps} & {*apps}]


@cache
def _newest_first(*, app: bool, environment: bool) -> sa.Select[str]:
    query = _STATES.order_by(promotions.c.requested_at.desc()).limit(limit())
    if environment:
        query = query.where(_IN)
    if app:
        query = query.where(
            promotions.c.id.in_(sa.select(promoted_apps.c.promotion_id).where(given(promoted_apps.c.app)))
        )
    return query


def _in_progress(other: Promotion, apps: Collection[str], now: datetime) -> PromotionInProgress:
    """Of a release train only what was asked for is named: who hears this may not view its other apps."""
    plan = other.plan
    images = [(move.app, move.after.label) for move in plan.moves] + [(one.app, one.label) for one in plan.missing]
    held = [(app, label) for app, label in images if app in apps and app in other.apps]
    names = listed(list(dict.fromkeys(app for app, _ in held)))
    remedy = f"wait for it to end. Its requester and administrators may abort it: `/abort {other.id}`."
    if needs_approval(other):
        remedy = f"it still needs an approval. Its requester and administrators may abort it: `/abort {other.id}`."
    if other.stage is Stage.FOLLOW:
        remedy = f"its commit is made. Wait for it to end, or go back with `/rollback {held[0][0]} {plan.environment}`."
    return PromotionInProgress(
        f"{plan.requester.name} is already promoting {names} to {plan.environment} "
        f"({', '.join(label for _, label in held)}, {in_words(now - plan.requested_at)} ago): "
        f"{remedy}",
        other.id,
    )


def _promotion(state: str) -> Promotion:
    """Loops look at every live promotion again and again, and hardly any has changed since."""
    return _kept(state) if len(state) <= LARGEST else load(state, Promotion)


@lru_cache(maxsize=UNCHANGED)
def _kept(state: str) -> Promotion:
    return load(state, Promotion)
