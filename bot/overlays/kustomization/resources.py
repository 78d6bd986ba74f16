"""Kubernetes resources as kustomize's `images:` sees them: where an image stands, and what an entry makes of it.

An image is what stands in a list called `containers` or `initContainers`, at any depth, and the reference of an image
volume (kustomize 5.7.1, api/filters/imagetag).
"""

import re
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

import yaml

from bot.domain.overlay import OverlayImage
from bot.overlays.kustomization.document import DEEPEST, NULLS, OTHER_BREAKS, plain_type
from bot.overlays.kustomization.entries import MERGE
from bot.overlays.kustomization.layer import UndecidedBuild

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""libyaml, which go-yaml was made from."""
MOST_NODES = 20_000
"""in one file"""
CONTAINERS = ("containers", "initContainers")
VOLUMES = (("spec", "volumes"), ("spec", "template", "spec", "volumes"))
PINS = r"(:[a-zA-Z0-9_.{}-]*)?(@sha256:[a-zA-Z0-9_.{}-]*)?"


class _Other:
    """A number, a boolean or a date: nothing here reads one."""


OTHER = _Other()


@dataclass
class KustomizeResource:
    """`names` are those that it has had. `also`: images that it may have besides those in its `tree`."""

    tree: dict[str, Any]
    kind: str
    api: str
    names: set[str]
    namespaces: set[str]
    also: set[str] = field(default_factory=set)
    loose: bool = False
    """whether its structure is unknown by now: then `also` is all that is known, and the tree is empty"""

    def images(self) -> set[str]:
        """Each that it has, and perhaps others: none is missing."""
        return {holder[key] for holder, key in _places(self.tree, self.kind)} | self.also

    def loosen(self, images: Iterable[str]) -> None:
        """Something was done to it that may have put these images anywhere in it, or nowhere."""
        self.also |= self.images() | set(images)
        self.tree, self.loose = {}, True

    def pin(self, entries: Iterable[OverlayImage]) -> None:
        for entry in entries:
            for holder, key in _places(self.tree, self.kind):
                holder[key] = pinned(holder[key], entry)
            self.also = {pinned(image, entry) for image in self.also}


def matches(image: str, name: str) -> bool:
    """Whether kustomize takes an image for the one that an entry names."""
    return re.fullmatch(name + PINS, image) is not None


def pinned(image: str, entry: OverlayImage) -> str:
    if not matches(image, entry.name):
        return image
    name, pins = _split(image)
    if entry.repository == entry.name != name:
        raise UndecidedBuild(f"{entry.name} matches {name}, and nobody can tell whether it renames it")
    if entry.tag or entry.digest:
        pins = (f":{entry.tag}" if entry.tag else "") + (f"@{entry.digest}" if entry.digest else "")
    return (name if entry.repository == entry.name else entry.repository) + pins


def name_of(image: str) -> str:
    """Without tag and digest."""
    return _split(image)[0]


def read_resources(content: bytes, path: str) -> list[KustomizeResource]:
    """Raises UndecidedBuild."""
    found: list[KustomizeResource] = []
    for tree in documents(content, path):
        found += _resources(tree, path) if tree is not None else ()
    return found


def documents(content: bytes, path: str) -> list[Any]:
    """Every document as dictionaries, lists, strings, None and OTHER. Raises UndecidedBuild."""
    if OTHER_BREAKS.search(content.decode(errors="replace")):
        raise UndecidedBuild(f"{path} holds characters that YAML readers take for different things")
    try:
        return list(_Reader(content).documents())
    except (yaml.YAMLError, ValueError) as error:
        raise UndecidedBuild(f"{path} cannot be read") from error


def mentioned(value: Any) -> set[str]:
    """Every image that a part of a resource may bring, wherever it stands."""
    found: set[str] = set()
    for mapping in mappings(value):
        for key in ("image", "reference"):
            image = mapping.get(key)
            if image is OTHER:
                raise UndecidedBuild("an image that is not text")
            if isinstance(image, str):
                found.add(image)
    return found


def mappings(value: Any) -> Iterator[dict[str, Any]]:
    """Every mapping in it."""
    waiting = [value]
    while waiting:
        one = waiting.pop()
        if isinstance(one, dict):
            yield one
            waiting.extend(one.values())
        elif isinstance(one, list):
            waiting.extend(one)


def _resources(tree: Any, path: str) -> Iterator[KustomizeResource]:
    if not isinstance(tree, dict) or not isinstance(kind := tree.get("kind"), str):
        raise UndecidedBuild(f"{path} holds something that is not a resource")
    if kind.endswith("List") and isinstance(tree.get("items"), list):
        for item in tree["items"]:
            yield from _resources(item, path)
        return
    metadata, api = tree.get("metadata"), tree.get("apiVersion")
    if not isinstance(metadata, dict) or not isinstance(api, str):
        raise UndecidedBuild(f"{path} holds a resource without metadata")
    name, namespace = metadata.get("name"), metadata.get("namespace") or ""
    if not isinstance(name, str) or not isinstance(namespace, str):
        raise UndecidedBuild(f"{path} holds a resource without a name")
    yield KustomizeResource(tree, kind, api, {name}, {namespace})


def _places(tree: dict[str, Any], kind: str) -> list[tuple[dict[str, Any], str]]:
    """Where an image stands: the mapping and its key."""
    if kind == "CustomResourceDefinition":
        return []
    holders = [
        (container, "image")
        for mapping in mappings(tree)
        for key in CONTAINERS
        if isinstance(mapping.get(key), list)
        for container in mapping[key]
    ]
    for way in VOLUMES:
        at: Any = tree
        for key in way:
            at = at.get(key) if isinstance(at, dict) else None
        holders += [
            (volume["image"], "reference")
            for volume in (at if isinstance(at, list) else ())
            if isinstance(volume, dict) and isinstance(volume.get("image"), dict)
        ]
    found = [(holder, key) for holder, key in holders if isinstance(holder, dict) and holder.get(key) is not None]
    if not all(isinstance(holder[key], str) for holder, key in found):
        raise UndecidedBuild("an image that is not text")
    return found


def _split(image: str) -> tuple[str, str]:
    """The name, and tag and digest as they stand. As kustomize does: a colon before the first slash is a port's."""
    slash = max(image.find("/"), 0)
    cuts = [cut for cut in (image.find(":", slash), image.find("@", slash)) if cut >= 0]
    cut = min(cuts, default=len(image))
    return image[:cut], image[cut:]


class _Reader:
    """Puts the parser's events together. Its own way of doing that crashes the process where brackets nest deeply."""

    def __init__(self, content: bytes) -> None:
        self._events: Iterator[Any] = iter(yaml.parse(content, LOADER))
        self._anchors: dict[str, Any] = {}
        self._left = MOST_NODES

    def documents(self) -> Iterator[Any]:
        for event in self._events:
            if isinstance(event, yaml.DocumentStartEvent):
                self._anchors = {}
                yield self._value(next(self._events), 0)

    def _value(self, event: Any, depth: int) -> Any:
        self._left -= 1
        if self._left < 0 or depth > DEEPEST:
            raise UndecidedBuild("too large")
        if isinstance(event, yaml.AliasEvent):
            return self._aliased(event.anchor)
        value: Any
        if isinstance(event, yaml.ScalarEvent):
            value = _scalar(event)
        elif event.tag is not None:
            raise UndecidedBuild("a tag of YAML")
        elif isinstance(event, yaml.SequenceStartEvent):
            value = self._sequence(depth)
        else:
            value = self._mapping(depth)
        if event.anchor:
            self._anchors[event.anchor] = value
        return value

    def _aliased(self, anchor: str | None) -> Any:
        """Only what nobody changes: kustomize writes a list out wherever it is named."""
        value = self._anchors.get(anchor or "", OTHER)
        if not isinstance(value, str):
            raise UndecidedBuild("an alias")
        return value

    def _sequence(self, depth: int) -> list[Any]:
        found = []
        while not isinstance(event := next(self._events), yaml.SequenceEndEvent):
            found.append(self._value(event, depth + 1))
        return found

    def _mapping(self, depth: int) -> dict[str, Any]:
        found: dict[str, Any] = {}
        while not isinstance(event := next(self._events), yaml.MappingEndEvent):
            key = self._value(event, depth + 1)
            if not isinstance(key, str) or key == MERGE or key in found:
                raise UndecidedBuild("a key that is not text, or that is there twice")
            found[key] = self._value(next(self._events), depth + 1)
        return found


def _scalar(event: Any) -> str | _Other | None:
    if event.tag is not None:
        raise UndecidedBuild("a tag of YAML")
    value = str(event.value)
    if not event.implicit[0]:
        return value
    if value in NULLS:
        return None
    return OTHER if plain_type(value) else value
