"""What speaks against a promotion: alerts, a team's own gates, and the words of people."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any, Protocol

from bot.domain.safety import Freeze, Lock, Rejection


@dataclass(frozen=True)
class FiringAlert:
    """An alert that fires now, as Alertmanager labels it."""

    name: str
    labels: Mapping[str, str] = field(default_factory=dict)
    summary: str = ""
    url: str = ""


class Alerts(Protocol):
    async def firing(self, labels: Mapping[str, str]) -> tuple[FiringAlert, ...]:
        """The alerts that fire now and carry all of these labels."""


@dataclass(frozen=True)
class CustomQuestion:
    """A question for a team's own gate endpoint."""

    url: str
    secret: str
    timeout: timedelta
    body: Mapping[str, Any]


class CustomGates(Protocol):
    async def ask(self, question: CustomQuestion) -> tuple[bool, str]:
        """Whether it passes, and the reason it gives."""


class Locks(Protocol):
    async def holding(self, app: str, environment: str) -> tuple[Lock, ...]:
        """Every lock that holds this app there now: its own, and one on the whole environment; a person's first."""


class Freezes(Protocol):
    async def active(self, app: str, environment: str) -> Freeze | None:
        """The freeze that a person called and that holds this app there now."""


class Rejections(Protocol):
    async def all(self) -> tuple[Rejection, ...]:
        """Every image that is rejected, whichever app it was rejected for; the newest first."""


class PromotionRecord(Protocol):
    async def succeeded(self, app: str, environment: str, digest: str) -> bool:
        """Whether a promotion ever saw this image Healthy there."""
