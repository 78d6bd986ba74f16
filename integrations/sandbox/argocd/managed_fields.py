"""Who wrote which field of a live object, as the API server keeps it in `metadata.managedFields`."""

import json
from collections.abc import Iterator
from typing import Any

Path = tuple[str, ...]
ARGO_CD, HAND, SCALE = "argocd-controller", "kubectl-set", "kubectl"
NAMELESS = ("apiVersion", "kind")
OF_THE_SERVER = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp", "managedFields")


def written(before: dict[str, Any] | None, after: dict[str, Any], manager: str, at: str) -> list[dict[str, Any]]:
    """The entries after `manager` has changed `before` into `after`: what it changed is its own from now on."""
    old, new = dict(leaves(before or {})), dict(leaves(after))
    changed = {path for path, value in new.items() if path not in old or old[path] != value}
    kept: list[dict[str, Any]] = []
    mine: set[Path] = set()
    for entry in (before or {}).get("metadata", {}).get("managedFields", []):
        paths = set(_paths(entry["fieldsV1"]))
        if entry["manager"] == manager:
            mine = paths
        elif left := {path for path in paths - changed if path in new}:
            kept.append(entry | {"fieldsV1": _tree(left)})
    own = {"manager": manager, "operation": "Update", "apiVersion": after["apiVersion"], "time": at,
           "fieldsType": "FieldsV1", "fieldsV1": _tree({path for path in mine | changed if path in new})}  # fmt: skip
    return [*kept, own]


def leaves(node: Any, path: Path = ()) -> Iterator[tuple[Path, Any]]:
    """Items of a list that have names are known by those; other lists are whole."""
    if isinstance(node, dict) and node:
        for key, value in node.items():
            if not (path == () and key in NAMELESS) and not (path == ("f:metadata",) and key in OF_THE_SERVER):
                yield from leaves(value, (*path, f"f:{key}"))
    elif isinstance(node, list) and node and all(isinstance(item, dict) and "name" in item for item in node):
        for item in node:
            yield from leaves(item, (*path, "k:" + json.dumps({"name": item["name"]}, separators=(",", ":"))))
    elif path:
        yield path, node


def _tree(paths: set[Path]) -> dict[str, Any]:
    tree: dict[str, Any] = {}
    for path in sorted(paths):
        node = tree
        for part in path:
            node = node.setdefault(part, {})
    return tree


def _paths(tree: dict[str, Any], path: Path = ()) -> Iterator[Path]:
    for part, below in tree.items():
        if below:
            yield from _paths(below, (*path, part))
        else:
            yield (*path, part)
