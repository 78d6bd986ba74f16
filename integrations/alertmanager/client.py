"""Alertmanager's API, version 2."""

from collections.abc import Mapping
from typing import Self

from msgspec import Struct, field

from bot.ports import FiringAlert
from bot.settings import AlertmanagerSettings
from integrations.http import Bearer, Connection, Policy

SYSTEM = "Alertmanager"


class Alert(Struct, frozen=True):
    labels: dict[str, str]
    annotations: dict[str, str] | None = None
    generator_url: str | None = field(default=None, name="generatorURL")


class Alertmanager:
    """The port Alerts. What is silenced or inhibited does not fire."""

    def __init__(self, settings: AlertmanagerSettings, policy: Policy | None = None) -> None:
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
        return tuple(firing(alert) for alert in answer.decode(list[Alert]))

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


def firing(alert: Alert) -> FiringAlert:
    notes = alert.annotations or {}
    return FiringAlert(
        name=alert.labels.get("alertname", ""),
        labels=alert.labels,
        summary=notes.get("summary") or notes.get("description") or notes.get("message") or "",
        url=alert.generator_url or "",
    )
