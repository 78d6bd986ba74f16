"""A real Slack workspace. Reads; and, where a channel is named, one message that is edited and deleted again."""

import uuid
from collections.abc import AsyncIterator

import pytest

from bot.domain.errors import NotFound, Refused
from bot.ports import FileUpload, Rendered
from bot.settings import Settings
from integrations.slack import SlackApi, SlackDirectory, SlackMessenger, probe
from integrations.slack.probe import is_in, socket_mode
from tests.live.environment import needed

pytestmark = pytest.mark.live

SECTION = {"type": "section", "text": {"type": "mrkdwn", "text": "Pilothouse live test: ignore me."}}


@pytest.fixture
async def api() -> AsyncIterator[SlackApi]:
    needed("PILOTHOUSE_SLACK__BOT_TOKEN")
    slack = Settings().slack
    made = SlackApi(slack.credential("bot_token"), slack.api_url, tls=slack)
    yield made
    await made.aclose()


async def test_the_token_is_good_and_has_every_scope(api: SlackApi) -> None:
    seen = await probe(api)
    assert seen.team
    assert seen.bot_user
    assert seen.missing == {}


async def test_a_person_by_id_and_by_email_is_the_same(api: SlackApi) -> None:
    """S7, S8."""
    (user,) = needed("LIVE_SLACK_USER")
    directory = SlackDirectory(api)
    caller = await directory.caller(user)
    assert caller.person.id == user
    assert (caller.bot, caller.foreign) == (False, False)
    if caller.person.email:
        assert (await directory.by_email(caller.person.email)).person == caller.person
    for group in sorted(caller.groups)[:2]:
        assert user in await directory.members(group)


async def test_who_does_not_exist_is_not_found(api: SlackApi) -> None:
    directory = SlackDirectory(api)
    with pytest.raises(NotFound):
        await directory.caller("U00000000000")
    with pytest.raises(NotFound):
        await directory.members("pilothouse-live-test-that-does-not-exist")


async def test_the_bot_itself_is_known_as_a_bot(api: SlackApi) -> None:
    seen = await probe(api)
    caller = await SlackDirectory(api).caller(seen.bot_user)
    assert caller.bot
    assert not caller.foreign


async def test_a_message_is_posted_once_edited_and_deleted(api: SlackApi) -> None:
    """S3, S4, S18: a second post with the same key finds the first."""
    (channel,) = needed("LIVE_SLACK_CHANNEL")
    assert await is_in(api, channel)
    messenger, key = SlackMessenger(api), uuid.uuid4().hex
    posted = await messenger.post(channel, Rendered("Pilothouse live test", (SECTION,)), key=key)
    try:
        assert await messenger.post(channel, Rendered("Once more", (SECTION,)), key=key) == posted
        await messenger.update(posted, Rendered("Edited", (SECTION,)))
        history = await api.read(
            "conversations.history", channel=posted.channel, latest=posted.ts, inclusive=True, limit=1
        )
        assert history["messages"][0]["text"] == "Edited"
    finally:
        await api.write("chat.delete", channel=posted.channel, ts=posted.ts)


async def test_a_long_log_is_uploaded_and_deleted(api: SlackApi) -> None:
    """S9: the message comes a little later, so the file is looked for by its title."""
    (channel,) = needed("LIVE_SLACK_CHANNEL")
    needed("LIVE_SLACK_FILES")
    title = f"pilothouse-live-test-{uuid.uuid4().hex}"
    await SlackMessenger(api).upload(channel, FileUpload("log.txt", b"line\n" * 100, title))
    found = [file for file in (await api.read("files.list", count=20))["files"] if file.get("title") == title]
    assert found
    for file in found:
        await api.write("files.delete", file=file["id"])


async def test_a_wrong_app_level_token_is_told_as_that() -> None:
    """S21: needs no token at all."""
    needed("PILOTHOUSE_SLACK__BOT_TOKEN")
    slack = Settings().slack
    api = SlackApi(lambda: "xapp-1-A0000000000-0000000000000-pilothouse-live-test", slack.api_url, tls=slack)
    try:
        with pytest.raises(Refused, match="auth"):
            await socket_mode(api)
    finally:
        await api.aclose()


async def test_socket_mode_says_hello() -> None:
    """S21. What Slack sends on this connection meanwhile is asked again: see S24."""
    needed("PILOTHOUSE_SLACK__APP_TOKEN")
    slack = Settings().slack
    api = SlackApi(slack.credential("app_token"), slack.api_url, tls=slack)
    try:
        assert await socket_mode(api) >= 1
    finally:
        await api.aclose()
