"""Watches every Application of one Argo CD: what arrives, what falls ill, what drifts, and who syncs by hand.

What it hears is judged at once and again every second while something is open; what happened while nobody listened is
found in what Argo CD says of now, and in its history (A20). Facts have keys, so hearing the same twice does no harm.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

import structlog

from bot.deliveries.annotations import AnnotatedSubscriptions
from bot.deliveries.application_names import ApplicationNames, Place, fact_key
from bot.deliveries.application_record import ApplicationRecord
from bot.deliveries.assessment import OVER, YOUNG, judged, moment_of
from bot.deliveries.drift_detector import DriftDetector
from bot.deliveries.fold import OUTCOMES
from bot.deliveries.lead_times import LeadTimes
from bot.deliveries.open_cases import LOOK_BACK, OpenCases, last_word
from bot.deliveries.overlay_changes import OverlayChanges, image_changes
from bot.deliveries.recorder import Recorder
from bot.deliveries.standing import ILL, OngoingProblem, Standing, due
from bot.domain.application import Application
from bot.domain.delivery import (
    Cause,
    Detail,
    Drifted,
    Fact,
    HealthChanged,
    Judged,
    Outcome,
    SyncedByHand,
    SyncUnknown,
)
from bot.domain.errors import IntegrationError
from bot.domain.promotion import Progress
from bot.ports import Applications, OverlaySource
from bot.promotions.evidence import blamed
from bot.runtime.clock import SYSTEM_CLOCK
from bot.runtime.metrics import DEPLOYMENTS
from bot.store.deliveries import DeliveryStore

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0
PAUSE_AFTER = 100
"""Applications, for the event loop's sake"""
NAMES_EVERY = timedelta(seconds=30)
PROJECTS_EVERY = timedelta(minutes=2)
"""as often as the stream is checked against a list"""
READ_EVERY = timedelta(seconds=5)
"""the record is read for what other observers have written"""
CATCHES_UP = timedelta(minutes=5)
"""after Argo CD was away: what becomes certain by then was so before"""
FORGET_EVERY = timedelta(minutes=1)
OVERLAP = 200
"""facts that are read again: on Postgres a lower id may be committed later"""
PAGE = 2000
AT_ONCE = 8
BLAMED = 20
"""Applications that fall ill at once and are asked for the resource to blame; of more, health's own message is told"""
HISTORY = 30


@dataclass
class ApplicationObserver:
    """`record` is kept by what it hears; `patience` and `drift_patience` are the policy's."""

    record: ApplicationRecord
    applications: Applications
    source: OverlaySource
    names: ApplicationNames
    changes: OverlayChanges
    store: DeliveryStore
    recorder: Recorder
    patience: timedelta
    drift_patience: timedelta
    annotated: AnnotatedSubscriptions
    clock: Callable[[], datetime] = SYSTEM_CLOCK.now
    _added: asyncio.Event = field(init=False)
    _leads: LeadTimes = field(init=False)
    _drifts: DriftDetector = field(init=False)
    _cases: OpenCases = field(init=False)
    _apps: dict[Place, Application] = field(default_factory=dict)
    """the newest that was heard of each"""
    _fresh: set[Place] = field(default_factory=set)
    """heard since the last tick"""
    _pending: set[Place] = field(default_factory=set)
    """with an illness or a drift that is not on record yet"""
    _unplaced: dict[str, Application] = field(default_factory=dict)
    _standings: dict[Place, Standing] = field(default_factory=dict)
    _read_to: int = 0
    _back_since: datetime | None = None
    """since when Argo CD is heard again"""
    _at: dict[str, datetime] = field(default_factory=dict)
    """when something was last done that is done now and then"""

    def __post_init__(self) -> None:
        self._added = self.recorder.listen()
        self._leads = LeadTimes(self.store)
        self._drifts = DriftDetector(self.source, self.drift_patience)
        self._cases = OpenCases(self.source, self.environments, self.clock)

    @property
    def environments(self) -> tuple[str, ...]:
        """Those that its Argo CD serves."""
        return self.record.environments

    async def observe(self) -> None:
        """Until it is cancelled. Raises DatabaseAway, and Refused when Argo CD does not accept the token."""
        await self.begin()
        async with asyncio.TaskGroup() as group:
            group.create_task(self._tick_forever())
            async for app in self.record.stream.changes(self.environments[0]):
                self.heard(app)

    async def begin(self) -> None:
        """What is on record: who is ill and who drifts, and which commits have not come to an end.

        What was only in memory is forgotten: it may not have been written down.
        """
        self._cases.clear()
        for kept in (self._apps, self._fresh, self._pending, self._unplaced, self._standings, self._at):
            kept.clear()
        self.record.forget()
        await self.annotated.begin()
        self._drifts.forget()
        self._back_since = None
        now = self.clock()
        for fact in await self.store.unjudged(self.environments, now - LOOK_BACK, OVER):
            self._cases.note(fact)
        self._read_to = max(0, await self.store.first_since(now - YOUNG) - 1)
        for fact in await self.store.latest("health"):
            if isinstance(fact.detail, HealthChanged) and not fact.detail.healthy:
                self._standing((fact.app, fact.environment)).illness = OngoingProblem(fact.at, recorded=True)
        for fact in await self.store.latest("drift"):
            if isinstance(fact.detail, Drifted) and not fact.detail.over:
                self._standing((fact.app, fact.environment)).drift = OngoingProblem(fact.at, recorded=True)
        for fact in await self.store.latest("sync-unknown"):
            if isinstance(fact.detail, SyncUnknown) and not fact.detail.over:
                self._standing((fact.app, fact.environment)).unknown = OngoingProblem(fact.at, recorded=True)

    def heard(self, app: Application) -> None:
        """From the stream. Nothing is asked of anybody here: it must keep up with thousands."""
        self.record.heard(app)
        place = self.names.place(app.ref.name)
        if place is None:
            self._unplaced[app.ref.name] = app
            return
        self._apps[place] = app
        self._fresh.add(place)

    async def tick(self) -> int:
        """Judge what was heard, and what time has made certain; how many facts. Raises DatabaseAway."""
        now = self.clock()
        await self._name(now)
        if self._due("read", now, READ_EVERY) or self._added.is_set():
            await self._read()
        if self.annotated.has_new or self._due("projects", now, PROJECTS_EVERY):
            await self._ask_projects()
        fresh, self._fresh = self._fresh, set()
        facts = [*await self._stand(fresh, now), *await self._judge(fresh, now)]
        late = await self._was_away(now)
        added = await self.recorder.record(facts, late=late) if facts else ()
        for fact in added:
            self._count(fact)
            await self._leads.measure(fact)
        return len(added)

    async def _was_away(self, now: datetime) -> bool:
        """Whether nobody had heard its Argo CD for long, until just now."""
        name = f"Argo CD {self.record.name}"
        away, heard = await self.recorder.was_away(name), self.record.unheard is None
        self._back_since = (self._back_since or now) if heard else None
        if self._back_since and (not away or now - self._back_since >= CATCHES_UP):
            await self.recorder.looked(name)
        return away

    async def _ask_projects(self) -> None:
        """What their annotations say now counts for each of their Applications."""
        changed = await self.annotated.ask()
        for number, place in enumerate(list(self._apps) if changed else (), 1):
            if number % PAUSE_AFTER == 0:
                await asyncio.sleep(0)
            if (app := self._apps[place]).ref.project in changed:
                self.annotated.take(place, app)
        await self.annotated.write()

    def _count(self, fact: Fact) -> None:
        """For metrics: a deployment that came to an end."""
        detail = fact.detail
        if isinstance(detail, SyncedByHand):
            DEPLOYMENTS.labels(fact.app, fact.environment, Cause.ARGOCD, Outcome.SYNCED).inc()
        elif isinstance(detail, Judged) and (outcome := OUTCOMES.get(detail.progress)):
            case = self._cases.case((fact.app, fact.environment), detail.sha)
            assert case is not None
            DEPLOYMENTS.labels(fact.app, fact.environment, case.committed.cause, outcome).inc()

    async def _name(self, now: datetime) -> None:
        if not self._due("names", now, NAMES_EVERY):
            return
        try:
            changed = await self.names.refresh()
        except IntegrationError as error:
            log.info("deliveries.names_not_read", error=str(error))
            del self._at["names"]
            return
        if changed:
            waiting, self._unplaced = self._unplaced, {}
            for app in waiting.values():
                self.heard(app)

    def _due(self, what: str, now: datetime, every: timedelta) -> bool:
        """Whether it is time again."""
        at = self._at.get(what)
        if at and now - at < every:
            return False
        self._at[what] = now
        return True

    async def _tick_forever(self) -> None:
        while True:
            await self.tick()
            with suppress(TimeoutError):
                async with asyncio.timeout(TICK_SECONDS):
                    await self._added.wait()
                    await asyncio.sleep(TICK_SECONDS / 10)

    def _standing(self, place: Place) -> Standing:
        return self._standings.setdefault(place, Standing())

    async def _read(self) -> None:
        """The commits that others have written down, and what has become certain of them."""
        self._added.clear()
        read_to = max(0, self._read_to - OVERLAP)
        while page := await self.store.after(read_to, PAGE):
            read_to = page[-1][0]
            for _, fact in page:
                self._cases.note(fact)
        self._read_to = max(self._read_to, read_to)

    async def _stand(self, fresh: set[Place], now: datetime) -> list[Fact]:
        facts: list[Fact] = []
        for number, place in enumerate(fresh):
            if number % PAUSE_AFTER == PAUSE_AFTER - 1:
                await asyncio.sleep(0)
            self.annotated.take(place, self._apps[place])
            standing = self._standing(place)
            before = replace(standing)
            facts += [_over(place, what, before, now) for what in standing.see(self._apps[place], now)]
            facts += await self._by_hand(place, now)
            if _unrecorded(standing):
                self._pending.add(place)
        await self.annotated.write()
        ill = [place for place in self._pending if due(self._standing(place).illness, now, self.patience)]
        told = await asyncio.gather(*(self._ill(place, ask=number < BLAMED) for number, place in enumerate(ill)))
        idle = [place for place in self._pending if not self._cases.under_way(place, now)]
        drifts = await self._drifts.drifted({place: (self._apps[place], self._standing(place)) for place in idle}, now)
        unknown = [place for place in self._pending if due(self._standing(place).unknown, now, self.drift_patience)]
        facts += [*told, *drifts, *map(self._unknown, unknown)]
        self._pending = {place for place in self._pending if _unrecorded(self._standing(place))}
        return facts

    async def _ill(self, place: Place, *, ask: bool) -> Fact:
        app, standing = self._apps[place], self._standing(place)
        episode, resource, message = standing.illness, "", app.health_message
        assert episode is not None
        standing.illness = replace(episode, recorded=True)
        if ask:
            with suppress(IntegrationError):
                if worst := blamed(await self.applications.unhealthy(replace(app.ref, environment=place[1]))):
                    resource, message = f"{worst.kind} {worst.name}", worst.message or message
        detail = HealthChanged(healthy=False, status=app.health, resource=resource, message=message[:1000])
        return Fact(fact_key(place, "ill", episode.since), episode.since, *place, detail)

    def _unknown(self, place: Place) -> Fact:
        standing, app = self._standing(place), self._apps[place]
        episode = standing.unknown
        assert episode is not None
        standing.unknown = replace(episode, recorded=True)
        why = SyncUnknown("; ".join(app.conditions)[:1000])
        return Fact(fact_key(place, "sync-unknown", episode.since), episode.since, *place, why)

    async def _judge(self, fresh: set[Place], now: datetime) -> list[Fact]:
        turns = asyncio.Semaphore(AT_ONCE)

        async def look(place: Place) -> list[Fact]:
            async with turns:
                return await self._look(place, now)

        if self._due("forget", now, FORGET_EVERY):
            self._cases.forget(self._apps, now)
        found = await asyncio.gather(*map(look, await self._cases.wanted(self._apps, fresh, now)))
        return [fact for facts in found for fact in facts]

    async def _look(self, place: Place, now: datetime) -> list[Fact]:
        app = self._apps[place]
        facts: list[Fact] = []
        for case in self._cases.of(place):
            try:
                verdict = await judged(case, app, now, self.patience)
            except IntegrationError as error:
                log.info("deliveries.not_judged", app=place[0], environment=place[1], error=str(error))
                continue
            if verdict is None or verdict.progress in case.said:
                continue
            case.said |= {verdict.progress, last_word(verdict.progress)}
            verdict = await self._explained(place, app, verdict)
            key = f"judged:{verdict.sha}:{verdict.progress}:{place[1]}:{place[0]}"
            facts.append(Fact(key, moment_of(case, app, verdict, now), *place, verdict))
        return facts

    async def _explained(self, place: Place, app: Application, verdict: Judged) -> Judged:
        """An illness with the resource that is to blame."""
        if verdict.progress is not Progress.FAILED or app.health not in ILL:
            return verdict
        with suppress(IntegrationError):
            if worst := blamed(await self.applications.unhealthy(replace(app.ref, environment=place[1]))):
                why = f"{worst.kind} {worst.name} is {worst.health}: {worst.message or 'no message'}"
                return replace(verdict, explanation=why[:1000])
        return verdict

    async def _by_hand(self, place: Place, now: datetime) -> list[Fact]:
        """Somebody synced another commit's images than the branch had then (A20)."""
        app, standing = self._apps[place], self._standing(place)
        operation = app.operation
        if operation is None or not operation.finished or operation.started_at in (None, standing.operation):
            return []
        began = operation.started_at
        assert began is not None
        found: SyncedByHand | None = None
        if operation.by and operation.succeeded and now - began <= YOUNG:
            try:
                found = await self._other_images(place, operation.revision, began)
            except IntegrationError as error:
                log.info("deliveries.sync_not_compared", application=app.ref.name, error=str(error))
                return []
        standing.operation = began
        if found is None or not found.images:
            return []
        return [Fact(fact_key(place, "by-hand", began), began, *place, replace(found, by=operation.by, url=app.url))]

    async def _other_images(self, place: Place, revision: str, began: datetime) -> SyncedByHand | None:
        path, there = await self.changes.images_at(*place, revision)
        history = await self.source.history(path, HISTORY) if path else ()
        then = next((commit for commit in history if commit.at <= began), None)
        if then is None:
            return None
        _, wanted = await self.changes.images_at(*place, then.sha)
        return SyncedByHand(revision, "", path, image_changes(wanted, there))


def _over(place: Place, what: str, before: Standing, now: datetime) -> Fact:
    """What is over by this look was there `before` it."""
    ended: dict[str, tuple[OngoingProblem | None, str, Detail]] = {
        "illness": (before.illness, "well", HealthChanged(healthy=True, status="Healthy")),
        "drift": (before.drift, "drift-over", Drifted((), over=True)),
        "unknown": (before.unknown, "sync-known", SyncUnknown("", over=True)),
    }
    episode, key, detail = ended[what]
    assert episode is not None
    return Fact(fact_key(place, key, episode.since), now, *place, detail)


def _unrecorded(standing: Standing) -> bool:
    problems = (standing.illness, standing.drift, standing.unknown)
    return any(problem and not problem.recorded for problem in problems)
