"""Webhooks: whether each receiver has the secret without which it refuses everything."""

from bot.doctor.finding import Check, Skipped
from bot.settings import Settings

SENDERS = {
    "github": ("github_secret", "pushes are seen seconds later"),
    "harbor": ("harbor_token", "finished scans are seen when they are next asked for"),
    "alertmanager": ("alertmanager_token", "no alert comes to Slack"),
    "tekton": ("tekton_token", "nobody hears of failed runs"),
}
"""what there is not, without the secret"""


def checks(settings: Settings) -> tuple[Check, ...]:
    return (*(_receiver(settings, name) for name in SENDERS), _pipeline(settings))


def _pipeline(settings: Settings) -> Check:
    variable = "PILOTHOUSE_WEBHOOKS__PIPELINE_TOKEN"

    async def look() -> str:
        if not settings.webhooks.credential("pipeline_token")():
            raise Skipped(
                f"no pipeline can ask, as {variable} is not set: locks and freezes do not hold what it writes"
            )
        return "/pipeline/hold answers who knows the token"

    return Check("webhooks", "pipeline", look, f"Let {variable}_FILE be read, or set {variable}.")


def _receiver(settings: Settings, name: str) -> Check:
    secret, without = SENDERS[name]
    variable = f"PILOTHOUSE_WEBHOOKS__{secret.upper()}"

    async def look() -> str:
        if not settings.webhooks.credential(secret)():
            raise Skipped(f"refuses everything, as {variable} is not set: {without}")
        return f"/webhooks/{name} is open to who knows the secret"

    return Check("webhooks", name, look, f"Let {variable}_FILE be read, or set {variable}.")
