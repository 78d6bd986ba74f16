"""What patches do to the images of resources.

Followed exactly where that is simple. Elsewhere the images of before, and those that the patch mentions, may all be
there: an image is never thought to be gone that kustomize leaves.
"""

import copy
import re
from collections.abc import Iterable, Mapping
from enum import Enum
from typing import Any

from bot.overlays.kustomization.layer import Patch, UndecidedBuild
from bot.overlays.kustomization.resources import (
    CONTAINERS,
    OTHER,
    KustomizeResource,
    documents,
    mappings,
    mentioned,
)

POD, TEMPLATE = ("spec",), ("spec", "template", "spec")
MERGED = {
    ("v1", "Pod"): POD,
    ("v1", "ReplicationController"): TEMPLATE,
    **{("apps/v1", kind): TEMPLATE for kind in ("Deployment", "StatefulSet", "DaemonSet", "ReplicaSet")},
    ("batch/v1", "Job"): TEMPLATE,
    ("batch/v1", "CronJob"): ("spec", "jobTemplate", *TEMPLATE),
}
"""Where the containers are of which kustomize knows that it must merge them by name; other lists it may replace."""
LITERAL = re.compile(r"[A-Za-z0-9-]+", re.ASCII)
IDENTITY = ((), ("kind",), ("apiVersion",), ("metadata",), ("metadata", "name"), ("metadata", "namespace"))


class Hit(Enum):
    YES = "yes"
    PERHAPS = "perhaps"
    NO = "no"


def apply(patch: Patch, text: bytes, resources: Iterable[KustomizeResource]) -> None:
    """Changes the resources that it is for. Raises UndecidedBuild."""
    parts = [each for each in documents(text, patch.path or "a patch") if each is not None]
    operations = parts[0] if len(parts) == 1 and isinstance(parts[0], list) else None
    if operations is None and patch.operations:
        raise UndecidedBuild("a JSON patch that is not a list")
    for resource in resources:
        if operations is not None:
            _operate(operations, patch.target, resource)
        for part in parts if operations is None else ():
            _merge(part, patch.target, resource)


def _merge(part: Any, target: Mapping[str, str] | None, resource: KustomizeResource) -> None:
    if not isinstance(part, dict):
        raise UndecidedBuild("a patch that is not a mapping")
    hit = _selected(resource, target) if target is not None else _named(resource, part)
    if hit is Hit.NO or not _touches(part):
        return
    pod = None if resource.loose or hit is Hit.PERHAPS else _pod(part, resource)
    if pod is None or not _set_images(resource, pod):
        resource.loosen(mentioned(part))


def _named(resource: KustomizeResource, part: dict[str, Any]) -> Hit:
    """Whether the patch is for it, by its kind and its name."""
    metadata = part.get("metadata")
    name = metadata.get("name") if isinstance(metadata, dict) else None
    namespace = (metadata.get("namespace") or "") if isinstance(metadata, dict) else ""
    if part.get("kind") != resource.kind or name not in resource.names:
        return Hit.NO
    same = {name} == resource.names and {namespace} == resource.namespaces and part.get("apiVersion") == resource.api
    return Hit.YES if same else Hit.PERHAPS


def _selected(resource: KustomizeResource, target: Mapping[str, str]) -> Hit:
    """A target's words are regular expressions; each must fit."""
    wanted = {key: word for key, word in target.items() if word}
    hits = [_fits(wanted.pop(key), have) for key, have in (("kind", {resource.kind}), ("name", resource.names)) if
            key in wanted]  # fmt: skip
    if Hit.NO in hits:
        return Hit.NO
    return Hit.PERHAPS if wanted or Hit.PERHAPS in hits else Hit.YES


def _fits(word: str, have: set[str]) -> Hit:
    if not LITERAL.fullmatch(word):
        return Hit.PERHAPS
    if word not in have:
        return Hit.NO
    return Hit.YES if have == {word} else Hit.PERHAPS


def _pod(part: dict[str, Any], resource: KustomizeResource) -> dict[str, Any] | None:
    """The Pod's part of a patch; None where the patch touches anything else, or nobody knows how it is merged."""
    way = MERGED.get((resource.api, resource.kind))
    at: Any = part
    for key in way or ():
        if not isinstance(at, dict) or _touches({name: value for name, value in at.items() if name != key}):
            return None
        at = at.get(key, {})
    simple = isinstance(at, dict) and not _touches({name: each for name, each in at.items() if name not in CONTAINERS})
    return at if way and simple else None


def _touches(value: Any) -> bool:
    """Whether it may change where an image stands: by naming containers or images, or by a directive (`$patch`)."""
    words = (*CONTAINERS, "image", "reference")
    return any(key in words or key.startswith("$") for mapping in mappings(value) for key in mapping)


def _set_images(resource: KustomizeResource, pod: dict[str, Any]) -> bool:
    """Whether all of it was simple: containers that are there, each with its name."""
    at: Any = resource.tree
    for key in MERGED[resource.api, resource.kind]:
        at = at.get(key) if isinstance(at, dict) else None
    pairs: list[tuple[dict[str, Any], str]] = []
    for key in CONTAINERS:
        patched = pod.get(key, [])
        there = at.get(key, []) if isinstance(at, dict) else None
        if not isinstance(patched, list) or (patched and not isinstance(there, list)):
            return False
        for container in patched:
            found = [each for each in there or () if isinstance(each, dict) and _same(each, container)]
            if len(found) != 1 or not all(isinstance(each, dict) for each in there or ()):
                return False
            if "image" in container:
                pairs.append((found[0], container["image"]))
    if not all(isinstance(image, str) for _, image in pairs):
        return False
    for holder, image in pairs:
        holder["image"] = image
    return True


def _same(there: dict[str, Any], patched: Any) -> bool:
    if not isinstance(patched, dict) or any(key.startswith("$") for key in patched):
        return False
    return isinstance(patched.get("name"), str) and there.get("name") == patched["name"]


def _operate(operations: list[Any], target: Mapping[str, str] | None, resource: KustomizeResource) -> None:
    if target is None:
        raise UndecidedBuild("a JSON patch without a target")
    hit = _selected(resource, target)
    if hit is Hit.PERHAPS:
        resource.loosen(())
    for operation in operations if hit is not Hit.NO else ():
        _do(operation, resource)


def _do(operation: Any, resource: KustomizeResource) -> None:
    """One operation of RFC 6902. Raises UndecidedBuild for what takes a value from elsewhere, or renames."""
    if not isinstance(operation, dict):
        raise UndecidedBuild("an operation that is not a mapping")
    verb, path = operation.get("op"), operation.get("path")
    if verb not in ("add", "replace", "remove", "test") or not isinstance(path, str):
        raise UndecidedBuild(f"the operation {verb}")
    way = tuple(each.replace("~1", "/").replace("~0", "~") for each in path.split("/")[1:])
    if way in IDENTITY:
        raise UndecidedBuild("an operation that changes what a resource is")
    if verb == "test":
        return
    if resource.loose:
        last = {way[-1]: operation.get("value")}
        resource.also |= mentioned(last)
    elif _matters(resource.tree, way, operation.get("value")):
        _write(verb, _holder(resource.tree, way), way[-1], copy.deepcopy(operation.get("value")))


def _matters(tree: Any, way: tuple[str, ...], value: Any) -> bool:
    if any(key in CONTAINERS or key in ("image", "reference") for key in way) or _touches(value):
        return True
    holder = _holder(tree, way)
    return _touches(holder) if isinstance(holder, list) else _touches(_at(holder, way[-1]))


def _holder(tree: Any, way: tuple[str, ...]) -> Any:
    at = tree
    for key in way[:-1]:
        at = _at(at, key)
    return at


def _at(holder: Any, key: str) -> Any:
    if isinstance(holder, dict):
        return holder.get(key)
    if isinstance(holder, list) and key.isdecimal() and int(key) < len(holder):
        return holder[int(key)]
    return None


def _write(verb: str, holder: Any, key: str, value: Any) -> None:
    """Raises UndecidedBuild where there is no such place: kustomize refuses that, or knows what is not known here."""
    if value is OTHER and key in ("image", "reference"):
        raise UndecidedBuild("an image that is not text")
    if isinstance(holder, dict) and (verb == "add" or key in holder):
        if verb == "remove":
            del holder[key]
        else:
            holder[key] = value
    elif isinstance(holder, list) and verb == "add" and (key == "-" or (key.isdecimal() and int(key) <= len(holder))):
        holder.insert(len(holder) if key == "-" else int(key), value)
    elif isinstance(holder, list) and key.isdecimal() and int(key) < len(holder):
        holder[int(key) : int(key) + 1] = [] if verb == "remove" else [value]
    else:
        raise UndecidedBuild("an operation on what is not there")
