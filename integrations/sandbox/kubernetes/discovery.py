"""What is served: /api, /apis, their groups and versions, /version."""

from typing import Any

from .errors import no_such_path
from .resources import RESOURCES, groups

Object = dict[str, Any]

VERSION: Object = {
    "major": "1",
    "minor": "34",
    "gitVersion": "v1.34.1",
    "gitCommit": "93248f9ae092f571eb870b7664c534bfc7d00f03",
    "gitTreeState": "clean",
    "buildDate": "2025-09-09T19:38:25Z",
    "goVersion": "go1.24.6",
    "compiler": "gc",
    "platform": "linux/amd64",
}


def document(path: str) -> Object:
    """The answer to a discovery path. Raises ApiError 404 for a group or version that is not served."""
    parts = [part for part in path.split("/") if part]
    match parts:
        case ["version"]:
            return VERSION
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            listed = [_group(name) for name in groups() if name]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["api", version]:
            return _resources("", version)
        case ["apis", group]:
            if group not in groups():
                raise no_such_path()
            return {**_group(group), "apiVersion": "v1", "kind": "APIGroup"}
        case ["apis", group, version]:
            return _resources(group, version)
    raise no_such_path()


def _group(name: str) -> Object:
    versions = [{"groupVersion": f"{name}/{version}", "version": version} for version in groups()[name]]
    return {"name": name, "versions": versions, "preferredVersion": versions[0]}


def _resources(group: str, version: str) -> Object:
    served = [r for r in RESOURCES if r.group == group and version in r.versions]
    if not served:
        raise no_such_path()
    entries = [entry for resource in served for entry in resource.as_discovery()]
    group_version = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": group_version, "resources": entries}
