"""Webhooks: whether each receiver has the secret without which it refuses everything."""

from bot.doctor.finding import Check, Skipped
from bot.settings import Settings

SENDERS = {
    "github": ("github_secret", "pushes are noticed some seconds later"),
    "harbor": ("harbor_token", "finished scans are noticed at the next look"),
    "alertmanager": ("alertmanager_token", "alerts do not reach Slack"),
    "tekton": ("tekton_token", "nobody hears of failed pipeline runs"),
}
"""what is missing without the secret"""


def checks(settings: Settings) -> tuple[Check, ...]:
    return (*(_receiver(settings, name) for name in SENDERS), _pipeline(settings))


def _pipeline(settings: Settings) -> Check:
    variable = "PILOTHOUSE_WEBHOOKS__PIPELINE_TOKEN"

    async def look() -> str:
        if not settings.webhooks.credential("pipeline_token")():
            raise Skipped(f"off: {variable} is not set, so locks and freezes do not hold what the pipeline writes")
        return "on: /pipeline/hold answers with the token"

    return Check("webhooks", "pipeline", look, f"Make the file of {variable}_FILE readable, or set {variable}.")


def _receiver(settings: Settings, name: str) -> Check:
    secret, without = SENDERS[name]
    variable = f"PILOTHOUSE_WEBHOOKS__{secret.upper()}"

    async def look() -> str:
        if not settings.webhooks.credential(secret)():
            raise Skipped(f"off: {variable} is not set, so {without}")
        return f"on: /webhooks/{name} needs the secret"

    return Check("webhooks", name, look, f"Make the file of {variable}_FILE readable, or set {variable}.")
