"""When the controller syncs by itself."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Any

from integrations.sandbox.argocd import pace, windows
from integrations.sandbox.argocd.comparison import Difference
from integrations.sandbox.argocd.status import clear_condition, set_condition

Application = dict[str, Any]

_TERMINAL = {"Succeeded", "Failed", "Error"}


def automated(application: Application) -> dict[str, Any] | None:
    """The automated policy, None when it is absent or switched off."""
    policy = (application["spec"].get("syncPolicy") or {}).get("automated")
    return None if policy is None or policy.get("enabled") is False else policy


def in_progress(application: Application) -> bool:
    return "operation" in application


def start_if_due(
    application: Application,
    differences: list[Difference],
    sync_windows: Sequence[windows.Window],
    now: datetime,
    speed: float = 1.0,
) -> bool:
    """Request the sync that the policy asks for, by setting `operation`; True when it did."""
    policy = automated(application)
    out = [difference for difference in differences if not difference.synced]
    if policy is None or in_progress(application) or not out:
        clear_condition(application, "SyncError")
        return False
    if not policy.get("prune") and all(difference.target is None for difference in out):
        return False
    if not windows.can_sync(windows.assigned(application, sync_windows), now, manual=False):
        return False
    if _attempted(application, now, speed):
        return False
    request_operation(application, _operation(application, policy))
    return True


def request_operation(application: Application, operation: dict[str, Any]) -> None:
    """What both the controller and the API server do: nothing has run yet, so there is no state of it (A14)."""
    application["operation"] = operation
    application["status"].pop("operationState", None)


def heals_at(application: Application, speed: float) -> datetime | None:
    """When what has drifted since its sync is synced again; later each time. None where nothing heals by itself."""
    policy = automated(application) or {}
    if not policy.get("selfHeal") or application["status"]["sync"]["status"] != "OutOfSync" or in_progress(application):
        return None
    last = _last(application)
    if last is None or last["phase"] != "Succeeded":
        return None
    pause = min(pace.SELF_HEAL * 3 ** _heals(last), pace.SELF_HEAL_LONGEST)
    return datetime.fromisoformat(last["finishedAt"]) + timedelta(seconds=pause / speed)


def _last(application: Application) -> dict[str, Any] | None:
    """The newest operation, when it has ended and was of the present revision."""
    last: dict[str, Any] = application["status"].get("operationState") or {}
    same = (last.get("syncResult") or {}).get("revision") == application["status"]["sync"]["revision"]
    return last if last.get("phase") in _TERMINAL and same else None


def _heals(last: dict[str, Any]) -> int:
    return int(last["operation"]["sync"].get("autoHealAttemptsCount", 0))


def _attempted(application: Application, now: datetime, speed: float) -> bool:
    """A revision is tried once; only self-heal tries again what was synced and has drifted since."""
    last = _last(application)
    if last is None:
        return False
    if last["phase"] != "Succeeded":
        revision = application["status"]["sync"]["revision"]
        set_condition(application, "SyncError", f"Failed last sync attempt to [{revision}]: {last['message']}", now)
        return True
    heals = heals_at(application, speed)
    return heals is None or now < heals


def _operation(application: Application, policy: dict[str, Any]) -> dict[str, Any]:
    sync_policy = application["spec"]["syncPolicy"]
    sync: dict[str, Any] = {"revision": application["status"]["sync"]["revision"]}
    if last := _last(application):
        sync["autoHealAttemptsCount"] = _heals(last) + 1
    sync |= {"prune": True} if policy.get("prune") else {}
    sync |= {"syncOptions": sync_policy["syncOptions"]} if sync_policy.get("syncOptions") else {}
    return {"sync": sync, "initiatedBy": {"automated": True}, "retry": sync_policy.get("retry") or {"limit": 5}}
