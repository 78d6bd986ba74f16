"""Alertmanager: the alerts of one group share a message, edited while they fire and when they are over."""

import hashlib
import re
import time
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Annotated
from uuid import uuid4

import msgspec
import structlog

from bot.domain.alert import Alert, AlertGroup
from bot.domain.caller import Target, common
from bot.domain.event import Event
from bot.notify import Bulletins
from bot.notify.audience import of_webhook
from bot.policy import Policy
from bot.store.codec import load
from bot.store.webhooks import AlertEpisode, GroupMessage, WebhookStore
from bot.views import alert_group
from bot.webhooks.sender import Delivery, Malformed, decoded, moment, same

log = structlog.get_logger()

EVENT = Event.ALERT
EXPECTED = "Alertmanager's webhook, version 4"
TOGETHER = 600.0
"""seconds from a message's first alert in which others of its group join it"""
MOST = 500
"""alerts of one message"""
PLAIN = re.compile(r"[\w.:-]{1,64}", re.ASCII)
Moment = Annotated[datetime, msgspec.Meta(tz=True)]


class WebhookAlert(msgspec.Struct, rename="camel"):
    """An alert in the body. While it fires, `ends_at` is the year 1."""

    status: str
    labels: dict[str, str]
    annotations: dict[str, str]
    starts_at: Moment
    ends_at: Moment
    generator_url: str = msgspec.field(default="", name="generatorURL")
    fingerprint: str = ""


class AlertmanagerBody(msgspec.Struct, rename="camel"):
    """Version 4 of the webhook's body; the fields that are read."""

    alerts: list[msgspec.Raw]
    receiver: str = ""
    group_key: str = ""
    truncated_alerts: int = 0


Quiet = Callable[[str, str], Awaitable[object]]
"""called with the app and the environment of an alert that is over"""


async def nobody_waits(app: str, environment: str) -> None:
    """Gates that wait for alerts to end ask again by themselves."""


class AlertmanagerWebhook:
    """`clock` counts seconds since the epoch."""

    name = "alertmanager"
    setting = "alertmanager_token"
    without = "alerts do not reach Slack"

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
        found = decoded(body, AlertmanagerBody, EXPECTED)
        readable = [one for one in map(readable_alert, found.alerts) if one]
        broken = len(found.alerts) - len(readable)
        if broken and not readable:
            raise Malformed(f"expected {EXPECTED}: no alert in it can be read")
        if broken:
            log.warning("webhook.alerts_unreadable", count=broken, of=len(found.alerts), receiver=found.receiver[:80])
        key = hashed(found.receiver, found.group_key) if found.group_key else ""
        group = AlertGroup(key, tuple(readable), max(0, found.truncated_alerts), broken)
        return Delivery(uuid4().hex, group) if readable else None

    async def act(self, facts: str) -> None:
        # An older Pilothouse has kept the alerts alone.
        old = facts.startswith("[")
        group = AlertGroup("", load(facts, tuple[Alert, ...])) if old else load(facts, AlertGroup)
        for message in await self._note(group):
            await self._show(message, group)
        for one in group.alerts:
            if one.ended_at is not None:
                await self._quiet(one.app, one.environment)

    async def _note(self, group: AlertGroup) -> tuple[str, ...]:
        """Each alert in its message; which messages have changed."""
        known = await self._store.episodes(one.fingerprint for one in group.alerts)
        messages = AlertMessages(group.key, *await self._newest(group.key), self._clock())
        news: list[tuple[AlertEpisode, Alert]] = []
        for told in group.alerts:
            episode = continued(known.get(told.fingerprint), told)
            if episode is None:
                continue
            if (before := known.get(told.fingerprint)) is None or before.id != episode.id:
                episode = replace(episode, id=messages.of(told))
            known[told.fingerprint] = episode
            news.append((episode, replace(told, started_at=datetime.fromtimestamp(episode.started_at, UTC))))
        await self._store.keep(news, messages.newest, self._clock())
        return tuple(dict.fromkeys(episode.id for episode, _ in news))

    async def _newest(self, key: str) -> tuple[GroupMessage | None, set[str]]:
        """The group's newest message and whose alerts it holds; None where it is over: what fires now wakes people."""
        found = await self._store.group(key) if key else None
        alerts = await self._store.told(found.message) if found else ()
        open_ = any(one.firing for one in alerts) and len(alerts) < MOST
        return (found, {one.fingerprint for one in alerts}) if open_ else (None, set())

    async def _show(self, message: str, group: AlertGroup) -> None:
        by_channel: dict[str, list[Alert]] = {}
        for told in await self._store.told(message):
            for channel in of_webhook(self._policy, told.app, told.environment, EVENT):
                by_channel.setdefault(channel, []).append(told)
        for channel, alerts in by_channel.items():
            shown = alert_group(tuple(alerts), left_out=group.left_out, unreadable=group.unreadable)
            about = common(Target(one.app, one.environment) for one in alerts)
            await self._bulletins.note(message, channel, shown, about)


class AlertMessages:
    """Which message an alert goes into: its group's newest while that is young, else a new one.

    An edit wakes nobody.
    """

    def __init__(self, key: str, newest: GroupMessage | None, held: set[str], now: float) -> None:
        self._key = key
        self._now = now
        self.newest = newest
        self._held = held

    def of(self, told: Alert) -> str:
        """Of an alert that begins. One that fires again gets a new message."""
        if not self._key:
            return episode_id(told)
        if self.newest is None or self._now - self.newest.begun_at > TOGETHER or told.fingerprint in self._held:
            id = f"alert:{hashed(self._key, told.fingerprint, told.started_at.isoformat())[:40]}"
            self.newest, self._held = GroupMessage(self._key, id, self._now), set()
        self._held.add(told.fingerprint)
        return self.newest.message


def hashed(*words: str) -> str:
    """At most 64 characters."""
    return hashlib.sha256("\0".join(words).encode()).hexdigest()


def readable_alert(raw: msgspec.Raw) -> Alert | None:
    """One alert that makes no sense takes none of its group with it."""
    try:
        return domain(msgspec.json.decode(raw, type=WebhookAlert))
    except (msgspec.MsgspecError, ValueError, RecursionError):
        return None


def continued(newest: AlertEpisode | None, told: Alert) -> AlertEpisode | None:
    """The episode that this news belongs to; None for the end of what was never told.

    An alert that fires again after its end is a new one, with a new message. One that has not started again is not:
    then its end was a mistake (Alertmanager ends what Prometheus is silent about), and its message is put right.
    """
    started = told.started_at.timestamp()
    if told.ended_at is not None:
        return replace(newest, ended_at=told.ended_at.timestamp()) if newest else None
    if newest is None or (newest.ended_at is not None and started > newest.ended_at):
        return AlertEpisode(told.fingerprint, episode_id(told), started)
    return replace(newest, ended_at=None)


def domain(one: WebhookAlert) -> Alert:
    """The labels are those that deploy/platform/monitoring sets."""
    labels, notes = one.labels, one.annotations
    return Alert(
        fingerprint=_fingerprint(one),
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


def _fingerprint(one: WebhookAlert) -> str:
    """At most 64 plain characters: Alertmanager's own are hexadecimal, and not every database takes every other."""
    if PLAIN.fullmatch(one.fingerprint):
        return one.fingerprint
    return hashed(one.fingerprint, repr(sorted(one.labels.items())))


def episode_id(told: Alert) -> str:
    """At most 64 characters."""
    whole = f"{told.fingerprint} {told.started_at.isoformat()}"
    return f"alert:{hashlib.sha256(whole.encode()).hexdigest()[:40]}"
