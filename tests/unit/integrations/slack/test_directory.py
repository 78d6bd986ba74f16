"""People on Slack's wire: who is a guest, a bot, gone or a stranger; and how old an answer may be."""

import asyncio
from typing import Any

import pytest

from bot.domain.errors import Unavailable
from integrations.sandbox.slack.server import SlackServer
from integrations.slack import SlackApi, SlackDirectory
from integrations.slack.directory import person

USER: dict[str, Any] = {"id": "U1", "team_id": "T1", "name": "eve", "profile": {}}


@pytest.mark.parametrize(
    ("extra", "told"),
    [
        ({}, ""),
        ({"deleted": True}, "inactive"),
        ({"is_bot": True}, "bot"),
        ({"is_restricted": True}, "guest"),
        ({"is_ultra_restricted": True}, "guest"),
        ({"is_stranger": True}, "foreign"),
        ({"team_id": "T2"}, "foreign"),
        ({"team_id": "T2", "enterprise_user": {"teams": ["T1", "T2"]}}, ""),
        ({"team_id": None}, "foreign"),
    ],
)
def test_what_an_account_is(extra: dict[str, Any], told: str) -> None:
    """S8."""
    caller = person({**USER, **extra}, frozenset(), "T1", "T1")
    found = {"inactive": not caller.active, "bot": caller.bot, "guest": caller.guest, "foreign": caller.foreign}
    assert [name for name, holds in found.items() if holds] == ([told] if told else [])


@pytest.mark.parametrize(("confirmed", "email"), [({}, "dee@x"), ({"is_email_confirmed": True}, "dee@x")])
def test_an_address_that_nobody_confirmed_is_none(confirmed: dict[str, Any], email: str) -> None:
    """Policy binds roles to addresses, and commits are by them."""
    profile = {"profile": {"email": "dee@x"}}
    assert person({**USER, **profile, **confirmed}, frozenset(), "T1", "T1").person.email == email
    assert person({**USER, **profile, "is_email_confirmed": False}, frozenset(), "T1", "T1").person.email == ""


def test_a_workspace_that_does_not_say_who_it_is_knows_nobody() -> None:
    assert person(USER, frozenset(), "", "").foreign


async def test_deactivated(workspace: SlackServer, directory: SlackDirectory) -> None:
    """S7: the groups still list them for a while, so activity is asked apart."""
    workspace.deactivate("bo")
    bo = await directory.caller("U0BO")
    assert not bo.active


async def test_the_bot_itself_is_a_bot(directory: SlackDirectory) -> None:
    assert (await directory.caller("U0PILOTHOUSE")).bot


async def test_a_change_is_seen_within_a_minute(workspace: SlackServer, api: SlackApi) -> None:
    now = 0.0
    directory = SlackDirectory(api, clock=lambda: now, fresh=3600)
    assert await directory.members("release-managers") == {"U0BO", "U0MIA"}
    workspace.set_group("release-managers", ["U0MIA"])
    now = 59.0
    assert await directory.members("release-managers") == {"U0BO", "U0MIA"}
    now = 60.0
    assert await directory.members("release-managers") == {"U0MIA"}
    assert not (await directory.caller("U0BO")).groups


async def test_many_who_ask_at_once_ask_slack_once(api: SlackApi, monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    answer = api.answer

    async def counted(method: str, *args: Any, **options: Any) -> Any:
        asked.append(method)
        return await answer(method, *args, **options)

    monkeypatch.setattr(api, "answer", counted)
    directory = SlackDirectory(api)
    await asyncio.gather(*(directory.members("engineers") for _ in range(20)))
    assert asked == ["usergroups.list"]


async def test_members_are_asked_for_where_the_list_leaves_them_out(
    api: SlackApi, monkeypatch: pytest.MonkeyPatch
) -> None:
    """S7."""
    read = api.read

    async def without_users(method: str, **arguments: Any) -> Any:
        body = await read(method, **arguments)
        if method == "usergroups.list":
            return {**body, "usergroups": [{**g, "users": None} for g in body["usergroups"]]}
        return body

    monkeypatch.setattr(api, "read", without_users)
    directory = SlackDirectory(api)
    assert await directory.members("@engineers") == {"U0ANA"}
    assert (await directory.caller("U0DEE")).groups == {"S0ADMIN", "platform-admins"}


async def test_it_fails_closed(workspace: SlackServer, directory: SlackDirectory) -> None:
    """An answer that cannot be had is an error, and is asked for again the next time."""
    workspace.config.bot_scopes = ()
    with pytest.raises(Exception, match="missing_scope"):
        await directory.caller("U0BO")


async def test_what_is_down_is_not_remembered(api: SlackApi, monkeypatch: pytest.MonkeyPatch) -> None:
    directory, read = SlackDirectory(api), api.read

    async def down(method: str, **arguments: Any) -> Any:
        raise Unavailable("Slack", method, "down")

    monkeypatch.setattr(api, "read", down)
    with pytest.raises(Unavailable):
        await directory.members("engineers")
    monkeypatch.setattr(api, "read", read)
    assert await directory.members("engineers") == {"U0ANA"}
