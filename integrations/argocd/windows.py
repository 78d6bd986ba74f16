"""What sync windows say, in words."""

from bot.domain.application import SyncPermission
from integrations.argocd import wire


def permission(windows: wire.Windows) -> SyncPermission:
    """A23: `canSync` answers for a manual sync; an answer without it is a no."""
    if windows.can_sync:
        return SyncPermission(True)
    denies = [w for w in windows.active_windows or () if w.kind == "deny"]
    if denies:
        return SyncPermission(False, f"A deny window is active: {described(denies)}.")
    allows = [w for w in windows.assigned_windows or () if w.kind == "allow"]
    if allows:
        return SyncPermission(False, f"No allow window is active; they are: {described(allows)}.")
    return SyncPermission(False, "Argo CD does not allow a sync now.")


def described(windows: list[wire.Window]) -> str:
    return ", ".join(f'"{w.schedule}" for {w.duration}' for w in windows)
