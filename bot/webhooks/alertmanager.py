"""Alertmanager: each alert is one message, edited while it fires and when it is over."""

import hashlib
import time
from collections.abc import Callable, Mapping
from datetime import datetime

import msgspec

from bot.domain.alert import Alert
from bot.notify import Bulletins
from bot.policy import Policy
from bot.store.codec import load
from bot.store.webhooks import WebhookStore
from bot.views import alert as shown_alert
from bot.webhooks.audience import channels
from bot.webhooks.sender import Delivery, decoded, same

EVENT = "alert"


class Wire(msgspec.Struct, rename="camel"):
    """An alert in the body. While it fires, `ends_at` is the year 1."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: datetime
    ends_at: datetime
    generator_url: str = msgspec.field(default="", name="generatorURL")
    fingerprint: str = ""


class Body(msgspec.Struct):
    """Version 4 of the webhook's body; the fields that are read."""

    alerts: list[Wire]


class AlertmanagerWebhook:
    """`clock` counts seconds since the epoch."""

    name = "alertmanager"

    def __init__(
        self, policy: Policy, bulletins: Bulletins, store: WebhookStore, *, clock: Callable[[], float] = time.time
    ) -> None:
        self._policy = policy
        self._bulletins = bulletins
        self._store = store
        self._clock = clock

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:  # noqa: ARG002 (others sign it)
        return same(headers.get("authorization", ""), f"Bearer {secret}")

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:  # noqa: ARG002
        """Alertmanager names no delivery. Equal bytes say nothing new: what fires anew starts at another time."""
        alerts = tuple(domain(one) for one in decoded(body, Body, "Alertmanager's webhook, version 4").alerts)
        return Delivery(hashlib.sha256(body).hexdigest(), alerts) if alerts else None

    async def act(self, facts: str) -> None:
        for one in load(facts, tuple[Alert, ...]):
            await self._tell(one)

    async def _tell(self, told: Alert) -> None:
        id = episode(told)
        note = self._store.begins if told.firing else self._store.ends
        if not await note(id, self._clock()):
            return
        for channel in channels(self._policy, told.app, told.environment, EVENT):
            await self._bulletins.show(id, channel, shown_alert(told))


def domain(one: Wire) -> Alert:
    """The labels are those that deploy/platform/monitoring sets."""
    labels, notes = one.labels, one.annotations
    return Alert(
        fingerprint=one.fingerprint or hashlib.sha256(repr(sorted(labels.items())).encode()).hexdigest()[:16],
        name=labels.get("alertname", ""),
        started_at=one.starts_at,
        ended_at=one.ends_at if one.status == "resolved" else None,
        severity=labels.get("severity", ""),
        app=labels.get("app", ""),
        environment=labels.get("environment", ""),
        pipeline=labels.get("pipeline", ""),
        run=labels.get("run", ""),
        application=labels.get("name", ""),
        summary=notes.get("summary", ""),
        description=notes.get("description", ""),
        url=one.generator_url,
        runbook=notes.get("runbook_url", ""),
    )


def episode(told: Alert) -> str:
    """At most 64 characters."""
    whole = f"{told.fingerprint} {told.started_at.isoformat()}"
    return f"alert:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"
