"""What sync windows say to a sync, in words."""

from collections.abc import Sequence

from bot.domain.application import SyncPermission
from integrations.argocd import wire

NO_TIME_ZONE = "Argo CD does not say in which time zone, so its end cannot be promised"
NO_OPENING = "Argo CD does not say in which time zone, so when one begins cannot be promised"


def permission(windows: wire.Windows, *, automated: bool) -> SyncPermission:
    """A23, A30: `canSync` answers for a manual sync; whether an automated one waits is in the windows themselves.

    An answer without `canSync` is a no, and so is a window of a kind that is not known here.
    """
    active, assigned = windows.active_windows or [], windows.assigned_windows or []
    if not windows.can_sync or automated:
        denies = [window for window in active if window.kind != "allow"]
        if denies:
            return SyncPermission(False, f"a deny window is active, {_described(denies)}. {NO_TIME_ZONE}")
        allows = [window for window in assigned if window.kind == "allow"]
        if allows and not any(window.kind == "allow" for window in active):
            return SyncPermission(False, f"no allow window is active, of {_described(allows)}. {NO_OPENING}")
    if not windows.can_sync:
        return SyncPermission(False, "Argo CD does not allow a sync now")
    return SyncPermission(True)


def _described(windows: Sequence[wire.ArgoWindow]) -> str:
    """The schedules as their cron expressions: without a time zone no hour of the clock can be named."""
    return ", ".join(dict.fromkeys(f'"{window.schedule}" for {window.duration}' for window in windows))
