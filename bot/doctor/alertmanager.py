"""Alertmanager, where the alert gate asks it."""

from bot.doctor.finding import Check, Skipped
from bot.settings import Settings
from integrations.alertmanager import Alertmanager


def checks(settings: Settings) -> tuple[Check, ...]:
    async def firing() -> str:
        if not settings.alertmanager.url:
            raise Skipped("not used: PILOTHOUSE_ALERTMANAGER__URL is not set, so no gate looks at alerts")
        async with Alertmanager(settings.alertmanager) as client:
            await client.firing({"alertname": "PilothouseDoctor"})
        return "it answers"

    fix = "Check PILOTHOUSE_ALERTMANAGER__URL and its token, and that it is up."
    return (Check("Alertmanager", "reachable", firing, fix),)
