"""Do the clocks agree? Signatures of Slack's requests and tokens fail where they do not (S12, G15)."""

from datetime import timedelta
from functools import partial
from urllib.parse import urlsplit

from bot.doctor.finding import Check, Skipped, Wrong
from bot.domain.errors import IntegrationError
from bot.settings import Settings, Tls
from integrations.http.date import clock_ahead
from integrations.tekton.probe import ClusterProbe

SYSTEM = "clock"
ALLOWED = timedelta(seconds=30)
FIX = "Synchronise this machine's clock (NTP), or that server's."


def checks(settings: Settings, probe: ClusterProbe) -> tuple[Check, ...]:
    servers: dict[str, tuple[str, Tls]] = {
        "Slack": (settings.slack.api_url, Tls()),
        "Argo CD": (settings.argocd.url, settings.argocd),
        **{f"Argo CD {name}": (own.url, own) for name, own in settings.argocd_instances.items()},
        "Harbor": (settings.harbor.url, settings.harbor),
    }
    if settings.github.repository:
        servers["GitHub"] = (settings.github.api_url, settings.github)
    elif urlsplit(settings.git.url).scheme in ("http", "https"):
        servers["git"] = (_without_credentials(settings.git.url), settings.git)

    async def of_cluster() -> str:
        try:
            return compared(await probe.clock_ahead())
        except IntegrationError:
            raise Skipped("no answer to compare with") from None

    checks = [Check(SYSTEM, name, partial(_of, name, *where), FIX) for name, where in servers.items()]
    return (*checks, Check(SYSTEM, "Kubernetes", of_cluster, FIX))


async def _of(name: str, url: str, tls: Tls) -> str:
    try:
        return compared(await clock_ahead(name, url, tls))
    except (IntegrationError, ValueError):
        # Its own check says why.
        raise Skipped("no answer to compare with") from None


def compared(ahead: timedelta) -> str:
    seconds = ahead.total_seconds()
    if abs(ahead) > ALLOWED:
        direction = "behind" if seconds > 0 else "ahead of"
        raise Wrong(f"this machine's clock is {abs(seconds):.0f} seconds {direction} its")
    return "agrees" if abs(seconds) < 2 else f"{abs(seconds):.0f} seconds apart"


def _without_credentials(url: str) -> str:
    parts = urlsplit(url)
    return parts._replace(netloc=parts.netloc.rpartition("@")[2]).geturl()
