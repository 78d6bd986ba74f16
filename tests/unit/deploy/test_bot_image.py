"""The bot's image: what its Dockerfile promises, and what `make image` looks for in what was built."""

import re
import runpy
import subprocess
from pathlib import Path
from typing import Any

import pytest

from tests.unit.deploy.manifests import DEPLOY, REPOSITORY, find


def dockerfile() -> list[str]:
    return (DEPLOY / "bot" / "Dockerfile").read_text().splitlines()


def test_the_image_is_multi_stage_non_root_and_hash_locked() -> None:
    lines = dockerfile()
    assert sum(line.startswith("FROM ") for line in lines) == 2
    assert [line for line in lines if line.startswith("USER ")] == ["USER 65532:65532"]
    installs = [line for line in lines if "pip install" in line]
    assert installs
    assert all("--require-hashes" in line or "--no-index" in line for line in installs)
    pod: dict[str, Any] = find("bot/base", "StatefulSet")["spec"]["template"]["spec"]
    assert pod["securityContext"]["runAsUser"] == 65532


def test_the_image_knows_the_user_that_it_runs_as() -> None:
    """OpenSSH refuses a user whom the system does not know, and Kubernetes adds none."""
    lines = dockerfile()
    (user,) = [line.split()[1] for line in lines if line.startswith("USER ")]
    uid, gid = user.split(":")
    image = "\n".join(lines[max(n for n, line in enumerate(lines) if line.startswith("FROM ")) :])
    line = re.search(r"'\w+:x:(\d+):(\d+):[^:']*:([^:']*):([^:']*)' *>>/etc/passwd", image)
    assert line is not None
    known, group, home, shell = line.groups()
    assert (known, group, shell) == (uid, gid, "/usr/sbin/nologin")
    assert f"HOME={home}" in image
    assert re.search(rf"'\w+:x:{gid}:' *>>/etc/group", image)
    assert find("bot/base", "StatefulSet")["spec"]["template"]["spec"]["securityContext"]["runAsUser"] == int(uid)


def test_what_the_image_copies_is_there_and_not_ignored() -> None:
    ignore = (DEPLOY / "bot" / "Dockerfile.dockerignore").read_text().splitlines()
    kept = {line[1:] for line in ignore if line.startswith("!")}
    copied = [
        source
        for line in dockerfile()
        if line.startswith("COPY ") and "--from" not in line
        for source in line.split()[1:-1]
    ]
    locks = {"requirements.lock", "requirements-charts.lock"}
    assert "ARG LOCK=requirements-charts.lock" in dockerfile()
    assert set(copied) - {"$LOCK"} | locks == kept
    made_by_the_project = {"README.md"}
    assert all((REPOSITORY / source).exists() for source in kept - made_by_the_project)


def test_every_base_is_named_by_its_digest() -> None:
    files = list(DEPLOY.rglob("Dockerfile"))
    bases = [
        base for file in files for base in re.findall(r"^(?:FROM|ARG PYTHON=) ?([a-z]\S+)", file.read_text(), re.M)
    ]
    assert len(bases) >= len(files)
    assert [base for base in bases if not re.search(r":\d+\.\d+\.\d+-[a-z-]+@sha256:[0-9a-f]{64}$", base)] == []


def test_debian_is_that_of_one_day() -> None:
    """And of no other: apt reads no list but the one that the Dockerfile writes."""
    text = "\n".join(dockerfile())
    assert re.search(r"^ARG DEBIAN=$", text, re.M)
    beside = re.search(r"beside='(.*)'", text)
    assert beside
    sources = "Types: deb\nURIs: http://deb.example.org/debian\n\nURIs: http://deb.example.org/debian-security\n"
    found = subprocess.run(["sed", "-n", beside[1]], input=sources, capture_output=True, text=True, check=True).stdout
    assert found == "http://snapshot.example.org/archive\n"
    assert re.search(r"^ARG DAY=20\d{6}T\d{6}Z$", text, re.M)
    assert text.count("apt-get") == text.count("apt-get --quiet --quiet --option Dir::Etc::SourceList=/tmp/debian.list")
    assert text.count("Dir::Etc::SourceParts=-") == 1
    assert "trusted=yes" not in text
    assert "signed-by=" in text


def test_what_is_compiled_is_never_compared_with_a_time() -> None:
    """Layers carry no times but one, so a module that was compiled for a time would be compiled at each start."""
    text = re.sub(r"\\\n", " ", "\n".join(line for line in dockerfile() if not line.startswith((" #", "#"))))
    compiled = re.findall(r"-m compileall [^&\n]*", text)
    assert len(compiled) == 2
    assert all("--invalidation-mode unchecked-hash" in how for how in compiled)
    assert all("--no-compile" in how for how in re.findall(r"pip install [^&\n]*", text))


@pytest.fixture(scope="module")
def image() -> dict[str, Any]:
    return runpy.run_path(str(REPOSITORY / ".ci" / "image"))


def built(root: Path, *files: str) -> Path:
    for file in ("opt/pilothouse/lib/python3.11/site-packages/bot/cli/main.py", "etc/passwd", *files):
        (root / file).parent.mkdir(parents=True, exist_ok=True)
        (root / file).touch()
    return root


def test_an_image_of_the_bot_alone_is_as_it_should_be(image: dict[str, Any], tmp_path: Path) -> None:
    assert list(image["unwanted"](built(tmp_path))) == []


@pytest.mark.parametrize(
    "file",
    [
        "opt/pilothouse/lib/python3.11/site-packages/integrations/sandbox/world.py",
        "opt/pilothouse/lib/python3.11/site-packages/pilothouse_sandbox-0.2.0.dist-info/METADATA",
        "opt/pilothouse/lib/python3.11/site-packages/tests/conftest.py",
        "opt/pilothouse/lib/python3.11/site-packages/pip/__init__.py",
        "opt/pilothouse/lib/python3.11/site-packages/setuptools/__init__.py",
        "src/bot/cli/main.py",
        "root/.cache/pip/selfcheck.json",
        "var/lib/apt/lists/partial/one",
    ],
)
def test_what_must_not_be_in_the_image_is_noticed(image: dict[str, Any], tmp_path: Path, file: str) -> None:
    (wrong,) = image["unwanted"](built(tmp_path, file))
    assert wrong.endswith("is in the image")


def component(name: str, version: str, where: str) -> dict[str, Any]:
    """As syft lists it."""
    place = {"name": "syft:location:0:path", "value": f"/{where}/lib/python3.11/site-packages/{name}/METADATA"}
    return {"name": name, "version": version, "purl": f"pkg:pypi/{name}@{version}", "properties": [place]}


@pytest.mark.parametrize(
    ("parts", "wrong"),
    [
        ([component("dbos", "1.0", "opt/pilothouse")], []),
        ([component("dbos", "1.1", "opt/pilothouse")], ["dbos"]),
        ([], ["dbos"]),
        ([component("dbos", "1.0", "opt/pilothouse"), component("pip", "24.0", "usr/local")], []),  # the base's
        ([component("dbos", "1.0", "opt/pilothouse"), component("pip", "24.0", "opt/pilothouse")], ["pip"]),
    ],
)
def test_what_the_image_holds_is_held_against_the_lock(
    image: dict[str, Any], parts: list[dict[str, Any]], wrong: list[str]
) -> None:
    debian = {"name": "git", "version": "1:2.39.5", "purl": "pkg:deb/debian/git@1%3A2.39.5"}
    found = image["unlike"]({"components": [*parts, debian]}, "dbos==1.0 \\\n    --hash=sha256:00\n")
    assert [line.partition(":")[0] for line in found] == wrong


@pytest.mark.parametrize(
    ("options", "charts"), [((), True), (("--build-arg", "LOCK=requirements.lock", "--build-arg", "DAY="), False)]
)
def test_the_lock_is_the_one_that_the_image_was_built_from(
    image: dict[str, Any], options: tuple[str, ...], charts: bool
) -> None:
    assert ("matplotlib==" in image["lock"](options)) is charts


def test_where_buildah_is_missing_it_says_how_to_get_it(image: dict[str, Any], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", "/nowhere")
    assert "install buildah" in image["lacking"]()
