"""Alertmanager in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from bot.ports import FiringAlert


@dataclass
class MemoryAlerts:
    failing: Exception | None = None
    alerts: list[FiringAlert] = field(default_factory=list)

    def fire(self, name: str, summary: str = "", **labels: str) -> FiringAlert:
        alert = FiringAlert(name, {"alertname": name, **labels}, summary)
        self.alerts.append(alert)
        return alert

    def resolve(self, name: str) -> None:
        self.alerts = [alert for alert in self.alerts if alert.name != name]

    async def firing(self, labels: Mapping[str, str]) -> tuple[FiringAlert, ...]:
        if self.failing:
            raise self.failing
        return tuple(a for a in self.alerts if all(a.labels.get(key) == value for key, value in labels.items()))
