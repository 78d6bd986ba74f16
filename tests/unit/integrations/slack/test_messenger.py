"""What SlackMessenger makes of a message on the wire."""

import asyncio
from typing import Any

import pytest

from bot.domain.errors import NotFound, Refused
from bot.ports import FileUpload, Posted, Rendered
from bot.views import card
from integrations.sandbox.slack.server import SlackServer
from integrations.slack import SlackApi, SlackMessenger
from integrations.slack.edits import Edits
from tests.views.samples import promotion
from tests.waiting import until

NOTE = Rendered("note", ({"type": "section", "text": {"type": "mrkdwn", "text": "note"}},))


async def test_the_colour_is_beside_small_print_and_buttons_are_not_folded_away(
    workspace: SlackServer, messenger: SlackMessenger
) -> None:
    await messenger.post("C0DEPLOY", card(promotion()))
    [message] = workspace.messages("C0DEPLOY", "bo")
    assert [block["type"] for block in message["blocks"]] == ["header", "section", "actions", "section"]
    [attachment] = message["attachments"]
    assert attachment["color"] == "f4c030"
    assert [block["type"] for block in attachment["blocks"]] == ["context"]
    assert not workspace.complaints


@pytest.mark.parametrize("last", [*NOTE.blocks, *card(promotion()).blocks[2:3]])
async def test_a_list_is_not_torn_apart_and_buttons_at_the_end_are_not_folded_away(
    last: dict[str, Any], workspace: SlackServer, messenger: SlackMessenger
) -> None:
    await messenger.post("C0DEPLOY", Rendered("List", (*NOTE.blocks, last), "f4c030"))
    [message] = workspace.messages("C0DEPLOY", "bo")
    assert [block["type"] for block in message["blocks"]] == ["section", last["type"]]
    assert not message.get("attachments")


async def test_an_edit_leaves_nothing_of_what_was_there(workspace: SlackServer, messenger: SlackMessenger) -> None:
    """S4."""
    posted = await messenger.post("C0DEPLOY", card(promotion()))
    await messenger.update(posted, Rendered("Gone."))
    [message] = workspace.messages("C0DEPLOY", "bo")
    assert (message["text"], message["blocks"], message.get("attachments")) == ("Gone.", [], None)


async def test_a_broadcast_reply_is_in_the_channel_too(workspace: SlackServer, messenger: SlackMessenger) -> None:
    root = await messenger.post("C0DEPLOY", NOTE)
    await messenger.post("C0DEPLOY", NOTE, thread=root.ts, broadcast=True)
    assert workspace.messages("C0DEPLOY", "bo")[1]["broadcast"]


async def test_upload(workspace: SlackServer, messenger: SlackMessenger) -> None:
    """S9: sharing is asynchronous."""
    await messenger.upload("C0DEPLOY", FileUpload("run.log", b"line 1\nline 2\n", "The log", "Two lines", "Here it is"))
    await until(lambda: workspace.messages("C0DEPLOY", "bo"))
    shown = workspace.messages("C0DEPLOY", "bo")
    [file] = shown[0]["files"]
    assert (file["name"], file["title"], file["alt_txt"]) == ("run.log", "The log", "Two lines")
    assert shown[0]["text"] == "Here it is"
    assert workspace.file_content(file["id"])[0] == b"line 1\nline 2\n"


async def test_a_key_is_looked_for_on_older_pages_too(workspace: SlackServer, messenger: SlackMessenger) -> None:
    first = await messenger.post("C0DEPLOY", NOTE, key="card:1")
    for number in range(120):
        workspace.message("ana", "C0DEPLOY", f"chatter {number}")
    assert await messenger.post("C0DEPLOY", NOTE, key="card:1") == first


async def test_where_the_bot_may_not_read_it_still_posts(workspace: SlackServer, messenger: SlackMessenger) -> None:
    scopes = workspace.config.bot_scopes
    workspace.config.bot_scopes = tuple(scope for scope in scopes if scope != "channels:history")
    assert (await messenger.post("C0DEPLOY", NOTE, key="card:1")).channel == "C0DEPLOY"


async def test_a_refusal_says_what_is_wrong_and_what_helps(workspace: SlackServer, messenger: SlackMessenger) -> None:
    workspace.set_members("C0INC", ["U0ANA"])
    with pytest.raises(Refused, match="not_in_channel: invite the bot to the channel"):
        await messenger.post("C0INC", NOTE)
    wrong = Rendered("x", ({"type": "header", "text": {"type": "plain_text", "text": "x" * 151}},))
    with pytest.raises(Refused, match=r"invalid_blocks.*must be less than 151 characters"):
        await messenger.post("C0DEPLOY", wrong)


async def test_only_edits_that_were_overtaken_are_dropped(workspace: SlackServer, api: SlackApi) -> None:
    messenger = SlackMessenger(api, edits=Edits(0.1))
    posted = await messenger.post("C0DEPLOY", Rendered("0"))
    await asyncio.gather(*(messenger.update(posted, Rendered(str(number))) for number in range(1, 20)))
    [message] = workspace.messages("C0DEPLOY", "bo")
    assert message["text"] == "19"
    stored = workspace._core.timeline.find(posted.channel, posted.ts)
    assert stored is not None
    assert len(stored.revisions) <= 3


async def test_edits_of_different_messages_do_not_wait_for_each_other(api: SlackApi) -> None:
    messenger = SlackMessenger(api, edits=Edits(300))
    places = [await messenger.post("C0DEPLOY", NOTE) for _ in range(4)]
    async with asyncio.timeout(60):
        await asyncio.gather(*(messenger.update(place, NOTE) for place in places))


async def test_the_newest_edit_tells_its_error() -> None:
    edits, sent = Edits(0.01), []

    async def fine() -> None:
        sent.append("fine")

    async def wrong() -> None:
        raise Refused("Slack", "chat.update", "edit_window_closed")

    place = Posted("C", "1")
    results = await asyncio.gather(
        edits.submit(place, fine), edits.submit(place, fine), edits.submit(place, wrong), return_exceptions=True
    )
    assert [isinstance(one, Refused) for one in results] == [False, False, True]
    assert await edits.submit(place, fine)
    assert sent[-1] == "fine"


@pytest.mark.parametrize("name", ["#deployments", "deployments"])
async def test_a_channel_by_name(workspace: SlackServer, messenger: SlackMessenger, name: str) -> None:
    """S4: editing needs the id, so names are looked up before anything is posted."""
    posted = await messenger.post(name, NOTE, key="card:1")
    assert posted.channel == "C0DEPLOY"
    assert await messenger.post(name, NOTE, key="card:1") == posted
    await messenger.whisper(name, "U0ANA", NOTE)
    with pytest.raises(NotFound, match="#nowhere: create it, and invite the bot"):
        await messenger.post("#nowhere", NOTE)
