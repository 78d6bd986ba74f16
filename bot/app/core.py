"""The one composition: every part between what comes in and the outside world, made from what it needs.

The running bot, the tests' in-memory world, the processes that the restart tests kill, and most benchmarks are a
`Core`. They differ in what they hand it, and in nothing else.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property, partial

import commands
from bot.app.delivery_parts import DeliveryParts
from bot.app.message_parts import E
from bot.app.process import Process, Timing
from bot.app.safety import SafetyServices
from bot.app.services import to_commands
from bot.app.supervisor import Loop
from bot.background.builds import Builds
from bot.background.replicas import Replicas
from bot.background.roster import RosterUpdates
from bot.command import CommandRegistry
from bot.notify.permalinks import Permalinks
from bot.notify.run_cards import RunCards
from bot.notify.run_pings import RunPings
from bot.ports import Clock, PipelineRetries, Pipelines
from bot.promotions.schedule import Schedule
from bot.promotions.scheduler import Scheduler
from bot.queries.explanation import Explanation
from bot.queries.holds import HoldsQuery
from bot.queries.overview import OverviewQuery
from bot.queries.pipeline_holds import PipelineHolds
from bot.queries.runs import RunFollowing, RunQueries
from bot.queries.status import StatusQuery
from bot.queries.surroundings import Surroundings
from bot.router import Router, open_router
from bot.runtime.injection import Offered
from bot.safety.syncs import SyncService
from bot.store.threads import ThreadStore

__all__ = ["Core", "Process", "Timing"]


@dataclass(frozen=True)
class Core(DeliveryParts[E]):
    """Everything. `router` raises TypeError for a command that needs what nobody offers."""

    def loops(self) -> Iterator[tuple[str, Loop]]:
        """What goes on beside the answering of requests, for as long as the process lives."""
        yield "requests", self.router.inbox.work_forever
        yield "messages", self.outbox.deliver_forever
        yield "promotions", self.story_starter.run_forever
        yield "late copies", self.late_copies.run_forever
        yield "pipeline runs", self.run_cards.keep_forever
        yield "deleted pipeline runs", self.run_cards.look_forever
        yield "housekeeping", self.safety.housekeeping.run_forever
        yield "overlays", self.overlay_watch.watch_forever
        yield "roster", self.roster.update_forever
        yield "news of deliveries", self.news.tell_forever
        yield "source commits", self.source_commits.look_forever
        yield "observer of source commits", self.source_observer.observe_forever
        yield "branch observer", self.branch_observer.observe_forever
        yield "observer of runs", self.run_observer.record_forever
        yield "observer of images", self.image_observer.look_forever
        for observer in self.application_observers:
            yield f"observer of {observer.name}", observer.observe_forever
        if self.replicas:
            yield "replicas", self.replicas.watch

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
        return PipelineHolds(self.evaluator, self.policy, self.clock, asks=self.process.asked_by_pipelines)

    @cached_property
    def runs(self) -> RunQueries:
        return RunQueries(self.own_runs, self.policy, self.process.redactor)

    @cached_property
    def run_cards(self) -> RunCards:
        built = Builds(self.policy, self.outside.applications).arrived
        pipelines, followed = self.own_runs, self.stores.followed_runs
        held = partial(self.pipeline_holds.told, watched=True)
        failure, heard = self.runs.failure, self.run_observer.heard
        pings = RunPings(self.stores.database, self.outbox, self.policy.environments[0].name)
        return RunCards(pipelines, pipelines, followed, self.bulletins, failure, held, built, heard, pings.put)

    @cached_property
    def safety(self) -> SafetyServices:
        return SafetyServices.open(
            self.stores,
            self.ledger,
            self.policy,
            self.catalog,
            channels=self.channels,
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
            Pipelines: self.own_runs,
            PipelineRetries: self.own_runs,
            **self.safety.services,
            Scheduler: Scheduler(self.service, self.queue, self.clock),
            Clock: self.clock,
            Schedule: self.schedule,
            StatusQuery: self.status,
            RunQueries: self.runs,
            RunFollowing: self.run_cards,
            PipelineHolds: self.pipeline_holds,
            OverviewQuery: OverviewQuery(self.status, self.surroundings),
            Explanation: self.explanation,
            SyncService: self.syncs,
            Permalinks: self.permalinks,
            ThreadStore: self.stores.messages.threads,
        }

    @cached_property
    def surroundings(self) -> Surroundings:
        return Surroundings(self.safety.services[HoldsQuery], self.schedule, self.stores.deliveries)

    @cached_property
    def status(self) -> StatusQuery:
        applications, source = self.applications, self.outside.overlays
        return StatusQuery(self.catalog, self.policy, applications, source, self.service, self.tags)

    @cached_property
    def explanation(self) -> Explanation:
        applications, secrets = self.outside.applications, self.process.redactor
        return Explanation(applications, applications, self.pipeline_holds, self.policy, secrets)

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
            stores.rejections,
            self.outside.registry,
            self.outside.contents,
            self.ledger,
            stores.audit,
        )

    @cached_property
    def router(self) -> Router:
        return open_router(CommandRegistry.load(commands), self.offered, self.seconds)
