"""Alertmanager: each alert is one message, edited while it fires and when it is over."""

import hashlib
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import msgspec

from bot.domain.alert import Alert
from bot.domain.event import Event
from bot.notify import Bulletins
from bot.policy import Policy
from bot.store.codec import load
from bot.store.webhooks import Episode, WebhookStore
from bot.views import alert as shown_alert
from bot.webhooks.audience import channels
from bot.webhooks.sender import Delivery, decoded, same

EVENT = Event.ALERT
EARLIEST, LATEST = datetime(1970, 1, 1, tzinfo=UTC), datetime(9999, 1, 1, tzinfo=UTC)
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class Wire(msgspec.Struct, rename="camel"):
    """An alert in the body. While it fires, `ends_at` is the year 1."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Moment
    ends_at: Moment
    generator_url: str = msgspec.field(default="", name="generatorURL")
    fingerprint: str = ""


class Body(msgspec.Struct):
    """Version 4 of the webhook's body; the fields that are read."""

    alerts: list[Wire]


Quiet = Callable[[str, str], Awaitable[object]]
"""called with the app and the environment of an alert that is over"""


async def nobody_waits(app: str, environment: str) -> None:
    """Gates that wait for alerts to end ask again by themselves."""


class AlertmanagerWebhook:
    """`clock` counts seconds since the epoch."""

    name = "alertmanager"

    def __init__(
        self,
        policy: Policy,
        bulletins: Bulletins,
        store: WebhookStore,
        quiet: Quiet = nobody_waits,
        *,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self._policy = policy
        self._bulletins = bulletins
        self._store = store
        self._quiet = quiet
        self._clock = clock

    def possible(self, headers: Mapping[str, str], secret: str) -> bool:
        return self.authentic(headers, b"", secret)

    def authentic(self, headers: Mapping[str, str], body: bytes, secret: str) -> bool:  # noqa: ARG002 (others sign it)
        return same(headers.get("authorization", ""), f"Bearer {secret}")

    def read(self, headers: Mapping[str, str], body: bytes) -> Delivery | None:  # noqa: ARG002
        """Alertmanager names no delivery, and equal bytes may be news: an alert whose end was a mistake fires again
        with the start that it had. So each is worked on; telling what is told already changes nothing.
        """
        alerts = tuple(domain(one) for one in decoded(body, Body, "Alertmanager's webhook, version 4").alerts)
        return Delivery(uuid4().hex, alerts) if alerts else None

    async def act(self, facts: str) -> None:
        for one in load(facts, tuple[Alert, ...]):
            await self._tell(one)
            if one.ended_at is not None:
                await self._quiet(one.app, one.environment)

    async def _tell(self, told: Alert) -> None:
        episode = continued(await self._store.episode(told.fingerprint), told)
        if episode is None:
            return
        await self._store.keep(episode, self._clock())
        shown = shown_alert(replace(told, started_at=datetime.fromtimestamp(episode.started_at, UTC)))
        for channel in channels(self._policy, told.app, told.environment, EVENT):
            await self._bulletins.note(episode.id, channel, shown)


def continued(newest: Episode | None, told: Alert) -> Episode | None:
    """The episode that this news belongs to; None for the end of what was never told.

    An alert that fires again after its end is a new one, with a new message. One that has not started anew is not: then
    its end was a mistake (Alertmanager ends what Prometheus is silent about), and its message is put right.
    """
    started = told.started_at.timestamp()
    if told.ended_at is not None:
        return replace(newest, ended_at=told.ended_at.timestamp()) if newest else None
    if newest is None or (newest.ended_at is not None and started > newest.ended_at):
        return Episode(told.fingerprint, episode_id(told), started)
    return replace(newest, ended_at=None)


def domain(one: Wire) -> Alert:
    """The labels are those that deploy/platform/monitoring sets."""
    labels, notes = one.labels, one.annotations
    return Alert(
        fingerprint=(one.fingerprint or hashlib.sha256(repr(sorted(labels.items())).encode()).hexdigest())[:64],
        name=labels.get("alertname", ""),
        started_at=moment(one.starts_at),
        ended_at=moment(one.ends_at) if one.status == "resolved" else None,
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


def moment(said: datetime) -> datetime:
    """In UTC, between 1970 and the year 9999. What is earlier or later is no time at which something happened; but an
    alert is told whatever its clock says.
    """
    try:
        return min(max(said.astimezone(UTC), EARLIEST), LATEST)
    except OverflowError:  # an offset that leads out of the calendar
        return EARLIEST if said.year < 1970 else LATEST


def episode_id(told: Alert) -> str:
    """At most 64 characters."""
    whole = f"{told.fingerprint} {told.started_at.isoformat()}"
    return f"alert:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"
