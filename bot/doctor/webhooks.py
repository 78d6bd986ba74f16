"""Webhooks: whether each receiver has the secret without which it refuses everything."""

from bot.doctor.finding import Check, Skipped
from bot.settings import Settings
from bot.webhooks.assembly import SENDERS
from bot.webhooks.sender import Sender


def checks(settings: Settings) -> tuple[Check, ...]:
    return (*(_receiver(settings, sender) for sender in SENDERS), _pipeline(settings))


def _pipeline(settings: Settings) -> Check:
    variable = "PILOTHOUSE_WEBHOOKS__PIPELINE_TOKEN"

    async def look() -> str:
        if not settings.webhooks.credential("pipeline_token")():
            raise Skipped(f"off: {variable} is not set, so locks and freezes do not hold what the pipeline writes")
        return "on: /pipeline/hold answers with the token"

    return Check("webhooks", "pipeline", look, f"Make the file of {variable}_FILE readable, or set {variable}.")


def _receiver(settings: Settings, sender: type[Sender]) -> Check:
    variable = f"PILOTHOUSE_WEBHOOKS__{sender.setting.upper()}"

    async def look() -> str:
        if not settings.webhooks.credential(sender.setting)():
            raise Skipped(f"off: {variable} is not set, so {sender.without}")
        return f"on: /webhooks/{sender.name} needs the secret"

    return Check("webhooks", sender.name, look, f"Make the file of {variable}_FILE readable, or set {variable}.")
