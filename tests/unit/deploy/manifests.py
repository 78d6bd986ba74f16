"""The manifests of deploy/ as the cluster gets them: rendered by the real kustomize, and read."""

import os
import shutil
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

REPOSITORY = Path(__file__).parents[3]
DEPLOY = REPOSITORY / "deploy"
CONTRACTS = Path(os.environ.get("CONTRACTS_DIR") or REPOSITORY.parent / "shared" / "contracts")

Manifest = dict[str, Any]
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


def go_path() -> str:
    """PATH, and where `go install` puts programs."""
    go_bins = [os.environ.get("GOBIN"), *(f"{p}/bin" for p in (os.environ.get("GOPATH"), Path.home() / "go") if p)]
    return os.pathsep.join([os.environ.get("PATH", ""), *(b for b in go_bins if b)])


@cache
def kustomize() -> tuple[str, ...]:
    """The command that renders; skips the test where neither kustomize nor kubectl is."""
    path = go_path()
    if found := shutil.which("kustomize", path=path):
        return (found, "build")
    if found := shutil.which("kubectl", path=path):
        return (found, "kustomize")
    return pytest.skip(
        "neither kustomize nor kubectl is installed: go install sigs.k8s.io/kustomize/kustomize/v5@v5.8.2"
    )


def kustomizations() -> list[str]:
    """Every directory under deploy/ that holds a kustomization.yaml, relative to deploy/."""
    return sorted(str(file.parent.relative_to(DEPLOY)) for file in DEPLOY.rglob("kustomization.yaml"))


@cache
def rendered(directory: str) -> str:
    done = subprocess.run([*kustomize(), str(DEPLOY / directory)], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, f"{directory} does not render: {done.stderr}"
    assert "deprecated" not in done.stderr.lower(), done.stderr
    return done.stdout


def objects(directory: str) -> list[Manifest]:
    """What a kustomization renders to; a fresh copy each time."""
    return [document for document in yaml.load_all(rendered(directory), LOADER) if document]


def find(directory: str, kind: str, name: str = "") -> Manifest:
    """The one object of a kind (and name). Raises AssertionError when there is not exactly one."""
    found = [o for o in objects(directory) if o["kind"] == kind and name in ("", o["metadata"]["name"])]
    assert len(found) == 1, f"{directory} has {len(found)} objects {kind} {name}"
    return found[0]


MANAGEMENT = (
    "platform/tekton",
    "platform/argocd",
    "platform/rbac",
    "platform/secrets",
    "platform/monitoring",
    "bot/overlays/single",
)
"""What the cluster with Tekton, Argo CD, Prometheus and the bot gets; deploy/README.md gives the order."""


def management_cluster() -> list[Manifest]:
    return [o for directory in MANAGEMENT for o in objects(directory)]


def label(manifest: Manifest) -> str:
    metadata = manifest["metadata"]
    return f"{manifest['kind']}/{metadata.get('namespace', '')}/{metadata.get('name', metadata.get('generateName'))}"


def pod_templates(manifests: list[Manifest]) -> Iterator[tuple[str, Manifest]]:
    """Where it is, and the pod's spec, of each workload."""
    for manifest in manifests:
        if manifest["kind"] in ("Deployment", "StatefulSet", "DaemonSet", "Job"):
            yield label(manifest), manifest["spec"]["template"]["spec"]
