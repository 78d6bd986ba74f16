"""A message that cannot be worked on, or that Slack never takes: set aside at once, told once, and nobody waits."""

import base64
import json
from typing import Any

import pytest
import sqlalchemy as sa
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy.exc import DataError

from bot.domain.errors import Refused, Unavailable
from bot.domain.event import Event
from bot.ports import Posted, Rendered
from bot.store.outbox import OutboxEntry
from bot.store.webhooks import episodes, events
from bot.webhooks.alertmanager import WebhookAlert, domain
from tests.fakes.queues import delivered, worked_off
from tests.unit.bot.webhooks.conftest import HARBOR, TEKTON, WebhookHarness, harness

__all__ = ["harness"]

FAILED = {"Ce-Type": "dev.tekton.event.pipelinerun.failed.v1", "Ce-Source": "/apis/tekton.dev"}
TIMES = [
    "9999-12-31T23:59:59-23:59",
    "0001-01-01T00:00:00+23:59",
    "0001-01-01T00:00:00Z",
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59.999999Z",
    "1969-12-31T23:59:59Z",
    "1582-10-04T00:00:00Z",
    "2038-01-19T03:14:08Z",
]


def firing(name: str = "Slow", **more: Any) -> dict[str, Any]:
    return {
        "status": "firing",
        "labels": {"alertname": name},
        "annotations": {"summary": name},
        "startsAt": "2027-01-05T09:00:00Z",
        "endsAt": "0001-01-01T00:00:00Z",
        "fingerprint": name,
    } | more


async def rows(harness: WebhookHarness) -> list[str]:
    async with harness.database.reading() as connection:
        return list((await connection.execute(sa.select(events.c.state).order_by(events.c.id))).scalars())


def texts(harness: WebhookHarness) -> str:
    return str(harness.messenger.messages)


@pytest.mark.parametrize("starts", TIMES)
@pytest.mark.parametrize("ends", TIMES)
async def test_an_alert_of_an_impossible_time_is_told_and_blocks_nobody(
    harness: WebhookHarness, starts: str, ends: str
) -> None:
    assert (await harness.alert(firing("Odd", startsAt=starts, endsAt=ends))).status_code == 202
    assert (await harness.alert(firing("Odd", startsAt=starts, endsAt=ends, status="resolved"))).status_code == 202
    assert (await harness.alert(firing("Behind"))).status_code == 202
    await harness.work()
    assert await rows(harness) == ["done"] * 3
    assert "Behind" in texts(harness)
    assert "Odd" in texts(harness)


async def test_many_alerts_in_one_message_wait_for_no_fixed_time(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Slack takes one message a second and channel: sixty took longer than the limit around the work."""

    async def slowly(channel: str, message: Rendered, **_: Any) -> Posted:
        raise AssertionError("posted while the message was worked on")

    real = harness.messenger.post
    monkeypatch.setattr(harness.messenger, "post", slowly)
    assert (await harness.alert(*[firing(f"Alert-{n}") for n in range(60)])).status_code == 202
    assert await worked_off(harness.webhooks.worker) == 1
    assert await rows(harness) == ["done"]
    monkeypatch.setattr(harness.messenger, "post", real)
    await delivered(harness.outbox)
    assert all(f"Alert-{n}" in texts(harness) for n in range(60))


@pytest.mark.parametrize(
    "error",
    [
        ValueError("x"),
        OverflowError(),
        KeyError("a"),
        TypeError(),
        RuntimeError("bug"),
        RecursionError(),
        UnicodeError(),
        ZeroDivisionError(),
        AssertionError(),
    ],
    ids=repr,
)
async def test_what_breaks_is_set_aside_at_once_and_told_once(
    harness: WebhookHarness, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    sender = harness.webhooks.worker._senders["harbor"]
    act = sender.act
    broken: list[str] = []

    async def breaks(facts: str) -> None:
        if not broken:
            broken.append(facts)
            raise error
        await act(facts)

    monkeypatch.setattr(sender, "act", breaks)
    for digit in "ab":
        assert (await scanned(harness, digit)).status_code == 202
    await harness.work()
    await harness.work()
    assert await rows(harness) == ["dead", "done"]
    assert [one[0] for one in harness.scanned] == ["sha256:" + "b" * 64]
    assert texts(harness).count("cannot be processed, so it is set aside") >= 1
    assert len([message for message in harness.messenger.messages if "set aside" in str(message)]) == 1


async def scanned(harness: WebhookHarness, digit: str) -> Any:
    body = {"type": "SCANNING_COMPLETED", "event_data": {"resources": [{"digest": "sha256:" + digit * 64}]}}
    return await harness.post("harbor", json.dumps(body).encode(), {"Authorization": HARBOR})


async def test_one_that_waits_for_its_system_is_passed_by(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Of Harbor's and Tekton's messages none speaks of another."""
    sender, tried = harness.webhooks.worker._senders["harbor"], []
    act = sender.act

    async def away(facts: str) -> None:
        tried.append(facts)
        if "a" * 64 in facts:
            raise Unavailable("Harbor", "ask", "this one never works")
        await act(facts)

    monkeypatch.setattr(sender, "act", away)
    for digit in "abc":
        await scanned(harness, digit)
    await harness.work()
    assert await rows(harness) == ["pending", "done", "done"]
    assert len(tried) == 3


# The outbox.


async def put(harness: WebhookHarness, channel: str, promotion: str, text: str, *, threaded: bool = False) -> None:
    entry = OutboxEntry(("my-app",), "production", promotion, Event.FAILED, channel, Rendered(text), threaded)
    async with harness.database.begin() as connection:
        await harness.outbox.put(connection, entry)


@pytest.mark.parametrize(
    "error",
    [
        Refused("Slack", "chat.postMessage", "invalid_blocks"),
        Refused("Slack", "chat.postMessage", "msg_too_long"),
        ValueError("bug"),
        TypeError("bug"),
        Unavailable("Slack", "chat.postMessage", "fatal_error"),
    ],
    ids=repr,
)
async def test_a_message_that_slack_never_takes_holds_up_no_other(
    harness: WebhookHarness, error: Exception, monkeypatch: pytest.MonkeyPatch
) -> None:
    post = harness.messenger.post

    async def refusing(channel: str, message: Rendered, **more: Any) -> Posted:
        if message.text == "poison":
            raise error
        return await post(channel, message, **more)

    monkeypatch.setattr(harness.messenger, "post", refusing)
    await put(harness, "C0DEPLOY", "p-1", "poison")
    await put(harness, "C0DEPLOY", "p-2", "behind it")
    await put(harness, "C0OTHER", "p-3", "elsewhere")
    await delivered(harness.outbox)
    assert "behind it" in texts(harness)
    assert "elsewhere" in texts(harness)
    counts = await harness.outbox.counts()
    assert (counts.pending, counts.dead) == ((1, 0) if isinstance(error, Unavailable) else (0, 1))


async def test_a_note_whose_card_never_comes_holds_up_no_other(harness: WebhookHarness) -> None:
    await put(harness, "C0DEPLOY", "p-1", "in a thread", threaded=True)
    await put(harness, "C0DEPLOY", "p-2", "behind it")
    await delivered(harness.outbox)
    assert "behind it" in texts(harness)


# Whatever is authentic.

KEYS = st.sampled_from(
    [
        "ref",
        "after",
        "repository",
        "full_name",
        "deleted",
        "type",
        "event_data",
        "data",
        "resources",
        "digest",
        "scan",
        "scan_type",
        "source",
        "alerts",
        "labels",
        "annotations",
        "startsAt",
        "endsAt",
        "status",
        "fingerprint",
        "alertname",
        "app",
        "environment",
        "generatorURL",
        "pipelineRun",
        "metadata",
        "name",
        "namespace",
        "uid",
        "id",
    ]
)
ODD = st.sampled_from(
    [
        *TIMES,
        "refs/heads/main",
        "SCANNING_COMPLETED",
        "sha256:" + "a" * 64,
        "",
        "\x00",
        "\ud7ff",
        "\u202e",
        "x" * 5000,
        "octocat/overlays",
        "firing",
        "resolved",
        "*",
        "@here",
        "<!channel>",
    ]
)
VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=10) | ODD,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(KEYS | st.text(max_size=5), inner, max_size=6),
    max_leaves=25,
)
LABELS = st.dictionaries(st.sampled_from(["alertname", "app", "environment", "severity", "run"]), ODD, max_size=5)
ALERTS = st.fixed_dictionaries(
    {
        "status": st.sampled_from(["firing", "resolved", "odd"]),
        "labels": LABELS,
        "annotations": LABELS,
        "startsAt": st.sampled_from(TIMES) | st.datetimes().map(lambda at: at.isoformat() + "Z"),
        "endsAt": st.sampled_from(TIMES),
        "fingerprint": ODD,
    }
)
RUNS = st.fixed_dictionaries(
    {
        "pipelineRun": st.fixed_dictionaries(
            {"metadata": st.fixed_dictionaries({"name": ODD, "namespace": ODD, "uid": ODD})}
        )
    }
)
SCANS = st.fixed_dictionaries(
    {
        "type": st.just("SCANNING_COMPLETED"),
        "id": ODD,
        "source": ODD,
        "event_data": st.fixed_dictionaries(
            {"resources": st.lists(st.fixed_dictionaries({"digest": ODD}), max_size=3)}
        ),
    }
)
PUSHES = st.fixed_dictionaries(
    {"ref": ODD, "after": ODD, "deleted": st.booleans(), "repository": st.fixed_dictionaries({"full_name": ODD})}
)
BODIES = VALUES | st.fixed_dictionaries({"alerts": st.lists(ALERTS, max_size=4)}) | RUNS | SCANS | PUSHES


@given(body=BODIES, header=st.text(st.characters(min_codepoint=0x20, max_codepoint=0x7E), min_size=1, max_size=300))
@settings(max_examples=120, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_authentic_body_is_a_fault_or_stays(harness: WebhookHarness, body: Any, header: str) -> None:
    raw = json.dumps(body).encode()
    header = header.strip() or "x"
    shown = base64.b64encode(f"tekton:{TEKTON}".encode()).decode()
    answers = [
        await harness.github(raw, delivery=header),
        await harness.post("harbor", raw, {"Authorization": HARBOR}),
        await harness.post("alertmanager", raw, {"Authorization": "Bearer alertmanager-token"}),
        await harness.post("tekton", raw, {"Authorization": f"Basic {shown}", **FAILED, "Ce-Id": header}),
    ]
    assert {answer.status_code for answer in answers} <= {202, 400}
    await harness.work()
    assert set(await rows(harness)) <= {"done"}


@given(body=st.binary(max_size=200))
@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
async def test_no_authentic_bytes_are_a_fault(harness: WebhookHarness, body: bytes) -> None:
    form = {"Content-Type": "application/x-www-form-urlencoded"}
    for answer in (
        await harness.github(body),
        await harness.github(b"payload=" + body, **form),
        await harness.post("harbor", body, {"Authorization": HARBOR}),
        await harness.post("alertmanager", body, {"Authorization": "Bearer alertmanager-token"}),
    ):
        assert answer.status_code in (202, 400)


@given(
    st.builds(
        WebhookAlert,
        status=st.sampled_from(["firing", "resolved"]),
        labels=LABELS,
        annotations=LABELS,
        starts_at=st.datetimes(timezones=st.timezones()),
        ends_at=st.datetimes(timezones=st.timezones()),
    )
)
def test_every_time_becomes_one_that_has_a_number(wire: WebhookAlert) -> None:
    told = domain(wire)
    assert told.started_at.timestamp() >= 0
    assert told.ended_at is None or told.ended_at.timestamp() >= 0


@pytest.mark.parametrize("fingerprint", ["a\x00b", "\x00", "ä" * 64, "x" * 300, "a b", "", "💥"])
async def test_a_fingerprint_that_no_column_takes_is_none(harness: WebhookHarness, fingerprint: str) -> None:
    """Postgres takes no NUL in a text: such an alert would be worked on again and again, and hold those behind it."""
    assert (await harness.alert(firing("Odd", fingerprint=fingerprint), firing("Behind"))).status_code == 202
    await harness.work()
    assert "Odd" in texts(harness)
    assert "Behind" in texts(harness)
    async with harness.database.reading() as connection:
        kept = (await connection.execute(sa.select(episodes.c.fingerprint))).scalars().all()
    assert len(kept) == 2
    assert all(one.isascii() and one.isprintable() and 0 < len(one) <= 64 for one in kept)


async def test_what_the_database_does_not_take_is_set_aside_at_once(
    harness: WebhookHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    """It takes it no better in half an hour, and alerts are worked on in order."""
    keep, calls = harness.store.keep, []

    async def refusing(news: Any, *more: Any) -> None:
        calls.append(news)
        if any(alert.name == "Odd" for _, alert in news):
            raise DataError("INSERT", {}, ValueError("cannot contain NUL (0x00) bytes"))
        await keep(news, *more)

    monkeypatch.setattr(harness.store, "keep", refusing)
    await harness.alert(firing("Odd"))
    await harness.alert(firing("Behind"))
    await harness.work()
    assert await rows(harness) == ["dead", "done"]
    assert len(calls) == 2
    assert "is set aside" in texts(harness)
