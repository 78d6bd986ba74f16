"""Deliveries of webhooks, on both databases."""

from bot.store.database import Database
from bot.store.webhooks import WebhookStore


async def test_a_delivery_is_new_once(database: Database) -> None:
    store = WebhookStore(database)
    assert await store.note("github", "d-1", "{}", 1.0)
    assert not await store.note("github", "d-1", "{}", 2.0)
    assert await store.note("github", "d-2", "{}", 3.0)
    assert await store.note("harbor", "d-1", "{}", 4.0)
