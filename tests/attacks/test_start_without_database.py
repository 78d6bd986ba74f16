"""The bot is started while its database is away: it waits, says for what, and begins when it is there."""

import asyncio
import sqlite3
from collections import Counter
from collections.abc import AsyncIterator, Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, asynccontextmanager, contextmanager, nullcontext
from pathlib import Path

import httpx
import pytest
from pydantic import SecretStr
from structlog.testing import capture_logs

from bot.app.lifetime import run
from bot.background.roster import RosterUpdates
from bot.notify.channels import ChannelIds
from bot.settings import Settings
from bot.workflow.durable import DurableEngine
from integrations.sandbox.ports import free_port

POLICY = """
environments:
  - name: production
"""
SECONDS = 20.0


@pytest.fixture
def settings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Settings:
    monkeypatch.setattr("bot.store.database.BUSY_SECONDS", 0.1)
    monkeypatch.setattr("bot.workflow.journal_outage.CHECK_SECONDS", 0.1)
    monkeypatch.setattr("bot.app.lifetime.START_PAUSE", 0.05)
    (tmp_path / "pilothouse.yaml").write_text(POLICY)
    (tmp_path / "data").mkdir()
    nobody = f"http://127.0.0.1:{free_port()}/"
    return Settings.model_validate(
        {
            "policy_file": tmp_path / "pilothouse.yaml",
            "database_url": f"sqlite:///{tmp_path / 'data' / 'pilothouse.db'}",
            "data_dir": tmp_path,
            "host": "127.0.0.1",
            "port": free_port(),
            "slack": {"mode": "http", "bot_token": "xoxb-1", "signing_secret": "s", "api_url": nobody},
            "argocd": {"url": nobody, "token": "t"},
            "harbor": {"url": nobody, "username": "u", "password": "p"},
            "git": {"url": f"{nobody}deploy.git"},
        }
    )


@asynccontextmanager
async def started(settings: Settings) -> AsyncIterator[httpx.AsyncClient]:
    bot = asyncio.create_task(run(settings))
    url = f"http://127.0.0.1:{settings.port}"
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        try:
            await until(bot, http, lambda answer: True)
            yield http
            assert not bot.done(), bot.exception()
        finally:
            bot.cancel()
            await asyncio.gather(bot, return_exceptions=True)


async def until(bot: asyncio.Task[None] | None, http: httpx.AsyncClient, so: Callable[[httpx.Response], bool]) -> None:
    async with asyncio.timeout(SECONDS):
        while True:
            if bot and bot.done():
                bot.result()
            try:
                if so(await http.get("/readyz")):
                    return
            except httpx.ConnectError:
                pass
            await asyncio.sleep(0.02)


@contextmanager
def held(file: str) -> Iterator[None]:
    """Another process has it for itself."""
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("PRAGMA journal_mode=WAL")
    other.execute("BEGIN IMMEDIATE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def held_before_it_was_made(file: str) -> Iterator[None]:
    other = sqlite3.connect(file, isolation_level=None)
    other.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        other.close()


@contextmanager
def held_journal(file: str) -> Iterator[None]:
    with held_before_it_was_made(f"{file}.journal"):
        yield


@contextmanager
def not_mounted(file: str) -> Iterator[None]:
    """The directory of the database is not there yet."""
    directory = Path(file).parent
    later = directory.rename(f"{directory}.later")
    try:
        yield
    finally:
        later.rename(directory)


@contextmanager
def no_database(file: str) -> Iterator[None]:
    """What is in its place cannot be opened."""
    Path(file).mkdir()
    try:
        yield
    finally:
        Path(file).rmdir()


AWAY = (held, held_before_it_was_made, held_journal, not_mounted, no_database)


@pytest.mark.parametrize("away", AWAY, ids=lambda away: away.__name__)
async def test_a_start_waits_for_its_database_and_says_so(
    settings: Settings, away: Callable[[str], AbstractContextManager[None]]
) -> None:
    file = settings.database_url.removeprefix("sqlite:///")
    with capture_logs() as lines:
        outage = away(file)
        outage.__enter__()
        there = False
        try:
            async with started(settings) as http:
                await until(None, http, lambda _: any(line["event"] == "database.unavailable" for line in lines))
                answer = await http.get("/readyz")
                assert (answer.status_code, answer.json()["taking work"]) == (503, False)
                assert answer.json()["durable engine"] is False
                metrics = await http.get("/metrics")
                assert (metrics.status_code, "pilothouse_stream_alive" in metrics.text) == (200, True)
                assert (await http.get("/livez")).status_code == 200
                outage.__exit__(None, None, None)
                there = True
                await until(None, http, lambda answer: answer.status_code == 200)
                assert all((await http.get("/livez")).json().values())
        finally:
            if not there:
                outage.__exit__(None, None, None)
    told = Counter(line["what"] for line in lines if line["event"] == "database.unavailable")
    assert set(told.values()) == {1}, "once a minute is enough"
    assert not [line for line in lines if line.get("exc_info")]


async def test_a_postgres_that_nobody_listens_for_is_waited_for(settings: Settings) -> None:
    url = f"postgresql://pilothouse@127.0.0.1:{free_port()}/pilothouse"
    with capture_logs() as lines:
        async with started(settings.model_copy(update={"database_url": url})) as http:
            await until(None, http, lambda _: any(line["event"] == "database.unavailable" for line in lines))
            answer = await http.get("/readyz")
            assert (answer.status_code, answer.json()["database"]) == (503, False)
            assert (await http.get("/livez")).status_code == 200
    assert not [line for line in lines if line.get("exc_info")]


async def test_a_start_that_waits_can_be_stopped(settings: Settings) -> None:
    with held(settings.database_url.removeprefix("sqlite:///")):
        async with started(settings):
            pass
    async with started(settings) as http:
        await until(None, http, lambda answer: answer.status_code == 200)


async def test_no_story_goes_on_before_slack_has_named_channels_and_people(
    settings: Settings, monkeypatch: pytest.MonkeyPatch
) -> None:
    order: list[str] = []

    def noted(owner: type, method: str) -> None:
        real = getattr(owner, method)

        async def first_others(*args: object) -> None:
            await asyncio.sleep(0.05)
            order.append(method)
            await real(*args)
            order.append(f"{method} is over")

        monkeypatch.setattr(owner, method, first_others)

    for owner, method in ((DurableEngine, "launch"), (RosterUpdates, "first"), (ChannelIds, "learn")):
        noted(owner, method)
    async with started(settings) as http:
        await until(None, http, lambda answer: answer.status_code == 200)
    assert order[-2:] == ["launch", "launch is over"]
    assert {*order[:-2]} == {"first", "first is over", "learn", "learn is over"}


@pytest.mark.parametrize("away", [None, held, held_journal], ids=["there", "held", "held_journal"])
async def test_what_needs_no_slack_begins_while_slack_is_away(
    settings: Settings, monkeypatch: pytest.MonkeyPatch, away: Callable[[str], AbstractContextManager[None]] | None
) -> None:
    """Slack's connection is tried for as long as it takes: promotions, locks and other replicas do not wait for it."""
    monkeypatch.setattr("bot.app.lifetime.CONNECTED_SECONDS", 0.05)
    slack = settings.slack.model_copy(update={"mode": "socket", "app_token": SecretStr("xapp-1")})
    settings = settings.model_copy(update={"slack": slack})
    outage = away(settings.database_url.removeprefix("sqlite:///")) if away else nullcontext()
    with capture_logs() as lines, ExitStack() as stack:
        stack.enter_context(outage)
        async with started(settings) as http:
            if away:
                await until(None, http, lambda _: any(line["event"] == "database.unavailable" for line in lines))
            stack.close()
            await until(None, http, lambda answer: answer.json().get("taking work", False))
            answer = await http.get("/readyz")
            assert (answer.status_code, answer.json()["slack"]) == (503, False)
            async with asyncio.timeout(SECONDS):
                while "promotions" not in (alive := (await http.get("/livez")).json()):  # noqa: ASYNC110 (no event)
                    await asyncio.sleep(0.02)
            assert all(alive.values())
