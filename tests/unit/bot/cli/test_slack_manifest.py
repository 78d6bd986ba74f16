"""The manifest of the Slack app, against what Slack takes."""

import pytest

import commands
from bot.cli.slack_manifest import manifest
from bot.command import CommandRegistry
from tests.sentences import says

REGISTRY = CommandRegistry.load(commands)
URL = "https://pilothouse.example.com"


def slash_commands(*, socket_mode: bool = True) -> dict[str, dict[str, str]]:
    listed = manifest(REGISTRY, socket_mode=socket_mode, url=URL)["features"]["slash_commands"]
    return {each["command"]: each for each in listed}


def test_commands_are_within_slacks_limits() -> None:
    """A command of 32 characters, a description of 2,000, a hint of 1,000; fifty commands an app."""
    listed = slash_commands()
    assert 0 < len(listed) <= 50
    for command, each in listed.items():
        assert command.startswith("/")
        assert command == command.lower()
        assert " " not in command
        assert len(command) <= 32
        assert 0 < len(each["description"]) <= 2000
        assert 0 < len(each.get("usage_hint", "-")) <= 1000


def test_the_app_is_within_slacks_limits() -> None:
    """A name of 35 characters, a description of 140, a bot's name of 80."""
    made = manifest(REGISTRY, socket_mode=True)
    assert len(made["display_information"]["name"]) <= 35
    assert len(made["display_information"]["description"]) <= 140
    assert len(made["features"]["bot_user"]["display_name"]) <= 80


def test_a_family_of_commands_is_described_as_one() -> None:
    pipeline = slash_commands()["/pipeline"]
    assert says(pipeline["description"], "cancel, list, logs, retry, run or show", "help")
    assert pipeline["usage_hint"] == "cancel|list|logs|retry|run|show …"


def test_a_command_alone_speaks_for_itself() -> None:
    deploy = slash_commands()["/deploy"]
    assert deploy["description"] == "Put an image into an environment."
    assert deploy["usage_hint"].startswith("APP[@TAG|@DIGEST] [to|on] ENV")
    assert slash_commands()["/pilothouse"]["usage_hint"] == "help [COMMAND]"


def test_slack_writes_ids_for_people_wherever_a_command_may_name_them() -> None:
    """Names change hands (S8). Behind `/pilothouse` stands any command."""
    naming = {command for command, each in slash_commands().items() if "@PERSON" in each.get("usage_hint", "")}
    assert naming == {"/delegate"}
    assert {command for command, each in slash_commands().items() if each["should_escape"]} == {*naming, "/pilothouse"}


def test_over_http_every_command_says_where_slack_reaches_the_bot() -> None:
    assert {each["url"] for each in slash_commands(socket_mode=False).values()} == {f"{URL}/slack/events"}
    assert not any("url" in each for each in slash_commands().values())


def test_http_needs_an_address() -> None:
    with pytest.raises(ValueError, match="--url"):
        manifest(REGISTRY, socket_mode=False)


def test_slacks_own_status_is_told_apart() -> None:
    [entry] = REGISTRY.help("status")
    assert "use `/pilothouse status`" in entry.details.replace("\n", " ")


def test_shortcuts_are_within_slacks_limits() -> None:
    """Five of each type; a name of 24 characters, a description of 150, a `callback_id` of 255 that stands once."""
    listed = manifest(REGISTRY, socket_mode=True)["features"]["shortcuts"]
    assert {each["type"] for each in listed} == {"global", "message"}
    for menu in ("global", "message"):
        names = [each["name"] for each in listed if each["type"] == menu]
        assert names == ["Deploy…", "Roll back…", "Status"]
    assert len({each["callback_id"] for each in listed}) == len(listed)
    for each in listed:
        assert 0 < len(each["name"]) <= 24
        assert 0 < len(each["description"]) <= 150
        assert len(each["callback_id"]) <= 255
