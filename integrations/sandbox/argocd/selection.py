"""Which applications, and which of their fields, a request asks for (A7, A11)."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.argocd.errors import Code, StatusError

# Field → where its value is; everything else that `fields=` names is left out without a word (A7).
_LIST_FIELDS = {
    field: field
    for field in (
        "metadata.name",
        "metadata.namespace",
        "metadata.annotations",
        "metadata.labels",
        "metadata.creationTimestamp",
        "metadata.deletionTimestamp",
        "spec",
        "operation.sync",
        "status.sourceHydrator",
        "status.sync.status",
        "status.health",
        "status.summary",
        "status.resources",
        "status.operationState.startedAt",
        "status.operationState.finishedAt",
        "status.operationState.phase",
    )
} | {"status.operationState.operation.sync": "status.operationState.syncResult"}


def select_list_fields(application: Mapping[str, Any], fields: str) -> dict[str, Any]:
    """The part of an application that `fields=items.…` keeps, or with a leading `-` the rest (A7)."""
    exclude = fields.startswith("-")
    named = set(fields.removeprefix("-").split(","))
    chosen: dict[str, Any] = {}
    for field, path in _LIST_FIELDS.items():
        if (f"items.{field}" in named) != exclude and (value := dig(application, path)) is not None:
            _put(chosen, field, value)
    return chosen


def select_stream_fields(frame: Mapping[str, Any], fields: str) -> dict[str, Any]:
    """The part of a stream's frame that `fields=result.type,result.application.…` keeps (A11)."""
    chosen: dict[str, Any] = {}
    for field in fields.split(","):
        if (value := dig(frame, field)) is not None:
            _put(chosen, field, value)
    return chosen


def dig(value: Any, path: str) -> Any:
    for part in path.split("."):
        if not isinstance(value, Mapping) or part not in value:
            return None
        value = value[part]
    return value


def _put(target: dict[str, Any], path: str, value: Any) -> None:
    *parents, last = path.split(".")
    for parent in parents:
        target = target.setdefault(parent, {})
    target[last] = value


class LabelSelector:
    """Kubernetes' label selector: `a=b`, `a==b`, `a!=b`, `a`, `!a`, `a in (b,c)`, `a notin (b)`.

    Raises StatusError 400 for a selector that Kubernetes could not parse.
    """

    def __init__(self, text: str) -> None:
        self._tests = [_requirement(part) for part in _split(text)]

    def matches(self, labels: Mapping[str, str]) -> bool:
        return all(
            (labels.get(key) in values if values is not None else key in labels) == positive
            for key, values, positive in self._tests
        )


def _split(text: str) -> list[str]:
    parts, depth, current = [], 0, ""
    for character in text:
        depth += {"(": 1, ")": -1}.get(character, 0)
        if character == "," and depth == 0:
            parts.append(current)
            current = ""
        else:
            current += character
    return [part.strip() for part in [*parts, current] if part.strip()]


def _requirement(text: str) -> tuple[str, frozenset[str] | None, bool]:
    """(label, accepted values or None for mere presence, positive)."""
    for word, positive in ((" notin ", False), (" in ", True)):
        key, found, values = text.partition(word)
        if found and values.strip().startswith("(") and values.strip().endswith(")"):
            return key.strip(), frozenset(value.strip() for value in values.strip()[1:-1].split(",")), positive
    for sign, positive in (("!=", False), ("==", True), ("=", True)):
        key, found, value = text.partition(sign)
        if found:
            return key.strip(), frozenset({value.strip()}), positive
    key = text.removeprefix("!")
    if not key or any(character in key for character in " ()!="):
        raise StatusError(Code.INVALID_ARGUMENT, f"error parsing the selector: unable to parse requirement: {text!r}")
    return key, None, not text.startswith("!")
