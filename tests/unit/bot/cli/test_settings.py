"""Settings that are wrong: one sentence each, with what fixes it, and no traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.doctor.variables import unknown
from bot.settings import variables


def told(monkeypatch: pytest.MonkeyPatch, **settings: str) -> list[str]:
    for name, value in settings.items():
        monkeypatch.setenv(f"PILOTHOUSE_{name}", value)
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stderr.splitlines()


def test_each_wrong_variable_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    assert told(monkeypatch, PORT="x", ARGOCD__URLL="y", SLACK__MODE="pigeon") == [
        "PILOTHOUSE_PORT: Input should be a valid integer, unable to parse string as an integer",
        "PILOTHOUSE_SLACK__MODE: expected 'socket' or 'http'",
        "PILOTHOUSE_ARGOCD__URLL: unknown setting. Did you mean `PILOTHOUSE_ARGOCD__URL`, "
        "`PILOTHOUSE_ARGOCD__WEB_URL` or `PILOTHOUSE_HARBOR__URL`?",
    ]


def test_a_secrets_directory_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (line,) = told(monkeypatch, SECRETS_DIR=str(tmp_path / "nowhere"))
    assert line.startswith(f"PILOTHOUSE_SECRETS_DIR: {tmp_path}/nowhere cannot be read: No such file or directory.")


def test_a_misspelled_variable_is_known_as_one() -> None:
    wrong = ["PILOTHOUSE_ARGO__URL", "PILOTHOUSE_DATABSE_URL"]
    right = ["PATH", "PILOTHOUSE_DATABASE_URL", "PILOTHOUSE_SECRETS_DIR", "PILOTHOUSE_ARGOCD__TOKEN_FILE"]
    instance = ["PILOTHOUSE_ARGOCD_INSTANCES__EU__URL"]
    links = ["PILOTHOUSE_SERVICE_HOST", "PILOTHOUSE_SERVICE_PORT_HTTP", "PILOTHOUSE_PORT_8080_TCP_ADDR"]
    assert unknown([*right, *instance, *links, *reversed(wrong)], variables()) == wrong
