"""Settings that are wrong: one sentence each, with what fixes it, and no traceback."""

from pathlib import Path

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.doctor.variables import unknown
from bot.settings import Settings, variables
from tests.sentences import says


def told(monkeypatch: pytest.MonkeyPatch, **settings: str) -> list[str]:
    for name, value in settings.items():
        monkeypatch.setenv(f"PILOTHOUSE_{name}", value)
    result = CliRunner().invoke(app, ["run"])
    assert result.exit_code == 1
    assert result.exception is None or isinstance(result.exception, SystemExit)
    return result.stderr.splitlines()


def test_each_wrong_variable_has_its_line(monkeypatch: pytest.MonkeyPatch) -> None:
    port, mode, unknown = told(monkeypatch, PORT="x", ARGOCD__URLL="y", SLACK__MODE="pigeon")
    assert says(port, "PILOTHOUSE_PORT: ", "whole number")
    assert says(mode, "PILOTHOUSE_SLACK__MODE: ", "`socket` or `http`")
    assert says(unknown, "PILOTHOUSE_ARGOCD__URLL: unknown", "`PILOTHOUSE_ARGOCD__URL`")


@pytest.mark.parametrize(
    ("name", "value", "says"),
    [
        ("PORT", "99999", "65535 or less"),
        ("LOG_LEVEL", "loud", "`debug`, `info`, `warning` or `error`"),
        ("SHUTDOWN_SECONDS", "soon", "a number"),
        ("SHUTDOWN_SECONDS", "-1", "0 or more"),
        ("FOLLOW_INTERVAL_SECONDS", "0", "more than 0"),
        ("KUBERNETES__FS_GROUP", "root", "a whole number"),
        ("GIT__ALIASES", "https://git.example.com/overlays.git", 'JSON, for example ["a", "b"].'),
        ("ARGOCD_INSTANCES", "eu", 'JSON, for example ["a", "b"].'),
    ],
)
def test_no_wrong_value_shows_the_validator_s_words(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    assert told(monkeypatch, **{name: value}) == [f"PILOTHOUSE_{name}: expected {says}"]


def test_a_level_may_be_written_in_capitals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PILOTHOUSE_LOG_LEVEL", "INFO")
    assert Settings().log_level == "info"


def test_a_secrets_directory_that_is_not_there(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    (line,) = told(monkeypatch, SECRETS_DIR=str(tmp_path / "nowhere"))
    assert line.startswith(f"PILOTHOUSE_SECRETS_DIR: {tmp_path}/nowhere cannot be read: No such file or directory.")


def test_a_misspelled_variable_is_known_as_one() -> None:
    wrong = ["PILOTHOUSE_ARGO__URL", "PILOTHOUSE_DATABSE_URL"]
    right = ["PATH", "PILOTHOUSE_DATABASE_URL", "PILOTHOUSE_SECRETS_DIR", "PILOTHOUSE_ARGOCD__TOKEN_FILE"]
    instance = ["PILOTHOUSE_ARGOCD_INSTANCES__EU__URL"]
    links = ["PILOTHOUSE_SERVICE_HOST", "PILOTHOUSE_SERVICE_PORT_HTTP", "PILOTHOUSE_PORT_8080_TCP_ADDR"]
    assert unknown([*right, *instance, *links, *reversed(wrong)], variables()) == wrong


@pytest.mark.parametrize("name", ["SLACK__CA_BUNDLE", "HARBOR__CLIENT_CERT", "GIT__CLIENT_KEY"])
def test_a_certificate_that_is_not_there(monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    assert told(monkeypatch, **{name: "/nowhere.pem"}) == [f"PILOTHOUSE_{name}: the file does not exist"]


def test_a_file_with_the_database_s_url_that_is_not_there(monkeypatch: pytest.MonkeyPatch) -> None:
    [why] = told(monkeypatch, DATABASE_URL_FILE="/nowhere")
    assert says(why, "PILOTHOUSE_DATABASE_URL_FILE", "No such file or directory")
