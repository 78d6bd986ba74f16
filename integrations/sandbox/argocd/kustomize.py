"""`kustomize build`, as far as overlays go: bases, components, patches, names, labels, replicas and images.

A field that this does not know is refused, never ignored: what Argo CD shows must be what is in git.
"""

import copy
import posixpath
from collections.abc import Callable, Mapping
from functools import lru_cache
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from integrations.sandbox.argocd import transformers

Manifest = dict[str, Any]

_FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
_TRANSFORMERS: dict[str, Callable[[list[Manifest], Any], None]] = {
    "patches": transformers.patches,
    "patchesStrategicMerge": transformers.patches,
    "replicas": transformers.replicas,  # before the names change: kustomize looks for the original one
    "namespace": transformers.namespace,
    "namePrefix": transformers.name_prefix,
    "nameSuffix": transformers.name_suffix,
    "labels": transformers.labels,
    "commonLabels": transformers.common_labels,
    "commonAnnotations": transformers.annotations,
    "images": transformers.images,
}
_OTHER_FIELDS = {"apiVersion", "kind", "metadata", "resources", "bases", "components"}


class BuildError(ValueError):
    """The directory cannot be built; the message is what Argo CD shows in its ComparisonError."""


def build(directory: str, files: Mapping[str, bytes]) -> list[Manifest]:
    """The manifests of a kustomize directory, or of the plain YAML files in it when it has no kustomization.

    `files` holds the whole repository by path. Raises BuildError.
    """
    directory = posixpath.normpath(directory)
    if not any(path.startswith(f"{directory}/") or directory == "." for path in files):
        raise BuildError(f"{directory}: app path does not exist")
    if kustomization_of(directory, files) is None:
        plain = sorted(p for p in files if posixpath.dirname(p) == directory and p.endswith((".yaml", ".yml")))
        return [manifest for path in plain for manifest in _documents(path, files)]
    try:
        return _Build(files).directory(directory, ())
    except transformers.TransformError as error:
        raise BuildError(f"`kustomize build <path to cached source>/{directory}` failed: Error: {error}") from error


def kustomization_of(directory: str, files: Mapping[str, bytes]) -> str | None:
    """The path of a directory's kustomization file."""
    return next((path for name in _FILE_NAMES if (path := posixpath.join(directory, name)) in files), None)


class _Build:
    def __init__(self, files: Mapping[str, bytes]) -> None:
        self._files = files

    def directory(self, directory: str, above: tuple[str, ...]) -> list[Manifest]:
        if directory in above:
            raise BuildError(f"cycle detected: candidate root '{directory}' contains visited root '{above[0]}'")
        path = kustomization_of(directory, self._files)
        if path is None:
            raise BuildError(f"accumulating resources: unable to find one of {', '.join(_FILE_NAMES)} in '{directory}'")
        [kustomization] = _documents(path, self._files) or [{}]
        unknown = set(kustomization) - set(_TRANSFORMERS) - _OTHER_FIELDS
        if unknown:
            raise BuildError(f'invalid Kustomization: {path}: unknown field "{sorted(unknown)[0]}"')
        manifests = self._resources(directory, kustomization, (*above, directory))
        return self._transformed(directory, kustomization, manifests)

    def _resources(self, directory: str, kustomization: Manifest, above: tuple[str, ...]) -> list[Manifest]:
        manifests: list[Manifest] = []
        for entry in [*(kustomization.get("resources") or []), *(kustomization.get("bases") or [])]:
            target = posixpath.normpath(posixpath.join(directory, entry))
            if target in self._files:
                manifests += _documents(target, self._files)
            elif any(path.startswith(f"{target}/") for path in self._files):
                manifests += self.directory(target, above)
            else:
                raise BuildError(
                    f"accumulating resources: accumulation err='accumulating resources from '{entry}': "
                    f"open {target}: no such file or directory'"
                )
        for entry in kustomization.get("components") or []:
            component = posixpath.normpath(posixpath.join(directory, entry))
            path = kustomization_of(component, self._files)
            if path is None:
                raise BuildError(f"accumulating components: unable to find a kustomization in '{component}'")
            [fields] = _documents(path, self._files) or [{}]
            manifests += self._resources(component, fields, (*above, component))
            manifests = self._transformed(component, fields, manifests)
        return manifests

    def _transformed(self, directory: str, kustomization: Manifest, manifests: list[Manifest]) -> list[Manifest]:
        for field, transform in _TRANSFORMERS.items():
            value = kustomization.get(field)
            if not value:
                continue
            if field.startswith("patches"):
                value = [self._patch(directory, entry) for entry in value]
            transform(manifests, value)
        return manifests

    def _patch(self, directory: str, entry: Any) -> Manifest:
        """Both spellings of a patch as {target, documents}."""
        if isinstance(entry, str):
            entry = {"patch": entry} if "\n" in entry else {"path": entry}
        if "patch" in entry:
            return {"target": entry.get("target"), "documents": _parse("patch", entry["patch"])}
        path = posixpath.normpath(posixpath.join(directory, entry["path"]))
        if path not in self._files:
            raise BuildError(f"failed to get the patch file from path({entry['path']}): no such file or directory")
        return {"target": entry.get("target"), "documents": _parse(path, self._files[path])}


@lru_cache(maxsize=500)
def _loaded(content: bytes | str) -> list[Any]:
    """Raises YAMLError and UnicodeDecodeError. For nobody to change: many apps have the very same files."""
    return [document for document in YAML(typ="safe", pure=True).load_all(content) if document is not None]


def _documents(path: str, files: Mapping[str, bytes]) -> list[Manifest]:
    documents = _parse(path, files[path])
    for document in documents:
        if not isinstance(document, dict):
            raise BuildError(f"invalid Kustomization: {path}: expected a mapping, not {type(document).__name__}")
    return documents


def _parse(path: str, content: bytes | str) -> list[Any]:
    try:
        return copy.deepcopy(_loaded(content))
    except (YAMLError, UnicodeDecodeError) as error:
        line = " ".join(str(error).split())
        raise BuildError(f"invalid Kustomization: {path}: yaml: {line}") from error
