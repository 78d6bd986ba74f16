"""The router behind a real Bolt application, connected by Socket Mode to a Slack on a real socket."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from slack_bolt.adapter.socket_mode.async_handler import AsyncSocketModeHandler
from slack_bolt.async_app import AsyncApp
from slack_sdk.web.async_client import AsyncWebClient

from bot.ports import Messenger, Modals
from bot.router import Router, bolt_app, open_router
from bot.views.ids import Menu, shortcut_id
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.model import Shortcut
from integrations.sandbox.slack.server import APP_TOKEN, BOT_TOKEN, SIGNING_SECRET, SlackServer
from integrations.slack import SlackApi, SlackMessenger, SlackModals
from tests.fakes.command_harness import CommandHarness
from tests.waiting import until

CHANNEL = "deployments"


@dataclass
class Bot:
    """The workspace, and the bot that is connected to it."""

    slack: SlackServer
    harness: CommandHarness
    router: Router
    app: AsyncApp
    api: SlackApi

    async def says(self, who: str, text: str, channel: str = CHANNEL) -> str:
        """Type a command; what the bot answers to that person alone."""
        before = len(self.whispers(who, channel))
        typed = await self.slack.command(who, channel, text)
        assert typed["acked"], typed
        await until(lambda: len(self.whispers(who, channel)) > before)
        return str(self.whispers(who, channel)[-1]["text"])

    def whispers(self, who: str, channel: str = CHANNEL) -> list[dict[str, Any]]:
        return [message for message in self.slack.messages(channel, who) if message.get("ephemeral")]

    async def view(self, who: str, callback_id: str | None = None) -> dict[str, Any]:
        """The modal that the person sees, once it is there (and is the one that is waited for)."""

        def there() -> bool:
            views = self.slack.views(who)
            return bool(views) and (callback_id is None or views[-1].get("callback_id") == callback_id)

        await until(there)
        return dict(self.slack.views(who)[-1])

    async def idle(self) -> None:
        """Wait until nothing runs any more."""
        await until(lambda: not len(self.router._tasks))


@pytest.fixture
async def bot(tmp_path: Path) -> AsyncIterator[Bot]:
    harness = CommandHarness(database_url=f"sqlite:///{tmp_path / 'words.db'}")
    await harness.safety.create()
    commands = [each.command for each in harness.registry.slash_commands()]
    slack = SlackServer(commands=commands, limits=RateLimits(enabled=False))
    async with AsyncExitStack() as stack:
        stack.push_async_callback(harness.safety.database.close)
        url = await stack.enter_async_context(serve(slack.app))
        slack.public_url = url
        slack.config.shortcuts = tuple(
            Shortcut(shortcut_id(menu, verb), menu, one.name, one.description)
            for menu in Menu
            for verb, one in harness.registry.shortcuts().items()
        )
        stack.push_async_callback(slack.aclose)
        api = SlackApi(lambda: BOT_TOKEN, f"{url}/api/")
        stack.push_async_callback(api.aclose)
        services = {**harness.services, Messenger: SlackMessenger(api), Modals: SlackModals(api)}
        router = open_router(harness.registry, services)
        app = bolt_app(router, api.client, lambda: BOT_TOKEN, lambda: SIGNING_SECRET)
        handler = AsyncSocketModeHandler(app, APP_TOKEN, web_client=AsyncWebClient(base_url=f"{url}/api/"))
        await handler.connect_async()  # type: ignore[no-untyped-call]
        stack.push_async_callback(handler.close_async)
        stack.push_async_callback(router.drain, 1)
        await until(lambda: slack.connections)
        yield Bot(slack, harness, router, app, api)
