"""The world at a glance: what each system holds, as plain JSON for the page and for scripts."""

import re
from collections import Counter
from collections.abc import Iterable
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from integrations.sandbox.git import GitServer
from integrations.sandbox.history import ENVIRONMENTS
from integrations.sandbox.kubernetes import KubernetesServer

Row = dict[str, Any]
UNIT = re.compile(r"unit-\d+")


async def overlays(git: GitServer, at: str) -> dict[str, dict[str, Row]]:
    """app → environment → {images, commit}, at one commit."""
    found: dict[str, dict[str, Row]] = {}
    for path in sorted(await git.tree(at)):
        parts = path.split("/")
        if UNIT.fullmatch(parts[1] if len(parts) > 1 else ""):
            continue
        if len(parts) == 5 and parts[2] == "overlays" and parts[4] == "kustomization.yaml":
            found.setdefault(parts[1], {})[parts[3]] = await _overlay(git, path, at)
    order = [*ENVIRONMENTS]
    return {app: dict(sorted(of.items(), key=lambda item: order.index(item[0]))) for app, of in found.items()}


async def _overlay(git: GitServer, path: str, at: str) -> Row:
    newest = await git.repository.log(at, 1, path)
    return {"images": _images(await git.read(path, at) or b""), "commit": newest[0] if newest else None}


def _images(kustomization: bytes) -> list[Row]:
    """None where somebody has committed what is no kustomization: the world goes on, and so does the page."""
    try:
        content = YAML(typ="safe").load(kustomization) or {}
        return [
            {"name": i.get("newName", i["name"]), "tag": i.get("newTag"), "digest": i.get("digest")}
            for i in content.get("images", [])
        ]
    except (YAMLError, AttributeError, KeyError, TypeError):
        return []


def is_unit(application: Row) -> bool:
    """One of the many that are there for their number: the page counts them."""
    return UNIT.fullmatch(application["app"]) is not None


def units(applications: Iterable[Row]) -> Row:
    """How many there are, and how many of them are in which health and sync."""
    found = [one for one in applications if is_unit(one)]
    return {
        "apps": len(found),
        "health": dict(Counter(one["health"] for one in found)),
        "sync": dict(Counter(one["sync"] for one in found)),
        "unwell": [one["name"] for one in found if one["health"] != "Healthy" or one["sync"] != "Synced"][:20],
    }


def pipeline_runs(kubernetes: KubernetesServer) -> list[Row]:
    """Newest first: name, app, status, reason, tasks, results."""
    tasks = {r["metadata"]["name"]: r for r in kubernetes.store.objects("tekton.dev", "taskruns", "ci")}
    rows = [_run(run, tasks) for run in kubernetes.store.objects("tekton.dev", "pipelineruns", "ci")]
    return sorted(rows, key=lambda row: str(row["created"]), reverse=True)


def _run(run: Row, tasks: dict[str, Row]) -> Row:
    metadata, status, condition = run["metadata"], run.get("status", {}), _condition(run)
    children = status.get("childReferences", [])
    return {
        "name": metadata["name"],
        "app": metadata.get("labels", {}).get("pilothouse.dev/app", ""),
        "status": {"True": "Succeeded", "False": "Failed"}.get(condition.get("status", ""), "Running"),
        "reason": condition.get("reason", "Pending"),
        "message": condition.get("message", ""),
        "results": {result["name"]: result["value"] for result in status.get("results", [])},
        "created": metadata["creationTimestamp"],
        "finished": status.get("completionTime"),
        "tasks": [
            {
                "name": c.get("pipelineTaskName", ""),
                "reason": _condition(tasks.get(c["name"], {})).get("reason", "Pending"),
            }
            for c in children
        ],
    }


def _condition(obj: Row) -> Row:
    conditions: list[Row] = obj.get("status", {}).get("conditions", [])
    return conditions[0] if conditions else {}
