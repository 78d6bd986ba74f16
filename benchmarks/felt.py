"""What a person waits for, in round trips: from the command to the card, its button, the vote, the commit, Healthy.

`python -m benchmarks.felt` starts the sandbox's systems, each 150 ms away, and the bot beside them, and deploys two
apps one after the other: the first after a start, then warm. Of each stretch it prints how many requests stood one
behind the other, which they were, and how many there were in all. The baseline is that chain itself without any waste:
its number of requests times 150 ms. What goes on beside it (observers, copies of cards) may stand in a chain where
nothing else did.
"""

import asyncio
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from benchmarks._distance import ROUND_TRIP, Asked, Distance, Record
from benchmarks._goals import goal
from integrations.sandbox.clock import Clock
from integrations.sandbox.main import free_port
from integrations.sandbox.world import World, running

Json = dict[str, Any]
SYSTEMS = ("git", "harbor", "argocd", "kubernetes", "slack")
FAST = 20
"""times: builds and rollouts of the stand-ins"""
GOALS = {"card": 4, "button": 7, "vote": 2, "commit": 5}
"""Requests one behind the other, warm."""
READS = 2
"""seconds that a person takes before they press"""
AFTER_A_START = 3
"""how many more there may be the first time"""


class FarWorld(World):
    """The sandbox's world, to which the bot's every request takes its time."""

    def __init__(self, data: Path, ways: dict[str, str]) -> None:
        super().__init__(data, Clock(FAST), free_port())
        self._ways = ways

    def bot_settings(self) -> dict[str, str]:
        near, self.urls = self.urls, self._ways
        try:
            return super().bot_settings()
        finally:
            self.urls = near


@dataclass(frozen=True)
class Stretch:
    """From one moment to the next one that a person sees."""

    name: str
    seconds: float
    chain: tuple[Asked, ...]
    requests: int

    def told(self) -> str:
        names = " → ".join(f"{one.system} {one.what.rpartition('/')[2]}" for one in self.chain)
        waste = self.seconds / (len(self.chain) * ROUND_TRIP) if self.chain else 0
        return (
            f"  {self.name:<8} {self.seconds:5.2f} s  {len(self.chain):2} one behind the other "
            f"({waste:.2f}× their time), {self.requests} in all\n           {names}"
        )


class Person:
    """Who deploys, looks at the channel, and approves."""

    def __init__(self, world: World, record: Record) -> None:
        self._world = world
        self._record = record

    async def deploys(self, app: str, *, warm: bool) -> list[Stretch]:
        if warm:
            await self._world.slack.command("ana", "deployments", f"/status {app}")
            await asyncio.sleep(READS)
        begun = time.monotonic()
        await self._world.slack.command("ana", "deployments", f"/deploy {app} prod")
        card = await self._sees(lambda: self._card(app))
        carded = time.monotonic()
        await self._sees(lambda: _offers(self._card(app), "Approve"))
        offered = time.monotonic()
        await asyncio.sleep(READS)
        heads = await self._world.git.head()
        pressed = time.monotonic()
        await self._world.slack.act("bo", "deployments", card["ts"], None, label="Approve")
        await self._sees(lambda: not _offers(self._card(app), "Approve"))
        voted = time.monotonic()
        while await self._world.git.head() == heads:  # noqa: ASYNC110 (a person looks)
            await asyncio.sleep(0.005)
        committed = time.monotonic()
        await self._sees(lambda: "Healthy" in str(self._card(app)))
        healthy = time.monotonic()
        return [
            self._stretch("card", begun, carded),
            self._stretch("button", begun, offered),
            self._stretch("vote", pressed, voted),
            self._stretch("commit", pressed, committed),
            self._stretch("Healthy", committed, healthy),
        ]

    def _stretch(self, name: str, begun: float, ended: float) -> Stretch:
        chain = self._record.chain(begun, ended)
        return Stretch(name, ended - begun, tuple(chain), len(self._record.between(begun, ended)))

    def _card(self, app: str) -> Json | None:
        for message in reversed(self._world.slack.messages("deployments", "ana")):
            if f"{app} " in message["text"] and message.get("blocks") and not message.get("ephemeral"):
                return dict(message)
        return None

    async def _sees(self, looks: Callable[[], Any]) -> Any:
        async with asyncio.timeout(120):
            while not (found := looks()):  # noqa: ASYNC110
                await asyncio.sleep(0.005)
        return found


def _offers(card: Json | None, label: str) -> bool:
    return card is not None and f"'{label}'" in str(card["blocks"])


async def main() -> None:
    record = Record()
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        ways: dict[str, str] = {}
        world = FarWorld(data, ways)
        for name in SYSTEMS:
            way = Distance(name, lambda name=name: world.urls[name], record)  # type: ignore[misc]
            ways[name] = await stack.enter_async_context(way.open())
        await stack.enter_async_context(running(world))
        if not await world.connected():
            raise RuntimeError(f"the bot did not come up:\n{(data / 'bot.log').read_text()[-2000:]}")
        person = Person(world, record)
        apps = [app for app in ("my-app", "ledger") if app in str(await world.snapshot())]
        for number, app in enumerate(apps):
            print(f"{app}, {'the first after a start' if not number else 'warm'}")
            stretches = await person.deploys(app, warm=number > 0)
            for stretch in stretches:
                print(stretch.told())
            for stretch in stretches:
                if at_most := GOALS.get(stretch.name):
                    bound = at_most + (0 if number else AFTER_A_START)
                    goal(f"{stretch.name}: requests one behind the other", len(stretch.chain), at_most=bound)


if __name__ == "__main__":
    asyncio.run(main())
