"""A real Alertmanager, with the configuration of deploy/, delivers to the bot's own route; the message is in Slack."""

import asyncio
from pathlib import Path

from pydantic import SecretStr
from starlette.applications import Starlette

from bot.settings import Settings, WebhookSettings
from bot.webhooks import open_webhooks
from integrations.sandbox.serving import serve
from tests.unit.bot.webhooks.conftest import WebhookHarness
from tests.unit.deploy.test_alertmanager import TOKEN, alert, alertmanager, configuration, running
from tests.waiting import until

__all__ = ["alertmanager"]


async def test_an_alert_is_seen_in_slack_and_edited_when_it_is_over(
    harness: WebhookHarness, alertmanager: str, tmp_path: Path
) -> None:
    settings = Settings(webhooks=WebhookSettings(alertmanager_token=SecretStr(TOKEN)))
    webhooks = open_webhooks(settings, harness.needs, clock=harness.clock)
    working = asyncio.gather(webhooks.worker.work_forever(), harness.outbox.deliver_forever())
    told = {
        "alertname": "ArgoCDSyncFailed",
        "app": "my-app",
        "environment": "staging",
        "part_of": "pilothouse-platform",
    }
    firing = {**alert("x"), "labels": told, "generatorURL": "http://prometheus.example.com/graph"}
    try:
        async with (
            serve(Starlette(routes=webhooks.routes)) as url,
            running(alertmanager, configuration(url, tmp_path)) as client,
        ):
            (await client.post("/api/v2/alerts", json=[firing])).raise_for_status()
            await until(lambda: harness.messenger.in_channel("C0DEPLOY"))
            (message,) = harness.messenger.in_channel("C0DEPLOY")
            assert message.shown.text.startswith("🟠 *x happened*")
            ended = {**firing, "endsAt": "2020-01-01T00:00:00Z"}
            (await client.post("/api/v2/alerts", json=[ended])).raise_for_status()
            await until(lambda: message.shown.text.startswith("✅ Resolved: *x happened*"))
    finally:
        working.cancel()
        await asyncio.gather(working, return_exceptions=True)
    assert harness.messenger.in_channel("C0DEPLOY") == [message]
