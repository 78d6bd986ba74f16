"""Checks of single values and of the small composition objects: text, option, confirm dialog."""

import re
from collections.abc import Sequence
from datetime import date
from typing import Any
from urllib.parse import urlsplit

from integrations.sandbox.slack.blockkit.problems import Check, Problems, Rule, Spec

ID_MAX = 255
URL_MAX = 3000


def string(most: int | None = None, least: int = 1) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, str):
            problems.add("must provide a string", at)
        elif len(value) < least:
            problems.add(f"must be more than {least - 1} characters", at)
        elif most is not None and len(value) > most:
            problems.add(f"must be less than {most + 1} characters", at)

    return check


def boolean(value: Any, at: str, problems: Problems) -> None:
    if not isinstance(value, bool):
        problems.add("must provide a boolean", at)


def integer(least: int, most: int) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if isinstance(value, bool) or not isinstance(value, int):
            problems.add("must provide an integer", at)
        elif not least <= value <= most:
            problems.add(f"must be between {least} and {most}", at)

    return check


def number_text(value: Any, at: str, problems: Problems) -> None:
    """number_input carries its bounds as strings."""
    if not isinstance(value, str) or not re.fullmatch(r"-?\d+(\.\d+)?", value):
        problems.add("must provide a number as a string", at)


def one_of(*values: str) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if value not in values:
            problems.add(f"must be one of: {', '.join(values)}", at)

    return check


def pattern(regex: str, name: str) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, str) or not re.fullmatch(regex, value):
            problems.add(f"must be {name}", at)

    return check


def iso_date(value: Any, at: str, problems: Problems) -> None:
    pattern(r"\d{4}-\d{2}-\d{2}", "a date as YYYY-MM-DD")(value, at, problems)
    try:
        date.fromisoformat(str(value))
    except ValueError:
        problems.add("must be a day of the calendar", at)


clock_time = pattern(r"([01]\d|2[0-3]):[0-5]\d", "a time as HH:mm")


def url(value: Any, at: str, problems: Problems) -> None:
    string(URL_MAX)(value, at, problems)
    if isinstance(value, str) and urlsplit(value).scheme not in {"http", "https", "mailto", "slack"}:
        problems.add("must be a valid url", at)


def array(item: Check, least: int = 0, most: int | None = None) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, list):
            problems.add("must provide an array", at)
            return
        if len(value) < least:
            problems.add(f"no less than {least} items allowed", at)
        if most is not None and len(value) > most:
            problems.add(f"no more than {most} items allowed", at)
        for index, part in enumerate(value):
            item(part, f"{at}/{index}", problems)

    return check


def anything(value: Any, at: str, problems: Problems) -> None:
    """A value that is carried but not looked into."""


def text(most: int, kinds: Sequence[str] = ("plain_text", "mrkdwn"), least: int = 1) -> Check:
    """A text object; `emoji` belongs to plain_text and `verbatim` to mrkdwn."""

    def check(value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at)
            return
        kind = value.get("type")
        if kind not in kinds:
            problems.add(f"must provide a text object of type {' or '.join(kinds)}", at)
            return
        extra = {"emoji": boolean} if kind == "plain_text" else {"verbatim": boolean}
        Spec({"text": string(most, least)}, extra)(value, at, problems)

    return check


def plain_text(most: int) -> Check:
    return text(most, ("plain_text",))


confirm = Spec(
    {"title": plain_text(100), "text": text(300), "confirm": plain_text(30), "deny": plain_text(30)},
    {"style": one_of("primary", "danger")},
)

action_id = string(ID_MAX)
block_id = string(ID_MAX)


def option(mrkdwn: bool = False, with_url: bool = False) -> Check:
    """mrkdwn labels only in radio buttons and checkboxes, a url only in overflow menus."""
    label = text(75) if mrkdwn else plain_text(75)
    optional: dict[str, Check] = {"description": label}
    if with_url:
        optional["url"] = url
    return Spec({"text": label, "value": string(150)}, optional)


option_group = Spec({"label": plain_text(75), "options": array(option(), 1, 100)})


def either_options_or_groups(value: dict[str, Any], at: str, problems: Problems) -> None:
    if ("options" in value) == ("option_groups" in value):
        problems.add("must define either `options` or `option_groups`", at)


def offered(element: dict[str, Any]) -> list[dict[str, Any]]:
    """All options of a select, those of its groups included."""
    groups = element.get("option_groups") or []
    lists = [element.get("options") or [], *(g.get("options") or [] for g in groups if isinstance(g, dict))]
    return [entry for entries in lists for entry in entries if isinstance(entry, dict)]


def initial_is_offered(field_name: str) -> Rule:
    """An initial option that is not among the options is refused."""

    def rule(value: dict[str, Any], at: str, problems: Problems) -> None:
        chosen = value.get(field_name)
        if chosen is None:
            return
        values = {entry.get("value") for entry in offered(value)}
        for entry in chosen if isinstance(chosen, list) else [chosen]:
            if not isinstance(entry, dict) or entry.get("value") not in values:
                problems.add(f"{field_name} must exactly match one of the options provided", f"{at}/{field_name}")

    return rule
