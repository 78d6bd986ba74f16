"""slack-bolt's async app, unmodified, against the stand-in: what a person does reaches it, what it does shows."""

from typing import Any

import pytest

from integrations.sandbox.slack.errors import PersonError
from tests.unit.integrations.sandbox.slack.conftest import Connect, Workspace
from tests.waiting import until

MODAL: dict[str, Any] = {
    "type": "modal",
    "callback_id": "reject",
    "title": {"type": "plain_text", "text": "Reject"},
    "submit": {"type": "plain_text", "text": "Reject"},
    "private_metadata": "promotion-1",
    "blocks": [
        {
            "type": "input",
            "block_id": "reason",
            "label": {"type": "plain_text", "text": "Reason"},
            "element": {"type": "plain_text_input", "action_id": "text", "min_length": 3},
        }
    ],
}
CARD: list[dict[str, Any]] = [
    {"type": "section", "text": {"type": "mrkdwn", "text": "*my-app* → production"}},
    {
        "type": "actions",
        "elements": [
            {
                "type": "button",
                "action_id": "approve",
                "text": {"type": "plain_text", "text": "Approve"},
                "value": "p1",
            },
            {"type": "button", "action_id": "reject", "text": {"type": "plain_text", "text": ":x: Reject"}},
        ],
    },
]


async def test_command_is_acknowledged_with_an_ephemeral_message(workspace: Workspace, connect: Connect) -> None:
    app, seen = workspace.bolt(), []

    @app.command("/deploy")
    async def deploy(ack: Any, body: dict[str, Any]) -> None:
        seen.append(body)
        await ack("On it")

    await connect(app)
    result = await workspace.slack.command("ana", "#deployments", "/deploy my-app prod")
    assert result["ok"]
    assert result["acked"]
    assert seen[0]["text"] == "my-app prod"
    assert seen[0]["user_id"] == "U0ANA"
    (shown,) = workspace.slack.messages("deployments", "ana")
    assert (shown["text"], shown["ephemeral"]) == ("On it", True)
    assert workspace.slack.messages("deployments", "bo") == []


async def test_whole_approval_from_command_to_edited_card(workspace: Workspace, connect: Connect) -> None:
    app = workspace.bolt()

    @app.command("/deploy")
    async def deploy(ack: Any, client: Any, command: dict[str, Any]) -> None:
        await ack()
        await client.chat_postMessage(channel=command["channel_id"], text="card", blocks=CARD)

    @app.action("approve")
    async def approve(ack: Any, body: dict[str, Any], client: Any, action: dict[str, Any]) -> None:
        await ack()
        text = f"{action['value']} approved by <@{body['user']['id']}>"
        await client.chat_update(channel=body["channel"]["id"], ts=body["message"]["ts"], text=text, blocks=[])

    await connect(app)
    slack = workspace.slack
    await slack.command("ana", "deployments", "/deploy my-app prod")
    await until(lambda: slack.messages("deployments", "bo"))
    ts = slack.messages("deployments", "bo")[0]["ts"]
    assert (await slack.act("bo", "deployments", ts, label="Approve"))["acked"]
    await until(lambda: slack.messages("deployments", "bo")[0]["text"] != "card")
    (card,) = slack.messages("deployments", "cy")
    assert card["text"] == "p1 approved by <@U0BO>"
    assert card["blocks"] == []
    with pytest.raises(PersonError, match="nothing has the label 'Approve'"):
        await slack.act("mia", "deployments", ts, label="Approve")


async def test_modal_is_opened_filled_refused_and_closed(workspace: Workspace, connect: Connect) -> None:
    """S13, S15, S16."""
    app, submitted = workspace.bolt(), []

    @app.command("/deploy")
    async def deploy(ack: Any, client: Any, body: dict[str, Any]) -> None:
        await ack()
        await client.views_open(trigger_id=body["trigger_id"], view=MODAL)

    @app.view("reject")
    async def reject(ack: Any, view: dict[str, Any]) -> None:
        text = view["state"]["values"]["reason"]["text"]["value"]
        if text == "bad":
            await ack(response_action="errors", errors={"reason": "Say more"})
            return
        submitted.append((text, view["private_metadata"]))
        await ack()

    await connect(app)
    slack = workspace.slack
    await slack.command("bo", "deployments", "/deploy")
    await until(lambda: slack.views("bo"))
    (view,) = slack.views("bo")
    assert (await slack.submit_view(view["id"], "bo", {}))["errors"] == {
        "reason": "Please complete this required field."
    }
    assert "at least 3" in (await slack.submit_view(view["id"], "bo", {"text": "no"}))["errors"]["reason"]
    assert (await slack.submit_view(view["id"], "bo", {"reason": "bad"}))["errors"] == {"reason": "Say more"}
    assert len(slack.views("bo")) == 1
    state = {"reason": {"text": {"type": "plain_text_input", "value": "too risky"}}}
    assert (await slack.submit_view(view["id"], "bo", state))["ok"]
    assert submitted == [("too risky", "promotion-1")]
    assert slack.views("bo") == []


async def test_mention_reaches_the_app_and_it_answers_in_the_thread(workspace: Workspace, connect: Connect) -> None:
    app = workspace.bolt()

    @app.event("app_mention")
    async def mention(event: dict[str, Any], say: Any) -> None:
        await say(text=f"hello <@{event['user']}>", thread_ts=event["ts"])

    await connect(app)
    asked = workspace.slack.mention("ana", "deployments", "are you <there> & well?")
    await until(lambda: len(workspace.slack.messages("deployments", "ana")) == 2)
    question, answer = workspace.slack.messages("deployments", "ana")
    assert question["text"] == "<@U0PILOTHOUSE> are you &lt;there&gt; &amp; well?"
    assert answer["thread_ts"] == asked["ts"]
