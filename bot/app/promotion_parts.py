"""The parts that plan, approve, commit and follow promotions."""

from dataclasses import dataclass
from functools import cached_property

from bot.app.message_parts import E, MessageParts
from bot.app.services import to_gates
from bot.background.late_copies import LateCopies
from bot.background.overlay_watch import OverlayWatch
from bot.background.stories import StoryStarter
from bot.background.wake_ups import WakeUps
from bot.deliveries.application_record import ApplicationRecord, RecordedApplications
from bot.evaluation.evaluator import GateEvaluator
from bot.evaluation.loading import load_gates
from bot.notify.queue_news import DirectQueueNews
from bot.ports import Pipelines
from bot.promotions.approvers import Approvers
from bot.promotions.committer import Committer
from bot.promotions.follow_up import FollowUps
from bot.promotions.follower import Follower
from bot.promotions.moves import Moves
from bot.promotions.planner import Planner
from bot.promotions.pull_requests import PullRequestSteps
from bot.promotions.queue import PromotionQueue
from bot.promotions.record import Record
from bot.promotions.rollback_targets import RollbackTargets
from bot.promotions.schedule import Schedule
from bot.promotions.source_changes import Changes
from bot.promotions.synced import SyncHistory
from bot.promotions.watcher import Watcher
from bot.queries.own_runs import OwnRuns
from bot.runtime.injection import Offered
from bot.views import pull_request_body
from bot.workflow.orphans import Orphans
from bot.workflow.second_look import SecondLook
from bot.workflow.service import PromotionService
from bot.workflow.steps import Steps
from bot.workflow.story import Story


@dataclass(frozen=True)
class PromotionParts(MessageParts[E]):
    """`evaluator` raises PolicyError for a gate that needs what nobody offers."""

    @cached_property
    def offered_to_gates(self) -> Offered:
        """What gates may ask, by the type that they name."""
        applications, images = self.applications, self.image_locations
        known = to_gates(self.policy, self.outside, self.stores, self.catalog, images, applications)
        return {**known, Pipelines: self.own_runs}

    @cached_property
    def own_runs(self) -> OwnRuns:
        return OwnRuns(self.outside.pipelines, self.stores.started_runs, self.seconds)

    @cached_property
    def application_records(self) -> tuple[ApplicationRecord, ...]:
        """One for each Argo CD. Observers fill them; until then nobody believes them."""
        argocd, policy = self.outside.applications, self.policy
        served = argocd.together(environment.name for environment in policy.environments)
        return tuple(
            ApplicationRecord(policy.rules("", environments[0]).argocd, environments, argocd, self.clock.now)
            for environments in served
        )

    @cached_property
    def applications(self) -> RecordedApplications:
        """For those who look often. What people have Argo CD do is decided by what Argo CD itself says then."""
        return RecordedApplications(self.outside.applications, self.application_records)

    @cached_property
    def evaluator(self) -> GateEvaluator:
        return GateEvaluator(load_gates(self.offered_to_gates), self.policy)

    @cached_property
    def targets(self) -> RollbackTargets:
        outside = self.outside
        history = SyncHistory(self.applications, outside.overlays, self.policy)
        return RollbackTargets(outside.overlays, self.catalog, self.stores.promotions, self.tags, history)

    @cached_property
    def planner(self) -> Planner:
        changes = Changes(self.outside.sources)
        moves = Moves(self.catalog, self.outside.registry, self.policy, self.targets)
        return Planner(self.catalog, moves, self.policy, self.evaluator, self.targets, self.clock, changes)

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
    def approvers(self) -> Approvers:
        return Approvers(self.policy, self.outside.directory, self.eligibility)

    @cached_property
    def late_copies(self) -> LateCopies:
        return LateCopies(self.stores.promotions, self.approvers, self.copies)

    @cached_property
    def steps(self) -> Steps:
        outside, stores, clock = self.outside, self.stores, self.clock
        now, sleep = clock.now, clock.sleep
        return Steps(
            record=Record(
                stores.database, stores.promotions, stores.audit, self.announcer, self.news_recorder.promoted
            ),
            cards=self.cards,
            reminders=self.reminders,
            approvers=self.approvers,
            directory=outside.directory,
            policy=self.policy,
            evaluator=self.evaluator,
            eligibility=self.eligibility,
            committer=self.committer,
            follower=Follower(
                self.applications, outside.overlays, self.pace.follow, outside.applications, clock=now, sleep=sleep
            ),
            watcher=Watcher(self.applications, outside.alerts, self.pace.watch, clock=now, sleep=sleep),
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
            self.evaluator,
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
    def schedule(self) -> Schedule:
        stores = self.stores
        return Schedule(self.ledger, stores.queue, stores.audit, self.policy, stores.promotions)
