"""What a person waits for, in round trips: from the command to the card, its button, the vote, the commit, Healthy.

`python -m benchmarks.felt [git] [github] [pull-request]` starts the sandbox's systems, each 150 ms away, and the bot
beside them, and deploys two apps one after the other: the first after a start, then warm. It does so for each way to
change the overlays: on any git server, on GitHub, and there by pull request. Of each stretch it prints how many
requests stood one behind the other, which they were, and how many there were in all. The baseline is that chain itself
without any waste: its number of requests times 150 ms. What goes on beside it (observers, copies of cards) may stand in
a chain where nothing else did.
"""

import asyncio
import re
import sys
import tempfile
import time
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa

from benchmarks._distance import ROUND_TRIP, Asked, Distance, Record
from benchmarks._goals import goal
from integrations.sandbox.clock import Clock
from integrations.sandbox.github import App, GitHubServer, GitHubServerSettings
from integrations.sandbox.ports import free_port
from integrations.sandbox.serving import serve
from integrations.sandbox.world import World, running

Json = dict[str, Any]
SYSTEMS = ("git", "github", "harbor", "argocd", "kubernetes", "slack")
FAST = 20
"""times: builds and rollouts of the stand-ins"""
GOALS = {"card": 4, "button": 7, "vote": 2, "commit": 5}
"""Requests one behind the other, warm."""
READS = 2
"""seconds that a person takes before they press"""
AFTER_A_START = 3
"""how many more there may be the first time"""


REPOSITORY = "example/deploy"


@dataclass(frozen=True)
class Way:
    """How the overlays are changed."""

    name: str
    on_github: bool = False
    mode: str = "commit"


WAYS = (Way("git"), Way("github", on_github=True), Way("pull-request", on_github=True, mode="pull-request"))


class FarWorld(World):
    """The sandbox's world, to which the bot's every request takes its time; `far`: where it reaches each system."""

    def __init__(self, data: Path, way: Way) -> None:
        super().__init__(data, Clock(FAST), free_port())
        self.far: dict[str, str] = {}
        self._way = way
        self._key = rsa.generate_private_key(65537, 2048)
        public = self._key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo
        )
        app = App(id=7, client_id="Iv1.pilothouse", slug="pilothouse", installation_id=11, public_key=public.decode())
        self.github = GitHubServer(self.git, REPOSITORY, GitHubServerSettings(app=app))

    def bot_settings(self) -> dict[str, str]:
        near, self.urls = self.urls, self.far
        try:
            return super().bot_settings() | (self._github_settings() if self._way.on_github else {})
        finally:
            self.urls = near

    def _github_settings(self) -> dict[str, str]:
        private = self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )
        return {
            "PILOTHOUSE_GITHUB__API_URL": self.far["github"],
            "PILOTHOUSE_GITHUB__REPOSITORY": REPOSITORY,
            "PILOTHOUSE_GITHUB__APP_ID": "7",
            "PILOTHOUSE_GITHUB__INSTALLATION_ID": "11",
            "PILOTHOUSE_GITHUB__PRIVATE_KEY": private.decode(),
        }

    def _policy(self) -> str:
        production = "- name: production\n"
        policy = super()._policy()
        assert production in policy
        return policy.replace(production, f"{production}    mode: {self._way.mode}\n")


@dataclass(frozen=True)
class Stretch:
    """From one moment to the next one that a person sees."""

    name: str
    seconds: float
    chain: tuple[Asked, ...]
    requests: int

    def told(self) -> str:
        names = " → ".join(f"{one.system} {_short(one.what)}" for one in self.chain)
        waste = self.seconds / (len(self.chain) * ROUND_TRIP) if self.chain else 0
        return (
            f"  {self.name:<8} {self.seconds:5.2f} s  {len(self.chain):2} one behind the other "
            f"({waste:.2f}× their time), {self.requests} in all\n           {names}"
        )


def _short(what: str) -> str:
    """The end of the path of a request, without what stands in it for a commit, a file or an image."""
    words = re.sub(r"[0-9a-f]{12,}", "…", what.partition(" ")[2]).strip("/").split("/")
    return "/".join(words[-2:])


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


async def measure(way: Way) -> None:
    record = Record()
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        world = FarWorld(data, way)
        world.urls["github"] = await stack.enter_async_context(serve(world.github.app))
        for name in SYSTEMS:
            distance = Distance(name, lambda name=name: world.urls[name], record)  # type: ignore[misc]
            world.far[name] = await stack.enter_async_context(distance.open())
        await stack.enter_async_context(running(world))
        if not await world.connected():
            raise RuntimeError(f"the bot did not come up:\n{(data / 'bot.log').read_text()[-2000:]}")
        person = Person(world, record)
        apps = [app for app in ("my-app", "ledger") if app in str(await world.snapshot())]
        for number, app in enumerate(apps):
            print(f"{way.name}: {app}, {'the first after a start' if not number else 'warm'}", flush=True)
            stretches = await person.deploys(app, warm=number > 0)
            for stretch in stretches:
                print(stretch.told())
            for stretch in stretches:
                judge(stretch, way, is_first=not number)


def judge(stretch: Stretch, way: Way, *, is_first: bool) -> None:
    """A pull request is a branch, a commit, and itself, at least a second apart (G16): that has no goal of its own."""
    at_most = GOALS.get(stretch.name)
    if at_most and not (stretch.name == "commit" and way.mode == "pull-request"):
        at_most += AFTER_A_START if is_first else 0
        goal(f"{way.name}, {stretch.name}: requests one behind the other", len(stretch.chain), at_most=at_most)


async def main(names: list[str]) -> None:
    for way in WAYS:
        if not names or way.name in names:
            await measure(way)


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1:]))
