"""The patch types of K4."""

import copy
from typing import Any

import jsonpatch
import jsonpointer

from .errors import ApiError, bad_request, unsupported_media_type

JSON_PATCH = "application/json-patch+json"
MERGE_PATCH = "application/merge-patch+json"
STRATEGIC_MERGE_PATCH = "application/strategic-merge-patch+json"
APPLY_PATCH = "application/apply-patch+yaml"

CUSTOM_RESOURCE_TYPES = (JSON_PATCH, MERGE_PATCH, APPLY_PATCH)
BUILT_IN_TYPES = (JSON_PATCH, MERGE_PATCH, STRATEGIC_MERGE_PATCH, APPLY_PATCH)


def apply(obj: dict[str, Any], patch: Any, media_type: str, custom: bool) -> dict[str, Any]:
    """The patched copy. Raises ApiError: 415 for a type that is not accepted here, 400 and 422 for a bad patch."""
    accepted = CUSTOM_RESOURCE_TYPES if custom else BUILT_IN_TYPES
    if media_type not in accepted:
        raise unsupported_media_type(accepted)
    if media_type == JSON_PATCH:
        return _json_patch(obj, patch)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: expected an object")
    merged: dict[str, Any] = _merge(obj, patch, by_name=media_type == STRATEGIC_MERGE_PATCH)
    return merged


def _json_patch(obj: dict[str, Any], patch: Any) -> dict[str, Any]:
    if not isinstance(patch, list):
        raise bad_request("error decoding patch: expected an array of operations")
    try:
        patched: dict[str, Any] = jsonpatch.apply_patch(obj, patch)
    except (jsonpatch.JsonPatchException, jsonpointer.JsonPointerException) as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise ApiError(422, "Invalid", message) from error
    return patched


def _merge(target: Any, patch: Any, by_name: bool) -> Any:
    """RFC 7386; with `by_name`, lists of named things are merged thing by thing, as the strategic form does."""
    if isinstance(patch, dict):
        result = copy.deepcopy(target) if isinstance(target, dict) else {}
        for key, value in patch.items():
            if value is None:
                result.pop(key, None)
            else:
                result[key] = _merge(result.get(key), value, by_name)
        return result
    if by_name and _named(patch) and _named(target):
        return _merge_named(target, patch)
    return copy.deepcopy(patch)


def _named(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, dict) and "name" in v for v in value)


def _merge_named(target: list[Any], patch: list[Any]) -> list[Any]:
    result = {item["name"]: item for item in copy.deepcopy(target)}
    for item in patch:
        if item.get("$patch") == "delete":
            result.pop(item["name"], None)
        else:
            result[item["name"]] = _merge(result.get(item["name"]), item, by_name=True)
    return list(result.values())
