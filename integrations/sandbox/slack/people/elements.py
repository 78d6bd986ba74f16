"""Finds what a person presses or fills in, by its id or by what is written on it."""

import re
from collections.abc import Iterable
from dataclasses import dataclass

from integrations.sandbox.slack.blockkit.layout import elements_of
from integrations.sandbox.slack.errors import PersonError
from integrations.sandbox.slack.model import Json


@dataclass(frozen=True)
class Found:
    """An element, the block that it stands in, and the option of an overflow menu that the label named."""

    element: Json
    block: Json
    option: Json | None = None


def find(blocks: Iterable[Json], action_id: str | None, label: str | None) -> Found:
    """Raises PersonError, naming what is there, when nothing or more than one thing fits."""
    everything = [Found(element, block) for block in blocks for element in elements_of(block)]
    if action_id is None and label is None:
        raise PersonError("say which element: by action_id, or by the label written on it")
    if action_id is not None:
        fits = [found for found in everything if found.element["action_id"] == action_id][:1]
    else:
        fits = _by_label(everything, label or "")
    if len(fits) == 1:
        return fits[0]
    wanted = f"action_id {action_id!r}" if action_id is not None else f"label {label!r}"
    there = ", ".join(f"{name_of(f)} ({f.element['action_id']})" for f in everything) or "nothing"
    problem = "nothing has" if not fits else "more than one element has"
    raise PersonError(f"{problem} the {wanted}: there is {there}")


def _by_label(everything: list[Found], label: str) -> list[Found]:
    menus = [
        Found(found.element, found.block, option)
        for found in everything
        if found.element["type"] == "overflow"
        for option in found.element["options"]
    ]
    wanted = _plain(label)
    candidates = [*everything, *menus]
    exact = [found for found in candidates if _plain(name_of(found)) == wanted]
    return exact or [found for found in candidates if wanted and wanted in _plain(name_of(found))]


def name_of(found: Found) -> str:
    """What is written on or beside the element."""
    if found.option is not None:
        return str(found.option["text"]["text"])
    for holder, key in ((found.element, "text"), (found.block, "label"), (found.element, "placeholder")):
        text = holder.get(key)
        if isinstance(text, dict) and (holder is not found.block or found.block["type"] == "input"):
            return str(text["text"])
    return str(found.element["action_id"])


def _plain(text: str) -> str:
    return re.sub(r":[a-z0-9_+-]+:", "", text).strip().casefold()
