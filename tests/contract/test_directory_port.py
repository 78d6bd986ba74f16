"""The Directory port, on the in-memory workspace and on Slack's wire."""

from collections.abc import AsyncIterator

import pytest

from bot.domain.caller import UserGroup
from bot.domain.errors import NotFound
from bot.ports import Directory
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.server import BOT_TOKEN, SlackServer
from integrations.slack import SlackApi, SlackDirectory
from tests.fakes.directory import FakeDirectory


@pytest.fixture(params=["fake", "slack"])
async def directory(request: pytest.FixtureRequest) -> AsyncIterator[Directory]:
    if request.param == "fake":
        yield FakeDirectory.seeded()
        return
    async with serve(SlackServer().app) as url:
        api = SlackApi(lambda: BOT_TOKEN, f"{url}/api/")
        yield SlackDirectory(api)
        await api.aclose()


async def test_a_caller_comes_with_the_groups_by_id_and_by_handle(directory: Directory) -> None:
    """S7."""
    bo = await directory.caller("U0BO", "T0PILOT")
    assert (bo.id, bo.person.name.lower(), bo.person.email) == ("U0BO", "bo", "bo@example.com")
    assert bo.groups == {"S0RELEASE", "release-managers"}
    assert (bo.active, bo.guest, bo.bot, bo.foreign) == (True, False, False, False)


async def test_a_guest_is_a_guest(directory: Directory) -> None:
    gus = await directory.caller("U0GUS")
    assert gus.guest
    assert not gus.groups


async def test_a_request_from_another_workspace_is_foreign(directory: Directory) -> None:
    assert (await directory.caller("U0ANA", "T0OTHER")).foreign


async def test_an_unknown_user_is_not_found(directory: Directory) -> None:
    with pytest.raises(NotFound):
        await directory.caller("U0NOBODY")


@pytest.mark.parametrize("name", ["S0RELEASE", "release-managers", "@release-managers"])
async def test_members_by_id_or_handle(directory: Directory, name: str) -> None:
    assert await directory.members(name) == {"U0BO", "U0MIA"}


async def test_an_unknown_group_is_not_found(directory: Directory) -> None:
    with pytest.raises(NotFound):
        await directory.members("@nobody")


async def test_by_email(directory: Directory) -> None:
    assert (await directory.by_email("Mia@example.com")).id == "U0MIA"
    with pytest.raises(NotFound):
        await directory.by_email("nobody@example.com")


@pytest.mark.parametrize("name", ["S0RELEASE", "release-managers", "@release-managers"])
async def test_a_group_by_id_or_handle(directory: Directory, name: str) -> None:
    """S7."""
    assert await directory.group(name) == UserGroup("S0RELEASE", "release-managers", frozenset({"U0BO", "U0MIA"}))
