"""When the controller syncs by itself."""

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from integrations.sandbox.argocd import windows
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
    application: Application, differences: list[Difference], sync_windows: Sequence[windows.Window], now: datetime
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
    if _attempted(application, policy, now):
        return False
    request_operation(application, _operation(application, policy))
    return True


def request_operation(application: Application, operation: dict[str, Any]) -> None:
    """What both the controller and the API server do: nothing has run yet, so there is no state of it (A14)."""
    application["operation"] = operation
    application["status"].pop("operationState", None)


def _attempted(application: Application, policy: dict[str, Any], now: datetime) -> bool:
    """A revision is tried once; only self-heal tries again what was synced and has drifted since."""
    last = application["status"].get("operationState") or {}
    revision = application["status"]["sync"]["revision"]
    if last.get("phase") not in _TERMINAL or (last.get("syncResult") or {}).get("revision") != revision:
        return False
    if last["phase"] != "Succeeded":
        set_condition(application, "SyncError", f"Failed last sync attempt to [{revision}]: {last['message']}", now)
        return True
    return not policy.get("selfHeal")


def _operation(application: Application, policy: dict[str, Any]) -> dict[str, Any]:
    sync_policy = application["spec"]["syncPolicy"]
    sync = {"revision": application["status"]["sync"]["revision"]}
    sync |= {"prune": True} if policy.get("prune") else {}
    sync |= {"syncOptions": sync_policy["syncOptions"]} if sync_policy.get("syncOptions") else {}
    return {"sync": sync, "initiatedBy": {"automated": True}, "retry": sync_policy.get("retry") or {"limit": 5}}
