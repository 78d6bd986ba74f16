"""The official descriptions: where they are, and whether a value obeys them."""

import functools
import json
import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest
import yaml
from jsonschema import Draft4Validator

CONTRACTS = Path(os.environ.get("CONTRACTS_DIR") or Path(__file__).parents[2].parent / "shared" / "contracts")
"""Beside the repository; a checkout that is elsewhere names them by the variable."""

# Go embeds these structs: their fields appear flat in JSON, which the generated description leaves out.
EMBEDDED = {
    "v1alpha1ResourceNode": "v1alpha1ResourceRef",
    "v1alpha1SyncStrategyHook": "v1alpha1SyncStrategyApply",
}

LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
"""the C parser reads megabytes of CRDs in a second, the other in a minute"""

Schema = dict[str, Any]


def contract(name: str) -> Path:
    """The path of one description. Skips the test where it is absent."""
    path = CONTRACTS / name
    if not path.exists():
        pytest.skip(f"the official description {name} is not at CONTRACTS_DIR, nor beside the repository")
    return path


@functools.cache
def load(name: str) -> Schema:
    text = contract(name).read_text()
    loaded = json.loads(text) if name.endswith(".json") else yaml.load(text, LOADER)
    assert isinstance(loaded, dict)
    return loaded


def crd_problems(name: str, version: str, value: Mapping[str, Any]) -> list[str]:
    """What is wrong with a Kubernetes object by its CRD; unknown fields too, which Kubernetes would prune."""
    versions = {one["name"]: one["schema"]["openAPIV3Schema"] for one in load(name)["spec"]["versions"]}
    return _problems(versions[version], versions[version], value)


def definition_problems(name: str, definition: str, value: Any) -> list[str]:
    """What is wrong with a value by one definition of a Swagger 2.0 document; unknown fields too."""
    document = load(name)
    return _problems({"$ref": f"#/definitions/{definition}", "definitions": document["definitions"]}, document, value)


def _problems(schema: Schema, root: Schema, value: Any) -> list[str]:
    wrong = [f"{error.json_path}: {error.message}" for error in Draft4Validator(schema).iter_errors(value)]
    return wrong + [f"{path}: unknown field" for path in unknown_fields(schema, root, value, "$")]


def unknown_fields(schema: Schema, root: Schema, value: Any, path: str) -> Iterator[str]:
    schema, properties = _resolved(schema, root)
    if isinstance(value, list) and "items" in schema:
        for index, item in enumerate(value):
            yield from unknown_fields(schema["items"], root, item, f"{path}[{index}]")
    if not isinstance(value, dict) or path == "$.metadata":
        return
    additional = schema.get("additionalProperties")
    for name, child in value.items():
        if name in properties:
            yield from unknown_fields(properties[name], root, child, f"{path}.{name}")
        elif isinstance(additional, dict):
            yield from unknown_fields(additional, root, child, f"{path}.{name}")
        elif properties and not additional and not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield f"{path}.{name}"


def _resolved(schema: Schema, root: Schema) -> tuple[Schema, dict[str, Schema]]:
    reference = schema.get("$ref", "")
    if not reference:
        return schema, schema.get("properties", {})
    name = reference.rpartition("/")[2]
    found = root["definitions"][name]
    properties = dict(found.get("properties", {}))
    if name in EMBEDDED:
        properties |= root["definitions"][EMBEDDED[name]]["properties"]
    return found, properties


@functools.cache
def openapi(name: str) -> Schema:
    """An OpenAPI 3.0 document with its schemas in plain JSON Schema: `nullable` spelled out, no discriminators.

    Some enums leave null out beside `nullable: true`, and one discriminator names a field that an array cannot have.
    """
    plain = _plain(load(name))
    assert isinstance(plain, dict)
    return plain


def _plain(value: Any) -> Any:
    if isinstance(value, list):
        return [_plain(item) for item in value]
    if not isinstance(value, dict):
        return value
    rest = {key: _plain(item) for key, item in value.items() if key not in {"nullable", "discriminator"}}
    return {"anyOf": [rest, {"type": "null"}]} if value.get("nullable") is True else rest


def openapi_problems(name: str, method: str, path: str, status: int, value: Any) -> list[str]:
    """What is wrong with the JSON answer to an operation, named by its method and path template."""
    document = openapi(name)
    response = document["paths"][path][method.lower()]["responses"].get(str(status))
    if response is None:
        return [f"{method} {path} has no answer {status}"]
    if "$ref" in response:
        response = document["components"]["responses"][response["$ref"].rpartition("/")[2]]
    content = response.get("content", {}).get("application/json")
    if content is None:
        # The bodies of many refusals are not described.
        return [] if value is None or status >= 400 else [f"{method} {path} {status} has no body"]
    answer = dict(content["schema"])
    if status >= 400 and "oneOf" in answer:
        answer["anyOf"] = answer.pop("oneOf")  # the alternatives require nothing, so every body is all of them
    validator = Draft4Validator({"components": document["components"], "allOf": [answer]})
    return [f"{error.json_path}: {error.message}"[:300] for error in validator.iter_errors(value)]
