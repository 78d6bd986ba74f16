"""Block Kit's limits and rules (S19), which the SDK does not check for plain dicts (S20)."""

from typing import Any

import pytest

from integrations.sandbox.slack.blockkit.surfaces import message_attachments, message_blocks, view_definition
from integrations.sandbox.slack.errors import SlackError

Json = dict[str, Any]


def plain(text: str = "x") -> Json:
    return {"type": "plain_text", "text": text}


def mrkdwn(text: str = "x") -> Json:
    return {"type": "mrkdwn", "text": text}


def option(text: str = "x", value: str = "x") -> Json:
    return {"text": plain(text), "value": value}


def button(**parts: Any) -> Json:
    return {"type": "button", "text": plain(), **parts}


def actions(*elements: Json) -> Json:
    return {"type": "actions", "elements": list(elements)}


def section(**parts: Any) -> Json:
    return {"type": "section", "text": mrkdwn(), **parts}


def select(**parts: Any) -> Json:
    return {"type": "static_select", "options": [option()], **parts}


def entry(element: Json, **parts: Any) -> Json:
    return {"type": "input", "label": plain(), "element": element, **parts}


def modal(*blocks: Json, **parts: Any) -> Json:
    return {"type": "modal", "title": plain(), "submit": plain(), "blocks": list(blocks or [section()]), **parts}


CONFIRM = {"title": plain(), "text": plain(), "confirm": plain(), "deny": plain()}
RICH = {
    "type": "rich_text",
    "elements": [
        {
            "type": "rich_text_section",
            "elements": [
                {"type": "text", "text": "a", "style": {"bold": True}},
                {"type": "link", "url": "https://example.com"},
                {"type": "user", "user_id": "U1"},
                {"type": "emoji", "name": "eyes"},
                {"type": "date", "timestamp": 1700000000, "format": "{date}"},
            ],
        },
        {
            "type": "rich_text_list",
            "style": "bullet",
            "elements": [{"type": "rich_text_section", "elements": [{"type": "text", "text": "a"}]}],
        },
        {"type": "rich_text_preformatted", "elements": [{"type": "text", "text": "a"}]},
    ],
}
CELL = {"type": "raw_text", "text": "a"}


@pytest.mark.parametrize(
    "block",
    [
        section(),
        section(text=mrkdwn("x" * 3000)),
        {"type": "section", "fields": [mrkdwn("x" * 2000)]},
        {"type": "header", "text": plain("x" * 150)},
        {"type": "divider"},
        {"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a", "title": plain()},
        {"type": "context", "elements": [mrkdwn()] * 10},
        {"type": "context", "elements": [{"type": "image", "image_url": "https://example.com/a.png", "alt_text": "a"}]},
        actions(*(button() for _ in range(25))),
        actions(button(value="x" * 2000, url="https://example.com", style="danger", confirm=CONFIRM)),
        actions({"type": "overflow", "options": [option(value=str(n)) for n in range(5)]}),
        actions(select(options=[option(value=str(n)) for n in range(100)], placeholder=plain("x" * 150))),
        actions({"type": "static_select", "option_groups": [{"label": plain(), "options": [option()]}]}),
        actions({"type": "external_select", "min_query_length": 0}, {"type": "users_select"}),
        actions({"type": "conversations_select", "filter": {"include": ["public"]}}, {"type": "channels_select"}),
        actions({"type": "radio_buttons", "options": [{"text": mrkdwn(), "value": "a", "description": mrkdwn()}]}),
        actions({"type": "checkboxes", "options": [option()], "initial_options": [option()]}),
        actions({"type": "datepicker", "initial_date": "2026-02-28"}, {"type": "timepicker", "initial_time": "23:59"}),
        actions({"type": "datetimepicker", "initial_date_time": 1_700_000_000}),
        section(accessory={"type": "multi_static_select", "options": [option()], "max_selected_items": 1}),
        entry({"type": "plain_text_input", "multiline": True}, hint=plain(), optional=True, dispatch_action=True),
        entry({"type": "number_input", "is_decimal_allowed": False, "min_value": "1", "max_value": "9"}),
        entry({"type": "email_text_input"}),
        entry({"type": "url_text_input"}),
        {"type": "markdown", "text": "**x**"},
        {"type": "file", "external_id": "a", "source": "remote"},
        {
            "type": "video",
            "alt_text": "a",
            "title": plain(),
            "thumbnail_url": "https://example.com/a.png",
            "video_url": "https://example.com/a",
        },
        RICH,
        {"type": "table", "rows": [[CELL, CELL], [CELL, RICH]], "column_settings": [{"align": "right"}]},
    ],
    ids=lambda block: block["type"],
)
def test_what_slack_takes_is_taken(block: Json) -> None:
    (taken,) = message_blocks([block])
    assert taken["type"] == block["type"]
    assert taken["block_id"]


@pytest.mark.parametrize(
    ("block", "problem", "at"),
    [
        ({"type": "shout", "text": plain()}, "unsupported type: shout", "/type"),
        ({}, "unsupported type: None", "/type"),
        ({"type": "section"}, "must define either `text` or `fields`", ""),
        (section(text=mrkdwn("x" * 3001)), "must be less than 3001 characters", "/text/text"),
        (section(text=mrkdwn("")), "must be more than 0 characters", "/text/text"),
        (section(text="bare"), "must provide an object", "/text"),
        (section(text={**mrkdwn(), "emoji": True}), "invalid additional property: emoji", "/text"),
        (section(text={**plain(), "verbatim": True}), "invalid additional property: verbatim", "/text"),
        (section(fields=[mrkdwn()] * 11), "no more than 10 items allowed", "/fields"),
        (section(fields=[mrkdwn("x" * 2001)]), "must be less than 2001 characters", "/fields/0/text"),
        (section(colour="red"), "invalid additional property: colour", ""),
        (section(block_id="x" * 256), "must be less than 256 characters", "/block_id"),
        (section(accessory=button(action_id="x" * 256)), "must be less than 256 characters", "/accessory/action_id"),
        (section(accessory={"type": "plain_text_input"}), "unsupported type: plain_text_input", "/accessory/type"),
        ({"type": "header", "text": plain("x" * 151)}, "must be less than 151 characters", "/text/text"),
        ({"type": "header", "text": mrkdwn()}, "must provide a text object of type plain_text", "/text"),
        ({"type": "header"}, "missing required field: text", ""),
        ({"type": "context", "elements": [mrkdwn()] * 11}, "no more than 10 items allowed", "/elements"),
        ({"type": "context", "elements": []}, "no less than 1 items allowed", "/elements"),
        ({"type": "context", "elements": [button()]}, "must provide a text object", "/elements/0"),
        (actions(*(button() for _ in range(26))), "no more than 25 items allowed", "/elements"),
        (actions(), "no less than 1 items allowed", "/elements"),
        (actions({"type": "plain_text_input"}), "unsupported type: plain_text_input", "/elements/0/type"),
        (actions({"type": "multi_users_select"}), "unsupported type: multi_users_select", "/elements/0/type"),
        (actions({"type": "image"}), "unsupported type: image", "/elements/0/type"),
        (actions(button(text=plain("x" * 76))), "must be less than 76 characters", "/elements/0/text/text"),
        (actions(button(text=mrkdwn())), "must provide a text object of type plain_text", "/elements/0/text"),
        (actions(button(value="x" * 2001)), "must be less than 2001 characters", "/elements/0/value"),
        (actions(button(url="https://e.com/" + "x" * 3000)), "must be less than 3001 characters", "/elements/0/url"),
        (actions(button(url="not a url")), "must be a valid url", "/elements/0/url"),
        (actions(button(style="green")), "must be one of: primary, danger", "/elements/0/style"),
        (
            actions(button(confirm={**CONFIRM, "title": plain("x" * 101)})),
            "must be less than 101 characters",
            "/elements/0/confirm/title/text",
        ),
        (
            actions(button(confirm={**CONFIRM, "text": plain("x" * 301)})),
            "must be less than 301 characters",
            "/elements/0/confirm/text/text",
        ),
        (
            actions(button(confirm={**CONFIRM, "deny": plain("x" * 31)})),
            "must be less than 31 characters",
            "/elements/0/confirm/deny/text",
        ),
        (actions(select(options=[])), "no less than 1 items allowed", "/elements/0/options"),
        (
            actions(select(options=[option(value=str(n)) for n in range(101)])),
            "no more than 100 items allowed",
            "/elements/0/options",
        ),
        (
            actions(select(options=[option("x" * 76)])),
            "must be less than 76 characters",
            "/elements/0/options/0/text/text",
        ),
        (
            actions(select(options=[option(value="x" * 151)])),
            "must be less than 151 characters",
            "/elements/0/options/0/value",
        ),
        (
            actions(select(placeholder=plain("x" * 151))),
            "must be less than 151 characters",
            "/elements/0/placeholder/text",
        ),
        (actions({"type": "static_select"}), "must define either `options` or `option_groups`", "/elements/0"),
        (
            actions(select(initial_option=option(value="other"))),
            "initial_option must exactly match one of the options provided",
            "/elements/0/initial_option",
        ),
        (
            actions({"type": "overflow", "options": [option(value=str(n)) for n in range(6)]}),
            "no more than 5 items allowed",
            "/elements/0/options",
        ),
        (
            actions({"type": "checkboxes", "options": [option(value=str(n)) for n in range(11)]}),
            "no more than 10 items allowed",
            "/elements/0/options",
        ),
        (
            actions({"type": "datepicker", "initial_date": "2026-02-30"}),
            "must be a day of the calendar",
            "/elements/0/initial_date",
        ),
        (entry(button()), "unsupported type: button", "/element/type"),
        (entry({"type": "plain_text_input"}, label=plain("x" * 2001)), "must be less than 2001 characters", "/label"),
        (entry({"type": "plain_text_input"}, hint=plain("x" * 2001)), "must be less than 2001 characters", "/hint"),
        (entry({"type": "plain_text_input"}, label=mrkdwn()), "must provide a text object of type plain_text", ""),
        (
            entry({"type": "plain_text_input", "min_length": 9, "max_length": 3}),
            "min_length must not be greater than max_length",
            "/element",
        ),
        (entry({"type": "number_input"}), "missing required field: is_decimal_allowed", "/element"),
        (entry({"type": "file_input"}), "unsupported type: file_input", "/element/type"),
        ({"type": "image", "image_url": "https://e.com/a"}, "missing required field: alt_text", ""),
        ({"type": "image", "alt_text": "a"}, "must define either `image_url` or `slack_file`", ""),
        (
            {"type": "image", "image_url": "https://e.com/a", "alt_text": "x" * 2001},
            "must be less than 2001 characters",
            "/alt_text",
        ),
        ({"type": "markdown", "text": "x" * 12_001}, "must be less than 12001 characters", "/text"),
        ({"type": "rich_text", "elements": [{"type": "text"}]}, "unsupported type: text", "/elements/0/type"),
        ({"type": "table", "rows": [[CELL] * 21]}, "no more than 20 items allowed", "/rows/0"),
        ({"type": "table", "rows": [[CELL]] * 101}, "no more than 100 items allowed", "/rows"),
        ({"type": "table", "rows": [[CELL], [CELL, CELL]]}, "all rows must have the same number of cells", "/rows"),
    ],
)
def test_what_slack_refuses_is_refused_with_its_place(block: Json, problem: str, at: str) -> None:
    """S19."""
    with pytest.raises(SlackError) as caught:
        message_blocks([block])
    assert caught.value.code == "invalid_blocks"
    assert any(problem in text and f"/blocks/0{at}" in text for text in caught.value.messages), caught.value.messages


def test_a_message_has_50_blocks_a_view_100() -> None:
    """S19, S20: plain dicts, which the SDK would let pass."""
    assert len(message_blocks([{"type": "divider"}] * 50)) == 50
    with pytest.raises(SlackError, match="invalid_blocks"):
        message_blocks([{"type": "divider"}] * 51)
    assert len(view_definition(modal(*[section()] * 100), "modal")["blocks"]) == 100
    with pytest.raises(SlackError, match="no more than 100 items"):
        view_definition(modal(*[section()] * 101), "modal")


def test_ids_are_unique_within_the_message() -> None:
    for blocks in (
        [section(block_id="a"), section(block_id="a")],
        [actions(button(action_id="a"), button(action_id="a"))],
        [section(accessory=button(action_id="a")), actions(button(action_id="a"))],
    ):
        with pytest.raises(SlackError, match="already exists for another element"):
            message_blocks(blocks)


def test_markdown_is_counted_over_all_blocks() -> None:
    with pytest.raises(SlackError, match="markdown blocks together"):
        message_blocks([{"type": "markdown", "text": "x" * 7000}] * 2)


def test_a_message_has_a_limit_over_all_blocks() -> None:
    with pytest.raises(SlackError, match="msg_blocks_too_long"):
        message_blocks([section(text=mrkdwn("x" * 3000))] * 4)


def test_defaults_are_filled_in_without_touching_the_original() -> None:
    original = [actions(button())]
    (block,) = message_blocks(original)
    assert block["block_id"]
    assert block["elements"][0]["action_id"]
    assert block["elements"][0]["text"]["emoji"] is True
    assert "action_id" not in original[0]["elements"][0]


@pytest.mark.parametrize(
    ("view", "problem"),
    [
        (modal(title=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/title/text]"),
        (modal(submit=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/submit/text]"),
        (modal(close=plain("x" * 25)), "must be less than 25 characters [json-pointer:/view/close/text]"),
        (modal(private_metadata="x" * 3001), "must be less than 3001 characters [json-pointer:/view/private_metadata]"),
        (modal(callback_id="x" * 256), "must be less than 256 characters [json-pointer:/view/callback_id]"),
        (modal(title=None), "missing required field: title"),
        (modal(entry({"type": "plain_text_input"}), submit=None), "missing required field: submit"),
        (modal({"type": "markdown", "text": "x"}), "unsupported type: markdown"),
        (modal(id="V1"), "invalid additional property: id"),
        ({"type": "home", "blocks": []}, "must be one of: modal"),
        ({**modal(), "blocks": []}, "no less than 1 items allowed"),
    ],
)
def test_modals_are_checked(view: Json, problem: str) -> None:
    """S19."""
    with pytest.raises(SlackError) as caught:
        view_definition(view, "modal")
    assert caught.value.code == "invalid_arguments"
    assert any(problem in text for text in caught.value.messages), caught.value.messages


def test_a_home_tab_has_no_submit() -> None:
    assert view_definition({"type": "home", "blocks": [section()]}, "home")
    with pytest.raises(SlackError, match="invalid additional property: submit"):
        view_definition({"type": "home", "blocks": [section()], "submit": plain()}, "home")


def test_attachments_are_checked_and_their_colour_kept() -> None:
    (attachment,) = message_attachments([{"color": "#36a64f", "blocks": [section()]}])
    assert (attachment["id"], attachment["color"]) == (1, "36a64f")
    with pytest.raises(SlackError, match="/attachments/0/blocks/0/type"):
        message_attachments([{"blocks": [{"type": "shout"}]}])
    with pytest.raises(SlackError, match="too_many_attachments"):
        message_attachments([{"text": "x"}] * 101)
