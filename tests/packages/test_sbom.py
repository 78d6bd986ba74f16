"""`make sbom`: what it lists, and that it notices what is not as the lock says."""

import json
import sys
import tomllib
from importlib.machinery import SourceFileLoader
from importlib.util import module_from_spec, spec_from_loader
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from tests.scenario.sandbox import REPOSITORY

LOCK = "\n".join(
    [
        "aiohttp==3.14.5 \\",
        "    --hash=sha256:00",
        "numpy==2.4.6 ; python_full_version < '3.0' \\",
        "numpy==2.5.5 ; python_full_version >= '3.0' \\",
        "pysqlite3==0.6 ; sys_platform == 'win32' \\",
        "ruamel-yaml==0.19.1 \\",
        "setuptools==80.9.0 \\",
    ]
)


@pytest.fixture(scope="module")
def sbom() -> ModuleType:
    loader = SourceFileLoader("sbom", str(REPOSITORY / ".ci" / "sbom"))
    spec = spec_from_loader("sbom", loader)
    assert spec is not None
    module = module_from_spec(spec)
    loader.exec_module(module)
    return module


def listed(*components: str) -> dict[str, Any]:
    pairs = (component.split("==") for component in components)
    return {"components": [{"name": name, "version": version} for name, version in pairs]}


RIGHT = ("aiohttp==3.14.5", "numpy==2.5.5", "ruamel.yaml==0.19.1")


@pytest.mark.parametrize(
    ("components", "wrong"),
    [
        (RIGHT, []),
        ((*RIGHT, "pilothouse==0.2.0"), []),
        (RIGHT[1:], ["aiohttp"]),
        ((*RIGHT[:2], "ruamel.yaml==0.19.2"), ["ruamel-yaml"]),
        ((*RIGHT, "left-pad==1.0"), ["left-pad"]),
        ((*RIGHT, "setuptools==80.9.0"), ["setuptools"]),  # the image has none
        ((), ["aiohttp", "numpy", "ruamel-yaml"]),
    ],
)
def test_what_differs_from_the_lock_is_named(sbom: ModuleType, components: tuple[str, ...], wrong: list[str]) -> None:
    assert [line.partition(":")[0] for line in sbom.unlike(listed(*components), LOCK)] == wrong


def test_an_environment_is_described_with_us_at_its_root(sbom: ModuleType) -> None:
    """Of the environment that the tests run in: names, versions, licences, and what we need."""
    found = json.loads(sbom.described(Path(sys.executable)))
    project = tomllib.loads((REPOSITORY / "pyproject.toml").read_text())["project"]
    root = found["metadata"]["component"]
    assert (found["bomFormat"], found["specVersion"]) == ("CycloneDX", "1.6")
    assert (root["name"], root["version"]) == (project["name"], project["version"])
    assert root["licenses"][0]["license"]["id"] == project["license"]
    needs = next(one["dependsOn"] for one in found["dependencies"] if one["ref"] == root["bom-ref"])
    assert any(name.startswith("dbos==") for name in needs)
    by_name = {one["name"].lower(): one for one in found["components"]}
    assert by_name["dbos"]["licenses"]
    assert by_name["dbos"]["purl"].startswith("pkg:pypi/dbos@")
    assert "timestamp" not in found["metadata"]  # else two builds would differ
