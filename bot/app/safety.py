"""The services of locks, freezes, rejections, delegations and reviews, made together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.app.stores import Stores
from bot.background.housekeeping import Housekeeping, HousekeepingStores
from bot.notify.channels import ChannelIds
from bot.notify.ledger import Ledger
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.ports import Clock, Directory, ImageContents, Registry
from bot.queries.closed_windows import ClosedWindows
from bot.queries.holds import HoldsQuery
from bot.queries.permissions import Permissions
from bot.safety.delegations import DelegationService
from bot.safety.freezes import FreezeService
from bot.safety.locks import LockService
from bot.safety.rejections import RejectionService
from bot.safety.reviews import ReviewCards, ReviewService
from bot.safety.subscriptions import SubscriptionService
from bot.safety.times import TimeReader
from bot.store.mutes import MuteStore


@dataclass(frozen=True)
class SafetyServices:
    """`services`: what commands may ask for, by type. `housekeeping` runs beside them."""

    services: Mapping[Any, Any]
    housekeeping: Housekeeping

    @classmethod
    def open(
        cls,
        stores: Stores,
        ledger: Ledger,
        policy: Policy,
        catalog: Catalog,
        *,
        channels: ChannelIds,
        registry: Registry,
        contents: ImageContents,
        image_locations: ImageLocations,
        directory: Directory,
        cards: ReviewCards,
        clock: Clock,
    ) -> Self:
        times = TimeReader(policy, clock)
        subscriptions = SubscriptionService(
            stores.subscriptions, stores.messages.threads, channels, ledger, stores.audit, policy, times, clock
        )
        windows = ClosedWindows(policy, clock)
        services: dict[Any, Any] = {
            LockService: LockService(stores.locks, ledger, catalog, clock),
            FreezeService: FreezeService(stores.freezes, ledger, catalog, clock),
            RejectionService: RejectionService(
                stores.rejections, ledger, catalog, registry, contents, image_locations, clock
            ),
            ReviewService: ReviewService(stores.reviews, stores.promotions, ledger, policy, cards, clock),
            DelegationService: DelegationService(stores.delegations, ledger, directory, clock),
            MuteStore: stores.mutes,
            Permissions: Permissions(policy, stores.delegations),
            ClosedWindows: windows,
            HoldsQuery: HoldsQuery(
                stores.locks, stores.freezes, stores.rejections, stores.reviews, windows, policy, clock
            ),
            TimeReader: times,
            SubscriptionService: subscriptions,
        }
        housekeeping_stores = HousekeepingStores(
            stores.locks, stores.freezes, stores.reviews, stores.delegations, stores.requests, stores.subscriptions
        )
        return cls(services, Housekeeping(housekeeping_stores, ledger, policy, clock=clock.now))
