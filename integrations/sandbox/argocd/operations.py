"""A sync from request to result: phases, retries, results and history (A14-A17, A20)."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from integrations.sandbox.argocd.cluster import Live
from integrations.sandbox.argocd.comparison import Difference, compare
from integrations.sandbox.argocd.windows import duration
from integrations.sandbox.clock import rfc3339

Application = dict[str, Any]
Manifest = dict[str, Any]

SUCCEEDED = "successfully synced (all tasks run)"
TERMINATED = "Operation terminated"
TASKS_FAILED = "one or more synchronization tasks completed unsuccessfully"


def begin(application: Application, now: datetime) -> None:
    application["status"]["operationState"] = {
        "operation": application["operation"],
        "phase": "Running",
        "message": "waiting for healthy state of sync tasks",
        "startedAt": rfc3339(now),
    }


def source_of(application: Application) -> dict[str, Any]:
    """What the requested operation syncs from: its own source (a rollback) or the application's."""
    found: dict[str, Any] = application["operation"]["sync"].get("source") or application["spec"]["source"]
    return found


def apply(operation: dict[str, Any], live: Live, targets: Sequence[Manifest], now: datetime) -> list[dict[str, Any]]:
    """Change the live objects as a sync does; the results are `syncResult.resources`."""
    sync = operation["sync"]
    return [_apply_one(one, live, sync, now) for one in compare(targets, live) if _selected(one, sync.get("resources"))]


def refused(one: Difference, words: str) -> dict[str, Any]:
    """The result of a resource that the cluster does not let in (C13)."""
    entry = one.reference() | {"status": "SyncFailed", "hookPhase": "Failed", "syncPhase": "Sync"}
    return {"group": ""} | entry | {"message": words}


def failed_hook(name: str, namespace: str) -> dict[str, Any]:
    """A hook is among the results; the operation's own message does not name it (A33)."""
    return {
        "group": "batch",
        "version": "v1",
        "kind": "Job",
        "namespace": namespace,
        "name": name,
        "status": "Synced",
        "hookType": "PreSync",
        "hookPhase": "Failed",
        "syncPhase": "PreSync",
        "message": "Job has reached the specified backoff limit",
    }


def _apply_one(one: Difference, live: Live, sync: dict[str, Any], now: datetime) -> dict[str, Any]:
    entry = {"group": one.key.group, "version": one.version, "kind": one.key.kind, "namespace": one.key.namespace,
             "name": one.key.name, "status": "Synced", "hookPhase": "Running", "syncPhase": "Sync"}  # fmt: skip
    dry, suffix = bool(sync.get("dryRun")), " (dry run)" if sync.get("dryRun") else ""
    if one.target is not None:
        word = ("unchanged" if one.synced else "configured") if dry else live.apply(one.target, now)
        kind = f"{one.key.kind.lower()}.{one.key.group}".rstrip(".")
        return entry | {"message": f"{kind}/{one.key.name} {word}{suffix}"}
    if not sync.get("prune"):
        return entry | {"status": "PruneSkipped", "message": "ignored (requires pruning)", "hookPhase": "Succeeded"}
    if not dry:
        live.remove(one.key)
    return entry | {"status": "Pruned", "message": f"pruned{suffix}", "hookPhase": "Succeeded"}


def _selected(one: Difference, resources: Sequence[dict[str, Any]] | None) -> bool:
    if not resources:
        return True
    return any(
        (item.get("group", ""), item.get("kind"), item.get("name")) == (one.key.group, one.key.kind, one.key.name)
        and item.get("namespace", one.key.namespace) == one.key.namespace
        for item in resources
    )


def finish(
    application: Application, phase: str, message: str, now: datetime, result: dict[str, Any] | None = None
) -> None:
    """Terminal: `operation` goes in the same write, and a full success enters the history (A14, A20)."""
    state = application["status"]["operationState"]
    state |= {"phase": phase, "message": message, "finishedAt": rfc3339(now)}
    if result is not None:
        state["syncResult"] = result
    operation = application.pop("operation", state["operation"])
    sync = operation["sync"]
    if phase == "Succeeded" and not sync.get("dryRun") and not sync.get("resources"):
        _remember(application, state, now)


def _remember(application: Application, state: dict[str, Any], now: datetime) -> None:
    history = application["status"].setdefault("history", [])
    entry = {
        "id": history[-1]["id"] + 1 if history else 0,
        "revision": state["syncResult"]["revision"],
        "source": state["syncResult"]["source"],
        "deployStartedAt": state["startedAt"],
        "deployedAt": rfc3339(now),
        "initiatedBy": state["operation"].get("initiatedBy", {}),
    }
    history.append(entry)
    del history[: -int(application["spec"].get("revisionHistoryLimit", 10)) or None]


def schedule_retry(application: Application, message: str, now: datetime) -> timedelta | None:
    """After a failed attempt: how long until the next one, or None when none is left.

    While it waits the phase is Running and `finishedAt` is set (A16).
    """
    state = application["status"]["operationState"]
    retry = state["operation"].get("retry") or {}
    limit, count = int(retry.get("limit", 0)), int(state.get("retryCount", 0))
    if 0 <= limit <= count:
        return None
    pause = _backoff(retry.get("backoff") or {}, count)
    at = (now + pause).strftime("%I:%M%p").lstrip("0")
    text = f"{message}. Retrying attempt #{count + 1} at {at}."
    state |= {"phase": "Running", "message": text, "finishedAt": rfc3339(now), "retryCount": count + 1}
    return pause


def _backoff(backoff: dict[str, Any], count: int) -> timedelta:
    base = duration(str(backoff.get("duration", "5s")))
    longest = duration(str(backoff.get("maxDuration", "3m")))
    return min(base * float(backoff.get("factor", 2)) ** count, longest)
