"""The real kustomize: what it makes of the images of a base under an overlay."""

import shutil
import subprocess
from collections.abc import Iterable, Mapping
from pathlib import Path

import pytest
import yaml

PATH = "overlay/kustomization.yaml"
LOADER = getattr(yaml, "CSafeLoader", yaml.SafeLoader)


BESIDE = {
    "it.yaml": "apiVersion: builtin\nkind: ImageTagTransformer\nmetadata: {name: it}\n"
    "imageTag: {name: web, newTag: evil}\nfieldSpecs: [{path: spec/containers/image}]\n",
    "labels.yaml": "apiVersion: builtin\nkind: LabelTransformer\nmetadata: {name: it}\nlabels: {a: b}\n"
    "fieldSpecs: [{path: metadata/labels, create: true}]\n",
    "replaced.yaml": "source: {kind: Pod, fieldPath: 'spec.containers.[name=c1].image'}\n"
    "targets: [{select: {kind: Pod}, fieldPaths: ['spec.containers.[name=c0].image']}]\n",
    "patch.yaml": "apiVersion: v1\nkind: Pod\nmetadata: {name: it, labels: {a: b}}\n",
}
"""Files that an overlay may name."""


class Kustomize:
    """One base with a container for each image; overlays are written over each other."""

    def __init__(self, program: str, directory: Path, images: Iterable[str]) -> None:
        self._program = program
        self._directory = directory
        self._images = tuple(images)
        containers = [{"name": f"c{number}", "image": image} for number, image in enumerate(self._images)]
        pod = {"apiVersion": "v1", "kind": "Pod", "metadata": {"name": "it"}, "spec": {"containers": containers}}
        for name in ("base", "overlay"):
            (directory / name).mkdir()
        (directory / "base" / "pod.yaml").write_text(yaml.safe_dump(pod))
        (directory / "base" / "kustomization.yaml").write_text("resources: [pod.yaml]\n")
        for name, content in BESIDE.items():
            (directory / "overlay" / name).write_text(content)

    def build(self, overlay: bytes) -> Mapping[str, str] | None:
        """Base image → what runs in its place; None when kustomize refuses the overlay."""
        (self._directory / PATH).write_bytes(overlay)
        done = subprocess.run(
            [self._program, "build", self._directory / "overlay"], capture_output=True, timeout=30, check=False
        )
        if done.returncode:
            return None
        (pod,) = yaml.load_all(done.stdout, LOADER)
        return dict(zip(self._images, [each["image"] for each in pod["spec"]["containers"]], strict=True))


class Trees:
    """Whole trees of files, one after another in the same directory."""

    def __init__(self, program: str, directory: Path) -> None:
        self._program = program
        self._directory = directory

    def words(self, files: Mapping[str, bytes], overlay: str) -> set[str] | None:
        """Every text in what an overlay's directory builds; None when kustomize refuses it."""
        shutil.rmtree(self._directory, ignore_errors=True)
        for path, content in files.items():
            file = self._directory / path
            file.parent.mkdir(parents=True, exist_ok=True)
            file.write_bytes(content)
        command = [self._program, "build", str(self._directory / overlay)]
        done = subprocess.run(command, capture_output=True, timeout=60, check=False)
        return None if done.returncode else set().union(*map(_words, yaml.load_all(done.stdout, LOADER)))


def _words(value: object) -> set[str]:
    if isinstance(value, dict):
        return set().union(*map(_words, value.values()))
    if isinstance(value, list):
        return set().union(*map(_words, value))
    return {value} if isinstance(value, str) else set()


def program() -> str:
    """Skips the test where it is not installed."""
    found = shutil.which("kustomize") or shutil.which("kustomize", path=str(Path.home() / "go" / "bin"))
    if not found:
        pytest.skip("kustomize is not installed: go install sigs.k8s.io/kustomize/kustomize/v5@v5.7.1")
    return found
