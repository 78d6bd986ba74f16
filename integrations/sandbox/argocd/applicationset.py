"""Applications made by an ApplicationSet: list, git (directories) and matrix generators, goTemplate or not."""

import copy
import itertools
import re
from collections.abc import Mapping, Sequence
from fnmatch import fnmatchcase
from typing import Any

_PLACEHOLDER = re.compile(r"\{\{-?\s*(.+?)\s*-?\}\}")
_INDEX = re.compile(r"index\s+(\S+)\s+(\d+)")


class TemplateError(ValueError):
    """A generator or a template that this cannot evaluate; the message says which part."""


def generate(applicationset: Mapping[str, Any], paths: Sequence[str]) -> list[dict[str, Any]]:
    """The Applications of an ApplicationSet, given every file path of the repository. Raises TemplateError."""
    spec = applicationset["spec"]
    go = bool(spec.get("goTemplate"))
    applications = []
    for generator in spec["generators"]:
        for parameters in _parameters(generator, paths, go):
            application = _rendered(copy.deepcopy(spec["template"]), parameters, go)
            application["metadata"].setdefault("namespace", applicationset["metadata"].get("namespace", "argocd"))
            application["metadata"]["ownerReferences"] = [_owner(applicationset)]
            applications.append({"apiVersion": "argoproj.io/v1alpha1", "kind": "Application", **application})
    return applications


def _owner(applicationset: Mapping[str, Any]) -> dict[str, Any]:
    return {
        "apiVersion": "argoproj.io/v1alpha1",
        "kind": "ApplicationSet",
        "name": applicationset["metadata"]["name"],
        "uid": applicationset["metadata"].get("uid", ""),
        "controller": True,
        "blockOwnerDeletion": True,
    }


def _parameters(generator: Mapping[str, Any], paths: Sequence[str], go: bool) -> list[dict[str, Any]]:
    if "list" in generator:
        return [dict(element) for element in generator["list"]["elements"]]
    if "git" in generator and "directories" in generator["git"]:
        return [_path_parameters(path, go) for path in _directories(generator["git"]["directories"], paths)]
    if "matrix" in generator:
        left, right = (_parameters(child, paths, go) for child in generator["matrix"]["generators"])
        return [{**one, **other} for one, other in itertools.product(left, right)]
    kinds = ", ".join(sorted(generator))
    raise TemplateError(f"generator {kinds} is not known here: expected list, git with directories, or matrix")


def _directories(rules: Sequence[Mapping[str, Any]], paths: Sequence[str]) -> list[str]:
    """Directories that one rule includes and none excludes; `*` does not cross a slash."""
    known = {"/".join(parts[:n]) for path in paths for parts in [path.split("/")] for n in range(1, len(parts))}
    included = [rule["path"] for rule in rules if not rule.get("exclude")]
    excluded = [rule["path"] for rule in rules if rule.get("exclude")]
    return sorted(
        directory
        for directory in known
        if any(_glob(directory, p) for p in included) and not any(_glob(directory, p) for p in excluded)
    )


def _glob(path: str, pattern: str) -> bool:
    ours, theirs = path.split("/"), pattern.split("/")
    return len(ours) == len(theirs) and all(fnmatchcase(one, other) for one, other in zip(ours, theirs, strict=True))


def _path_parameters(path: str, go: bool) -> dict[str, Any]:
    segments = path.split("/")
    base = segments[-1]
    normalized = re.sub(r"[^a-z0-9.-]+", "-", base.lower())
    if go:
        return {
            "path": {"path": path, "basename": base, "basenameNormalized": normalized, "segments": segments},
        }
    flat = {"path": path, "path.basename": base, "path.basenameNormalized": normalized}
    return flat | {f"path[{index}]": segment for index, segment in enumerate(segments)}


def _rendered(value: Any, parameters: Mapping[str, Any], go: bool) -> Any:
    if isinstance(value, dict):
        return {_rendered(k, parameters, go): _rendered(v, parameters, go) for k, v in value.items()}
    if isinstance(value, list):
        return [_rendered(item, parameters, go) for item in value]
    if isinstance(value, str):
        return _PLACEHOLDER.sub(lambda found: str(_evaluate(found[1], parameters, go)), value)
    return value


def _evaluate(expression: str, parameters: Mapping[str, Any], go: bool) -> Any:
    if not go:
        if expression not in parameters:
            raise TemplateError(f"parameter {expression!r} has no value: the generator gives {', '.join(parameters)}")
        return parameters[expression]
    if indexed := _INDEX.fullmatch(expression):
        values = _field(indexed[1], parameters)
        return values[int(indexed[2])]
    return _field(expression, parameters)


def _field(expression: str, parameters: Mapping[str, Any]) -> Any:
    if not re.fullmatch(r"(\.\w+)+", expression):
        raise TemplateError(f"template expression {expression!r} is not known here: expected .field or index .list N")
    value: Any = parameters
    for name in expression.split(".")[1:]:
        if not isinstance(value, Mapping) or name not in value:
            raise TemplateError(f"map has no entry for key {name!r} in template expression {expression!r}")
        value = value[name]
    return value
