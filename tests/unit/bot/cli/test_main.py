"""`pilothouse` itself: its version, and a start that cannot be."""

import os
import subprocess
import sys
from importlib.metadata import version
from pathlib import Path

import pytest
from typer.testing import CliRunner

import bot
from bot.cli import app
from bot.doctor.database import checks
from bot.doctor.finding import Wrong
from bot.settings import Settings

OLD = "SQLite 3.40.1 is too old: on Python 3.12 Pilothouse needs 3.42 or newer. Run `pip install pysqlite3`."


def test_the_version_is_the_distributions() -> None:
    assert CliRunner().invoke(app, ["--version"]).stdout == f"pilothouse {version('pilothouse')}\n"


def test_a_start_with_an_old_sqlite_says_what_to_do(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("PILOTHOUSE_DATABASE_URL", f"sqlite:///{tmp_path / 'pilothouse.db'}")
    monkeypatch.setattr(sys.modules["bot.cli.main"], "too_old", lambda: OLD)
    ended = CliRunner().invoke(app, ["run"])
    assert (ended.exit_code, ended.stderr.strip()) == (1, OLD)


async def test_doctor_says_so_too(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr("bot.doctor.database.too_old", lambda: OLD)
    connection = checks(Settings(database_url=f"sqlite:///{tmp_path / 'pilothouse.db'}"))[0]
    with pytest.raises(Wrong) as found:
        await connection.look()
    assert found.value.detail.startswith("SQLite 3.40.1 is too old")
    assert found.value.fix == "Run `pip install pysqlite3`."


@pytest.mark.parametrize("name", ["commands", "integrations"])
def test_a_package_of_somebody_else_is_told_at_once(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, name: str) -> None:
    (tmp_path / name).mkdir()
    (tmp_path / name / "__init__.py").touch()
    program = [sys.executable, "-c", "from bot.cli import main; main()", "slack-manifest"]
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{Path(bot.__file__).parents[1]}"}
    ended = subprocess.run(program, cwd=tmp_path, env=environment, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 1
    assert f"`{name}`" in ended.stderr
    assert "pipx install pilothouse" in ended.stderr
