"""An answer that Slack does not take: what was asked for is done all the same, and is never said to have failed."""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from structlog.testing import capture_logs

from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.domain.intent import Context, Deploy
from bot.domain.pipeline import PipelineRun, RunStatus, StepLog
from bot.domain.reply import ApprovalRequests, Occupied, Queued, Reply, RunLog, Shown, Started, Told
from bot.notify.messages import Places
from bot.notify.permalinks import Permalinks
from bot.ports import Modals, Rendered
from bot.router.answers import Answers
from bot.router.explanations import explain
from bot.router.incoming import Incoming
from bot.store.database import Database
from bot.store.messages import Messages
from tests.fakes.databases import create_tables
from tests.fakes.messenger import FakeMessenger
from tests.sentences import says
from tests.views.samples import promotion


class NoModals(Modals):
    """Nothing here opens one."""

    async def open(self, trigger: str, view: Mapping[str, Any]) -> str:
        raise AssertionError

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        raise AssertionError

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        raise AssertionError


ASKED = Incoming("command", "U0ANA", "T0PILOT", "r" * 32, "C0DEPLOY")
BUSY = Unavailable("Slack", "chat.postEphemeral", "ratelimited")


async def limited(**_message: Any) -> Any:
    """A response_url that answers 429."""
    return type("Answer", (), {"status_code": 429})()


def heard(messenger: FakeMessenger) -> list[str]:
    return [message.shown.text for message in messenger.messages]


async def test_an_answer_is_tried_again_while_slack_is_busy() -> None:
    messenger = FakeMessenger()
    messenger.failures.extend([BUSY] * 4)  # twice: the whisper, then the direct message
    await Answers(messenger, NoModals(), pauses=(0, 0)).reply(Told("It is done."), ASKED, limited)
    assert heard(messenger) == ["It is done."]


async def test_an_answer_that_slack_never_takes_is_not_told_as_a_failure() -> None:
    messenger = FakeMessenger()
    messenger.failures.extend([BUSY] * 4)
    await Answers(messenger, NoModals(), pauses=(0,)).reply(Told("It is done."), ASKED, limited)
    [said] = heard(messenger)
    assert said.startswith("I have done what you asked for, but Slack did not show you my answer.")
    assert "`/pilothouse status`" in said
    assert ASKED.correlation_id in said


async def test_an_answer_that_slack_refuses_is_not_tried_again() -> None:
    messenger = FakeMessenger()
    messenger.failures.extend([Refused("Slack", "chat.postEphemeral", "invalid_blocks")] * 2)
    await Answers(messenger, NoModals(), pauses=(3600,)).reply(Told("It is done."), ASKED, limited)
    assert "Slack did not show you my answer" in heard(messenger)[0]


async def test_nothing_is_raised_when_slack_takes_no_word_at_all() -> None:
    messenger = FakeMessenger(closed={"C0DEPLOY": BUSY, "U0ANA": BUSY})
    await Answers(messenger, NoModals(), pauses=(0,)).reply(Told("It is done."), ASKED, limited)
    assert heard(messenger) == []


async def test_a_log_that_cannot_be_uploaded_does_not_repeat_the_answer() -> None:
    messenger = FakeMessenger(closed={"U0ANA": Refused("Slack", "conversations.open", "user_not_found")})
    run = PipelineRun("my-app-1", "build", "my-app", RunStatus.SUCCEEDED)
    log = RunLog(run, (StepLog("build", "build", tuple(f"line {n}" for n in range(100))),))
    await Answers(messenger, NoModals(), pauses=(0,)).reply(log, replace(ASKED), None)
    shown, unseen = heard(messenger)
    assert "my-app-1" in shown
    assert "Slack did not show you my answer" in unseen


def test_what_is_refused_is_not_said_to_be_worth_another_try() -> None:
    refused = explain(Refused("github", "commit", "403"), "abc123")
    assert refused.startswith("Github refuses to do its part of that, and asking again will not change it.")
    assert "`abc123`" in refused
    assert "Try again in a minute" in explain(BUSY, "abc123")


def test_a_system_that_is_away_needs_no_administrator_and_no_traceback() -> None:
    with capture_logs() as logged:
        said = explain(Unavailable("Harbor", "read apps/my-app:v1", "HTTP 503 of 10.0.0.3"), "abc123")
    assert says(said, "Harbor does not answer", "again")
    [line] = logged
    assert (line["log_level"], line["system"], line["detail"]) == ("warning", "Harbor", "HTTP 503 of 10.0.0.3")
    assert "exc_info" not in line


def test_what_is_broken_for_another_reason_is_logged_with_its_traceback() -> None:
    with capture_logs() as logged:
        said = explain(IntegrationError("Harbor", "read", "nonsense"), "abc123")
    assert said.startswith("Harbor did not do its part, and I could not finish that.")
    assert "`abc123`" in said
    assert (logged[0]["log_level"], "exc_info" in logged[0]) == ("error", True)


async def answered(tmp_path: Path, reply: Reply, *, card: bool = True) -> str:
    """The blocks of the answer, where the card is in #deployments and Slack answers."""
    messenger, database = FakeMessenger(), Database(f"sqlite:///{tmp_path / 'links.db'}")
    await create_tables(database)
    messages = Messages(database)
    if card:
        shown = promotion()
        await messages.threads.want(shown.id, shown.plan.channel, Rendered("the card"), 0.0)
        await Places(messages, messenger).bring(shown.id, shown.plan.channel, first=True)
    links = Permalinks(messages.threads, messenger)
    await Answers(messenger, NoModals(), links=links, looks=(0.0,)).reply(reply, ASKED, None)
    await database.close()
    return str(messenger.messages[-1].shown.blocks)


WISH = Deploy(context=Context("r1", "C0DEPLOY", "c1"), app="my-app", environment="production")


@pytest.mark.parametrize(
    "reply",
    [
        Started(promotion(), "C0DEPLOY"),
        Shown(promotion()),
        Occupied("Ana is already promoting my-app there.", promotion(), WISH),
        Queued(promotion()),
        ApprovalRequests((promotion(),), frozenset()),
    ],
    ids=lambda reply: type(reply).__name__,
)
async def test_a_private_answer_about_a_promotion_leads_to_its_card(tmp_path: Path, reply: Reply) -> None:
    assert "|Open its card>" in await answered(tmp_path, reply)


async def test_an_answer_right_above_the_card_or_without_one_has_no_link(tmp_path: Path) -> None:
    assert "Open its card" not in await answered(tmp_path, Started(promotion(), "C0DEPLOY", here=True))
    assert "Open its card" not in await answered(tmp_path, Occupied("Somebody is.", None, WISH))


async def test_a_card_that_is_not_there_yet_holds_no_answer_up(tmp_path: Path) -> None:
    said = await answered(tmp_path, Started(promotion(), "C0DEPLOY"), card=False)
    assert "follow its card in" in said
    assert "Open its card" not in said
