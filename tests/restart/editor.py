"""Edits a card, and dies when Slack has the edit and the database not: `tests.restart.editor URL WORLD SECONDS TEXT`.

`SECONDS`: for which the card is leased.
"""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path

from bot.notify.places import Places
from bot.ports import Posted, Rendered
from bot.store import messages as store
from bot.store.database import Database
from tests.restart.outside import LastingMessenger, World

CARD = ("p-1", "C0DEPLOY")


class DyingMessenger(LastingMessenger):
    async def update(self, posted: Posted, message: Rendered) -> None:
        await super().update(posted, message)
        os.kill(os.getpid(), signal.SIGKILL)


async def edit(database_url: str, world: str, text: str) -> None:
    messages = store.Messages(Database(database_url))
    await messages.want(*CARD, Rendered(text), time.time())
    await Places(messages, DyingMessenger(World(Path(world)))).bring(*CARD)


if __name__ == "__main__":
    store.CARD_LEASE = float(sys.argv[3])
    asyncio.run(edit(sys.argv[1], sys.argv[2], sys.argv[4]))
