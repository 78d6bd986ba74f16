"""`pilothouse init`: a first policy, settings and Slack manifest that the other commands take."""

import json
import os
from pathlib import Path

import pytest
from dotenv import dotenv_values
from typer.testing import CliRunner, Result

from bot.cli import app
from bot.policy import load
from bot.settings import Settings, variables

GIVEN = {
    "environments": "dev, staging, prod",
    "engineers": "@engineers, ana@example.com",
    "approvers": "S0RELEASE, U0BOBOBO, W0ENTERPRISE",
    "admins": "mia@example.com",
    "channel": "deploys",
    "argocd": "https://argocd.internal/",
    "argocd-project": "shop",
    "harbor": "https://harbor.internal",
    "harbor-probe": "shop/web",
    "overlays": "shop/overlays",
    "namespace": "builds",
}


def run(
    directory: Path, changed: dict[str, str] | None = None, *, without: tuple[str, ...] = (), typed: str = ""
) -> Result:
    given = GIVEN | (changed or {})
    options = [word for name, value in given.items() if name not in without for word in (f"--{name}", value)]
    return CliRunner().invoke(app, ["init", str(directory), *options], input=typed)


def test_the_policy_is_good_and_says_what_was_answered(tmp_path: Path) -> None:
    assert run(tmp_path).exit_code == 0
    policy = load(tmp_path / "pilothouse.yaml")
    assert [environment.name for environment in policy.environments] == ["dev", "staging", "prod"]
    assert policy.channels.default == "#deploys"
    assert policy.rules("web", "prod").approval().count == 1
    bound = {binding.role: (binding.groups, binding.users, binding.emails) for binding in policy.bindings}
    assert bound == {
        "engineer": (("@engineers",), (), ("ana@example.com",)),
        "release-manager": (("S0RELEASE",), ("U0BOBOBO", "W0ENTERPRISE"), ()),
        "admin": ((), (), ("mia@example.com",)),
    }


@pytest.mark.parametrize(
    ("overlays", "variable"),
    [
        ("shop/overlays", "PILOTHOUSE_GITHUB__REPOSITORY"),
        ("https://git.internal/overlays.git", "PILOTHOUSE_GIT__URL"),
        ("git@git.internal:overlays.git", "PILOTHOUSE_GIT__URL"),
        ("ssh://git@git.internal/overlays.git", "PILOTHOUSE_GIT__URL"),
        ("deploy@git.internal:shop/overlays", "PILOTHOUSE_GIT__URL"),
        ("git.internal:overlays.git", "PILOTHOUSE_GIT__URL"),
    ],
)
def test_the_settings_are_settings(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, overlays: str, variable: str
) -> None:
    assert run(tmp_path, {"overlays": overlays}).exit_code == 0
    written = dotenv_values(tmp_path / "pilothouse.env", interpolate=False)
    assert written.keys() <= variables()
    assert written[variable] == overlays
    for name, value in written.items():
        monkeypatch.setenv(name, value or "")
    settings = Settings()
    assert (settings.argocd.url, settings.harbor.username) == ("https://argocd.internal", "robot$pilothouse")


def test_the_manifest_is_the_apps(tmp_path: Path) -> None:
    run(tmp_path)
    printed = CliRunner().invoke(app, ["slack-manifest"]).stdout
    assert json.loads((tmp_path / "slack-app.json").read_text()) == json.loads(printed)


def test_what_is_left_out_is_asked_for_until_it_is_understood(tmp_path: Path) -> None:
    done = run(tmp_path, without=("argocd", "environments"), typed="\nnowhere\nhttps://argocd.example.com\n")
    assert done.exit_code == 0, done.output
    assert "expected a URL" in done.output
    assert "PILOTHOUSE_ARGOCD__URL=https://argocd.example.com\n" in (tmp_path / "pilothouse.env").read_text()
    assert "- name: production\n" in (tmp_path / "pilothouse.yaml").read_text()


@pytest.mark.parametrize(
    ("option", "value"),
    [
        ("engineers", "Ana Müller"),
        ("admins", ","),
        ("argocd", "argocd.example.com"),
        ("harbor", "https://admin:secret@harbor.internal"),
        ("overlays", "my overlays"),
        ("overlays", "overlays"),
        ("overlays", "https://ana:secret@git.internal/overlays.git"),
        ("overlays", "https://secret@git.internal/overlays.git"),
        ("overlays", "ssh://git:secret@git.internal/overlays.git"),
        ("channel", '#a"b'),
        ("environments", "dev, dev: {}"),
        ("namespace", "a\nPILOTHOUSE_PORT=1"),
    ],
)
def test_an_answer_that_cannot_be_right_writes_nothing(tmp_path: Path, option: str, value: str) -> None:
    done = run(tmp_path, {option: value})
    assert done.exit_code == 1
    assert f"--{option}" in done.stderr
    assert "secret" not in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_a_policy_that_would_not_be_good_is_not_written(tmp_path: Path) -> None:
    done = run(tmp_path, {"environments": "prod, production"})
    assert (done.exit_code, list(tmp_path.iterdir())) == (1, [])


def test_files_that_are_there_stay_unless_forced(tmp_path: Path) -> None:
    file = tmp_path / "pilothouse.yaml"
    file.write_text("bindings: []\n")
    done = run(tmp_path)
    assert (done.exit_code, file.read_text()) == (1, "bindings: []\n")
    assert "--force" in done.stderr
    assert CliRunner().invoke(app, ["init", str(tmp_path), "--force"], input="\n").exit_code != 0  # asks for the rest


def test_an_env_file_gives_what_the_environment_lacks(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [one for one in os.environ if one.startswith("PILOTHOUSE_")]:
        monkeypatch.delenv(name)
    monkeypatch.setattr(os, "environ", dict(os.environ) | {"PILOTHOUSE_PORT": "1"})
    file = tmp_path / "pilothouse.env"
    file.write_text(
        "PILOTHOUSE_PORT=2\nPILOTHOUSE_HARBOR__USERNAME=robot$pilothouse\nPILOTHOUSE_POLICY_FILE=none.yaml\n"
    )
    done = CliRunner().invoke(app, ["--env-file", str(file), "audit", "four-eyes"])
    assert "none.yaml" in done.stderr
    assert (os.environ["PILOTHOUSE_PORT"], os.environ["PILOTHOUSE_HARBOR__USERNAME"]) == ("1", "robot$pilothouse")


@pytest.mark.parametrize(("text", "said"), [(None, "does not exist"), ("PILOTHOUSE_PORT\n", "PILOTHOUSE_PORT")])
def test_an_env_file_that_is_none_is_said(tmp_path: Path, text: str | None, said: str) -> None:
    file = tmp_path / "pilothouse.env"
    if text is not None:
        file.write_text(text)
    done = CliRunner().invoke(app, ["--env-file", str(file), "policy", "check"])
    assert done.exit_code == 1
    assert said in done.stderr


def test_the_next_steps_work_where_they_are_printed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The settings name the policy beside them, so the commands enter the directory of both, unless we are there."""
    elsewhere = tmp_path / "of acme"
    assert f"cd '{elsewhere}' && pilothouse --env-file pilothouse.env doctor" in run(elsewhere).stdout
    elsewhere.mkdir(exist_ok=True)
    monkeypatch.chdir(elsewhere)
    here = CliRunner().invoke(app, ["init", "--force", *(w for n, v in GIVEN.items() for w in (f"--{n}", v))]).stdout
    assert "cd " not in here
    assert "github__token" in here


def test_an_empty_answer_is_explained_and_asked_again(tmp_path: Path) -> None:
    done = run(tmp_path, without=("argocd",), typed="\nhttps://argocd.internal\n")
    assert done.exit_code == 0
    assert "needs an answer" in done.stdout + done.stderr
