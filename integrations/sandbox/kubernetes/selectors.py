"""Label and field selectors, in the grammar that `kubectl -l` and `--field-selector` take."""

import re
from collections.abc import Callable, Mapping
from typing import Any

from .errors import bad_request

Predicate = Callable[[dict[str, Any]], bool]

_SET = re.compile(r"^(?P<key>[\w./-]+)\s+(?P<op>in|notin)\s*\((?P<values>[^)]*)\)$")
_EQUALITY = re.compile(r"^(?P<key>[\w./-]+)\s*(?P<op>!=|==|=)\s*(?P<value>[\w.-]*)$")
_EXISTS = re.compile(r"^(?P<no>!?)\s*(?P<key>[\w./-]+)$")

# Beyond the name and namespace, which every type has.
_SELECTABLE = {
    "Pod": {"spec.nodeName", "spec.restartPolicy", "spec.serviceAccountName", "status.phase", "status.podIP"},
    "Event": {
        "involvedObject.kind", "involvedObject.namespace", "involvedObject.name", "involvedObject.uid",
        "reason", "reportingComponent", "source", "type",
    },
    "Secret": {"type"},
    "Namespace": {"status.phase"},
}  # fmt: skip


def labels(expression: str) -> Predicate:
    """Raises ApiError 400 for what is not a selector."""
    tests = [_label_test(part.strip()) for part in re.split(r",(?![^(]*\))", expression) if part.strip()]

    def matches(obj: dict[str, Any]) -> bool:
        found = obj["metadata"].get("labels") or {}
        return all(test(found) for test in tests)

    return matches


def _label_test(part: str) -> Callable[[Mapping[str, str]], bool]:
    if match := _SET.match(part):
        key, values = match["key"], {value.strip() for value in match["values"].split(",")}
        if match["op"] == "in":
            return lambda found: found.get(key) in values
        return lambda found: found.get(key) not in values
    if match := _EQUALITY.match(part):
        key, value = match["key"], match["value"]
        if match["op"] == "!=":
            return lambda found: found.get(key) != value
        return lambda found: found.get(key) == value
    if match := _EXISTS.match(part):
        key, wanted = match["key"], not match["no"]
        return lambda found: (key in found) is wanted
    raise bad_request(f'unable to parse requirement: found "{part}", expected: a label selector')


def fields(expression: str, kind: str) -> Predicate:
    """Raises ApiError 400 for a field that this kind cannot be selected by."""
    tests: list[tuple[list[str], str, bool]] = []
    for part in filter(None, (part.strip() for part in expression.split(","))):
        match = _EQUALITY.match(part)
        if not match:
            raise bad_request(f'invalid selector: "{part}"; can\'t understand it')
        path = match["key"]
        if path not in {"metadata.name", "metadata.namespace"} | _SELECTABLE.get(kind, set()):
            raise bad_request(f"field label not supported: {path}")
        tests.append((path.split("."), match["value"], match["op"] != "!="))
    return lambda obj: all((_value(obj, path) == value) is wanted for path, value, wanted in tests)


def _value(obj: Any, path: list[str]) -> str:
    for name in path:
        obj = obj.get(name) if isinstance(obj, dict) else None
    return "" if obj is None else str(obj)
