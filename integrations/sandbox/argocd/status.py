"""Writing an application's status after a comparison."""

from datetime import datetime
from typing import Any

from integrations.sandbox.argocd import health
from integrations.sandbox.argocd.cluster import Live, by_key
from integrations.sandbox.argocd.comparison import Difference, sync_status
from integrations.sandbox.clock import rfc3339

Application = dict[str, Any]


def write_compared(
    application: Application, live: Live, revision: str, differences: list[Difference], now: datetime
) -> None:
    status = application["status"]
    status["sync"] = {"status": sync_status(differences), "comparedTo": _compared_to(application), "revision": revision}
    status["resources"] = [difference.status() for difference in differences]
    status["sourceType"] = "Kustomize"
    wanted = by_key(d.target for d in differences if d.target is not None)
    _write_health(status, live, {*wanted, *live.objects}, now)
    _finish(application, live, now)
    clear_condition(application, "ComparisonError")


def write_failed(application: Application, live: Live, revision: str, message: str, now: datetime) -> None:
    """A comparison that could not be made leaves the sync status Unknown (A18).

    `revision`: the commit where that was known already, else the target revision's name (A28).
    """
    status = application["status"]
    status["sync"] = {"status": "Unknown", "comparedTo": _compared_to(application), "revision": revision}
    _write_health(status, live, set(live.objects), now)
    _finish(application, live, now)
    set_condition(application, "ComparisonError", message, now)


def write_stale(application: Application, revision: str, now: datetime) -> None:
    """A stale diff cache answers in place of a refused comparison: Synced, and nothing else has changed (A28)."""
    status = application["status"]
    status["sync"] = {"status": "Synced", "comparedTo": _compared_to(application), "revision": revision}
    status["resources"] = [one | {"status": "Synced"} for one in status.get("resources", [])]
    status["reconciledAt"] = rfc3339(now)
    clear_condition(application, "ComparisonError")


def set_condition(application: Application, kind: str, message: str, now: datetime) -> None:
    conditions = application["status"].setdefault("conditions", [])
    if any((one["type"], one["message"]) == (kind, message) for one in conditions):
        return
    clear_condition(application, kind)
    entry = {"type": kind, "message": message, "lastTransitionTime": rfc3339(now)}
    application["status"].setdefault("conditions", []).append(entry)


def clear_condition(application: Application, kind: str) -> None:
    status = application["status"]
    kept = [one for one in status.get("conditions", []) if one["type"] != kind]
    if kept:
        status["conditions"] = kept
    else:
        status.pop("conditions", None)


def _compared_to(application: Application) -> dict[str, Any]:
    spec = application["spec"]
    return {"source": spec["source"], "destination": spec["destination"]}


def _write_health(status: Application, live: Live, keys: set[Any], now: datetime) -> None:
    verdict = health.worst([health.of_object(live, key) for key in keys])
    if not live.objects and keys:
        verdict = "Missing"
    if status.get("health", {}).get("status") != verdict:
        status["health"] = {"status": verdict, "lastTransitionTime": rfc3339(now)}


def _finish(application: Application, live: Live, now: datetime) -> None:
    status = application["status"]
    status["summary"] = {"images": live.images()} if live.images() else {}
    status["controllerNamespace"] = application["metadata"]["namespace"]
    status["resourceHealthSource"] = "appTree"
    status["reconciledAt"] = rfc3339(now)
    application["metadata"].get("annotations", {}).pop("argocd.argoproj.io/refresh", None)
