"""The platform's own manifests, read from `deploy/`: what the sandbox shows is what is shipped."""

import json
from datetime import datetime
from pathlib import Path
from typing import Any

from integrations.sandbox.argocd.kustomize import build

Manifest = dict[str, Any]
PACKED = Path(__file__).parent / "deploy"
DEPLOY = PACKED if PACKED.is_dir() else Path(__file__).parents[2] / "deploy"
"""in an installed package, or in a checkout"""

TEKTON = ("platform/tekton", "platform/rbac")
ARGOCD = ("platform/argocd",)
BOT_ACCESS = "bot/base/rbac.yaml"
OVERLAY_REPOSITORY = "https://github.com/example/overlays.git"
"""what the Applications of deploy/ call the repository that the git server here has"""


class PlatformMissing(Exception):
    """The manifests are neither in the package nor beside it in a checkout."""


def manifests(directories: tuple[str, ...], root: Path = DEPLOY) -> list[Manifest]:
    """Every object of these kustomize directories, rendered. Raises PlatformMissing."""
    if not root.is_dir():
        raise PlatformMissing(f"{root} is not there: install pilothouse-sandbox from its wheel, or run a checkout")
    files = {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}
    return [manifest for directory in directories for manifest in build(directory, files)]


def windows_away(made: list[Manifest], now: datetime) -> list[Manifest]:
    """The AppProjects' weekly sync windows, three days from now.

    As shipped, one stands over Sunday's night: whoever tries the sandbox then, a test among them, could deploy nothing.
    """
    day = (now.isoweekday() + 3) % 7
    for manifest in made:
        for window in manifest.get("spec", {}).get("syncWindows") or [] if manifest["kind"] == "AppProject" else []:
            minute, hour, *_ = window["schedule"].split()
            window["schedule"] = f"{minute} {hour} * * {day}"
    return made


def robot_permissions(root: Path = DEPLOY) -> tuple[str, ...]:
    """What the bot's robot account may do in Harbor, as "artifact:read", and nothing else (H29)."""
    account = json.loads((root / "harbor-robot.json").read_text())
    return tuple(f"{one['resource']}:{one['action']}" for part in account["permissions"] for one in part["access"])


def app_files(root: Path = DEPLOY) -> dict[str, bytes]:
    """The base and overlays of every app in `deploy/apps`, by their path in the overlay repository."""
    apps = root / "apps"
    if not apps.is_dir():
        raise PlatformMissing(f"{apps} is not there: install pilothouse-sandbox from its wheel, or run a checkout")
    kept = (p for p in sorted(apps.glob("*/*/**/*")) if p.is_file())
    return {
        f"apps/{path.relative_to(apps)}": path.read_bytes()
        for path in kept
        if path.relative_to(apps).parts[1] in ("base", "overlays")
    }
