"""How the bot is reached: its HTTP port, and Slack by our own connection (Socket Mode) or by its requests."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Iterator, Mapping
from contextlib import asynccontextmanager

import uvicorn
from slack_bolt.adapter.socket_mode.aiohttp import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from starlette.types import ASGIApp

from bot.app.backlog import Backlog
from bot.app.connections import BoundedProtocol
from bot.app.parts import Pilothouse
from bot.app.web import READY_SECONDS, web, within
from bot.router.http import SlackRequests
from bot.router.signature import SlackSignature
from bot.runtime.metrics import REGISTRY, STREAMS
from integrations.slack import SlackApi, SocketMode

HEARS = "hears "
"""begins the names of streams on /readyz"""


class Server(uvicorn.Server):
    """Leaves the process's signals to `run`."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@asynccontextmanager
async def serving(pilothouse: Pilothouse) -> AsyncIterator[None]:
    """The HTTP port is open within. Raises OSError when it is taken."""
    settings = pilothouse.settings
    async with port_open(web_of(pilothouse), settings.host, settings.port):
        yield


@asynccontextmanager
async def port_open(app: ASGIApp, host: str, port: int) -> AsyncIterator[Server]:
    """An application on a port, with the bounds that hold for whoever connects. Raises OSError when it is taken."""
    server = Server(uvicorn.Config(app, host, port, http=BoundedProtocol, ws="none", log_config=None, lifespan="off"))
    task = asyncio.create_task(server.serve())
    while not server.started:
        if task.done():
            raise OSError(f"port {port} of {host} cannot be opened: set PILOTHOUSE_PORT to a free one")
        await asyncio.sleep(0.01)
    try:
        yield server
    finally:
        server.should_exit = True
        await task


def web_of(pilothouse: Pilothouse) -> ASGIApp:
    """The application behind the port, told from the parts."""
    core, http = pilothouse.core, pilothouse.settings.slack.mode == "http"
    secret = pilothouse.settings.slack.credential("signing_secret")
    slack = SlackRequests(pilothouse.bolt, SlackSignature(secret)).answer if http else None
    backlog = Backlog(core.outbox, core.stores.requests, core.seconds)

    async def ready() -> Mapping[str, bool]:
        questions = (core.stores.database.answers(), core.engine.beat(), pilothouse.connected())
        answers = await asyncio.gather(*(within(READY_SECONDS, question) for question in questions))
        names = ("database", "durable engine", "slack")
        return {**dict(zip(names, answers, strict=True)), "taking work": not pilothouse.router.closed}

    def alive() -> Mapping[str, bool]:
        return pilothouse.supervisor.alive

    async def refresh() -> None:
        for name, lives in {**observed(), "slack": await pilothouse.connected()}.items():
            STREAMS.labels(name.removeprefix(HEARS)).set(lives)
        await backlog.refresh()

    def observed() -> Mapping[str, bool]:
        """A stream that is lost looks like a system in which nothing happens."""
        applications = {f"{HEARS}{one.name}": one.alive for one in core.application_observers}
        return {**applications, f"{HEARS}pipeline runs": pilothouse.hears_runs()}

    return web(alive, ready, REGISTRY, refresh, slack, pilothouse.webhooks.routes, observed)


@asynccontextmanager
async def listening(pilothouse: Pilothouse) -> AsyncIterator[None]:
    """Slack can reach us within."""
    if pilothouse.settings.slack.mode == "http":
        pilothouse.connected = _always
        yield
        return
    slack = pilothouse.settings.slack
    api = SlackApi(slack.credential("app_token"), slack.api_url, tls=slack)
    handler = _SocketModeHandler(pilothouse.bolt, SocketMode(api))
    try:
        await handler.connect_async()  # type: ignore[no-untyped-call]
        pilothouse.connected = handler.client.is_connected
        yield
    finally:
        pilothouse.connected = _never
        await handler.close_async()  # type: ignore[no-untyped-call]
        await api.aclose()


class _SocketModeHandler(AsyncSocketModeHandler):
    """Bolt's, with our client: Bolt's own would keep the app-level token that it had at the start."""

    def __init__(self, app: AsyncApp, client: SocketMode) -> None:
        self.app, self.client = app, client
        client.socket_mode_request_listeners.append(self.handle)  # type: ignore[arg-type]


async def _always() -> bool:
    return True


async def _never() -> bool:
    return False
