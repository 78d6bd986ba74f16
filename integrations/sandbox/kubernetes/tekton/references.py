"""The variables of Tekton: `$(params.x)`, `$(tasks.t.results.r)`, `$(context.pipelineRun.name)`."""

import re
from collections.abc import Mapping
from typing import Any

Value = str | list[str] | dict[str, str]

_VARIABLE = re.compile(r"\$\(([^()]+)\)")
_TASK_RESULT = re.compile(r"^tasks\.([\w-]+)\.results\.([\w.-]+?)(?:\[(?:\*|\d+)\])?$")


class UnresolvedReferenceError(Exception):
    """A result that no task gave."""


def dependencies(task: Mapping[str, Any]) -> set[str]:
    """The tasks that must end before `task` starts: those it names in runAfter and those whose results it uses."""
    return set(task.get("runAfter") or ()) | result_sources(task)


def result_sources(task: Mapping[str, Any]) -> set[str]:
    used = [task.get("params"), task.get("when"), task.get("matrix")]
    return {
        match[1] for text in _strings(used) for name in _VARIABLE.findall(text) if (match := _TASK_RESULT.match(name))
    }


def _strings(value: Any) -> list[str]:
    if isinstance(value, str):
        return [value]
    if isinstance(value, Mapping):
        return [text for item in value.values() for text in _strings(item)]
    return [text for item in value or () for text in _strings(item)] if isinstance(value, list) else []


def substitute(value: Any, variables: Mapping[str, Value]) -> Any:
    """`value` with every known variable replaced. An unknown result raises UnresolvedReferenceError; other unknown
    variables stay as they are, for the Task that knows them."""
    if isinstance(value, dict):
        return {key: substitute(item, variables) for key, item in value.items()}
    if isinstance(value, list):
        return [part for item in value for part in _substitute_item(item, variables)]
    return _substitute_text(value, variables) if isinstance(value, str) else value


def _substitute_item(item: Any, variables: Mapping[str, Value]) -> list[Any]:
    """An item that is a whole array (`$(params.args[*])`) becomes its items."""
    if isinstance(item, str) and (match := re.fullmatch(r"\$\(([^()]+)\[\*\]\)", item)):
        whole = variables.get(match[1])
        if isinstance(whole, list):
            return list(whole)
    return [substitute(item, variables)]


def _substitute_text(text: str, variables: Mapping[str, Value]) -> Any:
    if (match := _VARIABLE.fullmatch(text)) and not isinstance(_look_up(match[1], variables), str | None):
        return _look_up(match[1], variables)

    def replace(match: re.Match[str]) -> str:
        found = _look_up(match[1], variables)
        if found is None and _TASK_RESULT.match(match[1]):
            raise UnresolvedReferenceError(match[1])
        return found if isinstance(found, str) else match[0]

    return _VARIABLE.sub(replace, text)


def _look_up(name: str, variables: Mapping[str, Value]) -> Value | None:
    bracketed = re.sub(r"""\[["']([^"']+)["']\]""", r".\1", name).removesuffix("[*]")
    if bracketed in variables:
        return variables[bracketed]
    if (indexed := re.fullmatch(r"(.+)\[(\d+)\]", bracketed)) and isinstance(items := variables.get(indexed[1]), list):
        return items[int(indexed[2])] if int(indexed[2]) < len(items) else None
    stem, _, key = bracketed.rpartition(".")
    whole = variables.get(stem)
    return whole.get(key) if isinstance(whole, dict) else None
