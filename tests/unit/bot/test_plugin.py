"""The public face: what a package may import, and an example package, installed and used from outside the tree."""

import ast
import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from bot import plugin

ROOT = Path(__file__).parents[3]
EXAMPLE = ROOT / "docs" / "examples" / "office-hours"
MODULE = "pilothouse_office_hours"
POLICY = "environments:\n- name: staging\n- name: production\n  gates: {office-hours: {opens: '09:00'}}\n"
ASK = """
import asyncio, json
from datetime import datetime
from functools import partial
from pathlib import Path
import commands
from bot.command import CommandRegistry
from bot.domain.caller import Caller, Person
from bot.domain.form import Input
from bot.domain.intent import Context
from bot.policy import load
from bot.evaluation.loading import known_gates
from bot.evaluation.question import Question

gate = next(gate for gate in known_gates() if gate.name == "office-hours")()
asked = [asyncio.run(gate.ask(Question(None, "my-app", (), datetime.fromisoformat(when), {}, False)))
         for when in ("2026-01-05T09:00+00:00", "2026-01-03T09:00+00:00")]
registry, context = CommandRegistry.load(commands), Context("r", "C", "c")
bare = registry.find("/office-hours", "")
form = registry.form(bare.parse(bare.words(context)).verb)
read = [form.read({Input.ENVIRONMENT: name}, context) for name in ("staging", "production")]
policy, caller = load(Path("pilothouse.yaml")), Caller(Person("U1", "ana"), "T1")
run = partial(next(one for one in registry if one.verb == "office-hours").function, caller=caller, policy=policy)
told = [asyncio.run(run(ask)).sentence for ask in read]
print(json.dumps([[verdict.state for verdict in asked], asked[1].retry_after.total_seconds() / 3600, told]))
"""
CLOSED = (
    "\nenvironments:\n- name: staging\n- name: production\n  gates: {office-hours: {opens: '00:00', closes: '00:00'}}\n"
)
HEAR = """
import asyncio, sys
from pathlib import Path
from tests.fakes.queues import delivered
from tests.fakes.world import POLICY, core_world

async def live():
    async with core_world(Path.cwd(), POLICY + sys.argv[1]) as world:
        await world.abort("ana", await world.deploy("ana"))
        await world.deploy("ana", app="my-app", to="staging", image="v1.4.0")
        await delivered(world.core.outbox)

asyncio.run(live())
"""


@pytest.fixture(scope="module")
def installed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Where the example is installed, from its wheel, without a network."""
    source, target = tmp_path_factory.mktemp("source") / "example", tmp_path_factory.mktemp("installed")
    shutil.copytree(EXAMPLE, source)
    how = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--disable-pip-version-check"]
    subprocess.run([sys.executable, "-m", "pip", "install", *how, "--target", target, source], check=True, timeout=120)
    return target


def there(installed: Path, directory: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    """A Python in another directory that has the example."""
    path = os.pathsep.join(map(str, (installed, ROOT)))
    environment = {**os.environ, "PYTHONPATH": path, "NO_COLOR": "1"}
    program = [sys.executable, *arguments]
    return subprocess.run(program, cwd=directory, env=environment, capture_output=True, text=True, timeout=120)


def test_policy_names_the_gate_of_a_package_that_is_installed(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "pilothouse.yaml").write_text(POLICY)
    check = ("-m", "bot", "policy", "check")
    good = there(installed, tmp_path, *check)
    assert good.returncode == 0, good.stdout + good.stderr
    absent = there(tmp_path, tmp_path, *check)
    assert absent.returncode == 1
    assert "gates.office-hours" in absent.stdout + absent.stderr
    (tmp_path / "pilothouse.yaml").write_text(POLICY.replace("opens", "open"))
    wrong = there(installed, tmp_path, *check)
    assert wrong.returncode == 1
    assert "office-hours" in wrong.stdout + wrong.stderr


def test_slack_is_told_of_the_command(installed: Path, tmp_path: Path) -> None:
    manifest = json.loads(there(installed, tmp_path, "-m", "bot", "slack-manifest").stdout)
    said = {command["command"]: command["description"] for command in manifest["features"]["slash_commands"]}
    assert said["/office-hours"] == "Say when the office lets something out."


def test_both_answer(installed: Path, tmp_path: Path) -> None:
    (tmp_path / "pilothouse.yaml").write_text(POLICY)
    ended = there(installed, tmp_path, "-c", ASK)
    assert ended.returncode == 0, ended.stderr
    states, hours, (none, some) = json.loads(ended.stdout)
    assert (states, hours) == (["Passed", "Waiting"], 47)  # from Saturday 09:00 to Monday 08:00
    assert none.startswith("staging does not ask")
    assert some.startswith("ana, the office is ")


def test_its_notifier_hears_what_the_bot_tells(
    installed: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    log = tmp_path / "night.log"
    monkeypatch.setenv("OFFICE_HOURS_NIGHT_LOG", str(log))
    ended = there(installed, tmp_path, "-c", HEAR, CLOSED)
    assert ended.returncode == 0, ended.stderr
    heard = [json.loads(line) for line in log.read_text().splitlines()]
    assert [line["event"] for line in heard] == ["started", "aborted"], "of staging, which asks for no hours, nothing"
    assert {(*line["apps"], line["environment"], line["subject"]) for line in heard} == {
        ("my-app", "production", heard[0]["subject"])
    }


def test_the_example_imports_nothing_else_of_ours() -> None:
    tree = ast.parse((EXAMPLE / f"{MODULE}.py").read_text())
    ours = {
        node.module
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom) and (node.module or "").split(".")[0] in ("bot", "commands", "integrations")
    }
    assert ours == {"bot.plugin"}


def test_what_is_promised_is_there_and_nothing_else_is() -> None:
    assert plugin.__all__ == sorted(plugin.__all__)
    public = {name for name in vars(plugin) if not name.startswith("_")}
    assert public == set(plugin.__all__)


def test_each_promised_name_is_explained_in_the_document() -> None:
    page = (ROOT / "docs" / "extending.md").read_text()
    assert [name for name in plugin.__all__ if f"`{name}`" not in page] == []
