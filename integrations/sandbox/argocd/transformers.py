"""kustomize's transformers: each changes a list of manifests in place."""

import copy
import re
from collections.abc import Iterator
from typing import Any

Manifest = dict[str, Any]

_CLUSTER_KINDS = {"Namespace", "ClusterRole", "ClusterRoleBinding", "CustomResourceDefinition", "PriorityClass"}
_SCALED_KINDS = {"Deployment", "StatefulSet", "ReplicaSet", "ReplicationController"}
_MERGE_KEYS = {"ports": "containerPort", "volumeMounts": "mountPath"}
_NAMED_LISTS = {"containers", "initContainers", "env", "volumes", "imagePullSecrets"}


class TransformError(ValueError):
    """kustomize refuses the kustomization; the message is kustomize's own."""


def images(manifests: list[Manifest], entries: list[Manifest]) -> None:
    """Raises TransformError for an unquoted number: kustomize reads these fields as strings only."""
    for entry in entries:
        for field in ("name", "newName", "newTag", "digest"):
            if not isinstance(entry.get(field, ""), str):
                raise TransformError(
                    "invalid Kustomization: json: cannot unmarshal number into Go struct field "
                    f"Image.images.{field} of type string"
                )
    for manifest in manifests:
        for container in containers(manifest):
            for entry in entries:
                container["image"] = set_image(container.get("image", ""), entry)


def set_image(reference: str, entry: Manifest) -> str:
    """One entry of `images:` applied to a reference; a new tag or digest replaces both."""
    name, tag, digest = split_image(reference)
    if name != entry.get("name"):
        return reference
    if entry.get("newTag") or entry.get("digest"):
        tag, digest = entry.get("newTag") or "", entry.get("digest") or ""
    name = entry.get("newName") or name
    return name + (f":{tag}" if tag else "") + (f"@{digest}" if digest else "")


def split_image(reference: str) -> tuple[str, str, str]:
    """(name, tag, digest); a colon before the last slash is a port."""
    rest, _, digest = reference.partition("@")
    matched = re.fullmatch(r"(.+?)(?::([^/:]*))?", rest)
    return (matched[1], matched[2] or "", digest) if matched else (rest, "", digest)


def replicas(manifests: list[Manifest], entries: list[Manifest]) -> None:
    for entry in entries:
        found = [m for m in manifests if m["kind"] in _SCALED_KINDS and m["metadata"]["name"] == entry["name"]]
        if not found:
            raise TransformError(f"resource with name {entry['name']} does not match a config with the replicas field")
        for manifest in found:
            manifest["spec"]["replicas"] = entry["count"]


def namespace(manifests: list[Manifest], name: str) -> None:
    for manifest in manifests:
        if manifest["kind"] not in _CLUSTER_KINDS:
            manifest["metadata"]["namespace"] = name


def name_prefix(manifests: list[Manifest], prefix: str) -> None:
    for manifest in manifests:
        manifest["metadata"]["name"] = prefix + manifest["metadata"]["name"]


def name_suffix(manifests: list[Manifest], suffix: str) -> None:
    for manifest in manifests:
        manifest["metadata"]["name"] += suffix


def labels(manifests: list[Manifest], entries: list[Manifest]) -> None:
    for entry in entries:
        for manifest in manifests:
            _label(manifest, entry.get("pairs") or {}, selectors=bool(entry.get("includeSelectors")),
                   templates=bool(entry.get("includeSelectors") or entry.get("includeTemplates")))  # fmt: skip


def common_labels(manifests: list[Manifest], pairs: dict[str, str]) -> None:
    for manifest in manifests:
        _label(manifest, pairs, selectors=True, templates=True)


def _label(manifest: Manifest, pairs: dict[str, str], *, selectors: bool, templates: bool) -> None:
    manifest["metadata"].setdefault("labels", {}).update(pairs)
    spec = manifest.get("spec") or {}
    if templates and "template" in spec:
        spec["template"].setdefault("metadata", {}).setdefault("labels", {}).update(pairs)
    if selectors and manifest["kind"] == "Service" and spec.get("selector"):
        spec["selector"].update(pairs)
    elif selectors and "template" in spec:
        spec.setdefault("selector", {}).setdefault("matchLabels", {}).update(pairs)


def annotations(manifests: list[Manifest], pairs: dict[str, str]) -> None:
    for manifest in manifests:
        manifest["metadata"].setdefault("annotations", {}).update(pairs)
        if template := (manifest.get("spec") or {}).get("template"):
            template.setdefault("metadata", {}).setdefault("annotations", {}).update(pairs)


def patches(manifests: list[Manifest], entries: list[Manifest]) -> None:
    """Strategic merge patches. Raises TransformError for a JSON 6902 patch, and for one that finds no target."""
    for entry in entries:
        for patch in entry["documents"]:
            if not isinstance(patch, dict):
                raise TransformError("this kustomize takes strategic merge patches only, not a list of JSON operations")
            found = [m for m in manifests if _targets(entry["target"], patch, m)]
            if not found and not entry["target"]:
                name = patch.get("metadata", {}).get("name")
                raise TransformError(f"no resource matches strategic merge patch {patch.get('kind')}/{name}")
            for manifest in found:
                identity = {
                    key: manifest["metadata"][key] for key in ("name", "namespace") if key in manifest["metadata"]
                }
                merge(manifest, patch)
                manifest["metadata"].update(identity)


def _targets(target: Manifest | None, patch: Manifest, manifest: Manifest) -> bool:
    if target:
        wanted = {"kind": target.get("kind"), "name": target.get("name")}
        present = {"kind": manifest["kind"], "name": manifest["metadata"]["name"]}
        return all(not value or re.fullmatch(value, present[key]) for key, value in wanted.items())
    return (patch.get("kind"), patch.get("metadata", {}).get("name")) == (
        manifest["kind"],
        manifest["metadata"]["name"],
    )


def merge(target: Manifest, patch: Manifest) -> None:
    """Kubernetes' strategic merge: null deletes, lists with a known key merge by it, other lists are replaced."""
    for key, value in patch.items():
        present = target.get(key)
        if value is None or (isinstance(value, dict) and value.get("$patch") == "delete"):
            target.pop(key, None)
        elif isinstance(value, dict) and isinstance(present, dict):
            merge(present, value)
        elif isinstance(value, list) and isinstance(present, list) and (key in _NAMED_LISTS or key in _MERGE_KEYS):
            _merge_list(present, value, _MERGE_KEYS.get(key, "name"))
        else:
            target[key] = copy.deepcopy(value)


def _merge_list(present: list[Any], items: list[Any], key: str) -> None:
    """What the patch adds goes in front, as kustomize has it."""
    added = 0
    for item in items:
        same = next((other for other in present if other.get(key) == item.get(key)), None)
        if item.get("$patch") == "delete":
            if same is not None:
                present.remove(same)
        elif same is None:
            present.insert(added, copy.deepcopy(item))
            added += 1
        else:
            merge(same, item)


def containers(value: Any) -> Iterator[Manifest]:
    """Every container of a manifest, wherever its pod template is."""
    if isinstance(value, dict):
        for key, child in value.items():
            if key in {"containers", "initContainers"} and isinstance(child, list):
                yield from (container for container in child if isinstance(container, dict))
            else:
                yield from containers(child)
    elif isinstance(value, list):
        for child in value:
            yield from containers(child)
