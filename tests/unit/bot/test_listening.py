"""Socket Mode from the composition root: connected while it listens, and gone afterwards."""

import asyncio
from types import SimpleNamespace
from typing import Any, cast

from slack_bolt.async_app import AsyncApp
from slack_bolt.authorization import AuthorizeResult

from bot.app.parts import Pilothouse
from bot.app.serving import listening
from bot.settings import SlackSettings
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.server import APP_TOKEN, BOT_TOKEN, SlackServer
from integrations.slack import SlackApi


async def authorize(enterprise_id: str | None, team_id: str | None) -> AuthorizeResult:
    return AuthorizeResult(enterprise_id=enterprise_id, team_id=team_id, bot_token=BOT_TOKEN)


async def test_commands_come_by_our_own_connection() -> None:
    """S21, S22."""
    workspace = SlackServer(commands=["/deploy"])
    async with serve(workspace.app) as url:
        workspace.public_url = url
        slack = SlackSettings.model_validate({"bot_token": BOT_TOKEN, "app_token": APP_TOKEN, "api_url": f"{url}/api/"})
        api = SlackApi(slack.credential("bot_token"), slack.api_url)
        bolt = AsyncApp(client=api.client, authorize=authorize, request_verification_enabled=False)

        @bolt.command("/deploy")
        async def deploy(ack: Any) -> None:
            await ack("heard")

        pilothouse = SimpleNamespace(settings=SimpleNamespace(slack=slack), bolt=bolt, connected=None)
        async with listening(cast("Pilothouse", pilothouse)):
            async with asyncio.timeout(30):
                while not workspace.connections:  # noqa: ASYNC110 (the other side has no event to wait for)
                    await asyncio.sleep(0.01)
            assert await cast("Any", pilothouse).connected()
            assert (await workspace.command("ana", "deployments", "/deploy"))["response"] == {"text": "heard"}
        assert not await cast("Any", pilothouse).connected()
        await api.aclose()
        await workspace.aclose()
