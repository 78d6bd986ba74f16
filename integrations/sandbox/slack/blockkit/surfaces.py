"""Whole messages and views: checked, then completed as Slack completes them before it shows and returns them."""

import copy
import secrets
import string
from typing import Any

from integrations.sandbox.slack.blockkit import fields as f
from integrations.sandbox.slack.blockkit.layout import Surface, check_blocks, elements_of
from integrations.sandbox.slack.blockkit.problems import Check, Problems, Spec
from integrations.sandbox.slack.errors import SlackError

ATTACHMENTS_MAX = 100
# Undocumented; bolt-js issue 2867 measured 9,597 characters in 50 blocks accepted and 11,341 in 45 refused, and a
# maintainer of Slack named 12,000 characters with a buffer for each block.
MESSAGE_TEXT_MAX, BLOCK_BUFFER = 12_000, 20


def message_blocks(blocks: Any, at: str = "/blocks") -> list[dict[str, Any]]:
    """The blocks of a message, completed. Raises SlackError invalid_blocks or msg_blocks_too_long."""
    problems = Problems()
    check_blocks(blocks, "message", problems, at)
    if problems.messages:
        raise SlackError("invalid_blocks", problems.messages, errors=problems.messages)
    if _text_length(blocks) + BLOCK_BUFFER * len(blocks) > MESSAGE_TEXT_MAX:
        raise SlackError("msg_blocks_too_long")
    return completed(blocks)


def message_attachments(attachments: Any) -> list[dict[str, Any]]:
    """Attachments, numbered from 1, their blocks completed. Raises SlackError."""
    if not isinstance(attachments, list) or not all(isinstance(part, dict) for part in attachments):
        raise SlackError("invalid_attachments")
    if len(attachments) > ATTACHMENTS_MAX:
        raise SlackError("too_many_attachments")
    whole = []
    for index, attachment in enumerate(attachments):
        part = {**attachment, "id": index + 1}
        if isinstance(part.get("color"), str):
            part["color"] = part["color"].removeprefix("#")
        if part.get("blocks") is not None:
            part["blocks"] = message_blocks(part["blocks"], f"/attachments/{index}/blocks")
            part.setdefault("fallback", "[no preview available]")
        whole.append(part)
    return whole


_COMMON: dict[str, Check] = {
    "blocks": f.anything,
    "callback_id": f.string(f.ID_MAX, 0),
    "external_id": f.string(f.ID_MAX, 0),
    "private_metadata": f.string(3000, 0),
}


def _submit_where_inputs(value: dict[str, Any], at: str, problems: Problems) -> None:
    blocks = value.get("blocks")
    has_inputs = isinstance(blocks, list) and any(isinstance(b, dict) and b.get("type") == "input" for b in blocks)
    if has_inputs and not value.get("submit"):
        problems.add("missing required field: submit", at)


VIEWS: dict[Surface, Spec] = {
    "modal": Spec(
        {"title": f.plain_text(24), "blocks": f.anything},
        {
            **_COMMON,
            "submit": f.plain_text(24),
            "close": f.plain_text(24),
            "clear_on_close": f.boolean,
            "notify_on_close": f.boolean,
            "submit_disabled": f.boolean,
        },
        (_submit_where_inputs,),
    ),
    "home": Spec({"blocks": f.anything}, _COMMON),
}


def view_definition(view: Any, surface: Surface) -> dict[str, Any]:
    """A modal or Home tab, completed. Raises SlackError invalid_arguments with the places that are wrong."""
    problems = Problems()
    if not isinstance(view, dict):
        raise SlackError("invalid_arguments", ["must provide an object [json-pointer:/view]"])
    if view.get("type") != surface:
        problems.add(f"must be one of: {surface}", "/view/type")
    else:
        VIEWS[surface](view, "/view", problems)
        check_blocks(view.get("blocks", []), surface, problems, "/view/blocks")
        if view.get("blocks") == [] and surface == "modal":
            problems.add("no less than 1 items allowed", "/view/blocks")
    if problems.messages:
        raise SlackError("invalid_arguments", problems.messages)
    return {**copy.deepcopy(view), "blocks": completed(view["blocks"])}


def completed(blocks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """A copy with the ids and defaults that Slack fills in."""
    whole = copy.deepcopy(blocks)
    for block in whole:
        block.setdefault("block_id", _short_id())
        for element in elements_of(block):
            element.setdefault("action_id", _short_id())
        _complete_texts(block)
        if block["type"] == "input":
            block.setdefault("optional", False)
            block.setdefault("dispatch_action", False)
    return whole


def _complete_texts(value: Any) -> None:
    if isinstance(value, dict):
        if value.get("type") == "plain_text":
            value.setdefault("emoji", True)
        elif value.get("type") == "mrkdwn":
            value.setdefault("verbatim", False)
        for part in value.values():
            _complete_texts(part)
    elif isinstance(value, list):
        for part in value:
            _complete_texts(part)


def _text_length(value: Any) -> int:
    if isinstance(value, dict):
        own = value.get("text")
        mine = len(own) if isinstance(own, str) else 0
        return mine + sum(_text_length(part) for part in value.values() if not isinstance(part, str))
    if isinstance(value, list):
        return sum(_text_length(part) for part in value)
    return 0


def _short_id() -> str:
    return "".join(secrets.choice(string.ascii_letters + string.digits) for _ in range(5))
