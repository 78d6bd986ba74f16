"""Alertmanager's API, version 2."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Annotated, Self

from msgspec import Meta, Struct, field

from bot.domain.errors import Advice, NotFound, Unavailable
from bot.ports import FiringAlert
from bot.settings import AlertmanagerSettings
from integrations.http import Bearer, Connection, HttpPolicy
from integrations.http.failures import told_at

SYSTEM = "Alertmanager"
SETTLED_AFTER = timedelta(minutes=3)
"""Prometheus sends what fires with its evaluations, a minute apart as a rule, and not more often than once a minute."""

JUST_STARTED = Advice(
    "Alertmanager was started just now, and does not know yet what fires.", "It continues automatically."
)


class AlertmanagerAlert(Struct, frozen=True):
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    generator_url: str | None = field(default=None, name="generatorURL")


class AlertmanagerStatus(Struct, frozen=True):
    """Of the server; `uptime` is when it was started (api/v2/openapi.yaml)."""

    uptime: Annotated[datetime, Meta(tz=True)]


class Alertmanager:
    """The port Alerts. What is silenced or inhibited does not fire. Raises Unavailable shortly after its own start."""

    def __init__(self, settings: AlertmanagerSettings, policy: HttpPolicy | None = None) -> None:
        auth = Bearer(settings.credential("token"))
        self._connection = Connection(SYSTEM, settings.url, auth=auth, tls=settings, policy=policy)

    async def firing(self, labels: Mapping[str, str]) -> tuple[FiringAlert, ...]:
        answer = await self._connection.request(
            "list alerts",
            "GET",
            "/api/v2/alerts",
            params={
                "active": True,
                "silenced": False,
                "inhibited": False,
                "filter": [matcher(name, value) for name, value in labels.items()],
            },
        )
        await self._check_that_it_knows()
        return tuple(firing(alert) for alert in answer.decode(list[AlertmanagerAlert]))

    async def _check_that_it_knows(self) -> None:
        """It forgets what fires when it is started anew, and is told again by and by: an empty list says nothing then.

        Asked after the list, which may have been answered right after a start.
        """
        try:
            answer = await self._connection.request("ask since when it is up", "GET", "/api/v2/status")
        except NotFound:
            return  # something else that speaks this API, and keeps no such word
        since = answer.decode(AlertmanagerStatus).uptime
        now = its_clock(answer.headers.get("date", ""))
        if (left := since + SETTLED_AFTER - now) > timedelta(0):
            young = Unavailable(SYSTEM, "list alerts", f"it was started at {since}", min(left, SETTLED_AFTER))
            young.advice = JUST_STARTED
            raise young

    async def aclose(self) -> None:
        await self._connection.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()


def matcher(name: str, value: str) -> str:
    """An equality matcher, quoted as Alertmanager reads it."""
    escaped = value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n")
    return f'{name}="{escaped}"'


def firing(alert: AlertmanagerAlert) -> FiringAlert:
    notes = alert.annotations or {}
    return FiringAlert(
        name=alert.labels.get("alertname", ""),
        labels=alert.labels,
        summary=notes.get("summary") or notes.get("description") or notes.get("message") or "",
        url=alert.generator_url or "",
    )


def its_clock(date: str) -> datetime:
    """A Date header; our own clock where it says no time."""
    try:
        return told_at(date)
    except ValueError:
        return datetime.now(UTC)
