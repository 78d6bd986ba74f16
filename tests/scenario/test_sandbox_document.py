"""docs/sandbox.md does what it says."""

import os
import re
import subprocess

import httpx

from tests.scenario.sandbox import REPOSITORY, Sandbox

DOCUMENT = (REPOSITORY / "docs" / "sandbox.md").read_text()


def test_the_example_performs_a_whole_approved_deploy(sandbox: Sandbox) -> None:
    [script] = re.findall(r"^```sh\n(.*?)^```", DOCUMENT, re.MULTILINE | re.DOTALL)
    port = str(httpx.URL(sandbox.url).port)
    done = subprocess.run(
        ["sh", "-c", script], env={**os.environ, "PORT": port}, capture_output=True, text=True, timeout=120, check=False
    )
    assert done.returncode == 0, done.stdout + done.stderr
    [expected] = re.findall(r"^```diff\n(.*?)```", DOCUMENT, re.MULTILINE | re.DOTALL)
    assert expected in done.stdout
    assert "production now runs v1.4.2" in done.stdout


def test_every_path_is_documented_and_nothing_else_is(sandbox: Sandbox) -> None:
    documented = set(re.findall(r"`(?:GET|POST) (/api/[\w/{}]+)", DOCUMENT))
    used = REPOSITORY / "integrations" / "sandbox" / "interface.py"
    served = {f"/api{path}" for path in re.findall(r'Route\("([^"]+)"', used.read_text())}
    assert documented == served


def test_every_fault_is_documented(sandbox: Sandbox) -> None:
    faults = sandbox.world()["faults"]
    assert {name for name in faults if f"`{name}`" not in DOCUMENT} == set()
    assert {name for name in faults["weather"] if f"`{name}`" not in DOCUMENT} == set()
