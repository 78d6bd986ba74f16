"""Lists: selectors, pages, and which version is meant (K2)."""

import base64
import json
from collections.abc import Callable
from typing import Any

from starlette.datastructures import QueryParams

from . import selectors
from .errors import bad_request, expired
from .requests import RequestInfo
from .store import ObjectStore

Object = dict[str, Any]


def predicate(params: QueryParams, kind: str) -> selectors.Predicate:
    """Raises ApiError 400 for a selector that cannot be read."""
    label = selectors.labels(params.get("labelSelector", ""))
    field = selectors.fields(params.get("fieldSelector", ""), kind)
    return lambda obj: label(obj) and field(obj)


def list_objects(
    store: ObjectStore, info: RequestInfo, params: QueryParams, convert: Callable[[Object], Object]
) -> Object:
    """The List object. Raises ApiError: 410 for a version or a continue token that is compacted, 400 for a bad one."""
    start, version = _position(store, params)
    resource = info.resource
    try:
        items = store.objects_as_of(version, resource.group, resource.plural, info.namespace)
    except LookupError as error:
        raise expired(_gone(params)) from error
    matches = predicate(params, resource.kind)
    items = [item for item in items if matches(item) and _place(item) > start]
    metadata: Object = {"resourceVersion": str(version)}
    limit = _number(params, "limit")
    if limit and len(items) > limit:
        metadata["continue"] = _token(version, _place(items[limit - 1]))
        metadata["remainingItemCount"] = len(items) - limit
        items = items[:limit]
    return {
        "apiVersion": resource.api_version(info.version),
        "kind": f"{resource.kind}List",
        "metadata": metadata,
        "items": [convert(item) for item in items],
    }


def _position(store: ObjectStore, params: QueryParams) -> tuple[tuple[str, str], int]:
    if token := params.get("continue"):
        try:
            found = json.loads(base64.urlsafe_b64decode(token))
            return (found["namespace"], found["name"]), int(found["version"])
        except (ValueError, KeyError, TypeError) as error:
            raise bad_request("continue key is not valid") from error
    asked = _number(params, "resourceVersion")
    if asked and params.get("resourceVersionMatch") == "Exact":
        return ("", ""), asked
    if asked > store.version:
        raise bad_request(f"Too large resource version: {asked}, current: {store.version}")
    return ("", ""), store.version


def _gone(params: QueryParams) -> str:
    if params.get("continue"):
        return (
            "The provided continue parameter is too old to display a consistent list result. You can start a new list "
            "without the continue parameter, or use the continue token in this response to retrieve the remainder of "
            "the results."
        )
    return f"The resourceVersion for the provided list is too old: {params.get('resourceVersion')}"


def _place(item: Object) -> tuple[str, str]:
    return item["metadata"].get("namespace", ""), item["metadata"]["name"]


def _token(version: int, place: tuple[str, str]) -> str:
    text = json.dumps({"version": version, "namespace": place[0], "name": place[1]})
    return base64.urlsafe_b64encode(text.encode()).decode()


def _number(params: QueryParams, name: str) -> int:
    text = params.get(name) or "0"
    if not text.isdigit():
        raise bad_request(f'invalid {name} "{text}": expected a whole number')
    return int(text)
