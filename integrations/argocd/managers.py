"""Who wrote a field of a live object, by its `metadata.managedFields` (Kubernetes: server-side apply)."""

import json
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

import msgspec

from integrations.argocd import wire

Path = Sequence[str | int]
"""keys of objects, and positions in lists"""
BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


def writer(live: Any, path: Path) -> tuple[str, datetime | None]:
    """The manager that owns the field and wrote last, and when; ("", None) where nobody is known to own it."""
    owners = [entry for entry in entries(live) if owns(entry.fields_v1 or {}, live, path)]
    if not owners:
        return "", None
    last = max(owners, key=lambda entry: entry.time or BEGINNING)
    return last.manager or "", last.time


def entries(live: Any) -> Sequence[wire.ManagedFields]:
    """What cannot be read tells nothing: it only explains."""
    metadata = live.get("metadata") if isinstance(live, dict) else None
    said = metadata.get("managedFields") if isinstance(metadata, dict) else None
    try:
        return msgspec.convert(said or [], list[wire.ManagedFields])
    except msgspec.ValidationError:
        return []


def owns(fields: Mapping[str, Any], node: Any, path: Path) -> bool:
    """Whether a set of fields holds the path. An empty set below a field stands for all that is below it."""
    if not path:
        return True
    head, *rest = path
    below = _below(fields, node, head)
    if not isinstance(below, Mapping):
        return False
    return not below or owns(below, child(node, head), rest)


def _below(fields: Mapping[str, Any], node: Any, head: str | int) -> Any:
    if isinstance(head, str):
        return fields.get(f"f:{head}")
    item = child(node, head)
    return next((below for name, below in fields.items() if _names(name, item, head)), None)


def child(node: Any, head: str | int) -> Any:
    if isinstance(head, str):
        return node.get(head) if isinstance(node, dict) else None
    return node[head] if isinstance(node, list) and head < len(node) else None


def _names(name: str, item: Any, index: int) -> bool:
    """`k:` names an item by its keys, `v:` by its value, `i:` by its place."""
    kind, _, text = name.partition(":")
    try:
        said = json.loads(text) if kind in ("k", "v", "i") else None
    except ValueError:
        return False
    if kind == "k" and isinstance(said, dict):
        return isinstance(item, dict) and all(item.get(key) == value for key, value in said.items())
    return (kind == "v" and said == item) or (kind == "i" and said == index)
