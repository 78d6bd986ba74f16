"""The Tasks' own scripts, run by a shell against real git repositories."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.manifests import DEPLOY, find

DIGEST = "sha256:" + "ab" * 32
GIT = {
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_AUTHOR_NAME": "ana",
    "GIT_AUTHOR_EMAIL": "ana@example.com",
    "GIT_COMMITTER_NAME": "ana",
    "GIT_COMMITTER_EMAIL": "ana@example.com",
}

pytestmark = pytest.mark.skipif(not shutil.which("git"), reason="git is not installed")


def git(directory: Path, *arguments: str) -> str:
    environment = {**os.environ, **GIT, "HOME": str(directory)}
    command = ["git", "-c", "init.defaultBranch=main", *arguments]
    return subprocess.run(
        command, cwd=directory, env=environment, check=True, capture_output=True, text=True
    ).stdout.strip()


def script(task: str) -> tuple[str, list[dict[str, str]]]:
    step: dict[str, Any] = find("platform/tekton", "Task", task)["spec"]["steps"][0]
    return step["script"], step["env"]


def run_script(task: str, home: Path, given: dict[str, str], shell: str = "sh") -> subprocess.CompletedProcess[str]:
    """Runs a step's script with the values that Tekton would put into its environment."""
    text, variables = script(task)
    environment = {"PATH": os.environ["PATH"], "GIT_CONFIG_NOSYSTEM": "1", "GIT_ALLOW_PROTOCOL": "file"}
    for variable in variables:
        name = variable["name"]
        environment[name] = given.get(name, variable["value"])
        assert name in given or "$(" not in environment[name], f"the test gives no value for {name}"
    home.mkdir(exist_ok=True)
    environment["HOME"] = str(home)
    return subprocess.run([shell, "-c", text], env=environment, capture_output=True, text=True, timeout=60)


# git-clone


@pytest.fixture
def source(tmp_path: Path) -> Path:
    """A repository with a tagged commit, two commits after it, and a branch."""
    work = tmp_path / "source"
    work.mkdir()
    git(work, "init", "--quiet")
    git(work, "config", "uploadpack.allowFilter", "true")
    git(work, "config", "uploadpack.allowAnySHA1InWant", "true")
    for number, tag in ((1, "v1.4.1"), (2, ""), (3, "")):
        (work / "file").write_text(str(number))
        git(work, "add", ".")
        git(work, "commit", "--quiet", "--message", f"Change {number}")
        if tag:
            git(work, "tag", "--annotate", "--message", tag, tag)
    git(work, "branch", "feature/x", "HEAD~1")
    return work


def clone(tmp_path: Path, source: Path, revision: str) -> tuple[subprocess.CompletedProcess[str], dict[str, str], Path]:
    checkout = tmp_path / "checkout"
    checkout.mkdir(exist_ok=True)
    (checkout / ".left-behind").write_text("by a former run")
    results = {name: tmp_path / name for name in ("COMMIT_RESULT", "URL_RESULT", "VERSION_RESULT")}
    given = {"URL": f"file://{source}", "REVISION": revision, "CHECKOUT": str(checkout)}
    done = run_script("git-clone", tmp_path / "home", given | {n: str(f) for n, f in results.items()})
    return done, {n.removesuffix("_RESULT").lower(): f.read_text() for n, f in results.items() if f.exists()}, checkout


@pytest.mark.parametrize(
    ("revision", "commit", "content"),
    [("main", "main", "3"), ("feature/x", "main~1", "2"), ("v1.4.1", "main~2", "1"), ("{sha}", "main~1", "2")],
)
def test_a_branch_a_tag_and_a_commit_are_checked_out(
    tmp_path: Path, source: Path, revision: str, commit: str, content: str
) -> None:
    sha = git(source, "rev-parse", commit)
    done, results, checkout = clone(tmp_path, source, revision.format(sha=sha))
    assert done.returncode == 0, done.stderr
    assert results["commit"] == sha
    assert results["url"] == f"file://{source}"
    assert (checkout / "file").read_text() == content
    assert not (checkout / ".left-behind").exists()


def test_the_version_is_the_tag_or_counts_from_it(tmp_path: Path, source: Path) -> None:
    assert clone(tmp_path, source, "v1.4.1")[1]["version"] == "v1.4.1"
    short = git(source, "rev-parse", "--short", "main")
    assert clone(tmp_path, source, "main")[1]["version"] == f"v1.4.1-2-g{short}"


def test_the_version_is_always_an_image_tag(tmp_path: Path, source: Path) -> None:
    git(source, "tag", "v9/odd+name", "main")
    assert clone(tmp_path, source, "main")[1]["version"] == "v9-odd-name"


def test_a_revision_that_is_not_there_fails(tmp_path: Path, source: Path) -> None:
    done, results, _ = clone(tmp_path, source, "no-such-branch")
    assert done.returncode != 0
    assert "commit" not in results


def test_a_revision_is_never_run_as_code(tmp_path: Path, source: Path) -> None:
    done, _, _ = clone(tmp_path, source, f"$(touch {tmp_path}/owned); --upload-pack=touch")
    assert done.returncode != 0
    assert not (tmp_path / "owned").exists()


# update-manifest


@pytest.fixture
def manifests(tmp_path: Path) -> Path:
    """A bare manifest repository that holds my-app's base and overlays."""
    work = tmp_path / "work"
    for part in ("base", "overlays"):
        shutil.copytree(DEPLOY / "apps/my-app" / part, work / "apps/my-app" / part)
    git(work, "init", "--quiet")
    git(work, "add", ".")
    git(work, "commit", "--quiet", "--message", "Overlays")
    git(work, "clone", "--quiet", "--bare", str(work), str(tmp_path / "manifests.git"))
    return tmp_path / "manifests.git"


OVERLAY = "apps/my-app/overlays/development/kustomization.yaml"


def update(manifests: Path, home: str = "home", **other: str) -> tuple[subprocess.CompletedProcess[str], str]:
    directory = manifests.parent / home
    result = manifests.parent / f"{home}-result"
    given = {
        "URL": f"file://{manifests}",
        "BRANCH": "main",
        "ENVIRONMENT": "development",
        "IMAGE": "harbor.example.com/apps/my-app:v1.4.3",
        "DIGEST": DIGEST,
        "COMMIT": "6113728f",
        "RUN": "my-app-x7k2p",
        "CHECKOUT": str(directory / "checkout"),
        "COMMIT_RESULT": str(result),
        "HELD_RESULT": str(manifests.parent / "held"),
        "HOLD_URL": "",
        "WITHOUT_ANSWER": "fail",
    }
    done = run_script("update-manifest", directory, given | other)
    return done, result.read_text() if result.exists() else ""


def rewrite(manifests: Path, text: str) -> None:
    """Someone else commits another overlay."""
    work = manifests.parent / "work"
    git(work, "pull", "--quiet", str(manifests), "main")
    (work / OVERLAY).write_bytes(text.encode())
    git(work, "commit", "--quiet", "--all", "--message", "Another habit")
    git(work, "push", "--quiet", str(manifests), "HEAD:main")


def changed_lines(manifests: Path) -> list[str]:
    diff = git(manifests, "diff", "--unified=0", "main~1", "main").splitlines()
    return [line for line in diff if line[0] in "+-" and not line.startswith(("+++", "---"))]


def test_one_line_changes_and_the_commit_says_why(manifests: Path) -> None:
    done, commit = update(manifests)
    assert done.returncode == 0, done.stderr
    assert commit == git(manifests, "rev-parse", "main")
    assert changed_lines(manifests) == ["-    newTag: v1.4.2", "+    newTag: v1.4.3"]
    message = git(manifests, "show", "--no-patch", "--format=%B", "main")
    assert message.splitlines()[0] == "Deploy my-app v1.4.3 to development"
    trailers = git(manifests, "show", "--no-patch", "--format=%(trailers:only,unfold)", "main").splitlines()
    assert trailers == [
        f"Image: harbor.example.com/apps/my-app:v1.4.3@{DIGEST}",
        "Source-Commit: 6113728f",
        "Pipeline-Run: my-app-x7k2p",
    ]
    assert git(manifests, "show", "--no-patch", "--format=%an", "main") == "ci-pipeline"


def test_a_second_run_of_the_same_image_commits_nothing(manifests: Path) -> None:
    update(manifests)
    head = git(manifests, "rev-parse", "main")
    done, commit = update(manifests, home="again")
    assert done.returncode == 0, done.stderr
    assert "already names" in done.stdout
    assert commit == head == git(manifests, "rev-parse", "main")


HABITS = {
    "quotes and comments": (
        "images:\n- name: 'harbor.example.com/apps/my-app'\n  newTag: \"v1.4.2\"   # by the pipeline\n",
        "images:\n- name: 'harbor.example.com/apps/my-app'\n  newTag: \"v1.4.3\"   # by the pipeline\n",
    ),
    "carriage returns": (
        "images:\r\n- name: harbor.example.com/apps/my-app\r\n  newTag: v1.4.2\r\n",
        "images:\r\n- name: harbor.example.com/apps/my-app\r\n  newTag: v1.4.3\r\n",
    ),
    "digest": (
        f"images:\n- name: harbor.example.com/apps/my-app\n  digest: sha256:{'00' * 32}\n",
        f"images:\n- name: harbor.example.com/apps/my-app\n  digest: {DIGEST}\n",
    ),
    "tag and digest": (
        f"images:\n- name: harbor.example.com/apps/my-app\n  newTag: v1.4.2\n  digest: sha256:{'00' * 32}\n",
        f"images:\n- name: harbor.example.com/apps/my-app\n  newTag: v1.4.3\n  digest: {DIGEST}\n",
    ),
    "a neighbour": (
        "images:\n- name: harbor.example.com/apps/my-app-proxy\n  newTag: v1.4.2\n"
        "- name: harbor.example.com/apps/my-app\n  newTag: v1.4.2\n- name: redis\n  newTag: v1.4.2\n",
        "images:\n- name: harbor.example.com/apps/my-app-proxy\n  newTag: v1.4.2\n"
        "- name: harbor.example.com/apps/my-app\n  newTag: v1.4.3\n- name: redis\n  newTag: v1.4.2\n",
    ),
    "another list after it": (
        "images:\n  - name: harbor.example.com/apps/my-app\n    newTag: v1.4.2\n"
        "components:\n  - name: harbor.example.com/apps/my-app\n    newTag: v1.4.2\n",
        "images:\n  - name: harbor.example.com/apps/my-app\n    newTag: v1.4.3\n"
        "components:\n  - name: harbor.example.com/apps/my-app\n    newTag: v1.4.2\n",
    ),
    "no line end at the end": (
        "images:\n- newName: mirror/my-app\n  name: harbor.example.com/apps/my-app\n  newTag: v1.4.2\n#",
        "images:\n- newName: mirror/my-app\n  name: harbor.example.com/apps/my-app\n  newTag: v1.4.3\n#",
    ),
}


def with_awk(awk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The image's awk is busybox's, the developer's is another."""
    if awk.startswith("busybox"):
        busybox = shutil.which("busybox")
        if not busybox:
            pytest.skip("busybox is not installed")
        (tmp_path / "bin").mkdir()
        (tmp_path / "bin" / "awk").symlink_to(busybox)
        monkeypatch.setenv("PATH", f"{tmp_path / 'bin'}:{os.environ['PATH']}")


@pytest.mark.parametrize(("before", "after"), HABITS.values(), ids=HABITS)
@pytest.mark.parametrize("awk", ["awk", "busybox awk"])
def test_every_habit_of_writing_is_kept(
    manifests: Path, before: str, after: str, awk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with_awk(awk, tmp_path, monkeypatch)
    rewrite(manifests, before)
    done, _ = update(manifests)
    assert done.returncode == 0, done.stderr
    found = subprocess.run(["git", "show", f"main:{OVERLAY}"], cwd=manifests, check=True, capture_output=True).stdout
    assert found == after.encode()


@pytest.mark.parametrize("awk", ["awk", "busybox awk"])
@pytest.mark.parametrize(
    ("tag", "written"),
    [
        ("1234567", '"1234567"'),
        ("12e4567", '"12e4567"'),
        ("1.10", '"1.10"'),
        ("2026-11-26", '"2026-11-26"'),
        ("1.4.3", "1.4.3"),
        ("1a2b3c4", '"1a2b3c4"'),
        ("v1.4.3-2-g1a2b3c4", "v1.4.3-2-g1a2b3c4"),
    ],
)
def test_a_tag_that_yaml_would_read_as_a_number_is_quoted(
    manifests: Path, tag: str, written: str, awk: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Without git tags the version is a short hash: one in thirty has no letter in it but perhaps an e."""
    with_awk(awk, tmp_path, monkeypatch)
    done, _ = update(manifests, IMAGE=f"harbor.example.com/apps/my-app:{tag}")
    assert done.returncode == 0, done.stderr
    assert changed_lines(manifests) == ["-    newTag: v1.4.2", f"+    newTag: {written}"]


def test_another_writer_in_between_loses_nothing(manifests: Path) -> None:
    """A hook lets someone else commit first, once: the edit is made anew on theirs."""
    work = manifests.parent / "work"
    other = "apps/my-app/overlays/staging/replica-patch.yaml"
    (work / other).write_text((work / other).read_text().replace("replicas: 2", "replicas: 4"))
    git(work, "commit", "--quiet", "--all", "--message", "More replicas")
    hook = manifests / "hooks" / "pre-receive"
    hook.write_text(
        f"#!/bin/sh\nrm '{hook}'\nenv -i PATH=\"$PATH\" git -C '{work}' push --quiet '{manifests}' HEAD:main\n"
    )
    hook.chmod(0o755)
    done, commit = update(manifests)
    assert done.returncode == 0, done.stderr
    assert git(manifests, "log", "--format=%s", "main").splitlines() == [
        "Deploy my-app v1.4.3 to development",
        "More replicas",
        "Overlays",
    ]
    assert commit == git(manifests, "rev-parse", "main")
    assert "replicas: 4" in git(manifests, "show", f"main:{other}")


def test_a_push_that_is_refused_is_not_tried_again(manifests: Path) -> None:
    """A token without the right would else be told as "the branch moved 8 times", half a minute later."""
    hook = manifests / "hooks" / "pre-receive"
    hook.write_text(f"#!/bin/sh\necho again >>'{manifests.parent}/tries'\necho protected >&2\nexit 1\n")
    hook.chmod(0o755)
    done, commit = update(manifests)
    assert done.returncode == 1
    assert "The push was refused, and not because another writer was first" in done.stderr
    assert "protected" in done.stderr
    assert not commit
    assert (manifests.parent / "tries").read_text() == "again\n"


def test_an_overlay_without_the_image_says_what_to_do(manifests: Path) -> None:
    rewrite(manifests, "resources: [../../base]\n")
    done, _ = update(manifests)
    assert done.returncode == 1
    assert f"{OVERLAY} has no entry for harbor.example.com/apps/my-app" in done.stderr


def test_an_app_without_an_overlay_says_what_to_do(manifests: Path) -> None:
    done, _ = update(manifests, IMAGE="harbor.example.com/apps/storefront:v1.0.0")
    assert done.returncode == 1
    assert "has no apps/storefront/overlays/development/kustomization.yaml: create the overlay" in done.stderr


@pytest.mark.skipif(not shutil.which("dash"), reason="dash is not installed")
@pytest.mark.parametrize("task", ["git-clone", "update-manifest"])
def test_scripts_for_sh_are_sh(task: str) -> None:
    text, _ = script(task)
    assert text.startswith("#!/bin/sh\nset -eu\n")
    subprocess.run(["dash", "-n", "-c", text], check=True)
