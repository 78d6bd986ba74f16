"""The one composition: every part between what comes in and the outside world, made from what it needs.

The running bot, the tests' in-memory world, the processes that the restart tests kill, and most benchmarks are a
`Core`. They differ in what they hand it, and in nothing else.
"""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import timedelta
from functools import cached_property, partial
from typing import Generic, TypeVar

import commands
from bot.app.outside import Outside
from bot.app.safety import SafetyServices
from bot.app.services import to_commands, to_gates
from bot.app.stores import Stores
from bot.app.supervisor import Loop
from bot.background.builds import Builds
from bot.background.overlay_watch import OverlayWatch
from bot.background.replicas import BEAT, SILENCE, Replicas
from bot.background.roster import RosterUpdates
from bot.background.stories import StoryStarter
from bot.background.wake_ups import WakeUps
from bot.command import CommandRegistry
from bot.deliveries.annotations import AnnotatedSubscriptions
from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.branch_observer import BranchObserver
from bot.deliveries.image_observer import ImageObserver
from bot.deliveries.journey_service import JourneyService
from bot.deliveries.news_service import NewsService
from bot.deliveries.newsroom import Newsroom
from bot.deliveries.observers import LeasedObserver
from bot.deliveries.overlay_changes import OverlayChanges
from bot.deliveries.owners import Owners
from bot.deliveries.places import ApplicationNames
from bot.deliveries.recorder import Recorder
from bot.deliveries.run_observer import RunObserver
from bot.deliveries.source_commits import SourceCommits
from bot.evaluation.loading import load_gates
from bot.evaluation.panel import Panel
from bot.notify.announcer import Announcer
from bot.notify.bulletins import Bulletins
from bot.notify.cards import Cards
from bot.notify.channels import ChannelIds
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.ledger import Ledger
from bot.notify.listeners import Listeners
from bot.notify.outbox import Outbox
from bot.notify.permalinks import Permalinks
from bot.notify.promotion_news import PromotionNews
from bot.notify.queue_news import DirectQueueNews
from bot.notify.reminders import Reminders
from bot.notify.run_cards import RunCards
from bot.overlays.catalog import FRESH_SECONDS, Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import Clock
from bot.promotions.approvers import Approvers
from bot.promotions.committer import Committer
from bot.promotions.delegates import Delegates
from bot.promotions.eligibility import Eligibility
from bot.promotions.follow_up import FollowUps
from bot.promotions.follower import Follower
from bot.promotions.planner import Planner
from bot.promotions.pull_requests import PullRequestSteps
from bot.promotions.queue import PromotionQueue
from bot.promotions.record import Record
from bot.promotions.rollback_targets import RollbackTargets
from bot.promotions.schedule import Schedule
from bot.promotions.scheduler import Scheduler
from bot.promotions.source_changes import Changes
from bot.promotions.synced import SyncHistory
from bot.promotions.tags import Tags
from bot.promotions.watcher import Watcher
from bot.queries.board import StatusBoards
from bot.queries.explanation import Explanation
from bot.queries.holds import HoldsQuery
from bot.queries.pipeline_holds import PipelineHolds
from bot.queries.runs import RunFollowing, Runs
from bot.queries.status import StatusQuery
from bot.queries.surroundings import Surroundings
from bot.router import Router, open_router
from bot.runtime.injection import Offered
from bot.runtime.redaction import Redactor
from bot.safety.syncs import SyncService
from bot.views import pull_request_body
from bot.workflow.journal import Engine
from bot.workflow.orphans import Orphans
from bot.workflow.second_look import SecondLook
from bot.workflow.service import PromotionService
from bot.workflow.steps import CONFIRMED_FOR, Steps
from bot.workflow.story import Story

E = TypeVar("E", bound=Engine)


@dataclass(frozen=True)
class Pace:
    """How often, and how long. In seconds, where a field does not say otherwise."""

    follow: float = 2.0
    """between two looks at an Argo CD that is followed"""
    watch: float = 10.0
    """between two looks at what was promoted and is watched"""
    listing: float = FRESH_SECONDS
    """how old the list of overlays may be, for what is not planned by it"""
    confirmed_for: timedelta = CONFIRMED_FOR
    beat: timedelta = BEAT
    silence: timedelta = SILENCE


@dataclass(frozen=True)
class Process:
    """Which of its replicas this is, and what it knows of the secrets that it must never print.

    `asked_by_pipelines`: whether they have the token with which they ask before they write.
    """

    replica: str = "pilothouse-0"
    redactor: Redactor = field(default_factory=Redactor)
    asked_by_pipelines: bool = False


@dataclass(frozen=True)
class Core(Generic[E]):
    """One of each part, made when it is first asked for, and typed, so that a missing wire does not compile.

    `panel` raises PolicyError for a gate that needs what nobody offers, `router` TypeError for such a command.
    """

    policy: Policy
    outside: Outside
    stores: Stores
    clock: Clock
    open_engine: Callable[[Story], E]
    pace: Pace = Pace()
    process: Process = Process()

    def loops(self) -> Iterator[tuple[str, Loop]]:
        """What goes on beside the answering of requests, for as long as the process lives."""
        yield "requests", self.router.inbox.work_forever
        yield "messages", self.outbox.deliver_forever
        yield "promotions", self.story_starter.run_forever
        yield "pipeline runs", self.run_cards.keep_forever
        yield "deleted pipeline runs", self.run_cards.look_forever
        yield "housekeeping", self.safety.housekeeping.run_forever
        yield "overlays", self.overlay_watch.watch_forever
        yield "roster", self.roster.update_forever
        yield "news of deliveries", self.news.tell_forever
        yield "source commits", self.source_commits.look_forever
        yield "branch observer", self.branch_observer.observe_forever
        yield "observer of runs", self.run_observer.record_forever
        yield "observer of images", self.image_observer.look_forever
        for observer in self.application_observers:
            yield f"observer of {observer.name}", observer.observe_forever
        if self.replicas:
            yield "replicas", self.replicas.watch

    @cached_property
    def begin(self) -> asyncio.Event:
        """Set when a story has been written down and waits to be begun, or when one has ended."""
        return asyncio.Event()

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(self.outside.overlays, self.policy, fresh_seconds=self.pace.listing)

    @cached_property
    def image_locations(self) -> ImageLocations:
        return ImageLocations(self.catalog, self.outside.overlays, self.outside.registry, self.stores.promotions)

    @cached_property
    def tags(self) -> Tags:
        return Tags(self.outside.registry)

    @cached_property
    def outbox(self) -> Outbox:
        return Outbox(self.stores.messages, self.outside.messenger, clock=self.seconds)

    @cached_property
    def bulletins(self) -> Bulletins:
        return Bulletins(self.stores.messages, self.outside.messenger, clock=self.seconds)

    @cached_property
    def channels(self) -> ChannelIds:
        return ChannelIds()

    @cached_property
    def ledger(self) -> Ledger:
        return Ledger(self.stores.database, self.stores.audit, self.outbox, self.policy)

    @cached_property
    def announcer(self) -> Announcer:
        stores, clock = self.stores, self.seconds
        news = PromotionNews(stores.news, stores.subscriptions, self.policy, clock)
        return Announcer(self.outbox, self.policy, stores.subscriptions, self.channels, news)

    @cached_property
    def cards(self) -> Cards:
        journeys = JourneyLinks(self.stores.news, self.permalinks)
        return Cards(
            self.stores.messages,
            self.outside.messenger,
            self.policy,
            self.copies,
            journeys,
            self.stores.reviews,
            clock=self.seconds,
        )

    @cached_property
    def permalinks(self) -> Permalinks:
        return Permalinks(self.stores.messages, self.outside.messenger)

    @cached_property
    def copies(self) -> Copies:
        seconds = self.seconds
        return Copies(self.stores.messages, self.outside.messenger, self.stores.mutes, self.policy, clock=seconds)

    @cached_property
    def reminders(self) -> Reminders:
        messenger = self.outside.messenger
        return Reminders(messenger, messenger, self.stores.messages, self.copies, self.policy, self.seconds)

    def seconds(self) -> float:
        """Since the epoch."""
        return self.clock.now().timestamp()

    @cached_property
    def offered_to_gates(self) -> Offered:
        """What gates may ask, by the type that they name."""
        return to_gates(self.policy, self.outside, self.stores, self.catalog, self.image_locations)

    @cached_property
    def panel(self) -> Panel:
        return Panel(load_gates(self.offered_to_gates), self.policy)

    @cached_property
    def targets(self) -> RollbackTargets:
        outside = self.outside
        history = SyncHistory(outside.applications, outside.overlays, self.policy)
        return RollbackTargets(outside.overlays, self.catalog, self.stores.promotions, self.tags, history)

    @cached_property
    def planner(self) -> Planner:
        changes = Changes(self.outside.sources)
        registry = self.outside.registry
        return Planner(self.catalog, registry, self.policy, self.panel, self.targets, self.clock, changes)

    @cached_property
    def eligibility(self) -> Eligibility:
        return Eligibility(self.policy, Delegates(self.stores.delegations, self.policy, self.outside.directory))

    @cached_property
    def committer(self) -> Committer:
        overlays = self.outside.overlays
        return Committer(overlays, overlays, self.outside.registry, self.catalog.built)

    @cached_property
    def follow_ups(self) -> FollowUps:
        stores = self.stores
        return FollowUps(
            self.planner, stores.promotions, stores.locks, stores.reviews, self.policy, self.clock, self.begin
        )

    @cached_property
    def steps(self) -> Steps:
        outside, stores, clock = self.outside, self.stores, self.clock
        now, sleep = clock.now, clock.sleep
        return Steps(
            record=Record(stores.database, stores.promotions, stores.audit, self.announcer, self.newsroom.promoted),
            cards=self.cards,
            reminders=self.reminders,
            approvers=Approvers(self.policy, outside.directory, self.eligibility),
            directory=outside.directory,
            policy=self.policy,
            panel=self.panel,
            eligibility=self.eligibility,
            committer=self.committer,
            follower=Follower(
                outside.applications, outside.overlays, self.pace.follow, outside.applications, clock=now, sleep=sleep
            ),
            watcher=Watcher(outside.applications, outside.alerts, self.pace.watch, clock=now, sleep=sleep),
            follow_ups=self.follow_ups,
            pull_requests=PullRequestSteps(outside.overlays, self.committer, outside.pull_requests, pull_request_body),
            clock=now,
            confirmed_for=self.pace.confirmed_for,
        )

    @cached_property
    def engine(self) -> E:
        return self.open_engine(Story(self.steps, self.policy))

    @cached_property
    def service(self) -> PromotionService:
        return PromotionService(
            self.stores.database,
            self.stores.promotions,
            self.stores.audit,
            self.engine,
            self.planner,
            self.targets,
            self.panel,
            self.policy,
            self.eligibility,
            Orphans(self.steps, self.engine),
            self.clock,
        )

    @cached_property
    def queue(self) -> PromotionQueue:
        stores, news = self.stores, DirectQueueNews(self.outbox)
        return PromotionQueue(
            stores.database,
            stores.queue,
            stores.promotions,
            stores.audit,
            self.service,
            self.outside.directory,
            news,
            self.clock.now,
        )

    @cached_property
    def story_starter(self) -> StoryStarter:
        return StoryStarter(self.service, self.engine, self.queue, SecondLook(self.steps), self.begin)

    @cached_property
    def wake_ups(self) -> WakeUps:
        return WakeUps(self.stores.promotions, self.engine, clock=self.seconds)

    @cached_property
    def overlay_watch(self) -> OverlayWatch:
        return OverlayWatch(self.stores.promotions, self.engine, self.outside.overlays, self.committer)

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(self.stores.database, self.stores.deliveries, self.newsroom, self.seconds)

    @cached_property
    def newsroom(self) -> Newsroom:
        last = self.policy.environments[-1].name
        return Newsroom(self.stores.news, self.stores.promotions, last, self.seconds)

    @cached_property
    def journeys(self) -> JourneyService:
        stores = self.stores
        return JourneyService(
            self.policy,
            stores.database,
            stores.deliveries,
            stores.promotions,
            stores.news,
            self.outside.directory,
            self.outbox,
            self.permalinks,
            clock=self.seconds,
        )

    @cached_property
    def news(self) -> NewsService:
        added, clock = self.recorder.listen(), self.seconds
        directory, stores = self.outside.directory, self.stores
        return NewsService(
            self.policy,
            stores.news,
            self.bulletins,
            directory,
            self.channels,
            added,
            self.journeys,
            Listeners(stores.subscriptions, self.policy, directory),
            self.source_commits,
            clock=clock,
        )

    @cached_property
    def source_commits(self) -> SourceCommits:
        outside = self.outside
        return SourceCommits(self.stores.database, self.stores.news, outside.registry, outside.sources)

    @cached_property
    def overlay_changes(self) -> OverlayChanges:
        return OverlayChanges(self.outside.overlays, self.policy)

    @cached_property
    def branch_observer(self) -> BranchObserver:
        source, promotions = self.outside.overlays, self.stores.promotions
        now = self.clock.now
        return BranchObserver(source, self.overlay_changes, self.recorder, promotions, self.policy, now)

    @cached_property
    def run_observer(self) -> RunObserver:
        """Hears of runs from `run_cards`, which keep the one watch there is."""
        return RunObserver(self.recorder, self.clock.now)

    @cached_property
    def image_observer(self) -> ImageObserver:
        store, now = self.stores.deliveries, self.clock.now
        return ImageObserver(self.outside.registry, store, self.recorder, Owners(store, self.catalog, now), now)

    @cached_property
    def application_observers(self) -> tuple[LeasedObserver, ...]:
        """One for each Argo CD."""
        names = (environment.name for environment in self.policy.environments)
        return tuple(map(self._application_observer, self.outside.applications.together(names)))

    def _application_observer(self, environments: tuple[str, ...]) -> LeasedObserver:
        applications, stores, policy = self.outside.applications, self.stores, self.policy
        observer = ApplicationObserver(
            policy.rules("", environments[0]).argocd,
            environments,
            applications,
            applications,
            self.outside.overlays,
            ApplicationNames(self.catalog, policy, environments),
            self.overlay_changes,
            stores.deliveries,
            self.recorder,
            policy.deliveries.degraded_after,
            policy.deliveries.drift_after,
            AnnotatedSubscriptions(stores.subscriptions),
            self.clock.now,
        )
        return LeasedObserver(observer, applications, stores.leases, self.process.replica, self.seconds)

    @cached_property
    def roster(self) -> RosterUpdates:
        return RosterUpdates(self.policy, self.outside.directory)

    @cached_property
    def replicas(self) -> Replicas | None:
        """None on SQLite, which one replica has for itself."""
        if self.stores.database.sqlite:
            return None
        pace = self.pace
        return Replicas(self.stores.replicas, self.engine, self.process.replica, beat=pace.beat, silence=pace.silence)

    @cached_property
    def pipeline_holds(self) -> PipelineHolds:
        return PipelineHolds(self.panel, self.policy, self.clock, asks=self.process.asked_by_pipelines)

    @cached_property
    def runs(self) -> Runs:
        return Runs(self.outside.pipelines, self.policy, self.process.redactor)

    @cached_property
    def run_cards(self) -> RunCards:
        built = Builds(self.policy, self.outside.applications).arrived
        pipelines, followed = self.outside.pipelines, self.stores.followed_runs
        held = partial(self.pipeline_holds.told, watched=True)
        failure, heard = self.runs.failure, self.run_observer.heard
        return RunCards(pipelines, pipelines, followed, self.bulletins, failure, held, built, heard)

    @cached_property
    def safety(self) -> SafetyServices:
        return SafetyServices.open(
            self.stores,
            self.ledger,
            self.policy,
            self.catalog,
            registry=self.outside.registry,
            contents=self.outside.contents,
            image_locations=self.image_locations,
            directory=self.outside.directory,
            cards=self.cards,
            clock=self.clock,
        )

    @cached_property
    def offered(self) -> Offered:
        """What commands, and the router, may ask for, by the type that they name."""
        return {
            **to_commands(self.policy, self.outside, self.stores, self.catalog, self.service, self.tags),
            **self.safety.services,
            Scheduler: Scheduler(self.service, self.queue, self.clock),
            Clock: self.clock,
            Schedule: self.schedule,
            StatusQuery: self.status,
            Runs: self.runs,
            RunFollowing: self.run_cards,
            PipelineHolds: self.pipeline_holds,
            StatusBoards: StatusBoards(self.status, Surroundings(self.safety.services[HoldsQuery], self.schedule)),
            Explanation: self.explanation,
            SyncService: self.syncs,
            Permalinks: self.permalinks,
        }

    @cached_property
    def schedule(self) -> Schedule:
        return Schedule(self.stores.database, self.stores.queue, self.stores.audit, self.policy)

    @cached_property
    def status(self) -> StatusQuery:
        applications, source = self.outside.applications, self.outside.overlays
        return StatusQuery(self.catalog, self.policy, applications, source, self.service, self.tags)

    @cached_property
    def explanation(self) -> Explanation:
        applications, record, secrets = self.outside.applications, self.stores.deliveries, self.process.redactor
        return Explanation(applications, applications, record, self.pipeline_holds, self.policy, secrets)

    @cached_property
    def syncs(self) -> SyncService:
        applications, stores = self.outside.applications, self.stores
        return SyncService(
            applications,
            applications,
            self.catalog,
            self.policy,
            self.service,
            stores.locks,
            stores.freezes,
            self.ledger,
            stores.audit,
        )

    @cached_property
    def router(self) -> Router:
        return open_router(CommandRegistry.load(commands), self.offered, self.seconds)
