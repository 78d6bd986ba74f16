"""The script of build-and-push with a real buildah and a real registry."""

import os
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.unit.deploy.manifests import find

COMMIT = "6113728f27ae82c7b1a177c8d03f9e96e0adf246"


class Build:
    """One run of the step: its own user, its own empty storage."""

    def __init__(self, directory: Path, registry: str) -> None:
        if not shutil.which("buildah"):
            pytest.skip("buildah is not installed: apt-get install buildah")
        self.directory = directory
        directory.mkdir()
        (directory / "registries.conf").write_text(f'[[registry]]\nlocation = "{registry}"\ninsecure = true\n')
        (directory / "policy.json").write_text('{"default": [{"type": "insecureAcceptAnything"}]}')
        (directory / "auth.json").write_text("{}")
        (directory / "storage.conf").write_text(
            f'[storage]\ndriver = "vfs"\ngraphroot = "{directory}/graph"\nrunroot = "{directory}/run"\n'
        )

    def run(self, source: Path, **given: str) -> subprocess.CompletedProcess[str]:
        step = find("platform/tekton", "Task", "build-and-push")["spec"]["steps"][0]
        results = {f"{name}_RESULT": str(self.directory / name) for name in ("IMAGE", "REPOSITORY", "DIGEST")}
        environment = {
            **{variable["name"]: variable["value"] for variable in step["env"]},
            **{"DOCKERFILE": "Dockerfile", "CONTEXT": ".", "TAG": "", "CACHE_TTL": "24h"},
            **{"COMMIT": COMMIT, "SOURCE_URL": "https://github.com/example/my-app.git"},
            **results,
            **given,
            "PATH": os.environ["PATH"],
            "HOME": str(self.directory),
            "REGISTRY_AUTH_FILE": str(self.directory / "auth.json"),
            "CONTAINERS_REGISTRIES_CONF": str(self.directory / "registries.conf"),
            "CONTAINERS_STORAGE_CONF": str(self.directory / "storage.conf"),
        }
        unset = [name for name, value in environment.items() if "$(" in value]
        assert not unset, f"the test gives no value for {unset}"
        command = ["bash", "-c", step["script"]]
        return subprocess.run(command, cwd=source, env=environment, capture_output=True, text=True, timeout=120)

    def result(self, name: str) -> str:
        return (self.directory / name).read_text()


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """Files alone: an image that needs no base image from anywhere."""
    work = tmp_path / "source"
    work.mkdir()
    (work / "seldom").write_text("changes seldom")
    (work / "often").write_text("1")
    (work / "Dockerfile").write_text(
        "FROM scratch\nCOPY seldom /seldom\nCOPY often /often\nARG REVISION\nUSER 65532:65532\n"
    )
    return work


def built(tmp_path: Path, registry: str, source: Path, name: str, **given: str) -> tuple[Build, str]:
    build = Build(tmp_path / name, registry)
    done = build.run(source, **given)
    if "operation not permitted" in done.stderr.lower():
        pytest.skip(f"buildah may not build here: {done.stderr.strip().splitlines()[-1]}")
    assert done.returncode == 0, done.stderr
    return build, done.stdout + done.stderr


def manifest(registry: str, repository: str, reference: str) -> tuple[str, dict[str, Any]]:
    accept = {"Accept": "application/vnd.oci.image.manifest.v1+json"}
    answer = httpx.get(f"http://{registry}/v2/{repository}/manifests/{reference}", headers=accept, trust_env=False)
    answer.raise_for_status()
    return answer.headers["Docker-Content-Digest"], answer.json()


def test_the_image_is_pushed_and_its_results_are_what_the_registry_says(
    tmp_path: Path, registry: str, source: Path
) -> None:
    image = f"{registry}/apps/my-app"
    build, _ = built(tmp_path, registry, source, "a", IMAGE=image, TAG="v1.4.3")
    digest, stored = manifest(registry, "apps/my-app", "v1.4.3")
    assert build.result("DIGEST") == digest
    assert build.result("IMAGE") == f"{image}:v1.4.3"
    assert build.result("REPOSITORY") == image
    blob = f"http://{registry}/v2/apps/my-app/blobs/{stored['config']['digest']}"
    config = httpx.get(blob, trust_env=False, follow_redirects=True).json()["config"]
    assert config["User"] == "65532:65532"
    assert config["Labels"]["org.opencontainers.image.revision"] == COMMIT
    assert config["Labels"]["org.opencontainers.image.source"] == "https://github.com/example/my-app.git"
    assert config["Labels"]["org.opencontainers.image.version"] == "v1.4.3"


def test_a_second_run_of_a_commit_keeps_its_image(tmp_path: Path, registry: str, source: Path) -> None:
    """Harbor refuses to push an immutable tag again, even the same image: /pipeline retry would never get further."""
    image = f"{registry}/apps/again"
    first, _ = built(tmp_path, registry, source, "first", IMAGE=image, TAG="v1.4.3")
    (source / "often").write_text("2")
    second, output = built(tmp_path, registry, source, "second", IMAGE=image, TAG="v1.4.3")
    assert f"was built from {COMMIT} before" in output
    for name in ("DIGEST", "IMAGE", "REPOSITORY"):
        assert second.result(name) == first.result(name)
    assert first.result("DIGEST") == manifest(registry, "apps/again", "v1.4.3")[0]


def test_a_tag_of_another_commit_is_built_and_left_to_the_registry(tmp_path: Path, registry: str, source: Path) -> None:
    image = f"{registry}/apps/moved"
    first, _ = built(tmp_path, registry, source, "first", IMAGE=image, TAG="v1.4.3")
    (source / "often").write_text("2")
    second, output = built(tmp_path, registry, source, "second", IMAGE=image, TAG="v1.4.3", COMMIT="f" * 40)
    assert "Pushed" in output
    assert second.result("DIGEST") != first.result("DIGEST")


def test_a_tag_in_the_image_wins(tmp_path: Path, registry: str, source: Path) -> None:
    build, _ = built(tmp_path, registry, source, "a", IMAGE=f"{registry}/apps/tagged:v2.0.0", TAG="v1.4.3")
    assert build.result("IMAGE") == f"{registry}/apps/tagged:v2.0.0"
    assert build.result("REPOSITORY") == f"{registry}/apps/tagged"


def test_no_tag_at_all_says_what_to_do(tmp_path: Path, registry: str, source: Path) -> None:
    done = Build(tmp_path / "a", registry).run(source, IMAGE=f"{registry}/apps/untagged")
    assert done.returncode == 1
    assert "names no tag and the parameter tag is empty: give one of them" in done.stderr


def test_another_builder_takes_unchanged_layers_from_the_registry(tmp_path: Path, registry: str, source: Path) -> None:
    image = f"{registry}/apps/cached"
    built(tmp_path, registry, source, "first", IMAGE=image, TAG="v1")
    (source / "often").write_text("2")
    _, output = built(tmp_path, registry, source, "second", IMAGE=image, TAG="v2")
    assert "Using cache" in output
    first, second = (manifest(registry, "apps/cached", tag)[1]["layers"] for tag in ("v1", "v2"))
    assert first[0]["digest"] == second[0]["digest"]
    assert first[1]["digest"] != second[1]["digest"]


def test_a_layer_older_than_the_time_to_live_is_built_anew(tmp_path: Path, registry: str, source: Path) -> None:
    image = f"{registry}/apps/expired"
    built(tmp_path, registry, source, "first", IMAGE=image, TAG="v1")
    time.sleep(1.1)
    _, output = built(tmp_path, registry, source, "second", IMAGE=image, TAG="v2", CACHE_TTL="1s")
    # It is fetched before its age is known, and then not used.
    assert "Using cache" not in output
