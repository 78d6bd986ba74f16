"""What is wrong with data that does not fit a pydantic model, in words for the person who wrote it."""

import re
from collections.abc import Callable, Iterator
from typing import Any, get_args, get_origin

from pydantic import BaseModel, ValidationError
from pydantic_core import ErrorDetails

from bot.domain.sentence import listed
from bot.runtime.spelling import did_you_mean, nearest

Place = tuple[str | int, ...]

UNION_MEMBER = re.compile(
    r"(dict|list|tuple|literal|lax-or-strict|function-\w+|nullable)\[.*\]|str|int|float|bool|[A-Z]\w+"
)
"""How pydantic names the member of a union that it tried: a step of a place that is not in the data."""
KINDS = {
    "int_parsing": "a whole number",
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_parsing": "a number",
    "float_type": "a number",
    "bool_parsing": "`true` or `false`",
    "bool_type": "`true` or `false`",
    "string_type": "text (numbers and dates need quotes)",
    "tuple_type": "a list, for example [a, b]",
    "list_type": "a list, for example [a, b]",
    "dict_type": "keys with values, for example {key: value}",
    "model_type": "keys with values, for example {key: value}",
    "model_attributes_type": "keys with values, for example {key: value}",
    "date_type": "a date, for example 2026-01-31",
    "date_parsing": "a date, for example 2026-01-31",
    "date_from_datetime_parsing": "a date, for example 2026-01-31",
    "date_from_datetime_inexact": "a date, for example 2026-01-31",
    "datetime_type": "a time, for example 2026-01-31T18:00:00+01:00",
    "datetime_parsing": "a time, for example 2026-01-31T18:00:00+01:00",
    "datetime_from_date_parsing": "a time, for example 2026-01-31T18:00:00+01:00",
    "timezone_aware": "a time with its zone, for example 2026-01-31T18:00:00+01:00",
    "path_type": "a path",
    "url_type": "a URL, for example https://example.com/path",
    "url_parsing": "a URL, for example https://example.com/path",
    "url_scheme": "a URL, for example https://example.com/path",
}


def mistakes(
    error: ValidationError, model: type[BaseModel], unknown: Callable[[Place], str] | None = None
) -> list[tuple[Place, str]]:
    """One for each cause, with its place in the data; what only follows from a mistake inside it is left out.

    `unknown` says what is wrong with a key that the model does not have, where "unknown key" is not the word for it.
    """
    found: dict[Place, list[ErrorDetails]] = {}
    for each in error.errors():
        found.setdefault(_place(each), []).append(each)
    outermost = {place[:end] for place in found for end in range(len(place))}

    def strange(place: Place) -> str:
        return f"unknown key.{nearest(str(place[-1]), keys_at(model, place[:-1]))}"

    return [(place, _told(each, place, unknown or strange)) for place, each in found.items() if place not in outermost]


def _place(error: ErrorDetails) -> Place:
    """Without the names of union members, but with an unknown key that looks like one."""
    if not error["loc"]:
        return ()
    *within, last = error["loc"]
    steps = [step for step in within if not _union_member(step)]
    return tuple(steps) if _union_member(last) and error["type"] != "extra_forbidden" else (*steps, last)


def _union_member(step: str | int) -> bool:
    return isinstance(step, str) and bool(UNION_MEMBER.fullmatch(step))


def _told(errors: list[ErrorDetails], place: Place, unknown: Callable[[Place], str]) -> str:
    """Several at one place are the members of a union: any of them would do."""
    if wanted := dict.fromkeys(filter(None, map(_kind, errors))):
        near = _near(errors[0])
        return f"expected {listed(list(wanted), 'or')}{f'.{near}' if near else ''}"
    match errors[0]["type"]:
        case "extra_forbidden":
            return unknown(place)
        case "missing":
            return "is missing"
        case "path_not_file":
            return "the file does not exist"
        case _:
            return errors[0]["msg"].removeprefix("Value error, ")


def _kind(error: ErrorDetails) -> str:
    """What is expected there, as a noun; "" for what is no question of the kind."""
    context: dict[str, Any] = error.get("ctx") or {}
    match error["type"]:
        case "literal_error" | "enum":
            return listed([f"`{one.lower()}`" if one == "False" else f"`{one}`" for one in _choices(context)], "or")
        case "string_pattern_mismatch":
            return listed([f"`{one}`" for one in context["pattern"].strip("^$()").split("|")], "or")
        case "greater_than_equal":
            return f"{_bound(context['ge'])} or more"
        case "greater_than":
            return f"more than {_bound(context['gt'])}"
        case "less_than_equal":
            return f"{_bound(context['le'])} or less"
        case "less_than":
            return f"less than {_bound(context['lt'])}"
        case "too_short":
            return f"at least {context['min_length']} entr{'y' if context['min_length'] == 1 else 'ies'}"
        case kind:
            return KINDS.get(kind, "")


def _bound(value: object) -> object:
    return f"{value:g}" if isinstance(value, float) else value


def _choices(context: dict[str, Any]) -> list[str]:
    """pydantic says "'a', 'b' or 'c'"."""
    return [one.strip(" '") for one in re.split(r", | or ", str(context["expected"]))]


def _near(error: ErrorDetails) -> str:
    if error["type"] not in ("literal_error", "enum") or not isinstance(error["input"], str):
        return ""
    return did_you_mean(error["input"], _choices(error.get("ctx") or {}), limit=1)


def keys_at(model: type[BaseModel], place: Place) -> tuple[str, ...]:
    """The keys that data of `model` may have at a place in it; empty where it may have any."""
    inside: list[Any] = [model]
    for step in place:
        inside = [found for each in inside for found in _within(each, step)]
    return tuple(dict.fromkeys(key for each in inside for found in _models(each) for key in _fields(found)))


def _within(annotation: Any, step: str | int) -> Iterator[Any]:
    """What a key or an index leads to, by the annotation of what holds it."""
    origin, inner = get_origin(annotation), get_args(annotation)
    if _is_model(annotation):
        yield _fields(annotation).get(str(step))
    elif origin in (tuple, list, dict):
        yield inner[-1] if origin is dict else inner[0]
    else:
        yield from (found for one in inner for found in _within(one, step))


def _models(annotation: Any) -> Iterator[type[BaseModel]]:
    """The models that it may itself be, through unions."""
    if _is_model(annotation):
        yield annotation
    elif get_origin(annotation) not in (tuple, list, dict):
        yield from (found for one in get_args(annotation) for found in _models(one))


def _is_model(annotation: Any) -> bool:
    return isinstance(annotation, type) and issubclass(annotation, BaseModel)


def _fields(model: type[BaseModel]) -> dict[str, Any]:
    return {field.alias or name: field.annotation for name, field in model.model_fields.items()}
