"""The parts that observe what is delivered, by Pilothouse or by others, and announce it."""

from dataclasses import dataclass
from functools import cached_property

from bot.app.message_parts import E
from bot.app.promotion_parts import PromotionParts
from bot.deliveries.annotations import AnnotatedSubscriptions
from bot.deliveries.application_names import ApplicationNames
from bot.deliveries.application_observer import ApplicationObserver
from bot.deliveries.application_record import ApplicationRecord
from bot.deliveries.authors import Authors
from bot.deliveries.branch_observer import BranchObserver
from bot.deliveries.fix_counter import FixCounter
from bot.deliveries.image_observer import ImageObserver
from bot.deliveries.journey_service import JourneyService
from bot.deliveries.news_service import NewsService
from bot.deliveries.observers import LeasedObserver
from bot.deliveries.overlay_changes import OverlayChanges
from bot.deliveries.owners import Owners
from bot.deliveries.past_holds import PastHolds
from bot.deliveries.recipients import RecipientService
from bot.deliveries.recorder import Recorder
from bot.deliveries.run_observer import RunObserver
from bot.deliveries.source_commits import SourceCommits
from bot.deliveries.source_observer import SourceObserver
from bot.notify.audience import Listeners


@dataclass(frozen=True)
class DeliveryParts(PromotionParts[E]):
    """Observers, the record that they fill, and the news of it."""

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(self.stores.database, self.stores.deliveries, self.news_recorder, self.seconds)

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
            self.catalog.known_environments,
            clock=self.seconds,
        )

    @cached_property
    def news(self) -> NewsService:
        added, clock = self.recorder.listen(), self.seconds
        directory, stores = self.outside.directory, self.stores
        listeners = Listeners(stores.subscriptions, self.policy, directory)
        recipients = RecipientService(self.policy, self.authors, self.channels, self.journeys, listeners, added, clock)
        return NewsService(stores.news, self.bulletins, added, self.journeys, listeners, recipients, clock=clock)

    @cached_property
    def source_commits(self) -> SourceCommits:
        stores = self.stores
        record, clock = stores.deliveries, self.seconds
        return SourceCommits(stores.database, stores.news, record, self.authors, clock=clock)

    @cached_property
    def source_observer(self) -> SourceObserver:
        outside, record, now = self.outside, self.stores.deliveries, self.clock.now
        told = self.source_commits.found
        return SourceObserver(outside.registry, outside.sources, record, self.recorder, told, self.fix_counter, now)

    @cached_property
    def fix_counter(self) -> FixCounter:
        return FixCounter(self.stores.deliveries, self.policy.deliveries.fixed_within)

    @cached_property
    def authors(self) -> Authors:
        return Authors(self.policy, self.outside.directory)

    @cached_property
    def overlay_changes(self) -> OverlayChanges:
        return OverlayChanges(self.outside.overlays, self.policy)

    @cached_property
    def branch_observer(self) -> BranchObserver:
        source, promotions = self.outside.overlays, self.stores.promotions
        now, holds = self.clock.now, PastHolds(self.stores.locks, self.stores.freezes, self.policy)
        return BranchObserver(
            source, self.overlay_changes, self.recorder, promotions, self.policy, now, holds, self.fix_counter
        )

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
        return tuple(map(self._application_observer, self.application_records))

    def _application_observer(self, record: ApplicationRecord) -> LeasedObserver:
        applications, stores, policy = self.outside.applications, self.stores, self.policy
        observer = ApplicationObserver(
            record,
            applications,
            self.outside.overlays,
            ApplicationNames(self.catalog, policy, record.environments),
            self.overlay_changes,
            stores.deliveries,
            self.recorder,
            policy.deliveries.degraded_after,
            policy.deliveries.drift_after,
            AnnotatedSubscriptions(stores.subscriptions, applications, record.environments[0]),
            self.clock.now,
        )
        return LeasedObserver(observer, stores.leases, self.process.replica, self.seconds)
