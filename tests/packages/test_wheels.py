"""Both wheels: what is in them, and what they do in an environment that has nothing else of ours."""

import os
import shutil
import subprocess
import sys
import sysconfig
import tomllib
import venv
import zipfile
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.scenario.sandbox import REPOSITORY, Sandbox, running

SOURCES = ("bot", "commands", "integrations", "deploy", "pyproject.toml", "README.md", "LICENSE")
SANDBOX = "integrations/sandbox/"


@pytest.fixture(scope="module")
def wheels(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The product's and the sandbox's, built without a network from a copy of the sources."""
    return built(tmp_path_factory.mktemp("tree"), tmp_path_factory.mktemp("wheels"))


def built(tree: Path, found: Path) -> tuple[Path, Path]:
    for name in SOURCES:
        source = REPOSITORY / name
        ignored = shutil.ignore_patterns("__pycache__", "*.egg-info", "build")
        if source.is_dir():
            shutil.copytree(source, tree / name, ignore=ignored, copy_function=shutil.copy)  # with the time of now
        else:
            shutil.copy(source, tree)
    how = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    for folder in (tree, tree / SANDBOX):
        pip = [sys.executable, "-m", "pip", "wheel", *how, "--wheel-dir", str(found), str(folder)]
        subprocess.run(pip, check=True, timeout=300, cwd=found, env=os.environ | {"SOURCE_DATE_EPOCH": "315532800"})
    (product,), (sandbox,) = found.glob("pilothouse-*.whl"), found.glob("pilothouse_sandbox-*.whl")
    return product, sandbox


@pytest.fixture(scope="module")
def installed(wheels: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The program of an environment that has the product's wheel, and borrows its dependencies from ours."""
    home = tmp_path_factory.mktemp("environment") / "venv"
    venv.create(home, with_pip=False, symlinks=True)
    install(home, wheels[0])
    borrowed = Path(sysconfig.get_path("purelib", vars={"base": str(home)})) / "borrowed.pth"
    borrowed.write_text(f"{sysconfig.get_path('purelib')}\n")
    return home


def install(home: Path, wheel: Path) -> None:
    python = str(home / "bin" / "python")
    pip = [sys.executable, "-m", "pip", "--python", python, "install", "--quiet", "--no-index", "--no-deps"]
    subprocess.run([*pip, "--disable-pip-version-check", str(wheel)], check=True, timeout=300)


@pytest.fixture(scope="module")
def sandbox(installed: Path, wheels: tuple[Path, Path], tmp_path_factory: pytest.TempPathFactory) -> Iterator[Sandbox]:
    """Started from an empty directory, with nothing of the checkout on its path."""
    install(installed, wheels[1])
    directory = tmp_path_factory.mktemp("anywhere")
    with running(directory, "10", program=(installed / "bin" / "pilothouse",), cwd=directory, path="") as found:
        yield found


def named(wheel: Path) -> set[str]:
    with zipfile.ZipFile(wheel) as archive:
        return set(archive.namelist())


def test_two_builds_of_one_tree_are_the_same_bytes(wheels: tuple[Path, Path], tmp_path: Path) -> None:
    """Of files that were written at another time, and found in another order."""
    (tree := tmp_path / "tree").mkdir()
    (found := tmp_path / "wheels").mkdir()
    for first, second in zip(wheels, built(tree, found), strict=True):
        assert first.read_bytes() == second.read_bytes(), first.name


def test_the_product_has_nothing_of_the_sandbox(wheels: tuple[Path, Path]) -> None:
    assert not {name for name in named(wheels[0]) if name.startswith(SANDBOX)}
    assert {"bot/plugin.py", "commands/deploy.py", "integrations/git/remote.py"} <= named(wheels[0])


def test_the_sandbox_has_all_of_its_own_and_nothing_else(wheels: tuple[Path, Path]) -> None:
    names = named(wheels[1])
    assert {name for name in names if not name.startswith((SANDBOX, "pilothouse_sandbox-"))} == set()
    ours = [path for path in (REPOSITORY / SANDBOX).rglob("*") if path.is_file() and "__pycache__" not in path.parts]
    built = ("pyproject.toml", "setup.py")
    wanted = {str(path.relative_to(REPOSITORY)) for path in ours if path.name not in built}
    assert {name for name in wanted if ".egg-info" not in name and "/build/" not in name} <= names
    for part in ("apps", "platform", "bot/base"):
        manifests = list((REPOSITORY / "deploy" / part).rglob("*.yaml"))
        assert {f"{SANDBOX}{path.relative_to(REPOSITORY)}" for path in manifests} <= names


def test_without_the_sandbox_the_product_says_how_to_get_it(installed: Path, tmp_path: Path) -> None:
    program, environment = [str(installed / "bin" / "pilothouse"), "sandbox"], {"PATH": "/usr/bin:/bin", "PORT": "1"}
    ended = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=120)
    assert ended.returncode == 1
    assert "pip install ./integrations/sandbox" in ended.stderr


def test_both_together_deploy_from_any_directory(sandbox: Sandbox) -> None:
    assert sandbox.types("ana", "/deploy my-app prod")["acked"]
    card = sandbox.card_says("my-app → production", "Waiting for an approval")
    sandbox.presses("bo", card, "Approve")
    sandbox.card_says("my-app → production", "v1.4.2 is Healthy in production")
    assert sandbox.tag("my-app", "production") == "v1.4.2"


def test_the_lock_and_the_sandbox_name_the_same() -> None:
    product = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())
    sandbox = tomllib.loads((REPOSITORY / SANDBOX / "pyproject.toml").read_text())
    assert sandbox["project"]["dependencies"] == ["pilothouse[charts]", *product["dependency-groups"]["sandbox"]]
    assert sandbox["project"]["version"] == product["project"]["version"]


def test_the_image_s_lock_has_nothing_that_only_the_sandbox_needs() -> None:
    ours, theirs = pinned("requirements.lock"), pinned("requirements-sandbox.lock")
    assert ours < pinned("requirements-charts.lock") < theirs < pinned("requirements-dev.lock")
    assert not {"matplotlib", "numpy", "graphql-core", "jsonpatch", "jsonschema", "sse-starlette"} & {
        name for name, _ in ours
    }


def pinned(lock: str) -> set[tuple[str, str]]:
    lines = (REPOSITORY / lock).read_text().splitlines()
    found = [line.split(" ")[0].split("==") for line in lines if line[:1].isalnum() and "==" in line]
    return {(name, version) for name, version in found}
