"""What the `images:` of an overlay find before them: bases, components and patches brought together, as kustomize does.

The answer may name images that are not there; it leaves out none that is. Where that cannot be promised, nothing is
answered (UndecidedBuild).
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from bot.domain.overlay import OverlayImage
from bot.overlays.kustomization.entries import FILE_NAMES
from bot.overlays.kustomization.layer import Layer, Patch, UndecidedBuild, read_layer
from bot.overlays.kustomization.patches import apply
from bot.overlays.kustomization.resources import KustomizeResource, read_resources

DEEPEST = 12
"""layers upon each other"""


def candidates(reference: str) -> tuple[str, ...]:
    """The files that a reference to a resource may mean: itself, or the kustomization of a directory."""
    if reference == ".":
        return FILE_NAMES
    return (reference, *(f"{reference}/{name}" for name in FILE_NAMES))


def unread(files: Mapping[str, bytes]) -> dict[str, tuple[str, ...]]:
    """What the files name and none of them is: by reference, the paths that it may mean. Raises UndecidedBuild."""
    found: dict[str, tuple[str, ...]] = {}
    for path in files:
        if path.rpartition("/")[2] not in FILE_NAMES:
            continue
        layer = read_layer(files[path], path)
        for reference in (*layer.resources, *layer.components):
            found[reference] = candidates(reference)
        found |= {patch: (patch,) for patch in layer.patch_files}
    return {reference: paths for reference, paths in found.items() if not any(path in files for path in paths)}


@dataclass(frozen=True)
class ImagesFound:
    """The images where the `images:` of an overlay begin: `possible` leaves none out, `sure` are there.

    `entries` are those of its `images:`.
    """

    possible: frozenset[str]
    sure: frozenset[str]
    entries: tuple[OverlayImage, ...]


def images_found(files: Mapping[str, bytes], path: str) -> ImagesFound:
    """Of the overlay at `path`. Raises UndecidedBuild."""
    build = _Build(files)
    top = read_layer(files[path], path)
    if top.component:
        raise UndecidedBuild(f"{path} is a component: what it is built into is not known")
    resources = build.until_images(top, [], 0)
    possible = frozenset(image for resource in resources for image in resource.images())
    sure = frozenset(image for resource in resources for image in resource.images() - resource.also)
    return ImagesFound(possible, sure, top.images)


class _Build:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def until_images(self, layer: Layer, resources: list[KustomizeResource], depth: int) -> list[KustomizeResource]:
        """With what was there before: a component works on what its caller has."""
        if depth > DEEPEST:
            raise UndecidedBuild(f"{layer.path} is more than {DEEPEST} layers down")
        for reference in layer.resources:
            resources = [*resources, *self._resource(reference, depth)]
        for reference in layer.components:
            resources = self._whole(self._layer(reference), resources, depth + 1)
        self._patch(layer.early, resources)
        _rename(layer, resources)
        self._patch(layer.late, resources)
        return resources

    def _whole(self, layer: Layer, resources: list[KustomizeResource], depth: int) -> list[KustomizeResource]:
        if layer.changes_later:
            raise UndecidedBuild(f"{layer.path} changes resources after its `images:`")
        resources = self.until_images(layer, resources, depth)
        for resource in resources:
            resource.pin(layer.images)
        return resources

    def _resource(self, reference: str, depth: int) -> list[KustomizeResource]:
        if reference in self._files:
            return read_resources(self._files[reference], reference)
        return self._whole(self._layer(reference), [], depth + 1)

    def _layer(self, reference: str) -> Layer:
        found = [path for path in candidates(reference) if path != reference and path in self._files]
        if len(found) != 1:
            raise UndecidedBuild(f"{reference} is not there, or not in this repository")
        return read_layer(self._files[found[0]], found[0])

    def _patch(self, patches: Iterable[Patch], resources: list[KustomizeResource]) -> None:
        for patch in patches:
            if patch.path and patch.path not in self._files:
                raise UndecidedBuild(f"{patch.path} is not there")
            text = self._files[patch.path] if patch.path else patch.text.encode()
            apply(patch, text, resources)


def _rename(layer: Layer, resources: Iterable[KustomizeResource]) -> None:
    for resource in resources:
        resource.names |= {f"{layer.prefix}{name}" for name in resource.names}
        resource.names |= {f"{name}{layer.suffix}" for name in resource.names}
        if layer.moves_namespace:
            resource.namespaces.add("*")
