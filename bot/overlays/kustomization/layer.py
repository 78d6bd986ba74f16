"""What one kustomization file brings together, as far as it says what containers run."""

import posixpath
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.domain.overlay import OverlayImage
from bot.overlays.kustomization.document import KustomizationError, is_nothing, parse
from bot.overlays.kustomization.entries import MERGE, entries

COMPONENT = "Component"
UNREADABLE = (
    "openapi", "crds", "configurations", "generators", "helmCharts", "helmGlobals", "helmChartInflationGenerator",
)  # fmt: skip
"""Keys that change what is an image, or bring resources that are in no file."""
LATER = ("replacements", "transformers")
"""Keys that come after `images:`, and so matter to those who build on it only."""
SELECTOR = ("group", "version", "kind", "name", "namespace", "labelSelector", "annotationSelector")
LABELS = ("pairs", "includeSelectors", "includeTemplates")


class UndecidedBuild(Exception):
    """The files do not say what an overlay builds: the reason is for the log."""


Value = dict[str, "Value"] | list["Value"] | str | None


@dataclass(frozen=True)
class Patch:
    """Either `path` (in the repository) or `text`; `target` is None where the patch names its own resource."""

    path: str
    text: str
    target: Mapping[str, str] | None
    operations: bool = False
    """whether it is JSON 6902 for sure; else the text tells"""


@dataclass(frozen=True)
class Layer:
    """Paths are in the repository. `early` patches come before names change, `late` ones after; then `images`."""

    path: str
    component: bool
    resources: tuple[str, ...]
    components: tuple[str, ...]
    early: tuple[Patch, ...]
    late: tuple[Patch, ...]
    prefix: str
    suffix: str
    moves_namespace: bool
    images: tuple[OverlayImage, ...]
    changes_later: bool
    """whether something comes after `images:` that may change what has a name, or an image"""

    @property
    def patch_files(self) -> tuple[str, ...]:
        return tuple(patch.path for patch in (*self.early, *self.late) if patch.path)


@lru_cache(maxsize=512)
def read_layer(content: bytes, path: str) -> Layer:
    """Raises UndecidedBuild."""
    try:
        document = parse(content, path)
        images = entries(document)
    except KustomizationError as error:
        raise UndecidedBuild(error.sentence) from error
    root = _mapping(_plain(document.root) or {}, path)
    for key in UNREADABLE:
        if root.get(key):
            raise UndecidedBuild(f"{path} has `{key}:`")
    for label in _list(root.get("labels"), path):
        if any(key not in LABELS for key in _mapping(label, path)):
            raise UndecidedBuild(f"{path} writes labels into other fields")
    here = posixpath.dirname(path)
    strategic = [_strategic(each, here, path) for each in _list(root.get("patchesStrategicMerge"), path)]
    return Layer(
        path=path,
        component=root.get("kind") == COMPONENT,
        resources=_paths([*_list(root.get("resources"), path), *_list(root.get("bases"), path)], here, path),
        components=_paths(_list(root.get("components"), path), here, path),
        early=(*strategic, *(_patch(each, here, path) for each in _list(root.get("patches"), path))),
        late=tuple(_patch(each, here, path, operations=True) for each in _list(root.get("patchesJson6902"), path)),
        prefix=_text(root.get("namePrefix"), path),
        suffix=_text(root.get("nameSuffix"), path),
        moves_namespace=bool(root.get("namespace")),
        images=tuple(entry.image for entry in images),
        changes_later=any(root.get(key) for key in LATER),
    )


def _plain(node: Node | None) -> Value:
    """Raises UndecidedBuild for what kustomize may read in another way."""
    if node is None or is_nothing(node):
        return None
    if isinstance(node, ScalarNode):
        return str(node.value)
    if isinstance(node, SequenceNode):
        return [_plain(each) for each in node.value]
    found: dict[str, Value] = {}
    assert isinstance(node, MappingNode)
    for key, value in node.value:
        if not isinstance(key, ScalarNode) or key.value == MERGE or key.value in found:
            raise UndecidedBuild(f"a key in line {key.start_mark.line + 1}")
        found[key.value] = _plain(value)
    return found


def _strategic(value: Value, here: str, path: str) -> Patch:
    """A path, or the patch itself: what holds a line end or a brace is no path."""
    text = _text(value, path)
    if "\n" in text or "{" in text:
        return Patch("", text, None)
    return Patch(_inside(text, here, path), "", None)


def _patch(value: Value, here: str, path: str, *, operations: bool = False) -> Patch:
    fields = _mapping(value, path)
    if any(key not in ("path", "patch", "target", "options") for key in fields):
        raise UndecidedBuild(f"{path} has a patch with other keys")
    if fields.get("options"):
        raise UndecidedBuild(f"{path} has a patch that may change names and kinds")
    target = fields.get("target")
    selector = {key: _text(each, path) for key, each in _mapping(target, path).items()} if target is not None else None
    if any(key not in SELECTOR for key in selector or ()):
        raise UndecidedBuild(f"{path} has a patch with an unknown target")
    file, text = _text(fields.get("path"), path), _text(fields.get("patch"), path)
    return Patch(_inside(file, here, path) if file else "", text, selector, operations)


def _paths(values: list[Value], here: str, path: str) -> tuple[str, ...]:
    return tuple(_inside(_text(value, path), here, path) for value in values)


def _inside(reference: str, here: str, path: str) -> str:
    """The path in the repository that a reference means. Raises UndecidedBuild for what is in another one."""
    found = posixpath.normpath(posixpath.join(here, reference))
    remote = "://" in reference or "?" in reference or ":" in reference.partition("/")[0]
    if not reference or remote or reference.startswith("/") or found.startswith(".."):
        raise UndecidedBuild(f"{path} builds on {reference or 'nothing'}")
    return found


def _mapping(value: Value, path: str) -> dict[str, Value]:
    if not isinstance(value, dict):
        raise UndecidedBuild(f"{path} has something else where a mapping belongs")
    return value


def _list(value: Value, path: str) -> list[Value]:
    if value is not None and not isinstance(value, list):
        raise UndecidedBuild(f"{path} has something else where a list belongs")
    return value or []


def _text(value: Value, path: str) -> str:
    if value is not None and not isinstance(value, str):
        raise UndecidedBuild(f"{path} has something else where a text belongs")
    return value or ""
