"""The pages of docs/reference as Markdown, line by line, from what the code itself declares."""

import ast
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import NamedTuple

from pydantic import BaseModel
from pydantic.fields import FieldInfo

import bot
import commands
import integrations
from bot.command import Command, CommandRegistry
from bot.runtime import metrics as counted
from bot.runtime.log_events import MEANINGS
from bot.settings import SECRETS_DIR, Group, Settings
from integrations.slack.probe import SCOPES

PACKAGES = (bot, commands, integrations)
SANDBOX = "sandbox"
LEVELS = ("debug", "info", "warning", "error", "exception", "critical")


def commands_page() -> Iterator[str]:
    yield from ("# Commands", "", "What people type in Slack. `help` after any command says the same.")
    for each in sorted(CommandRegistry.load(commands), key=lambda command: command.verb):
        if each.parse:
            yield from _command(each)


def _command(each: Command) -> Iterator[str]:
    yield from ("", f"## {each.verb}", "", each.help.summary)
    if each.examples:
        yield from ("", "For example:", "", "```", *each.examples, "```")
    yield from ("", "```", *each.usage, "```")
    if each.help.details:
        yield from ("", each.help.details)
    yield from ("", f"Needs the permission `{each.allow}`.")


def settings_page() -> Iterator[str]:
    yield from (
        "# Settings",
        "",
        "Each is an environment variable, or a file of that name, in lower case and without `PILOTHOUSE_`, in the",
        f"directory that `{SECRETS_DIR}` names (`argocd__token`). The environment wins. A secret in a file is read",
        "again when the file changes. What the bot may do is not here: that is the [policy](../policy.md).",
    )
    plain = {name: field for name, field in Settings.model_fields.items() if not _group(field)}
    yield from ("", "## General", "", *_table("PILOTHOUSE_", plain))
    for name, field in Settings.model_fields.items():
        group = _group(field)
        if group:
            yield from ("", f"## {name}", "", *_table(f"PILOTHOUSE_{name.upper()}__", group.model_fields))


def _group(field: FieldInfo) -> type[Group] | None:
    kind = field.annotation
    return kind if isinstance(kind, type) and issubclass(kind, Group) else None


def _table(prefix: str, fields: dict[str, FieldInfo]) -> Iterator[str]:
    yield from ("| Variable | Default | Meaning |", "|---|---|---|")
    for name, field in fields.items():
        meaning = field.description or (f"File to read `{name.removesuffix('_file')}` from." if "_file" in name else "")
        yield f"| `{prefix}{name.upper()}` | {_default(field)} | {_cell(meaning)} |"


def _default(field: FieldInfo) -> str:
    if field.default in (None, "", (), {}) or isinstance(field.default, BaseModel):
        return ""
    return f"`{field.default}`"


def metrics_page() -> Iterator[str]:
    yield from ("# Metrics", "", "At `/metrics`, for Prometheus.", "")
    yield from ("| Metric | Kind | Labels | Meaning |", "|---|---|---|---|")
    for each in sorted(vars(counted).values(), key=lambda value: getattr(value, "_name", "")):
        if hasattr(each, "_labelnames"):
            name = f"{each._name}_total" if each._type == "counter" else each._name
            labels = ", ".join(f"`{label}`" for label in each._labelnames)
            yield f"| `{name}` | {each._type} | {labels} | {_cell(each._documentation)} |"


def scopes_page() -> Iterator[str]:
    yield from ("# Slack scopes", "", "What the app asks for, and what each is for.", "")
    yield from ("| Scope | What for |", "|---|---|")
    yield from (f"| `{scope}` | {_cell(why)} |" for scope, why in sorted(SCOPES.items()))


class Logged(NamedTuple):
    event: str
    level: str
    fields: tuple[str, ...]


def log_events_page() -> Iterator[str]:
    yield from (
        "# Log events",
        "",
        "Each line of the log has an event, a level, the time, and these fields. `correlation_id` ties together what",
        "belongs to one request or one promotion. Where the meaning names nothing to do, there is nothing to do. Lines",
        "whose event is a sentence are those of a library.",
        "",
        "| Event | Level | Fields | Meaning |",
        "|---|---|---|---|",
    )
    for event, times in groupby(sorted(logged()), key=lambda each: each.event):
        yield _event(event, list(times))


def _event(event: str, times: list[Logged]) -> str:
    """One row, from however many places log it."""
    levels = dict.fromkeys(each.level for each in times)
    fields = dict.fromkeys(f"`{name}`" for each in times for name in each.fields)
    return f"| `{event}` | {', '.join(levels)} | {', '.join(fields)} | {_cell(MEANINGS[event])} |"


def logged() -> set[Logged]:
    """All that the code logs under a name."""
    return {found for file in _files() for found in _logged(file)}


def _files() -> Iterator[Path]:
    for package in PACKAGES:
        for root in package.__path__:
            yield from (file for file in Path(root).rglob("*.py") if SANDBOX not in file.relative_to(root).parts)


def _logged(file: Path) -> Iterator[Logged]:
    for node in ast.walk(ast.parse(file.read_text())):
        match node:
            case ast.Call(
                func=ast.Attribute(value=ast.Name(id="log"), attr=level),
                args=[ast.Constant() | ast.JoinedStr() as event, *_],
                keywords=keywords,
            ) if level in LEVELS:
                names = tuple(keyword.arg for keyword in keywords if keyword.arg and keyword.arg != "exc_info")
                yield Logged(_text(event), "error" if level == "exception" else level, names)


def _text(event: ast.Constant | ast.JoinedStr) -> str:
    """`…` stands for what is filled in."""
    parts = event.values if isinstance(event, ast.JoinedStr) else [event]
    return "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)


def _cell(text: str) -> str:
    return text.replace("|", "\\|").replace("\n", " ")
