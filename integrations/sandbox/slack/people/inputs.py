"""What an element holds: its initial value, what a person put in, and whether Slack's client lets that through."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any

from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.model import Json
from integrations.sandbox.slack.workspace import Workspace

OPTION = "selected_option"
OPTIONS = "selected_options"
HOLDS = {
    "static_select": OPTION,
    "external_select": OPTION,
    "radio_buttons": OPTION,
    "overflow": OPTION,
    "multi_static_select": OPTIONS,
    "multi_external_select": OPTIONS,
    "checkboxes": OPTIONS,
    "users_select": "selected_user",
    "multi_users_select": "selected_users",
    "conversations_select": "selected_conversation",
    "multi_conversations_select": "selected_conversations",
    "channels_select": "selected_channel",
    "multi_channels_select": "selected_channels",
    "datepicker": "selected_date",
    "timepicker": "selected_time",
    "datetimepicker": "selected_date_time",
    "plain_text_input": "value",
    "number_input": "value",
    "email_text_input": "value",
    "url_text_input": "value",
    "rich_text_input": "rich_text_value",
    "file_input": "files",
}
STATELESS = frozenset({"button", "overflow", "workflow_button"})
REQUIRED = "Please complete this required field."


def initial(element: Json) -> Json:
    """The state of an element that nobody touched."""
    kind = element["type"]
    field = HOLDS[kind]
    name = field.replace("selected_", "initial_") if field.startswith("selected_") else "initial_value"
    empty: Any = [] if field in {OPTIONS, "files"} or field.endswith("s") else None
    return {"type": kind, field: element.get(name, empty)}


def chosen(element: Json, value: Any, options: Sequence[Json], workspace: Workspace, forged: bool = False) -> Json:
    """The state after a person chose or typed `value`. A full state (an object with the field) is taken as it is.

    Options are found by value or label; `forged` sends one that was never offered. Raises PersonError.
    """
    kind = element["type"]
    field = HOLDS[kind]
    if isinstance(value, dict) and field in value:
        return {"type": kind, **value}
    if field == OPTION:
        return {"type": kind, field: None if value is None else _option(value, options, forged)}
    many = [] if value is None else value if isinstance(value, list) else [value]
    if field == OPTIONS:
        return {"type": kind, field: [_option(part, options, forged) for part in many]}
    if field.startswith("selected_") and ("user" in field or "channel" in field or "conversation" in field):
        ids = [_id(part, field, workspace) for part in many]
        return {"type": kind, field: ids if field.endswith("s") else next(iter(ids), None)}
    if field == "value":
        return {"type": kind, field: None if value in {None, ""} else str(value)}
    return {"type": kind, field: int(value) if field == "selected_date_time" and value is not None else value}


def _option(value: Any, options: Sequence[Json], forged: bool) -> Json:
    wanted = str(value["value"] if isinstance(value, dict) else value)
    for matches in (
        [o for o in options if o["value"] == wanted],
        [o for o in options if o["text"]["text"].casefold() == wanted.casefold()],
    ):
        if matches:
            return {name: part for name, part in matches[0].items() if name in {"text", "value", "description"}}
    if forged:
        return {"text": {"type": "plain_text", "text": wanted, "emoji": True}, "value": wanted}
    offered = ", ".join(option["value"] for option in options) or "nothing"
    raise PersonError(f"there is no option {wanted!r}: expected one of {offered}")


def _id(value: Any, field: str, workspace: Workspace) -> str:
    found: Any = workspace.user(str(value)) if "user" in field else workspace.channel(str(value))
    if found is None:
        raise PersonError(f"there is no {field.split('_')[1].rstrip('s')} {value!r}")
    return str(found.id)


def is_empty(state: Json) -> bool:
    return not state.get(HOLDS[state["type"]])


def refusal(element: Json, state: Json, optional: bool) -> str:
    """What Slack's client says under an input before it submits, or ""."""
    if is_empty(state):
        return "" if optional else REQUIRED
    if "value" not in state:
        return _too_many(element, state)
    text = str(state["value"])
    checks = {
        "plain_text_input": _length,
        "number_input": _number,
        "email_text_input": _email,
        "url_text_input": _url,
    }
    check = checks.get(element["type"])
    return check(element, text) if check else ""


def _too_many(element: Json, state: Json) -> str:
    most = element.get("max_selected_items")
    held = state.get(HOLDS[state["type"]])
    if most is not None and isinstance(held, list) and len(held) > most:
        return f"Select no more than {most} items."
    if "selected_date" in state:
        try:
            date.fromisoformat(str(state["selected_date"]))
        except ValueError:
            return "Please enter a valid date."
    return ""


def _length(element: Json, text: str) -> str:
    least, most = element.get("min_length", 0), element.get("max_length", 3000)
    if len(text) < least:
        return f"Please enter at least {least} characters."
    return f"Please enter no more than {most} characters." if len(text) > most else ""


def _number(element: Json, text: str) -> str:
    whole = r"-?\d+(\.\d+)?" if element["is_decimal_allowed"] else r"-?\d+"
    if not re.fullmatch(whole, text):
        return "Please enter a valid number."
    if "min_value" in element and float(text) < float(element["min_value"]):
        return f"Please enter a number of at least {element['min_value']}."
    if "max_value" in element and float(text) > float(element["max_value"]):
        return f"Please enter a number of at most {element['max_value']}."
    return ""


def _email(element: Json, text: str) -> str:
    del element
    return "" if re.fullmatch(r"[^@\s]+@[^@\s]+\.[^@\s]+", text) else "Please enter a valid email address."


def _url(element: Json, text: str) -> str:
    del element
    return "" if re.fullmatch(r"https?://\S+", text) else "Please enter a valid URL."
