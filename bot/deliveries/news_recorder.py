"""What of the facts is news to people, and what becomes of news: written with the facts, in one transaction."""

import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import timedelta

from sqlalchemy.ext.asyncio import AsyncConnection

from bot.deliveries.fold import OUTCOMES
from bot.domain.build import ImagePushed, ImageScanned, Pushed, RunEnded, RunStarted
from bot.domain.delivery import (
    Cause,
    Committed,
    Drifted,
    Fact,
    HealthChanged,
    ImageChange,
    Judged,
    News,
    Outcome,
    SyncedByHand,
    SyncUnknown,
)
from bot.domain.event import Event
from bot.domain.journey import journey_key
from bot.domain.pipeline import RunStatus
from bot.domain.promotion import Progress
from bot.domain.source_range import CommitsFound
from bot.store.delivery_news import NewsStore
from bot.store.promotions import PromotionStore

RECENT = timedelta(hours=1)
"""what is older, by its own clock, begins no journey; where its observer was away, it is told in one summary"""
REASON = 600
"""characters of an explanation that are kept"""
ON_THE_WAY = (Pushed, RunStarted, RunEnded, ImagePushed, ImageScanned, Committed, Judged, CommitsFound)


class NewsRecorder:
    """`clock` counts seconds since the epoch.

    `runs_told`: the environment in which routes hear of the ends of an app's pipeline runs, "" where none does.

    What a promotion's own card tells is no news.
    """

    def __init__(
        self,
        store: NewsStore,
        promotions: PromotionStore,
        clock: Callable[[], float] = time.time,
        runs_told: Callable[[str], str] = lambda app: "",  # noqa: ARG005 (nobody follows runs)
    ) -> None:
        self._store = store
        self._runs_told = runs_told
        self._promotions = promotions
        self._clock = clock

    async def take(self, connection: AsyncConnection, facts: Iterable[Fact], *, late: bool = False) -> None:
        """In the caller's transaction; facts that were taken before are not to be given again.

        `late`: their observer was away. The time in a commit is what its maker's clock said, and proves no delay.
        """
        taken = tuple(facts)
        for fact in taken:
            await self._take(connection, fact, late=late and self._is_old(fact))
        await self._journeys(connection, [fact for fact in taken if isinstance(fact.detail, ON_THE_WAY)])

    async def _take(self, connection: AsyncConnection, fact: Fact, *, late: bool) -> None:
        match fact.detail:
            case Committed() as commit if not commit.cause.ours:
                await self._put(connection, replace(self._committed(fact, commit), late=late))
            case SyncedByHand() as sync:
                await self._put(connection, replace(self._synced(fact, sync), late=late))
            case Judged() as verdict:
                await self._judged(connection, fact, verdict, late=late)
            case HealthChanged() as health:
                await self._health(connection, fact, health, late=late)
            case Drifted() as drift:
                await self._drift(connection, fact, drift, late=late)
            case RunEnded() as run if run.status is not RunStatus.DELETED and not self._is_old(fact):
                if environment := self._runs_told(fact.app):
                    await self._put(connection, replace(self._ended(fact, run), environment=environment))
            case SyncUnknown() as unknown:
                await self._unknown(connection, fact, unknown, late=late)

    async def promoted(self, connection: AsyncConnection, apps: Iterable[str]) -> None:
        """Something was promoted, or ended: in the caller's transaction."""
        await self._store.wake(connection, Event.JOURNEY, apps)

    async def _journeys(self, connection: AsyncConnection, facts: Sequence[Fact]) -> None:
        """A journey begins with its push, or with a run where no push is told; what it shows is read from the record
        when it is shown (0251).

        Which app a push changes, of several that are built from a repository, nobody knows before their runs begin.
        """
        if not facts:
            return
        pushes = [(fact, fact.detail) for fact in facts if isinstance(fact.detail, Pushed)]
        for fact, push in pushes:
            if sum(other.sha == push.sha for _, other in pushes) == 1:
                await self._begin(connection, fact, push.sha, push.repository)
        for fact in facts:
            if isinstance(fact.detail, RunStarted | RunEnded):
                await self._begin(connection, fact, fact.detail.revision, fact.detail.source)
        if pushes:
            await self._store.readdress(connection, [journey_key(fact.app, push.sha) for fact, push in pushes])
        await self.promoted(connection, (fact.app for fact in facts))

    async def _begin(self, connection: AsyncConnection, fact: Fact, revision: str, source: str) -> None:
        if revision and not self._is_old(fact):
            key = journey_key(fact.app, revision)
            await self._put(connection, self._new(fact, Event.JOURNEY, key=key, sha=revision, url=source))

    async def _put(self, connection: AsyncConnection, new: News) -> None:
        await self._store.put(connection, new, self._clock())

    def _new(self, fact: Fact, event: Event, **known: object) -> News:
        key = str(known.pop("key", f"{event}:{fact.key}"))
        return News(key, event, fact.app, fact.environment, fact.at, **known)  # type: ignore[arg-type]

    def _is_old(self, fact: Fact) -> bool:
        return self._clock() - fact.at.timestamp() > RECENT.total_seconds()

    def _ended(self, fact: Fact, run: RunEnded) -> News:
        outcome = Outcome.HEALTHY if run.status is RunStatus.SUCCEEDED else Outcome.FAILED
        change, why = run.status.lower(), run.reason or run.held
        return self._new(
            fact, Event.PIPELINE_ENDED, change=change, subject=run.run, sha=run.revision, outcome=outcome, why=why
        )

    def _committed(self, fact: Fact, commit: Committed) -> News:
        return self._new(
            fact,
            Event.DEPLOYED,
            key=deployed_key(fact.app, fact.environment, commit.id),
            who=commit.author.name,
            email=commit.author.email,
            change=changed(commit.images, commit.paths),
            cause=commit.cause,
            subject=commit.subject,
            sha=commit.sha,
            url=commit.url,
            outcome=Outcome.UNDER_WAY,
            held=commit.held,
        )

    def _synced(self, fact: Fact, sync: SyncedByHand) -> News:
        return self._new(
            fact,
            Event.DEPLOYED,
            who=sync.by,
            change=changed(sync.images, ()),
            cause=Cause.ARGOCD,
            sha=sync.sha,
            url=sync.url,
            outcome=Outcome.SYNCED,
        )

    async def _judged(self, connection: AsyncConnection, fact: Fact, verdict: Judged, *, late: bool) -> None:
        """Of a commit that was told. An edit wakes nobody, so a failure is news of its own."""
        told = await self._store.find(connection, deployed_key(fact.app, fact.environment, verdict.sha))
        if told is None or told.outcome is Outcome.HEALTHY:
            return
        outcome = OUTCOMES.get(verdict.progress, Outcome.SYNCED if verdict.synced_at else Outcome.UNDER_WAY)
        why = "" if verdict.progress is Progress.HEALTHY else verdict.explanation[:REASON]
        after = replace(told, outcome=outcome, why=why)
        await self._store.change(connection, after)
        failure = await self._store.find(connection, _failed(fact, verdict.sha))
        if failure and outcome is Outcome.HEALTHY:
            await self._store.change(connection, replace(failure, over_at=fact.at))
        elif outcome.failed and failure is None:
            key = _failed(fact, verdict.sha)
            await self._put(connection, replace(after, key=key, event=Event.DEPLOY_FAILED, at=fact.at, late=late))

    async def _health(self, connection: AsyncConnection, fact: Fact, health: HealthChanged, *, late: bool) -> None:
        if health.healthy:
            await self._over(connection, fact, Event.DEGRADED)
        elif not await self._promotions.live_in(connection, fact.app, fact.environment):
            why = f"{health.resource}: {health.message}" if health.resource else health.message
            new = self._new(fact, Event.DEGRADED, change=health.status, why=why[:REASON], late=late)
            await self._put(connection, new)

    async def _drift(self, connection: AsyncConnection, fact: Fact, drift: Drifted, *, late: bool) -> None:
        if drift.over:
            await self._over(connection, fact, Event.DRIFTED)
        else:
            new = self._new(fact, Event.DRIFTED, why=", ".join(drift.resources)[:REASON], late=late)
            await self._put(connection, new)

    async def _unknown(self, connection: AsyncConnection, fact: Fact, unknown: SyncUnknown, *, late: bool) -> None:
        """While a promotion is followed, its card says so."""
        if unknown.over:
            await self._over(connection, fact, Event.SYNC_UNKNOWN)
        elif not await self._promotions.live_in(connection, fact.app, fact.environment):
            new = self._new(fact, Event.SYNC_UNKNOWN, why=unknown.message[:REASON], late=late)
            await self._put(connection, new)

    async def _over(self, connection: AsyncConnection, fact: Fact, event: Event) -> None:
        told = await self._store.newest(connection, fact.app, fact.environment, event)
        if told and told.over_at is None:
            await self._store.change(connection, replace(told, over_at=fact.at))


def changed(images: Iterable[ImageChange], paths: Iterable[str]) -> str:
    """As raw words: "v1 → v2", or the names of other files."""
    found = dict.fromkeys(" → ".join(image.labels) for image in images)
    return ", ".join(found or ["/".join(path.split("/")[-2:]) for path in paths])[:300]


def deployed_key(app: str, environment: str, sha: str) -> str:
    """By which the news of a commit there is found."""
    return f"{Event.DEPLOYED}:{sha}:{environment}:{app}"


def told_key(begun: str) -> str:
    """Of the news of a deployment, by the key of the fact that it began with."""
    return f"{Event.DEPLOYED}:{begun.removeprefix('git:')}"


def _failed(fact: Fact, sha: str) -> str:
    return f"{Event.DEPLOY_FAILED}:{sha}:{fact.environment}:{fact.app}"
