"""Edits a card, and dies when Slack has the edit and the database not."""

import asyncio
import os
import signal
import time
from dataclasses import dataclass
from pathlib import Path

import msgspec

from bot.notify.messages import Places
from bot.ports import Posted, Rendered
from bot.store import card_leases
from bot.store.database import Database
from bot.store.messages import Messages
from tests.restart.outside import LastingMessenger, World

CARD = ("p-1", "C0DEPLOY")


class DyingMessenger(LastingMessenger):
    async def update(self, posted: Posted, message: Rendered) -> None:
        await super().update(posted, message)
        os.kill(os.getpid(), signal.SIGKILL)


@dataclass(frozen=True)
class Edit:
    """`seconds`: for which the card is leased."""

    database_url: str
    world: str
    seconds: float
    text: str


async def edit(told: Edit) -> None:
    messages = Messages(Database(told.database_url))
    await messages.threads.want(*CARD, Rendered(told.text), time.time())
    await Places(messages, DyingMessenger(World(Path(told.world)))).bring(*CARD)


def main(file: str) -> None:
    told = msgspec.json.decode(Path(file).read_bytes(), type=Edit)
    card_leases.CARD_LEASE = told.seconds
    asyncio.run(edit(told))
