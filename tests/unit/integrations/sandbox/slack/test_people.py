"""What people can and cannot do, and what the app hears of it (S6, S10, S14, S17)."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from integrations.sandbox.slack.delivery import Answer, SlackDelivery
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.model import SlashCommand
from integrations.sandbox.slack.server import SlackServer
from tests.unit.integrations.sandbox.slack.conftest import Workspace

Json = dict[str, Any]
OPTIONS = [{"text": {"type": "plain_text", "text": name}, "value": name.lower()} for name in ("Staging", "Production")]
CARD: list[Json] = [
    {
        "type": "actions",
        "block_id": "decide",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "text": {"type": "plain_text", "text": ":white_check_mark: Approve"},
                "value": "p1",
                "confirm": {
                    "title": {"type": "plain_text", "text": "Sure?"},
                    "text": {"type": "plain_text", "text": "Production"},
                    "confirm": {"type": "plain_text", "text": "Yes"},
                    "deny": {"type": "plain_text", "text": "No"},
                },
            },
            {
                "type": "button",
                "action_id": "logs",
                "text": {"type": "plain_text", "text": "Logs"},
                "url": "https://example.com",
            },
            {"type": "overflow", "action_id": "more", "options": OPTIONS},
            {"type": "static_select", "action_id": "env", "options": OPTIONS, "initial_option": OPTIONS[0]},
            {"type": "users_select", "action_id": "who"},
            {"type": "datepicker", "action_id": "when", "initial_date": "2026-01-01"},
            {"type": "checkboxes", "action_id": "boxes", "options": OPTIONS},
        ],
    }
]


class App:
    """Answers deliveries with `reply`, and remembers them."""

    def __init__(self) -> None:
        self.received: list[SlackDelivery] = []
        self.reply: Callable[[SlackDelivery], Answer] = lambda _: Answer(True)

    async def deliver(self, delivery: SlackDelivery) -> Answer:
        self.received.append(delivery)
        return self.reply(delivery)

    @property
    def last(self) -> Json:
        return self.received[-1].payload


@pytest.fixture
def app() -> App:
    return App()


@pytest.fixture
def slack(app: App) -> SlackServer:
    server = SlackServer(commands=["/deploy"], limits=RateLimits(enabled=False))
    server.public_url = "http://slack.invalid"
    server.transport = app
    return server


@pytest.fixture
async def ts(slack: SlackServer, app: App) -> str:
    """A card in #deployments, posted as the app answers a command."""
    app.reply = lambda _: Answer(True, {"response_type": "in_channel", "text": "card", "blocks": CARD})
    result = await slack.command("ana", "deployments", "/deploy my-app prod")
    app.reply = lambda _: Answer(True)
    return str(result["ts"])


async def test_button_press_as_slack_tells_it(slack: SlackServer, app: App, ts: str) -> None:
    """S17."""
    result = await slack.act("bo", "#deployments", ts, "approve")
    assert result == {"ok": True, "acked": True}
    payload = app.last
    assert payload["type"] == "block_actions"
    assert payload["user"]["id"] == "U0BO"
    assert payload["channel"] == {"id": "C0DEPLOY", "name": "deployments"}
    assert payload["container"] == {
        "type": "message",
        "message_ts": ts,
        "channel_id": "C0DEPLOY",
        "is_ephemeral": False,
    }
    assert payload["message"]["text"] == "card"
    assert payload["response_url"].startswith("http://slack.invalid/actions/T0PILOT/")
    (action,) = payload["actions"]
    assert (action["action_id"], action["block_id"], action["value"], action["type"]) == (
        "approve",
        "decide",
        "p1",
        "button",
    )
    assert action["action_ts"]


async def test_double_click_is_two_deliveries(slack: SlackServer, app: App, ts: str) -> None:
    """S17: Slack disables nothing."""
    before = len(app.received)
    await slack.act("bo", "deployments", ts, "approve")
    await slack.act("bo", "deployments", ts, "approve")
    assert len(app.received) == before + 2


async def test_link_button_is_told_too(slack: SlackServer, app: App, ts: str) -> None:
    """S17."""
    await slack.act("bo", "deployments", ts, label="Logs")
    assert app.last["actions"][0]["action_id"] == "logs"


async def test_dismissed_confirm_dialog_sends_nothing(slack: SlackServer, app: App, ts: str) -> None:
    before = len(app.received)
    result = await slack.act("bo", "deployments", ts, "approve", confirm=False)
    assert result == {"ok": True, "acked": False, "cancelled": True}
    assert len(app.received) == before


async def test_tampered_value_goes_through(slack: SlackServer, app: App, ts: str) -> None:
    """S17: what comes back is never to be trusted."""
    await slack.act("cy", "deployments", ts, "approve", value="p999")
    assert app.last["actions"][0]["value"] == "p999"
    with pytest.raises(PersonError, match="no option 'narnia': expected one of staging, production"):
        await slack.act("cy", "deployments", ts, "env", value="narnia")
    await slack.act("cy", "deployments", ts, "env", value="narnia", forged=True)
    assert app.last["actions"][0]["selected_option"]["value"] == "narnia"


async def test_choices_and_the_state_they_leave(slack: SlackServer, app: App, ts: str) -> None:
    await slack.act("bo", "deployments", ts, "env", value="Production")
    assert app.last["actions"][0]["selected_option"]["value"] == "production"
    await slack.act("bo", "deployments", ts, "who", value="mia")
    await slack.act("bo", "deployments", ts, "boxes", value=["staging"])
    state = app.last["state"]["values"]["decide"]
    assert state["env"]["selected_option"]["value"] == "production"
    assert state["who"]["selected_user"] == "U0MIA"
    assert state["when"]["selected_date"] == "2026-01-01"
    assert [option["value"] for option in state["boxes"]["selected_options"]] == ["staging"]
    await slack.act("ana", "deployments", ts, "logs")
    assert app.last["state"]["values"]["decide"]["env"]["selected_option"]["value"] == "staging"
    await slack.act("bo", "deployments", ts, label="Production")
    assert (app.last["actions"][0]["type"], app.last["actions"][0]["selected_option"]["value"]) == (
        "overflow",
        "production",
    )


async def test_people_press_only_what_they_see(slack: SlackServer, ts: str) -> None:
    with pytest.raises(PersonError, match="gus is not in #deployments"):
        await slack.act("gus", "deployments", ts, "approve")
    with pytest.raises(PersonError, match="ana sees no message"):
        await slack.act("ana", "deployments", "1.2", "approve")
    with pytest.raises(PersonError, match=r"there is .*Approve \(approve\)"):
        await slack.act("ana", "deployments", ts, "reject")
    with pytest.raises(PersonError, match="there is no person 'eve'"):
        await slack.act("eve", "deployments", ts, "approve")
    slack.deactivate("bo")
    with pytest.raises(PersonError, match="bo is deactivated"):
        await slack.act("bo", "deployments", ts, "approve")


async def test_ephemeral_message_is_another_persons_secret(slack: SlackServer, app: App) -> None:
    """S17: its block_actions come without the message."""
    app.reply = lambda _: Answer(True, {"text": "only you", "blocks": CARD})
    shown = await slack.command("ana", "deployments", "/deploy")
    app.reply = lambda _: Answer(True)
    with pytest.raises(PersonError, match="bo sees no message"):
        await slack.act("bo", "deployments", shown["ts"], "logs")
    await slack.act("ana", "deployments", shown["ts"], "logs")
    assert "message" not in app.last
    assert app.last["container"]["is_ephemeral"] is True


async def test_raw_payload_is_delivered_as_it_is(slack: SlackServer, app: App) -> None:
    await slack.deliver("block_actions", {"user": {"id": "U0EVE"}, "actions": []})
    assert app.received[-1].kind == "interactive"
    assert app.last == {"type": "block_actions", "user": {"id": "U0EVE"}, "actions": []}
    await slack.deliver("slash_commands", {"command": "/deploy"})
    assert (app.received[-1].kind, app.received[-1].wants_reply) == ("slash_commands", True)


async def test_unanswered_press_is_an_error_to_see(slack: SlackServer, app: App, ts: str) -> None:
    """S10."""
    app.reply = lambda _: Answer(False, error="operation_timeout", reason="timeout")
    changes = slack.subscribe()
    result = await slack.act("bo", "deployments", ts, "logs")
    assert result == {"ok": False, "acked": False, "error": "operation_timeout"}
    kinds = [(await anext(changes))["type"] for _ in range(2)]
    assert kinds == ["complaint", "failure"]


async def test_unknown_command_is_told_by_slackbot(slack: SlackServer, app: App) -> None:
    result = await slack.command("ana", "deployments", "/shout loud")
    assert (result["ok"], result["error"]) == (False, "invalid_command")
    (shown,) = slack.messages("deployments", "ana")
    assert shown["text"].startswith("/shout is not a valid command.")
    assert (shown["user"], shown["ephemeral"]) == ("USLACKBOT", True)
    assert app.received == []
    with pytest.raises(PersonError, match="begins with a slash"):
        await slack.command("ana", "deployments", "deploy")
    with pytest.raises(PersonError, match="gus is not in #deployments"):
        await slack.command("gus", "deployments", "/deploy")


async def test_command_answered_in_channel_shows_what_was_typed(slack: SlackServer, ts: str) -> None:
    typed, card = slack.messages("deployments", "cy")
    assert (typed["user"], typed["text"]) == ("U0ANA", "/deploy my-app prod")
    assert card["ts"] == ts


async def test_command_answered_with_invalid_blocks_fails_visibly(slack: SlackServer, app: App) -> None:
    app.reply = lambda _: Answer(True, {"blocks": [{"type": "shout"}]})
    result = await slack.command("ana", "deployments", "/deploy")
    assert (result["ok"], result["error"]) == (False, "invalid_command_response")
    assert "invalid_command_response" in slack.messages("deployments", "ana")[0]["text"]


async def test_command_text_is_escaped_only_where_the_manifest_says_so(slack: SlackServer, app: App) -> None:
    """S6."""
    await slack.command("ana", "deployments", "/deploy @bo a&b")
    assert app.last["text"] == "@bo a&b"
    slack.commands = [SlashCommand("/deploy", should_escape=True)]
    await slack.command("ana", "deployments", "/deploy @bo #general a&b")
    assert app.last["text"] == "<@U0BO|bo> <#C0GENERAL|general> a&amp;b"


async def test_command_in_a_direct_message(slack: SlackServer, app: App) -> None:
    await slack.command("gus", "dm", "/deploy")
    assert (app.last["channel_id"], app.last["channel_name"]) == ("D0GUS", "directmessage")


async def test_typed_text_becomes_rich_text(slack: SlackServer) -> None:
    """S6."""
    slack.message(
        "ana", "deployments", "@pilothouse ask @release-managers in #general about <this> at https://e.com/a?b=1&c"
    )
    (shown,) = slack.messages("deployments", "bo")
    assert shown["text"].startswith(
        "<@U0PILOTHOUSE> ask <!subteam^S0RELEASE> in <#C0GENERAL|general> about &lt;this&gt;"
    )
    elements = shown["blocks"][0]["elements"][0]["elements"]
    assert [element["type"] for element in elements] == [
        "user",
        "text",
        "usergroup",
        "text",
        "channel",
        "text",
        "link",
    ]
    assert elements[5]["text"] == " about <this> at "
    assert elements[6]["url"] == "https://e.com/a?b=1&c"


async def test_stale_press_on_an_earlier_version(workspace: Workspace) -> None:
    """S17: the message may be old."""
    slack, app = workspace.slack, App()
    slack.transport = app
    posted = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="card", blocks=CARD)
    with pytest.raises(PersonError, match="never edited"):
        await slack.act("bo", "deployments", posted["ts"], "approve", stale=True)
    await workspace.client.chat_update(channel="C0DEPLOY", ts=posted["ts"], text="done", blocks=[])
    with pytest.raises(PersonError, match="nothing has the action_id 'approve'"):
        await slack.act("bo", "deployments", posted["ts"], "approve")
    await slack.act("bo", "deployments", posted["ts"], "approve", stale=True)
    assert app.last["actions"][0]["value"] == "p1"


async def test_stale_press_by_label_is_on_the_newest_version_that_has_it(workspace: Workspace) -> None:
    slack, app = workspace.slack, App()
    slack.transport = app
    posted = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="card", blocks=CARD)
    newer = json.loads(json.dumps(CARD).replace('"p1"', '"p2"'))
    versions: tuple[list[dict[str, Any]], ...] = (newer, [])
    for blocks in versions:
        await workspace.client.chat_update(channel="C0DEPLOY", ts=posted["ts"], text="card", blocks=blocks)
    await slack.act("bo", "deployments", posted["ts"], label="Approve", stale=True)
    assert app.last["actions"][0]["value"] == "p2"


async def test_press_inside_a_coloured_attachment(workspace: Workspace) -> None:
    app = App()
    workspace.slack.transport = app
    posted = await workspace.client.chat_postMessage(
        channel="C0DEPLOY", text="card", attachments=[{"color": "#36a64f", "blocks": CARD}]
    )
    await workspace.slack.act("bo", "deployments", posted["ts"], label="approve")
    assert (app.last["container"]["type"], app.last["container"]["attachment_id"]) == ("message_attachment", 1)


def test_workspace_as_a_page_shows_it(slack: SlackServer) -> None:
    shown = slack.workspace()
    assert [user["name"] for user in shown["users"]][:6] == ["ana", "bo", "mia", "cy", "dee", "gus"]
    assert {group["handle"]: group["members"] for group in shown["groups"]}["release-managers"] == ["U0BO", "U0MIA"]
    names = {channel["name"] for channel in shown["channels"]}
    assert names == {"deployments", "general", "incidents", "directmessage"}
    assert [command["command"] for command in shown["commands"]] == ["/deploy"]


async def test_changes_are_told(slack: SlackServer) -> None:
    changes = slack.subscribe()
    sent = slack.message("ana", "deployments", "hello")
    change = await anext(changes)
    assert (change["type"], change["change"], change["ts"]) == ("message", "posted", sent["ts"])
    changes.close()
    assert [change async for change in changes] == []


def test_secrets_are_in_no_repr(slack: SlackServer) -> None:
    assert "xoxb" not in repr(slack.config)
