"""Somebody writes a mention where git, Argo CD, Harbor or Alertmanager keeps words: nobody is called by that."""

import re
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

import pytest

from bot.domain.alert import Alert
from bot.domain.build import Build, Pushed
from bot.domain.delivery import News
from bot.domain.event import Event
from bot.domain.journey import Journey, JourneyFailure, Leg
from bot.domain.overlay import Author
from bot.domain.promotion import Stage
from bot.ports import Rendered
from bot.views import alert_group
from bot.views.journey import failure
from bot.views.journey import journey as drawn
from bot.views.news import bundle
from bot.views.notes import alarm
from tests.views.samples import promotion

AT = datetime(2026, 1, 5, tzinfo=UTC)
CALLS = (
    "<!channel>",
    "<!here|here>",
    "<!everyone>",
    "<!subteam^S0EVERYBODY>",
    "<!subteam^S0EVERYBODY|@all>",
    "<@U0DEE>",
    "<@W0DEE|dee>",
    "<#C0GENERAL>",
    "<https://evil.example|https://argocd.example.com>",
    "<mailto:x@evil.example|bo>",
    "&lt;!channel&gt;",
    "\u200b<!channel>\u202e",
    "<\u200b!channel>",
    "<!date^0^{date}|x>",
    "*bold*\n<!channel>",
)
LIVE = re.compile(r"<(?!!date\^\d+\^\{)[^>]*>")
"""what Slack makes something of, beside our own times"""


def live(message: Rendered) -> set[str]:
    return {one for text in (message.text, *texts(list(message.blocks))) for one in LIVE.findall(text)}


def texts(value: Any) -> Iterator[str]:
    """All that Slack reads as mrkdwn."""
    if isinstance(value, dict):
        if value.get("type") == "mrkdwn":
            yield value["text"]
        value = list(value.values())
    if isinstance(value, list):
        for part in value:
            yield from texts(part)


@pytest.mark.parametrize("call", CALLS)
def test_a_path_that_is_merged_calls_no_group(call: str) -> None:
    """The alarm names the paths of a merge that nobody approved: whoever made it has named those."""
    said = f"https://github.com/o/r/pull/1 was merged with something else than what was approved (apps/{call}/x)"
    told = alarm(promotion(Stage.COMMIT), said, "<!subteam^S0ADMINS>")
    assert live(told) == {"<!subteam^S0ADMINS>"}


@pytest.mark.parametrize("call", CALLS)
def test_a_commits_words_call_nobody(call: str) -> None:
    news = News(
        "k", Event.DEPLOYED, call, call, AT, who=call, user=call, change=call, subject=call, sha="a" * 40, url=call,
        why=call, commits=2, subjects=(call, call),
    )  # fmt: skip
    for items in ((news,), (news, replace(news, key="l")), tuple(replace(news, key=str(n)) for n in range(20))):
        assert not live(bundle(items))


@pytest.mark.parametrize("call", CALLS)
def test_a_push_calls_nobody(call: str) -> None:
    push = Pushed(call, "a" * 40, Author(call, call), call, call, 3, (call, call))
    build = Build(call, "a" * 40, call, AT, push=push, held=call, reason=call)
    journey = Journey(build, (Leg(call, why=call), Leg(call, refused=call)), (call,))
    assert not live(drawn(journey, {}))
    assert not live(failure(JourneyFailure("id", call, call), call, call))


@pytest.mark.parametrize("call", CALLS)
def test_an_alert_calls_nobody(call: str) -> None:
    one = Alert("f", call, AT, None, call, call, call, call, call, call, call, call, call, call)
    for told in ((one,), (one, replace(one, fingerprint="g")), (replace(one, ended_at=AT),)):
        assert not live(alert_group(told))
