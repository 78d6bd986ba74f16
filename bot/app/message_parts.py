"""What the core is made of, and the parts that write to people."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, field
from functools import cached_property
from typing import Generic, TypeVar

from bot.app.outside import Outside
from bot.app.process import Process, Timing
from bot.app.stores import Stores
from bot.deliveries.news_recorder import NewsRecorder
from bot.domain.event import Event
from bot.notify.announcer import Announcer
from bot.notify.audience import by_name
from bot.notify.cards import Cards
from bot.notify.channels import ChannelIds
from bot.notify.copies import Copies
from bot.notify.journey_links import JourneyLinks
from bot.notify.ledger import Ledger
from bot.notify.messages import Bulletins
from bot.notify.notifiers import load_notifiers
from bot.notify.outbox import Outbox
from bot.notify.permalinks import Permalinks
from bot.notify.promotion_news import PromotionNews
from bot.notify.reminders import Reminders
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import Clock, Directory, Messenger
from bot.promotions.delegates import Delegates
from bot.promotions.eligibility import Eligibility
from bot.promotions.recipients import PromotionRecipients
from bot.promotions.tags import Tags
from bot.runtime.injection import Offered
from bot.workflow.journal import Engine
from bot.workflow.story import Story

E = TypeVar("E", bound=Engine)


@dataclass(frozen=True)
class MessageParts(Generic[E]):
    """One of each part, made when it is first asked for, and typed, so that a missing wire does not compile."""

    policy: Policy
    outside: Outside
    stores: Stores
    clock: Clock
    open_engine: Callable[[Story], E]
    pace: Timing = field(default_factory=Timing)
    process: Process = field(default_factory=Process)

    @cached_property
    def begin(self) -> asyncio.Event:
        """Set when a story has been written down and waits to be begun, or when one has ended."""
        return asyncio.Event()

    @cached_property
    def catalog(self) -> Catalog:
        return Catalog(
            self.outside.overlays, self.policy, fresh_seconds=self.pace.listing, parsed=self.stores.parsed_overlays
        )

    @cached_property
    def image_locations(self) -> ImageLocations:
        return ImageLocations(self.catalog, self.outside.overlays, self.outside.registry, self.stores.promotions)

    @cached_property
    def tags(self) -> Tags:
        return Tags(self.outside.registry)

    @cached_property
    def outbox(self) -> Outbox:
        """With the notifiers of installed packages. Raises PolicyError for one that cannot be made."""
        messenger = self.outside.messenger
        offered: Offered = {
            Policy: self.policy, Directory: self.outside.directory, Messenger: messenger,
        }  # fmt: skip
        recipients = PromotionRecipients(self.stores.promotions, self.outside.directory, self.eligibility)
        return Outbox(
            self.stores.messages, messenger, load_notifiers(offered), clock=self.seconds, may_hear=recipients.may_hear
        )

    @cached_property
    def eligibility(self) -> Eligibility:
        return Eligibility(self.policy, Delegates(self.stores.delegations, self.policy, self.outside.directory))

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
        return Cards(
            self.stores.messages,
            self.outside.messenger,
            self.policy,
            self.copies,
            self.journey_links,
            self.stores.reviews,
            clock=self.seconds,
        )

    @cached_property
    def permalinks(self) -> Permalinks:
        return Permalinks(self.stores.messages.threads, self.outside.messenger, clock=self.seconds)

    @cached_property
    def copies(self) -> Copies:
        stores, threads, links = self.stores, self.stores.messages.threads, self.outside.messenger
        journeys, seconds = self.journey_links, self.seconds
        return Copies(threads, links, self.permalinks, stores.mutes, self.policy, journeys, clock=seconds)

    @cached_property
    def journey_links(self) -> JourneyLinks:
        return JourneyLinks(self.stores.news, self.permalinks)

    @cached_property
    def reminders(self) -> Reminders:
        messenger, threads = self.outside.messenger, self.stores.messages.threads
        return Reminders(messenger, messenger, threads, self.copies, self.policy, self.seconds)

    def seconds(self) -> float:
        """Since the epoch."""
        return self.clock.now().timestamp()

    @cached_property
    def news_recorder(self) -> NewsRecorder:
        return NewsRecorder(self.stores.news, self.stores.promotions, self.seconds, self._runs_told)

    def _runs_told(self, app: str) -> str:
        """The environment that pipelines write, where a route follows the ends of their runs."""
        first = self.policy.environments[0].name
        return first if by_name(self.policy, [app], first, Event.PIPELINE_ENDED) else ""
