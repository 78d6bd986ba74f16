"""What a path and a method ask for: Kubernetes' own RequestInfo."""

from dataclasses import dataclass
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError
from starlette.requests import Request

from .errors import bad_request, method_not_allowed, no_such_path, unsupported_media_type
from .rbac import Attributes
from .resources import Resource, by_plural

_BODY_TYPES = ("application/json", "application/yaml")


@dataclass(frozen=True)
class RequestInfo:
    resource: Resource
    version: str
    verb: str
    namespace: str = ""
    name: str = ""
    subresource: str = ""

    @property
    def attributes(self) -> Attributes:
        asked = f"{self.resource.plural}/{self.subresource}" if self.subresource else self.resource.plural
        return Attributes(self.verb, self.resource.group, asked, self.name, self.namespace)


def parse(method: str, path: str, watch: bool) -> RequestInfo:
    """Raises ApiError: 404 for a type that is not served, 405 for a verb that it does not have."""
    parts = [part for part in path.split("/") if part]
    group, version, rest = ("", parts[1], parts[2:]) if parts[0] == "api" else (parts[1], parts[2], parts[3:])
    namespace = ""
    if rest[0] == "namespaces" and len(rest) > 2 and by_plural(group, rest[2]):
        namespace, rest = rest[1], rest[2:]
    resource = by_plural(group, rest[0])
    if resource is None or version not in resource.versions or len(rest) > 3:
        raise no_such_path()
    name, subresource = (*rest[1:], "", "")[:2]
    info = RequestInfo(resource, version, _verb(method, name, watch), namespace, name, subresource)
    _check(info)
    return info


def _verb(method: str, name: str, watch: bool) -> str:
    match method:
        case "GET" | "HEAD":
            return "get" if name else "watch" if watch else "list"
        case "POST":
            return "create"
        case "PUT":
            return "update"
        case "PATCH":
            return "patch"
        case "DELETE":
            return "delete" if name else "deletecollection"
    raise method_not_allowed()


def _check(info: RequestInfo) -> None:
    resource = info.resource
    if info.subresource and not (
        (info.subresource == "status" and resource.status) or (info.subresource == "log" and resource.plural == "pods")
    ):
        raise no_such_path()
    if info.namespace and not resource.namespaced:
        raise no_such_path()
    needs_name = info.verb in ("get", "update", "patch", "delete")
    whole_cluster = resource.namespaced and not info.namespace and info.verb not in ("list", "watch")
    if info.verb not in resource.verbs or whole_cluster or needs_name is not bool(info.name):
        raise method_not_allowed()


async def body(request: Request) -> dict[str, Any]:
    """The object of a create or update. Raises ApiError: 415 for a media type, 400 for a text that is no object."""
    media_type = content_type(request) or "application/json"
    if media_type not in _BODY_TYPES:
        raise unsupported_media_type(_BODY_TYPES)
    found = await parsed_body(request)
    if not isinstance(found, dict):
        raise bad_request("the object provided is unrecognized (must be of type Object)")
    return found


async def parsed_body(request: Request) -> Any:
    try:
        if "yaml" in content_type(request):
            return YAML(typ="safe").load(await request.body())
        return await request.json()
    except (ValueError, YAMLError) as error:
        raise bad_request(f"error decoding the body of the request: {error}") from error


def content_type(request: Request) -> str:
    return request.headers.get("content-type", "").partition(";")[0].strip().lower()
