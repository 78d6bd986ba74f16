"""CustomResourceDefinitions: structural schemas, what they refuse and what they prune (K3, K5)."""

import functools
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml
from jsonschema import Draft202012Validator

Schema = dict[str, Any]
Cause = tuple[str, str, str]


@functools.cache
def _schemas(folder: Path) -> dict[tuple[str, str], Schema]:
    """By apiVersion and kind. Megabytes of YAML, so read by the C parser where there is one, and once a process."""
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    found: dict[tuple[str, str], Schema] = {}
    for path in sorted(folder.glob("*.yaml")):
        for manifest in yaml.load_all(path.read_text("utf-8"), loader):
            if not manifest or manifest.get("kind") != "CustomResourceDefinition":
                continue
            spec = manifest["spec"]
            for version in spec["versions"]:
                key = (f"{spec['group']}/{version['name']}", spec["names"]["kind"])
                found[key] = version["schema"]["openAPIV3Schema"]
    return found


class CustomResourceDefinitions:
    """The schemas of a folder of CRD manifests; types that it does not have pass unchecked."""

    def __init__(self, folder: Path | None) -> None:
        self._schemas = _schemas(folder) if folder else {}

    def unknown_fields(self, obj: dict[str, Any]) -> list[str]:
        """The paths that the schema does not name."""
        schema = self._schemas.get((obj["apiVersion"], obj["kind"]))
        return list(_unknown(obj, schema, "")) if schema else []

    def violations(self, obj: dict[str, Any]) -> list[Cause]:
        """The causes of a 422."""
        schema = self._schemas.get((obj["apiVersion"], obj["kind"]))
        if schema is None:
            return []
        errors = Draft202012Validator(schema).iter_errors(obj)
        return [(error.json_path.removeprefix("$."), "FieldValueInvalid", error.message) for error in errors]


def _unknown(value: Any, schema: Schema, path: str) -> Iterator[str]:
    if isinstance(value, list):
        for index, item in enumerate(value):
            yield from _unknown(item, schema.get("items", {}), f"{path}[{index}]")
    if not isinstance(value, dict) or schema.get("x-kubernetes-preserve-unknown-fields"):
        return
    # `metadata` is an object without properties in every CRD: Kubernetes itself knows its fields.
    if not (schema.get("properties") or schema.get("additionalProperties")):
        return
    for key, item in value.items():
        inner = f"{path}.{key}" if path else key
        child = schema.get("properties", {}).get(key, schema.get("additionalProperties"))
        if child is None:
            yield inner
        elif isinstance(child, dict):
            yield from _unknown(item, child, inner)
