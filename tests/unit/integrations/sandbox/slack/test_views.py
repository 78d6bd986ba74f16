"""Modals and the Home tab, by the SDK's client on the app's side (S14-S16)."""

from collections.abc import Callable
from typing import Any

import pytest
from slack_sdk.errors import SlackApiError

from integrations.sandbox.slack.delivery import Answer
from integrations.sandbox.slack.errors import PersonError
from tests.unit.integrations.sandbox.slack.conftest import Workspace
from tests.unit.integrations.sandbox.slack.test_people import App

Json = dict[str, Any]


def plain(text: str) -> Json:
    return {"type": "plain_text", "text": text}


def entry(block_id: str, element: Json, **parts: Any) -> Json:
    return {"type": "input", "block_id": block_id, "label": plain(block_id), "element": element, **parts}


def text_input(**parts: Any) -> Json:
    return {"type": "plain_text_input", "action_id": "text", **parts}


def modal(*blocks: Json, **parts: Any) -> Json:
    return {
        "type": "modal",
        "title": plain("Reject"),
        "submit": plain("Reject"),
        "blocks": list(blocks or [entry("reason", text_input())]),
        **parts,
    }


@pytest.fixture
def app(workspace: Workspace) -> App:
    app = App()
    workspace.slack.transport = app
    return app


async def opened(workspace: Workspace, app: App, view: Json | None = None) -> Json:
    """A modal that bo has open."""
    await workspace.slack.command("bo", "deployments", "/deploy")
    response = await workspace.client.views_open(trigger_id=app.last["trigger_id"], view=view or modal())
    return dict(response["view"])


async def pushed(workspace: Workspace, app: App, view_id: str) -> Json:
    await workspace.slack.act_in_view(view_id, "bo", "next")
    response = await workspace.client.views_push(trigger_id=app.last["trigger_id"], view=BUTTONS)
    return dict(response["view"])


BUTTONS = modal(
    {"type": "actions", "elements": [{"type": "button", "action_id": "next", "text": plain("Next")}]},
    clear_on_close=False,
)


async def test_trigger_opens_one_modal(workspace: Workspace, app: App) -> None:
    """S15."""
    await opened(workspace, app)
    with pytest.raises(SlackApiError, match="exchanged_trigger_id"):
        await workspace.client.views_open(trigger_id=app.last["trigger_id"], view=modal())
    assert [view["title"]["text"] for view in workspace.slack.views("bo")] == ["Reject"]
    assert workspace.slack.views("ana") == []


async def test_invalid_view_is_refused_with_its_places(workspace: Workspace, app: App) -> None:
    await workspace.slack.command("bo", "deployments", "/deploy")
    with pytest.raises(SlackApiError) as caught:
        await workspace.client.views_open(trigger_id=app.last["trigger_id"], view=modal(title=plain("x" * 25)))
    data: Any = caught.value.response.data
    assert data["error"] == "invalid_arguments"
    assert "/view/title/text" in data["response_metadata"]["messages"][0]


async def test_stack_holds_three(workspace: Workspace, app: App) -> None:
    """S16: one open and two pushed."""
    first = await opened(workspace, app, BUTTONS)
    second = await pushed(workspace, app, first["id"])
    third = await pushed(workspace, app, second["id"])
    assert (third["root_view_id"], third["previous_view_id"]) == (first["id"], second["id"])
    with pytest.raises(SlackApiError, match="push_limit_reached"):
        await pushed(workspace, app, third["id"])
    with pytest.raises(PersonError, match="lies under another one"):
        await workspace.slack.submit_view(first["id"], "bo", {})
    await workspace.slack.submit_view(third["id"], "bo", {})
    assert [view["id"] for view in workspace.slack.views("bo")] == [first["id"], second["id"]]


async def test_push_needs_a_trigger_from_a_modal(workspace: Workspace, app: App) -> None:
    await workspace.slack.command("bo", "deployments", "/deploy")
    with pytest.raises(SlackApiError, match="not_found"):
        await workspace.client.views_push(trigger_id=app.last["trigger_id"], view=modal())


async def test_update_with_an_old_hash_is_a_conflict(workspace: Workspace, app: App) -> None:
    """S16."""
    view = await opened(workspace, app)
    fresh = (await workspace.client.views_update(view_id=view["id"], hash=view["hash"], view=modal()))["view"]
    assert fresh["hash"] != view["hash"]
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await workspace.client.views_update(view_id=view["id"], hash=view["hash"], view=modal())


async def test_update_keeps_what_was_typed_where_the_ids_stay(workspace: Workspace, app: App) -> None:
    """S16: new ids reset it."""
    view = await opened(workspace, app)
    await workspace.slack.act_in_view(view["id"], "bo", "text", value="typed")
    kept = (await workspace.client.views_update(view_id=view["id"], view=modal()))["view"]
    assert kept["state"]["values"]["reason"]["text"]["value"] == "typed"
    other = modal(entry("other", text_input()))
    assert (await workspace.client.views_update(view_id=view["id"], view=other))["view"]["state"]["values"] == {}


async def test_view_is_found_by_external_id(workspace: Workspace, app: App) -> None:
    await opened(workspace, app, modal(external_id="p1"))
    found = await workspace.client.views_update(external_id="p1", view=modal(external_id="p1"))
    assert found["view"]["external_id"] == "p1"
    with pytest.raises(SlackApiError, match="not_found"):
        await workspace.client.views_update(view_id="V0NONE", view=modal())


async def test_closed_view_cannot_be_updated(workspace: Workspace, app: App) -> None:
    """An empty acknowledgement closes the view before a later views.update comes."""
    view = await opened(workspace, app)
    await workspace.slack.submit_view(view["id"], "bo", {"reason": "no"})
    with pytest.raises(SlackApiError, match="not_found"):
        await workspace.client.views_update(view_id=view["id"], view=modal())


async def test_submission_as_slack_tells_it(workspace: Workspace, app: App) -> None:
    """S14, S16: no response_url, but response_urls."""
    view = await opened(workspace, app, modal(private_metadata="p1", callback_id="reject"))
    await workspace.slack.submit_view(view["id"], "bo", {"text": "no"})
    payload = app.last
    assert (payload["type"], payload["user"]["id"]) == ("view_submission", "U0BO")
    assert (payload["view"]["private_metadata"], payload["view"]["callback_id"]) == ("p1", "reject")
    assert payload["view"]["state"]["values"] == {"reason": {"text": {"type": "plain_text_input", "value": "no"}}}
    assert (payload["response_urls"], "response_url" in payload) == ([], False)
    assert app.received[-1].wants_reply


async def test_channel_select_can_bring_a_response_url(workspace: Workspace, app: App) -> None:
    """S14."""
    select = {"type": "channels_select", "action_id": "where", "response_url_enabled": True}
    view = await opened(workspace, app, modal(entry("channel", select)))
    await workspace.slack.submit_view(view["id"], "bo", {"where": "#general"})
    (url,) = app.last["response_urls"]
    assert (url["channel_id"], url["action_id"]) == ("C0GENERAL", "where")


@pytest.mark.parametrize(
    ("answer", "titles"),
    [
        (None, []),
        ({"response_action": "clear"}, []),
        ({"response_action": "update", "view": modal(title=plain("Again"))}, ["Again"]),
        ({"response_action": "push", "view": modal(title=plain("More"))}, ["Reject", "More"]),
    ],
)
async def test_response_actions(workspace: Workspace, app: App, answer: Json | None, titles: list[str]) -> None:
    """S13."""
    view = await opened(workspace, app)
    app.reply = lambda _: Answer(True, answer)
    assert (await workspace.slack.submit_view(view["id"], "bo", {"text": "no"}))["ok"]
    assert [view["title"]["text"] for view in workspace.slack.views("bo")] == titles


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        ({"response_action": "errors", "errors": {"nowhere": "x"}}, "invalid_errors"),
        ({"response_action": "errors"}, "invalid_errors"),
        ({"response_action": "update", "view": {"type": "modal"}}, "invalid_arguments"),
        ({"response_action": "shout"}, "invalid_response_action"),
    ],
)
async def test_wrong_response_actions_leave_the_modal_open(
    workspace: Workspace, app: App, answer: Json, error: str
) -> None:
    view = await opened(workspace, app)
    app.reply = lambda _: Answer(True, answer)
    result = await workspace.slack.submit_view(view["id"], "bo", {"text": "no"})
    assert (result["ok"], result["error"]) == (False, error)
    assert len(workspace.slack.views("bo")) == 1
    assert any(error in complaint for complaint in workspace.slack.complaints)


async def test_unanswered_submission_leaves_the_modal_open(workspace: Workspace, app: App) -> None:
    """S10."""
    view = await opened(workspace, app)
    app.reply = lambda _: Answer(False, error="operation_timeout")
    result = await workspace.slack.submit_view(view["id"], "bo", {"text": "no"})
    assert (result["ok"], result["error"]) == (False, "operation_timeout")
    assert len(workspace.slack.views("bo")) == 1


OPTION = {"text": plain("Staging"), "value": "staging"}


@pytest.mark.parametrize(
    ("element", "value", "refusal"),
    [
        (text_input(), "", "required"),
        (text_input(min_length=3), "ab", "at least 3"),
        (text_input(max_length=3), "abcd", "no more than 3"),
        ({"type": "number_input", "action_id": "text", "is_decimal_allowed": False}, "1.5", "valid number"),
        ({"type": "number_input", "action_id": "text", "is_decimal_allowed": True, "max_value": "1"}, "2", "at most 1"),
        (
            {"type": "number_input", "action_id": "text", "is_decimal_allowed": True, "min_value": "1"},
            "0",
            "at least 1",
        ),
        ({"type": "email_text_input", "action_id": "text"}, "nobody", "valid email"),
        ({"type": "url_text_input", "action_id": "text"}, "nowhere", "valid URL"),
        ({"type": "static_select", "action_id": "text", "options": [OPTION]}, None, "required"),
        ({"type": "datepicker", "action_id": "text"}, "2026-02-30", "valid date"),
    ],
)
async def test_the_client_refuses_before_it_submits(
    workspace: Workspace, app: App, element: Json, value: Any, refusal: str
) -> None:
    view = await opened(workspace, app, modal(entry("field", element)))
    before = len(app.received)
    result = await workspace.slack.submit_view(view["id"], "bo", {"text": value})
    assert refusal in result["errors"]["field"]
    assert len(app.received) == before


async def test_what_is_not_given_keeps_its_initial_value(workspace: Workspace, app: App) -> None:
    view = await opened(
        workspace,
        app,
        modal(
            entry("env", {"type": "static_select", "action_id": "env", "options": [OPTION], "initial_option": OPTION}),
            entry("note", text_input(initial_value="as before"), optional=True),
            entry("who", {"type": "multi_users_select", "action_id": "who", "initial_users": ["U0MIA"]}),
        ),
    )
    assert (await workspace.slack.submit_view(view["id"], "bo"))["ok"]
    values = app.last["view"]["state"]["values"]
    assert values["env"]["env"]["selected_option"]["value"] == "staging"
    assert values["note"]["text"]["value"] == "as before"
    assert values["who"]["who"]["selected_users"] == ["U0MIA"]


async def test_unknown_input_is_an_error_of_the_person(workspace: Workspace, app: App) -> None:
    view = await opened(workspace, app)
    with pytest.raises(PersonError, match="no input resaon: expected reason, text"):
        await workspace.slack.submit_view(view["id"], "bo", {"resaon": "no"})
    with pytest.raises(PersonError, match="ana has no view"):
        await workspace.slack.submit_view(view["id"], "ana", {"reason": "no"})


def tags(*names: str) -> Callable[[Any], Answer]:
    return lambda _: Answer(True, {"options": [{"text": plain(name), "value": name} for name in names]})


async def test_external_select_asks_the_app(workspace: Workspace, app: App) -> None:
    select = {"type": "external_select", "action_id": "tag", "min_query_length": 2}
    view = await opened(workspace, app, modal(entry("image", select)))
    before = len(app.received)
    assert await workspace.slack.options("bo", "tag", "v", view_id=view["id"]) == {"ok": True, "options": []}
    assert len(app.received) == before
    app.reply = tags("v1.4.1", "v1.4.2")
    offered = await workspace.slack.options("bo", "tag", "v1", view_id=view["id"])
    assert [option["value"] for option in offered["options"]] == ["v1.4.1", "v1.4.2"]
    assert (app.last["type"], app.last["value"], app.last["view"]["id"]) == ("block_suggestion", "v1", view["id"])
    with pytest.raises(PersonError, match=r"no option 'v9\.9'"):
        await workspace.slack.submit_view(view["id"], "bo", {"tag": "v9.9"})
    app.reply = lambda delivery: (
        tags("v1.4.2")(delivery) if delivery.payload["type"] == "block_suggestion" else Answer(True)
    )
    assert (await workspace.slack.submit_view(view["id"], "bo", {"tag": "v1.4.2"}))["ok"]
    assert app.last["view"]["state"]["values"]["image"]["tag"]["selected_option"]["value"] == "v1.4.2"


async def test_more_than_100_options_are_refused(workspace: Workspace, app: App) -> None:
    """S19."""
    select = {"type": "external_select", "action_id": "tag", "min_query_length": 0}
    view = await opened(workspace, app, modal(entry("image", select)))
    app.reply = tags(*(f"v{number}" for number in range(101)))
    assert (await workspace.slack.options("bo", "tag", view_id=view["id"]))["error"] == "invalid_options"


async def test_input_that_dispatches_is_told_at_once(workspace: Workspace, app: App) -> None:
    view = await opened(workspace, app, modal(entry("reason", text_input(), dispatch_action=True)))
    await workspace.slack.act_in_view(view["id"], "bo", "text", value="typed")
    assert app.last["container"] == {"type": "view", "view_id": view["id"]}
    assert app.last["view"]["state"]["values"]["reason"]["text"]["value"] == "typed"
    assert not {"message", "channel", "response_url"} & set(app.last)


async def test_closing_is_told_only_on_request(workspace: Workspace, app: App) -> None:
    """S16: notify_on_close."""
    quiet = await opened(workspace, app)
    before = len(app.received)
    await workspace.slack.close_view(quiet["id"], "bo")
    assert (len(app.received), workspace.slack.views("bo")) == (before, [])
    loud = await opened(workspace, app, modal(notify_on_close=True, clear_on_close=True))
    await workspace.slack.close_view(loud["id"], "bo")
    assert (app.last["type"], app.last["is_cleared"]) == ("view_closed", True)


async def test_home_tab(workspace: Workspace, app: App) -> None:
    """S16: app_home_opened brings the published view, publish checks its hash."""
    await workspace.slack.open_home("ana")
    assert "view" not in app.last["event"]
    home = {
        "type": "home",
        "blocks": [{"type": "actions", "elements": [{"type": "button", "action_id": "go", "text": plain("Go")}]}],
    }
    view = (await workspace.client.views_publish(user_id="U0ANA", view=home))["view"]
    assert (await workspace.slack.open_home("ana"))["acked"]
    assert app.last["event"]["view"]["id"] == view["id"]
    await workspace.slack.act_in_view(view["id"], "ana", label="Go")
    assert app.last["view"]["type"] == "home"
    await workspace.client.views_publish(user_id="U0ANA", view=home, hash=view["hash"])
    with pytest.raises(SlackApiError, match="hash_conflict"):
        await workspace.client.views_publish(user_id="U0ANA", view=home, hash=view["hash"])
    shown = workspace.slack.home("ana")
    assert shown is not None
    assert shown["id"] == view["id"]
    assert workspace.slack.home("bo") is None
