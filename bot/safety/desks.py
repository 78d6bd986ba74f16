"""All the desks, made together."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Self

from bot.catalog import Catalog
from bot.gates.whereabouts import Whereabouts
from bot.notify.housekeeping import Housekeeping, Shelves
from bot.notify.ledger import Ledger
from bot.policy import Policy
from bot.ports import Directory, ImageContents, Registry
from bot.safety.delegations import DelegationDesk
from bot.safety.freezes import FreezeDesk
from bot.safety.locks import LockDesk
from bot.safety.permissions import Permissions
from bot.safety.rejections import RejectionDesk
from bot.safety.reviews import ReviewDesk
from bot.safety.standing import HoldsBoard
from bot.store.database import Database
from bot.store.delegations import DelegationStore
from bot.store.freezes import FreezeStore
from bot.store.locks import LockStore
from bot.store.rejections import RejectionStore
from bot.store.requests import RequestStore
from bot.store.reviews import ReviewStore


@dataclass(frozen=True)
class Stores:
    """What people's words are kept in; gates are handed these too."""

    locks: LockStore
    freezes: FreezeStore
    rejections: RejectionStore
    reviews: ReviewStore
    delegations: DelegationStore
    requests: RequestStore

    @classmethod
    def of(cls, database: Database) -> Self:
        return cls(
            LockStore(database),
            FreezeStore(database),
            RejectionStore(database),
            ReviewStore(database),
            DelegationStore(database),
            RequestStore(database),
        )


@dataclass(frozen=True)
class Desks:
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
        registry: Registry,
        contents: ImageContents,
        whereabouts: Whereabouts,
        directory: Directory,
    ) -> Self:
        services: dict[Any, Any] = {
            LockDesk: LockDesk(stores.locks, ledger, catalog),
            FreezeDesk: FreezeDesk(stores.freezes, ledger, catalog),
            RejectionDesk: RejectionDesk(stores.rejections, ledger, catalog, registry, contents, whereabouts),
            ReviewDesk: ReviewDesk(stores.reviews, ledger, policy),
            DelegationDesk: DelegationDesk(stores.delegations, ledger, directory),
            Permissions: Permissions(policy, stores.delegations),
            HoldsBoard: HoldsBoard(stores.locks, stores.freezes, stores.rejections, stores.reviews, policy),
        }
        shelves = Shelves(stores.locks, stores.freezes, stores.reviews, stores.delegations, stores.requests)
        return cls(services, Housekeeping(shelves, ledger, policy))
