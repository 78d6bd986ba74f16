"""People's words (locks, freezes, rejections, reviews, stand-ins) over the real stores.

Nothing is connected to until `create` is called: tests that do not need it pay nothing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

from bot.app.safety import SafetyServices
from bot.app.stores import Stores
from bot.background.housekeeping import Housekeeping, HousekeepingStores
from bot.domain.promotion import Promotion
from bot.notify.channels import ChannelIds
from bot.notify.ledger import Ledger
from bot.notify.outbox import Outbox
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.runtime.clock import SYSTEM_CLOCK
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.messages import Messages
from bot.store.promotions import PromotionStore
from tests.fakes.databases import create_tables
from tests.fakes.directory import FakeDirectory
from tests.fakes.messenger import FakeMessenger
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.queues import delivered
from tests.fakes.registry import MemoryRegistry


@dataclass
class ShownReviews:
    """The promotions whose cards were brought up to date."""

    shown: list[str] = field(default_factory=list)

    async def show(self, promotion: Promotion) -> None:
        self.shown.append(promotion.id)


@dataclass
class Safety:
    database: Database
    audit: Audit
    stores: Stores
    promotions: PromotionStore
    messenger: FakeMessenger
    outbox: Outbox
    ledger: Ledger
    channels: ChannelIds
    housekeeping: Housekeeping
    services: Mapping[Any, Any]

    @classmethod
    def over(
        cls,
        policy: Policy,
        catalog: Catalog,
        overlays: MemoryOverlays,
        images: MemoryRegistry,
        directory: FakeDirectory,
        url: str,
    ) -> Self:
        database = Database(url)
        audit, messenger, promotions = Audit(database), FakeMessenger(), PromotionStore(database)
        outbox = Outbox(Messages(database), messenger)
        ledger, stores = Ledger(database, audit, outbox, policy), Stores.of(database, SYSTEM_CLOCK)
        cards = ShownReviews()
        safety_services = SafetyServices.open(
            stores,
            ledger,
            policy,
            catalog,
            channels=(channels := ChannelIds()),
            registry=images,
            contents=images,
            image_locations=ImageLocations(catalog, overlays, images, promotions),
            directory=directory,
            cards=cards,
            clock=SYSTEM_CLOCK,
        )
        services = {**safety_services.services, PromotionStore: promotions, DeliveryStore: DeliveryStore(database)}
        return cls(
            database,
            audit,
            stores,
            promotions,
            messenger,
            outbox,
            ledger,
            channels,
            safety_services.housekeeping,
            services,
        )

    async def create(self) -> None:
        await create_tables(self.database)

    def housekeeping_by(self, **options: Any) -> Housekeeping:
        """Housekeeping with a clock of the test's own."""
        stores = self.stores
        housekeeping_stores = HousekeepingStores(
            stores.locks, stores.freezes, stores.reviews, stores.delegations, stores.requests, stores.subscriptions
        )
        return Housekeeping(housekeeping_stores, self.ledger, self.ledger._policy, **options)

    async def told(self, channel: str) -> list[str]:
        """What a channel, or the person of that id, has been told, oldest first."""
        await delivered(self.outbox)
        place = f"D{channel[1:]}" if channel.startswith("U") else channel
        return [message.shown.text for message in self.messenger.in_channel(place)]

    async def events(self) -> list[str]:
        return [row.event for row in await self.audit.rows()]
