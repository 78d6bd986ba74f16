"""HTTP mode: signed requests in, everything acknowledged, forgeries out; and the Home tab."""

import hashlib
import hmac
import json
import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlencode

import pytest
from slack_bolt.request.async_request import AsyncBoltRequest

from bot.domain.delivery import Fact, HealthChanged
from bot.domain.errors import Unavailable
from bot.router import bolt_app
from bot.router.incoming import from_slash
from bot.store.deliveries import DeliveryStore
from integrations.sandbox.slack.server import BOT_TOKEN, SIGNING_SECRET
from tests.unit.bot.router.conftest import Bot
from tests.waiting import until

COMMAND = {
    "team_id": "T0PILOT",
    "channel_id": "C0DEPLOY",
    "user_id": "U0ANA",
    "user_name": "somebody-else",
    "command": "/deploy",
    "text": "my-app prod",
    "trigger_id": "1.2.3",
    "response_url": "",
}


def signed(body: str, *, secret: str = SIGNING_SECRET, at: str = "", kind: str = "form") -> AsyncBoltRequest:
    """S12."""
    at = at or str(int(time.time()))
    signature = "v0=" + hmac.new(secret.encode(), f"v0:{at}:{body}".encode(), hashlib.sha256).hexdigest()
    content = "application/json" if kind == "json" else "application/x-www-form-urlencoded"
    headers: dict[str, str | Sequence[str]] = {
        "x-slack-signature": signature,
        "x-slack-request-timestamp": at,
        "content-type": content,
    }
    return AsyncBoltRequest(body=body, headers=headers, mode="http")


async def test_a_signed_command_runs_once_however_often_it_comes(bot: Bot) -> None:
    """S12; the answer goes out as a whisper, for this request has no working response_url."""
    body = urlencode(COMMAND)
    for _ in range(3):
        assert (await bot.app.async_dispatch(signed(body))).status == 200
    await bot.idle()
    assert len(bot.harness.promotions.asked) == 1
    assert bot.harness.promotions.only.plan.requester.id == "U0ANA"
    await until(lambda: bot.whispers("ana"))
    assert len(bot.whispers("ana")) == 1


@pytest.mark.parametrize(
    "request_",
    [
        signed(urlencode(COMMAND), secret="wrong"),
        signed(urlencode(COMMAND), at=str(int(time.time()) - 600)),
        signed(urlencode(COMMAND), at="not-a-number"),
        AsyncBoltRequest(body=urlencode(COMMAND), headers={}, mode="http"),
        AsyncBoltRequest(
            body=urlencode(COMMAND),
            headers={"x-slack-signature": "v0=ü", "x-slack-request-timestamp": str(int(time.time()))},
            mode="http",
        ),
    ],
    ids=["other secret", "old", "no number", "unsigned", "not ASCII"],
)
async def test_forged_requests_are_refused(bot: Bot, request_: AsyncBoltRequest) -> None:
    """S12."""
    assert (await bot.app.async_dispatch(request_)).status == 401
    await bot.idle()
    assert not bot.harness.promotions.asked


async def test_the_signing_secret_is_the_one_of_the_moment(bot: Bot) -> None:
    """E4: no restart when it changes. Without one, nobody can have signed."""
    secret = ""
    app = bolt_app(bot.router, bot.api.client, lambda: BOT_TOKEN, lambda: secret)
    for secret, status in (("", 401), ("first", 200), ("second", 401)):  # noqa: B007 (the lambda reads it)
        assert (await app.async_dispatch(signed(urlencode(COMMAND), secret="first"))).status == status
    assert (await app.async_dispatch(signed(urlencode(COMMAND), secret="second"))).status == 200


async def test_events_and_actions_that_nobody_waits_for_are_acknowledged(bot: Bot) -> None:
    """S25: whatever is not acknowledged comes again."""
    event = {
        "type": "event_callback",
        "team_id": "T0PILOT",
        "event_id": "Ev1",
        "event": {"type": "message", "text": "hi"},
    }
    shortcut = {
        "type": "shortcut", "callback_id": "x", "user": {"id": "U0ANA"}, "team": {"id": "T0PILOT"}, "trigger_id": "1.2",
    }  # fmt: skip
    closed = {"type": "view_closed", "view": {"callback_id": ""}, "user": {"id": "U0ANA"}, "team": {"id": "T0PILOT"}}
    assert (await bot.app.async_dispatch(signed(json.dumps(event), kind="json"))).status == 200
    for payload in (shortcut, closed):
        assert (await bot.app.async_dispatch(signed(urlencode({"payload": json.dumps(payload)})))).status == 200


async def test_the_urls_challenge_is_echoed(bot: Bot) -> None:
    """S13."""
    body = json.dumps({"type": "url_verification", "challenge": "c4tch", "token": "x"})
    answer = await bot.app.async_dispatch(signed(body, kind="json"))
    assert (answer.status, json.loads(answer.body)) == (200, {"challenge": "c4tch"})


async def test_the_home_tab_shows_what_runs_where_and_what_waits(bot: Bot) -> None:
    await bot.says("ana", "/deploy my-app prod")
    assert (await bot.slack.open_home("bo"))["acked"]
    await until(lambda: bot.slack.home("bo"))
    shown = json.dumps(bot.slack.home("bo"), ensure_ascii=False)
    titles = [block["text"]["text"] for block in (bot.slack.home("bo") or {})["blocks"] if block["type"] == "header"]
    assert titles == ["⏳ Waiting for you", "What runs where"]
    assert "ledger" in shown
    assert (await bot.slack.open_home("ana"))["acked"]
    await until(lambda: bot.slack.home("ana"))
    assert "🚦 Waiting for an approval" in json.dumps(bot.slack.home("ana"), ensure_ascii=False)  # by somebody else
    view = bot.slack.home("bo")
    assert view
    await bot.slack.act_in_view(view["id"], "bo", label="Show it")
    await until(lambda: bot.slack.messages("dm", "bo"))
    assert "my-app → production" in bot.slack.messages("dm", "bo")[-1]["text"]


async def test_the_home_tab_shows_what_is_unwell_of_what_one_may_view(bot: Bot) -> None:
    """cy may view my-app alone; payments is well again; retired was Degraded when its overlay was deleted."""
    ill, well = (
        HealthChanged(healthy=False, status="Degraded", resource="Deployment x", message="it crashes"),
        HealthChanged(healthy=True, status="Healthy"),
    )
    noted = [("my-app", ill), ("ledger", ill), ("payments", ill), ("payments", well), ("retired", ill)]
    facts = [Fact(f"k{n}", datetime.now(UTC), app, "production", detail) for n, (app, detail) in enumerate(noted)]
    database = bot.harness.safety.database
    for fact in facts:
        async with database.begin() as connection:
            await DeliveryStore(database).add(connection, [fact])
    for person, seen in (("bo", ["my-app", "ledger"]), ("cy", ["my-app"])):
        await bot.slack.open_home(person)
        await until(lambda person=person: bot.slack.home(person))  # type: ignore[misc]
        blocks = (bot.slack.home(person) or {})["blocks"]
        lines = [block["text"]["text"] for block in blocks if "has been Degraded since" in str(block)]
        assert [app for app in ("my-app", "ledger", "payments", "retired") if app in str(lines)] == seen
        titles = [block["text"]["text"] for block in blocks if block["type"] == "header"]
        assert titles == ["⏳ Waiting for you", "🔴 Unwell", "What runs where"]


async def test_the_home_tab_of_somebody_without_permission_says_so(bot: Bot) -> None:
    await bot.slack.open_home("gus")
    await until(lambda: bot.slack.home("gus"))
    shown = json.dumps(bot.slack.home("gus"))
    assert "no `view` permission" in shown
    assert "my-app" not in shown


async def test_the_home_tab_says_when_something_is_down(bot: Bot) -> None:
    bot.harness.overlays.failing = Unavailable("git", "fetch", "down")
    await bot.slack.open_home("bo")
    await until(lambda: "Git does not answer" in json.dumps(bot.slack.home("bo")))


def test_names_in_a_request_prove_nothing() -> None:
    """S8: the id counts, whatever stands beside it."""
    body: dict[str, Any] = {**COMMAND, "user_name": "dee"}
    assert from_slash(body).user == "U0ANA"
    assert from_slash(body).request_id == from_slash(COMMAND).request_id
    assert from_slash({**COMMAND, "trigger_id": "9.9.9"}).request_id != from_slash(COMMAND).request_id
