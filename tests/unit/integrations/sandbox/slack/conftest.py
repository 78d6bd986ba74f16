"""A Slack workspace on a real socket, and a real slack-bolt app connected to it."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from integrations.sandbox.serving import serve
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackServer
from tests.waiting import until


@dataclass
class Workspace:
    """The stand-in, and the SDK's client of the bot that is pointed at it."""

    slack: SlackServer
    url: str
    client: AsyncWebClient

    def bolt(self) -> AsyncApp:
        return AsyncApp(client=self.client, signing_secret=SIGNING_SECRET)


@pytest.fixture
async def workspace() -> AsyncIterator[Workspace]:
    slack = SlackServer(commands=["/deploy", "/status"], limits=RateLimits(enabled=False))
    async with serve(slack.app) as url:
        slack.public_url = url
        yield Workspace(slack, url, AsyncWebClient(BOT_TOKEN, base_url=f"{url}/api/"))
        await slack.aclose()


Connect = Callable[[AsyncApp], Awaitable[AsyncSocketModeHandler]]


@pytest.fixture
async def connect(workspace: Workspace) -> AsyncIterator[Connect]:
    """Connects a bolt app by Socket Mode with the SDK's aiohttp client, and waits until it is there."""
    async with AsyncExitStack() as stack:

        async def connected(app: AsyncApp) -> AsyncSocketModeHandler:
            before = workspace.slack.connections
            web_client = AsyncWebClient(base_url=workspace.client.base_url)
            handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=web_client, ping_interval=1)
            await handler.connect_async()  # type: ignore[no-untyped-call]
            stack.push_async_callback(handler.close_async)
            await until(lambda: workspace.slack.connections > before)
            return handler

        yield connected
