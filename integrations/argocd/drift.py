"""Where the cluster differs from git."""

import json
from collections.abc import Iterator
from typing import Any

from bot.domain.drift import ABSENT, Difference, Drift
from integrations.argocd import wire
from integrations.argocd.errors import SYSTEM
from integrations.argocd.managers import Path, child, writer
from integrations.http.answer import decode

LONGEST = 2000
"""characters of a value that are kept"""
BOOKKEEPING = frozenset({"managedFields", "resourceVersion", "generation", "uid", "creationTimestamp", "selfLink"})
"""of `metadata`: what Kubernetes writes for itself is no difference"""


def drifts(resources: wire.ManagedResources, operation: str) -> tuple[Drift, ...]:
    """Hooks apart. Raises Refused for states that are not JSON."""
    found = (drift(resource, operation) for resource in resources.items or () if not resource.hook)
    return tuple(d for d in found if d.missing or d.surplus or d.differences)


def drift(resource: wire.ManagedResource, operation: str) -> Drift:
    """A21: the states that Argo CD itself compares are the normalized and the predicted one.

    The live one alone says who wrote what.
    """
    raw = state(resource.live_state, operation)
    live = state(resource.normalized_live_state or resource.live_state, operation)
    target = state(resource.predicted_live_state or resource.target_state, operation)
    wanted = state(resource.target_state, operation)
    names = (resource.kind, resource.name, resource.namespace or "")
    if live is None or wanted is None:
        return Drift(*names, missing=live is None and wanted is not None, surplus=wanted is None and live is not None)
    found = differences(without_bookkeeping(live), without_bookkeeping(target))
    return Drift(*names, differences=tuple(_attributed(raw, live, *one) for one in found))


def without_bookkeeping(state: Any) -> Any:
    if not isinstance(state, dict) or not isinstance(state.get("metadata"), dict):
        return state
    return {**state, "metadata": {name: each for name, each in state["metadata"].items() if name not in BOOKKEEPING}}


def state(text: str | None, operation: str) -> Any:
    """The JSON in the string; None for the string "null", too."""
    return decode(text, Any, SYSTEM, operation) if text else None


def differences(live: Any, target: Any, path: Path = ()) -> Iterator[tuple[Path, Any, Any]]:
    """Each place where the two differ, as deep as both have the same shape."""
    if isinstance(live, dict) and isinstance(target, dict) and not _renamed(live, target, path):
        for key in [*target, *(k for k in live if k not in target)]:
            yield from differences(live.get(key, ABSENT), target.get(key, ABSENT), (*path, key))
    elif isinstance(live, list) and isinstance(target, list) and (live and target) and _named(live) and _named(target):
        yield from _by_name(live, target, path)
    elif isinstance(live, list) and isinstance(target, list) and len(live) == len(target):
        for index, (one, other) in enumerate(zip(live, target, strict=True)):
            yield from differences(one, other, (*path, index))
    elif live != target:
        yield path, live, target


def _renamed(live: dict[str, Any], target: dict[str, Any], path: Path) -> bool:
    """Two items of a list: with another name it is another item, whose value no path may name after the first."""
    return bool(path) and isinstance(path[-1], int) and live.get("name") != target.get("name")


def _by_name(live: list[Any], target: list[Any], path: Path) -> Iterator[tuple[Path, Any, Any]]:
    """Containers, variables, ports: which is which is said by their names, not by their places."""
    wanted = {item["name"]: item for item in target}
    for index, item in enumerate(live):
        yield from differences(item, wanted.get(item["name"], ABSENT), (*path, index))
    there = {item["name"] for item in live}
    for name, item in wanted.items():
        if name not in there:
            yield (*path, f"[{name}]"), ABSENT, item


def _named(items: list[Any]) -> bool:
    names = [item.get("name") if isinstance(item, dict) else None for item in items]
    return all(isinstance(name, str) for name in names) and len(set(names)) == len(names)


def said(value: Any) -> str:
    """As text: JSON, but variables of containers as NAME=value, so that a secret stands right behind its name."""
    plain = _variables(value)
    return (plain if isinstance(plain, str) else json.dumps(plain, ensure_ascii=False))[:LONGEST]


def _variables(value: Any) -> Any:
    if isinstance(value, list):
        return [_variables(item) for item in value]
    if not isinstance(value, dict):
        return value
    if value.keys() == {"name", "value"}:
        return f"{value['name']}={value['value']}"
    return {key: _variables(item) for key, item in value.items()}


def spelled(path: Path, state: Any) -> str:
    """ "spec.containers[my-app].image": an item of a list by its name, where it has one."""
    text = ""
    for part in path:
        below = child(state, part)
        name = below.get("name") if isinstance(part, int) and isinstance(below, dict) else None
        if isinstance(part, int):
            text += f"[{name if isinstance(name, str) else part}]"
        else:
            text += part if part.startswith("[") else f".{part}"
        state = below
    return text.lstrip(".")


def _attributed(raw: Any, compared: Any, path: Path, live: Any, target: Any) -> Difference:
    by, at = writer(raw, _unnormalized(path, compared, raw))
    return Difference(spelled(path, compared), said(live), said(target), by, at)


def _unnormalized(path: Path, compared: Any, raw: Any) -> Path:
    """The path in the live state: what ignoreDifferences leaves out of a list moves the items behind it."""
    found: list[str | int] = []
    for part in path:
        below = child(compared, part)
        found.append(_position(raw, compared, below, part) if isinstance(part, int) else part)
        compared, raw = below, child(raw, found[-1])
    return tuple(found)


def _position(raw: Any, compared: list[Any], item: Any, index: int) -> int:
    name = item.get("name") if isinstance(item, dict) else None
    if name is None or not isinstance(raw, list) or len(raw) == len(compared):
        return index
    return next((i for i, each in enumerate(raw) if isinstance(each, dict) and each.get("name") == name), index)
