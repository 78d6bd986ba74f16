"""What everything else stands on: settings, policy, the database with its stores, and the clients of other systems."""

import asyncio
from contextlib import AsyncExitStack
from dataclasses import dataclass

from bot.app.clients import Outside, open_outside
from bot.app.safety import Stores
from bot.notify.channels import ChannelIds
from bot.notify.copies import Copies
from bot.notify.outbox import Outbox
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy
from bot.settings import Settings
from bot.store.audit import Audit
from bot.store.database import Database
from bot.store.deliveries import DeliveryStore
from bot.store.messages import Messages
from bot.store.promotions import PromotionStore
from bot.store.subscriptions import SubscriptionStore


@dataclass(frozen=True)
class Foundation:
    """Made once; one of each."""

    settings: Settings
    policy: Policy
    database: Database
    outside: Outside
    store: PromotionStore
    audit: Audit
    messages: Messages
    subscriptions: SubscriptionStore
    words: Stores
    copies: Copies
    outbox: Outbox
    channels: ChannelIds
    deliveries: DeliveryStore
    catalog: Catalog
    image_locations: ImageLocations
    begin: asyncio.Event
    """set when a story has been written down and waits to be begun, or when one has ended"""


async def lay_foundation(settings: Settings, policy: Policy, stack: AsyncExitStack) -> Foundation:
    """`stack` takes apart what must be. Nobody is asked yet, the database neither."""
    database = Database(settings.database_url)
    stack.push_async_callback(database.close)
    outside = await open_outside(settings, policy, stack)
    stores = Stores.of(database)
    catalog, messages, store = Catalog(outside.overlays, policy), Messages(database), PromotionStore(database)
    return Foundation(
        settings=settings,
        policy=policy,
        database=database,
        outside=outside,
        store=store,
        audit=Audit(database),
        messages=messages,
        subscriptions=SubscriptionStore(database),
        words=stores,
        copies=Copies(messages, outside.messenger, stores.mutes, policy),
        outbox=Outbox(messages, outside.messenger),
        channels=ChannelIds(),
        deliveries=DeliveryStore(database),
        catalog=catalog,
        image_locations=ImageLocations(catalog, outside.overlays, outside.registry, store),
        begin=asyncio.Event(),
    )
