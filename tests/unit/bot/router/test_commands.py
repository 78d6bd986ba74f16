"""What people type reaches the right command as the right person, and the answer reaches them alone."""

import asyncio
import json
import time
from dataclasses import replace
from typing import Any

import pytest

from bot.domain.errors import Unavailable
from bot.domain.intent import Deploy
from bot.domain.pipeline import StepLog
from bot.domain.reply import Reply
from bot.ports import Request
from bot.router.wire import kept
from bot.runtime.metrics import REGISTRY
from integrations.sandbox.slack.delivery import Answer
from tests.sentences import says
from tests.unit.bot.router.conftest import Bot
from tests.waiting import until


async def test_deploy_starts_a_promotion_and_tells_the_asker_where_its_card_is(bot: Bot) -> None:
    answer = await bot.says("ana", "/deploy my-app@1.4.2 prod --reason the login is fixed")
    assert "an approval" in answer
    (asked,) = bot.harness.promotions.asked
    assert isinstance(asked, Deploy)
    assert (asked.app, asked.environment, asked.image, asked.reason) == (
        "my-app",
        "production",
        "1.4.2",
        "the login is fixed",
    )
    assert asked.context.channel == "C0DEPLOY"
    assert asked.context.team == "T0PILOT"
    assert bot.harness.promotions.only.plan.requester.id == "U0ANA"
    assert bot.slack.messages("deployments", "bo") == []


async def test_the_command_works_behind_the_bots_own_name_too(bot: Bot) -> None:
    assert "an approval" in await bot.says("ana", "/pilothouse deploy my-app stg")


@pytest.mark.parametrize(
    ("who", "typed", "says"),
    [
        ("ana", "/deploy my-ap prod", "Did you mean `my-app`?"),
        ("cy", "/deploy my-app prod", "You do not have the `promote` permission"),
        ("cy", "/deploy my-ap prod", "You do not have the `promote` permission"),
        ("bo", "/approve p-1", "There is no promotion"),
    ],
)
async def test_refusals_are_told_to_the_asker_alone_and_name_the_rule(
    bot: Bot, who: str, typed: str, says: str
) -> None:
    assert says in await bot.says(who, typed)
    assert not bot.harness.promotions.asked
    other = "bo" if who != "bo" else "ana"
    assert bot.slack.messages("deployments", other) == []


async def test_a_refusal_names_who_could(bot: Bot) -> None:
    assert "Ask @engineers, @release-managers or @platform-admins." in await bot.says("cy", "/deploy my-app prod")


async def test_a_guest_learns_no_names_of_apps(bot: Bot) -> None:
    answer = await bot.says("gus", "/deploy my-ap prod", channel="general")
    assert says(answer, "Guests", "`promote` permission")
    assert "my-app" not in answer


async def test_a_deactivated_account_is_refused(bot: Bot) -> None:
    bot.harness.directory.people["U0ANA"] = replace(bot.harness.directory.people["U0ANA"], active=False)
    assert "deactivated" in await bot.says("ana", "/deploy my-app prod")


async def test_another_workspaces_account_is_refused(bot: Bot) -> None:
    bot.harness.directory.people["U0ANA"] = replace(bot.harness.directory.people["U0ANA"], team="T0OTHER")
    assert "other workspaces" in await bot.says("ana", "/deploy my-app prod")


async def test_nobody_is_let_in_while_slack_cannot_say_who_they_are(bot: Bot) -> None:
    bot.harness.directory.down = Unavailable("Slack", "users.info", "connection reset")
    assert says(await bot.says("dee", "/deploy my-app prod"), "Slack cannot confirm who you are")
    assert not bot.harness.promotions.asked


async def test_nothing_is_done_that_cannot_be_remembered(bot: Bot) -> None:
    bot.harness.requests.failing = OSError("disk full")
    answer = await bot.says("ana", "/deploy my-app prod")
    assert "Something broke" in answer
    assert "disk full" not in answer
    assert not bot.harness.promotions.asked


async def test_what_breaks_is_one_calm_line_with_the_id_of_the_log(bot: Bot) -> None:
    bot.harness.promotions.failing = RuntimeError("secret=hunter2")
    answer = await bot.says("ana", "/deploy my-app prod")
    assert "hunter2" not in answer
    assert "give an administrator this id: `" in answer


async def test_a_system_that_is_down_is_named(bot: Bot) -> None:
    bot.harness.promotions.failing = Unavailable("Harbor", "read", "timeout after 10 s to 10.0.0.3")
    answer = await bot.says("ana", "/deploy my-app prod")
    assert answer.startswith("Harbor does not answer")
    assert "10.0.0.3" not in answer


async def test_a_scan_while_the_registry_is_down_is_one_sentence(bot: Bot) -> None:
    bot.harness.images.failing = Unavailable("Harbor", "read", "timeout after 10 s to 10.0.0.3")
    answer = await bot.says("bo", "/scan my-app")
    assert says(answer, "Harbor does not answer", "again")


async def test_commands_that_name_no_app_work_while_the_overlay_repository_is_away(bot: Bot) -> None:
    await bot.says("ana", "/deploy my-app prod")
    bot.harness.overlays.failing = Unavailable("git", "fetch", "down")
    bot.harness.catalog._listing = None
    promotion = bot.harness.promotions.only
    await bot.slack.command("bo", "deployments", f"/approve {promotion.id}")
    await until(lambda: bot.harness.promotions.only.approvals)
    assert "Git does not answer" in await bot.says("ana", "/deploy ledger prod")


async def test_the_acknowledgement_does_not_wait_for_the_work(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    """S10."""
    goes_on = asyncio.Event()
    original = bot.harness.promotions.start

    async def slow(ask: Any, caller: Any) -> Any:
        await goes_on.wait()
        return await original(ask, caller)

    monkeypatch.setattr(bot.harness.promotions, "start", slow)
    typed = await bot.slack.command("ana", "deployments", "/deploy my-app prod")
    assert typed["acked"]
    assert not bot.whispers("ana")
    goes_on.set()
    await until(lambda: bot.whispers("ana"))


async def test_text_is_escaped_on_its_way_back(bot: Bot) -> None:
    """S6."""
    answer = await bot.says("ana", "/deploy &lt;!channel&gt; prod")
    assert "<!channel>" not in answer
    assert "&lt;!channel&gt;" in answer


async def test_a_stopping_bot_refuses_new_work_and_lets_running_work_end(
    bot: Bot, monkeypatch: pytest.MonkeyPatch
) -> None:
    goes_on = asyncio.Event()
    original = bot.harness.promotions.start

    async def slow(ask: Any, caller: Any) -> Any:
        await goes_on.wait()
        return await original(ask, caller)

    monkeypatch.setattr(bot.harness.promotions, "start", slow)
    await bot.slack.command("ana", "deployments", "/deploy my-app prod")
    draining = asyncio.create_task(bot.router.drain(3))
    await until(lambda: bot.router.closed)
    refused = await bot.slack.command("bo", "deployments", "/deploy ledger prod")
    assert refused["acked"]
    assert "restarting" in bot.whispers("bo")[-1]["text"]
    assert not draining.done()
    goes_on.set()
    await draining
    assert len(bot.harness.promotions.asked) == 1
    assert "an approval" in bot.whispers("ana")[-1]["text"]


async def test_work_that_does_not_end_is_cancelled_at_the_stop(bot: Bot, monkeypatch: pytest.MonkeyPatch) -> None:
    started = asyncio.Event()

    async def never(*_: object) -> Reply:
        started.set()
        await asyncio.Event().wait()
        raise AssertionError

    monkeypatch.setattr(bot.harness.promotions, "start", never)
    await bot.slack.command("ana", "deployments", "/deploy my-app prod")
    await started.wait()
    await bot.router.drain(0.05)
    await bot.idle()
    assert not bot.whispers("ana")


async def test_commands_are_counted_by_verb_and_outcome(bot: Bot) -> None:
    def count(outcome: str) -> float:
        return REGISTRY.get_sample_value("pilothouse_commands_total", {"verb": "status", "outcome": outcome}) or 0

    def acks() -> float:
        return REGISTRY.get_sample_value("pilothouse_ack_seconds_count", {"kind": "command"}) or 0

    done, refused, acked = count("done"), count("refused"), acks()
    await bot.says("ana", "/status my-app")
    await bot.says("ana", "/status nope")
    await bot.idle()
    assert (count("done"), count("refused"), acks()) == (done + 1, refused + 1, acked + 2)


async def test_status_and_help_are_shown(bot: Bot) -> None:
    assert await bot.says("ana", "/status my-app")
    assert "promote" in await bot.says("cy", "/pilothouse help")
    assert not bot.slack.complaints


async def test_a_long_log_comes_as_a_file_to_the_asker(bot: Bot) -> None:
    """S9, S14: the last lines in the message, the whole of it beside."""
    await bot.says("ana", "/pipeline run my-app")
    (run,) = await bot.harness.pipelines.list("", 1)
    bot.harness.pipelines.print(run.name, [StepLog("run-tests", "test", tuple(f"line {n}" for n in range(50)))])
    await bot.says("ana", f"/pipeline logs {run.name}")
    await bot.idle()
    await until(lambda: any(message.get("files") for message in bot.slack.messages("dm", "ana")))
    assert not any(message.get("files") for message in bot.slack.messages("deployments", "bo"))


async def test_where_the_bot_cannot_whisper_the_answer_comes_as_a_direct_message(bot: Bot) -> None:
    """S14: no response_url that works, and a conversation that the bot is not in."""
    bot.slack.set_members("incidents", ["ana", "bo"])
    body = {
        "team_id": "T0PILOT",
        "channel_id": "C0INC",
        "user_id": "U0ANA",
        "command": "/deploy",
        "text": "my-ap prod",
        "trigger_id": "1.2.3",
    }

    async def gone(**_: object) -> None:
        raise OSError("no such host")

    async def ack(*_: object) -> None:
        return None

    await bot.router.on_command(body, ack, gone)
    await until(lambda: bot.slack.messages("dm", "ana"))
    assert "Did you mean `my-app`?" in bot.slack.messages("dm", "ana")[-1]["text"]


async def test_a_refused_command_can_be_copied_and_mended(bot: Bot) -> None:
    """Slack clears what was typed when it is sent."""
    await bot.says("bo", "/deploy my-app prodd --reason `why` not")
    typed = bot.whispers("bo")[-1]["blocks"][-1]
    assert typed["type"] == "context"
    assert typed["elements"][0]["text"] == "You typed `/deploy my-app prodd --reason 'why' not`"


async def test_a_refused_command_shows_mentions_as_they_were_typed(bot: Bot) -> None:
    """S6: Slack sends `<@U0MIA|mia>` for what reads `@mia` in the composer."""
    await bot.says("bo", "/delegate @mia")
    assert bot.whispers("bo")[-1]["blocks"][-1]["elements"][0]["text"] == "You typed `/delegate @mia`"


async def test_a_late_answer_is_shown_by_its_response_url(bot: Bot) -> None:
    """S14, S19: over a real socket, with when it was asked for."""
    answers: list[str] = []
    transport = bot.slack.transport

    class Heard:
        async def deliver(self, delivery: Any) -> Any:
            answers.append(delivery.payload["response_url"])
            return Answer(acked=True)

    bot.slack.transport = Heard()
    await bot.slack.command("ana", "deployments", "/deploy my-app prod")
    bot.slack.transport = transport
    body = kept("command", {"command": "/deploy", "text": "my-app prod", "user_id": "U0ANA", "team_id": "T0PILOT",
                            "channel_id": "C0DEPLOY", "trigger_id": "1.2.3", "response_url": answers[0]})  # fmt: skip
    assert await bot.router.handlers.handle(Request("r-1", "command", body, time.time() - 60, 2))
    [whisper] = bot.whispers("ana")
    assert whisper["text"].startswith("Late")
    assert "my-app" in json.dumps(whisper)
