"""A real Alertmanager, with the configuration of deploy/, tells the running bot; people see it in their channel."""

import asyncio
from pathlib import Path

from tests.scenario.hearing import observed
from tests.scenario.sandbox import Sandbox, everything_in
from tests.unit.deploy.test_alertmanager import alert, alertmanager, configuration, running

__all__ = ["alertmanager"]

FIRING = {
    **alert("ArgoCDSyncFailed", app="ledger", environment="production", part_of="pilothouse-platform"),
    "generatorURL": "http://prometheus.example.com/graph",
}


async def test_an_alert_arrives_in_slack_and_the_same_message_says_when_it_is_over(
    sandbox: Sandbox, alertmanager: str, tmp_path: Path
) -> None:
    token = (sandbox.data / "secrets" / "webhooks__alertmanager_token").read_text()
    bot = sandbox.world()["bot"]["url"]
    async with running(alertmanager, configuration(bot, tmp_path, token)) as client:
        (await client.post("/api/v2/alerts", json=[FIRING])).raise_for_status()
        ts = await asyncio.to_thread(waited_for, sandbox, "ArgoCDSyncFailed happened", "ledger")
        (await client.post("/api/v2/alerts", json=[{**FIRING, "endsAt": "2020-01-01T00:00:00Z"}])).raise_for_status()
        assert await asyncio.to_thread(waited_for, sandbox, "Resolved", "ArgoCDSyncFailed happened") == ts


def waited_for(sandbox: Sandbox, *words: str) -> str:
    """Where the message with all of these words is, once ana sees it."""

    def found() -> str | None:
        seen = sandbox.messages("ana")
        return next((m["ts"] for m in seen if all(word in everything_in(m) for word in words)), None)

    return sandbox.until(found, f"a message with {words}")


def test_many_deployments_at_once_are_few_messages_and_none_is_lost(sandbox: Sandbox) -> None:
    observed(sandbox)
    sandbox.types("bo", "/subscribe deployed here")
    sandbox.whisper("bo", "hears about")
    sandbox.faults(weather={"git": "down"})  # so that the bot sees all of them at one look
    tags = {"ledger": "v0.9.0", "my-app": "v1.3.9", "payments": "7.10", "storefront": "v2.0.4"}
    for app, tag in tags.items():
        for environment in ("development", "staging", "production"):
            sandbox.post("/api/world/commits", {"app": app, "environment": environment, "tag": tag})

    sandbox.faults(weather={"git": "fine"})

    def told() -> list[str]:
        return [text for m in sandbox.messages("ana") if "by hand in git" in (text := everything_in(m))]

    def whole() -> bool:
        lines = "\n".join(told()).splitlines()
        return all(any(app in line and tag in line and env in line for line in lines)
                   for app, tag in tags.items() for env in ("development", "staging", "production"))  # fmt: skip

    sandbox.until(whole, "news of all twelve", told)
    assert len(told()) <= 5
