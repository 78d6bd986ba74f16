"""What is to be said, and where it is said."""

import asyncio

from bot.store.database import Database
from bot.store.outbox import OutboxStore
from bot.store.threads import ThreadStore


class Messages:
    """The outbox, and the threads that it speaks in; `changed` is set whenever there may be something to deliver."""

    def __init__(self, database: Database) -> None:
        self.changed = asyncio.Event()
        self.threads = ThreadStore(database, self.changed)
        self.outbox = OutboxStore(database, self.threads, self.changed)
