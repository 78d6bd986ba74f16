"""The reference of pilothouse.yaml, written from the models themselves: nothing in it can be out of date."""

import types
from collections.abc import Iterable, Iterator
from datetime import timedelta
from enum import Enum
from pathlib import Path
from typing import Any, Literal, Union, get_args, get_origin

from pydantic import BaseModel, HttpUrl
from pydantic.fields import FieldInfo

from bot.domain.duration import written
from bot.domain.event import ROUTING
from bot.evaluation.loading import described
from bot.evaluation.question import Gate
from bot.policy.model import DEFAULT_ROLES, Policy
from bot.policy.parts import INSTEAD, ApprovalPart, EnvironmentPart, EnvironmentRules
from bot.policy.rules import DEFAULT_GATES, ORDER, STANDING_GATES
from bot.views.hearings import ROUTED, WITHOUT_ROUTE

NAMES = {
    str: "text",
    int: "number",
    float: "number",
    bool: "yes or no",
    timedelta: "duration",
    HttpUrl: "URL",
    Path: "file",
    Any: "anything",
}
Section = tuple[str, type[BaseModel]]


def reference(gates: Iterable[type[Gate]]) -> str:
    """Markdown: every key with its kind, its default and its meaning; every gate, role and event."""
    parts = ["## Keys", *_models(Policy), "## Gates", _by_default(), *(_gate(gate) for gate in gates)]
    return "\n\n".join([*parts, "## Roles", _roles(), "## Events", _events()]) + "\n"


def _models(root: type[BaseModel]) -> Iterator[str]:
    """The model and everything that it holds, each once, in the order in which a reader meets them."""
    seen: set[type[BaseModel]] = set()
    waiting: list[Section] = [("", root)]
    while waiting:
        path, model = waiting.pop(0)
        if model in seen:
            continue
        seen.add(model)
        yield _section(f"`{path}`" if path else "The file", model)
        for name, field in model.model_fields.items():
            key = field.alias or name
            waiting += [(f"{path}.{key}{inside}".lstrip("."), found) for inside, found in _inner(field.annotation)]


def _section(title: str, model: type[BaseModel]) -> str:
    about = (model.__doc__ or "").strip() if model.__doc__ != BaseModel.__doc__ else ""
    lines = ["| Key | What | Default | Meaning |", "|---|---|---|---|"]
    lines += [_row(name, field, model) for name, field in model.model_fields.items()]
    return "\n\n".join(part for part in (f"### {title}", about, "\n".join(lines)) if part)


def _row(name: str, field: FieldInfo, model: type[BaseModel]) -> str:
    default = _effective(name, model) or _default(field)
    cells = (f"`{field.alias or name}`", _kind(field.annotation), default, field.description or "")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _effective(name: str, model: type[BaseModel]) -> str:
    """What holds where no layer says anything, "" where the field's own default tells that."""
    if model is ApprovalPart:
        rule = Policy().rules("", "production").approval()
        last, others = getattr(rule, name), getattr(Policy().rules("", "staging").approval(), name)
        if last != others:
            return f"`{_plain(last)}` in production and in the last environment, `{_plain(others)}` in the others"
        return "none" if last in (None, ()) else f"`{_plain(last)}`"
    if issubclass(model, EnvironmentRules) and name in ("follow_timeout", "gate_timeout"):
        return f"`{_plain(getattr(Policy().rules('', 'production'), name))}`"
    return {"mode": "`commit`", "argocd": '`""`'}.get(name, "") if issubclass(model, EnvironmentRules) else ""


def _default(field: FieldInfo) -> str:
    if field.is_required():
        return "required"
    value = field.default
    if value is None:
        return "its own defaults" if list(_inner(field.annotation)) else "none"
    if value is DEFAULT_ROLES:
        return "see Roles"
    if isinstance(value, BaseModel) or value in ({}, ()):
        return "its own defaults" if isinstance(value, BaseModel) else "none"
    return f"`{_plain(value)}`"


def _plain(value: Any) -> str:
    """As it would stand in the file."""
    match value:
        case bool():
            return "true" if value else "false"
        case timedelta():
            return written(value)
        case Enum():
            return str(value.value)
        case dict():
            return "{" + ", ".join(f"{key}: {_plain(item)}" for key, item in value.items()) + "}"
        case tuple() if value and isinstance(value[0], EnvironmentPart):
            return "[" + ", ".join(part.name for part in value) + "]"
        case tuple():
            return "[" + ", ".join(map(_plain, value)) + "]"
        case "":
            return '""'
    return str(value)


def _kind(annotation: Any) -> str:
    origin, inner = get_origin(annotation), [one for one in get_args(annotation) if one is not type(None)]
    if origin is Literal:
        return " or ".join(f"`{one}`" if isinstance(one, str) else f"`{str(one).lower()}`" for one in inner)
    if origin in (Union, types.UnionType):
        return " or ".join(_kind(one) for one in inner)
    if origin is tuple:
        return f"list of {_kind(inner[0])}"
    if origin is dict:
        return f"{_kind(inner[0])} → {_kind(inner[1])}"
    if origin is not None and inner:
        return _kind(inner[0])  # Annotated
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return "one of " + ", ".join(f"`{one.value}`" for one in annotation)
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        return "section"
    return NAMES.get(annotation, getattr(annotation, "__name__", str(annotation)))


def _inner(annotation: Any) -> Iterator[Section]:
    """The models inside a field, with what stands between: an item of a list, a key of a mapping."""
    if isinstance(annotation, type) and issubclass(annotation, BaseModel):
        yield "", annotation
        return
    between = {tuple: "[]", dict: ".NAME"}.get(get_origin(annotation), "")
    for one in get_args(annotation):
        yield from ((f"{between}{inside}", found) for inside, found in _inner(one))


def _by_default() -> str:
    usual = ", ".join(f"`{name}`" for name in DEFAULT_GATES)
    first = ", ".join(f"`{name}`" for name in STANDING_GATES)
    return (
        f"Asked where policy says nothing: {usual}; in the first environment {first}; in production also `{ORDER}`, of "
        "the environment before it. A gate is added by naming it "
        "(`soak: {for: 1h}`, or `window: true`), and left out with `false`. What an app says refines what the "
        "environment says, option by option."
    )


def _gate(gate: type[Gate]) -> str:
    options = gate.options.model_fields
    parts = [f"### `{gate.name}`", described(gate)]
    if options:
        lines = ["| Option | What | Default | Meaning |", "|---|---|---|---|"]
        parts.append("\n".join([*lines, *(_row(name, field, gate.options) for name, field in options.items())]))
    for name, field in options.items():
        parts += [_section(f"`{gate.name}.{name}{inside}`", found) for inside, found in _inner(field.annotation)]
    return "\n\n".join(parts)


def _roles() -> str:
    lines = ["| Role | Permissions |", "|---|---|"]
    lines += [f"| `{role}` | {', '.join(f'`{one}`' for one in may)} |" for role, may in DEFAULT_ROLES.items()]
    return "A policy that has `roles` has only those; these are there when it has none.\n\n" + "\n".join(lines)


def _events() -> str:
    lines = ["| Event | Who hears without a route | Can a route add a channel? |", "|---|---|---|"]
    for event, routing in ROUTING.items():
        instead = f": {INSTEAD[event]}" if event in INSTEAD else ""
        lines.append(f"| `{event}` | {WITHOUT_ROUTE[event]} | {ROUTED[routing]}{instead} |")
    return "For `events` of a route; `*` stands for every one, as far as the table says so.\n\n" + "\n".join(lines)
