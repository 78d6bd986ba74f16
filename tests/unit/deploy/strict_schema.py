"""Validates a manifest as the API server does with `fieldValidation=Strict`: an unknown field is an error.

Custom resources are held against the CRDs of the contracts, built-in kinds against the models of the `kubernetes`
package, which are generated from Kubernetes' own OpenAPI description.
"""

import json
import re
from collections.abc import Iterator
from functools import cache
from typing import Any

import jsonschema
import pydantic
import pytest
import yaml
from kubernetes import client

from tests.unit.deploy.manifests import CONTRACTS, Manifest

Schema = dict[str, Any]


def mistakes(manifest: Manifest) -> list[str]:
    """Every fault of one object, each with the path of the field that it is in."""
    group, _, version = manifest["apiVersion"].rpartition("/")
    if model := _builtin_model(group, version, manifest["kind"]):
        # A value of a wrong type is told of first: there is no looking for unknown fields in it.
        return _misfits(manifest, model) or list(_unknown(manifest, model, ""))
    schema = custom_resource_schema(group, version, manifest["kind"])
    found = [
        f"{'.'.join(str(step) for step in error.absolute_path)}: {error.message[:200]}"
        for error in jsonschema.Draft202012Validator(schema).iter_errors(manifest)
    ]
    return [*found, *_unknown(manifest["metadata"], "V1ObjectMeta", "metadata")]


# Custom resources


@cache
def _crds() -> dict[tuple[str, str], Manifest]:
    if not CONTRACTS.is_dir():
        pytest.skip(f"the contracts are not at {CONTRACTS}")
    documents = (
        document
        for file in sorted(CONTRACTS.rglob("*.yaml"))
        if "samples" not in file.parts and "CustomResourceDefinition" in file.read_text()
        for document in yaml.load_all(file.read_text(), Loader=getattr(yaml, "CSafeLoader", yaml.SafeLoader))
        if document
    )
    return {(crd["spec"]["group"], crd["spec"]["names"]["kind"]): crd for crd in documents}


@cache
def custom_resource_schema(group: str, version: str, kind: str) -> Schema:
    """The strict schema of a served version. Raises AssertionError for a kind or version that is not served."""
    crd = _crds().get((group, kind))
    assert crd, f"the contracts have no definition of {group} {kind}"
    versions = {v["name"]: v for v in crd["spec"]["versions"]}
    assert version in versions, f"{kind}.{group} has no version {version}: {sorted(versions)}"
    assert versions[version]["served"], f"{kind}.{group} {version} is not served"
    assert not versions[version].get("deprecated"), f"{kind}.{group} {version} is deprecated"
    schema = json.loads(json.dumps(versions[version]["schema"]["openAPIV3Schema"]))
    for field in ("apiVersion", "kind", "metadata"):
        schema.setdefault("properties", {})[field] = {}
    return strict(schema)


def strict(schema: Schema) -> Schema:
    """A structural schema in which a field that it does not name is an error."""
    if schema.pop("x-kubernetes-int-or-string", False):
        return {"type": ["integer", "string"]}
    schema["properties"] = {name: strict(part) for name, part in schema.get("properties", {}).items()}
    if isinstance(schema.get("items"), dict):
        schema["items"] = strict(schema["items"])
    if isinstance(schema.get("additionalProperties"), dict):
        schema["additionalProperties"] = strict(schema["additionalProperties"])
    elif schema["properties"] and not schema.get("x-kubernetes-preserve-unknown-fields"):
        schema["additionalProperties"] = False
    if schema.pop("nullable", False) and isinstance(schema.get("type"), str):
        schema["type"] = [schema["type"], "null"]
    return schema


# Built-in kinds


def _builtin_model(group: str, version: str, kind: str) -> str:
    """ "apps", "v1", "Deployment" → "V1Deployment"; "" for a custom resource."""
    if group and "." in group and not group.endswith(".k8s.io"):
        return ""
    name = f"{version[0].upper()}{version[1:]}{kind}"
    return name if hasattr(client, name) else ""


def _unknown(value: Any, kind: str, path: str) -> Iterator[str]:
    """Fields that the model does not have. (pydantic's own check of types and required fields lets them pass.)"""
    if value is None:
        return
    if listed := re.fullmatch(r"List\[(.+)\]", kind):
        for index, item in enumerate(value):
            yield from _unknown(item, listed[1], f"{path}[{index}]")
    elif mapped := re.fullmatch(r"Dict\[str, (.+)\]", kind):
        for key, item in value.items():
            yield from _unknown(item, mapped[1], f"{path}.{key}")
    elif hasattr(client, kind):
        model = getattr(client, kind)
        types = {model.attribute_map[attribute]: type_ for attribute, type_ in model.openapi_types.items()}
        for key, item in value.items():
            if key in types:
                yield from _unknown(item, types[key], f"{path}.{key}")
            else:
                yield f"{path}.{key}: unknown field of {kind}"


def _misfits(manifest: Manifest, model: str) -> list[str]:
    try:
        getattr(client, model).model_validate(manifest)
    except pydantic.ValidationError as error:
        return [f"{'.'.join(str(step) for step in e['loc'])}: {e['msg']}" for e in error.errors()]
    return []
