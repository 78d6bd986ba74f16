"""Where things are kept: one store a table, all over one database."""

from dataclasses import dataclass
from typing import Self

from bot.ports import Clock
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.delegations import DelegationStore
from bot.store.deliveries import DeliveryStore
from bot.store.delivery_news import NewsStore
from bot.store.followed_runs import FollowedRunStore
from bot.store.freezes import FreezeStore
from bot.store.leases import LeaseStore
from bot.store.locks import LockStore
from bot.store.messages import Messages
from bot.store.mutes import MuteStore
from bot.store.parsed_overlays import ParsedOverlayStore
from bot.store.promotions import PromotionStore
from bot.store.queue import QueueStore
from bot.store.rejections import RejectionStore
from bot.store.replicas import ReplicaStore
from bot.store.requests import RequestStore
from bot.store.reviews import ReviewStore
from bot.store.started_runs import StartedRunStore
from bot.store.subscriptions import SubscriptionStore
from bot.store.webhooks import WebhookStore


@dataclass(frozen=True)
class Stores:
    database: Database
    audit: Audit
    promotions: PromotionStore
    queue: QueueStore
    locks: LockStore
    freezes: FreezeStore
    rejections: RejectionStore
    reviews: ReviewStore
    delegations: DelegationStore
    deliveries: DeliveryStore
    news: NewsStore
    leases: LeaseStore
    messages: Messages
    mutes: MuteStore
    subscriptions: SubscriptionStore
    followed_runs: FollowedRunStore
    started_runs: StartedRunStore
    requests: RequestStore
    webhooks: WebhookStore
    replicas: ReplicaStore
    parsed_overlays: ParsedOverlayStore

    @classmethod
    def of(cls, database: Database, clock: Clock) -> Self:
        """Nobody is asked yet."""
        return cls(
            database,
            Audit(database, clock),
            PromotionStore(database, clock),
            QueueStore(database),
            LockStore(database, clock),
            FreezeStore(database, clock),
            RejectionStore(database),
            ReviewStore(database),
            DelegationStore(database, clock),
            DeliveryStore(database),
            NewsStore(database),
            LeaseStore(database),
            Messages(database),
            MuteStore(database),
            SubscriptionStore(database),
            FollowedRunStore(database),
            StartedRunStore(database),
            RequestStore(database),
            WebhookStore(database),
            ReplicaStore(database),
            ParsedOverlayStore(database),
        )


def journal_url(database_url: str) -> str:
    """The journal of the stories: beside the tables in Postgres, in a file of its own beside SQLite's."""
    return f"{database_url}.journal" if database_url.startswith("sqlite") else database_url
