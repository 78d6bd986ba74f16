"""The Messenger port, on the in-memory workspace and on Slack's wire."""

from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass

import pytest

from bot.domain.errors import NotFound
from bot.ports import Posted, Rendered
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.server import BOT_TOKEN, SlackServer
from integrations.slack import SlackApi, SlackMessenger
from integrations.slack.edits import Edits
from tests.fakes.messenger import FakeMessenger

HELLO, AGAIN = Rendered("Hello"), Rendered("Hello again")


@dataclass
class Stage:
    """`seen` lists (text, thread) of what ana sees in a channel ("dm" for her own with the bot)."""

    messenger: FakeMessenger | SlackMessenger
    seen: Callable[[str], list[tuple[str, str]]]
    delete: Callable[[Posted], None]


@pytest.fixture(params=["fake", "slack"])
async def stage(request: pytest.FixtureRequest) -> AsyncIterator[Stage]:
    if request.param == "fake":
        fake = FakeMessenger()
        yield Stage(fake, lambda channel: seen_in(fake, channel), fake.delete)
        return
    workspace = SlackServer()
    async with serve(workspace.app) as url:
        api = SlackApi(lambda: BOT_TOKEN, f"{url}/api/")

        def read(channel: str) -> list[tuple[str, str]]:
            shown = workspace.messages(channel, "ana")
            return [(one["text"], one.get("thread_ts", "")) for one in shown]

        def delete(posted: Posted) -> None:
            found = workspace._core.timeline.find(posted.channel, posted.ts)
            assert found is not None
            workspace._core.timeline.delete(found)

        yield Stage(SlackMessenger(api, edits=Edits(0)), read, delete)
        await api.aclose()


def seen_in(fake: FakeMessenger, channel: str) -> list[tuple[str, str]]:
    where = "D0ANA" if channel == "dm" else channel
    shown = [one for one in fake.messages if one.posted.channel == where and one.only_for in ("", "U0ANA")]
    return [(one.shown.text, one.thread) for one in shown]


async def test_post_and_update(stage: Stage) -> None:
    posted = await stage.messenger.post("C0DEPLOY", HELLO)
    assert posted.channel == "C0DEPLOY"
    await stage.messenger.update(posted, AGAIN)
    assert stage.seen("C0DEPLOY") == [("Hello again", "")]


async def test_the_same_key_posts_once_and_shows_the_newest(stage: Stage) -> None:
    """S3, S18."""
    first = await stage.messenger.post("C0DEPLOY", HELLO, key="card:1")
    assert await stage.messenger.post("C0DEPLOY", AGAIN, key="card:1") == first
    assert stage.seen("C0DEPLOY") == [("Hello again", "")]
    assert await stage.messenger.post("C0DEPLOY", HELLO, key="card:2") != first


async def test_a_key_in_a_thread(stage: Stage) -> None:
    """S3."""
    root = await stage.messenger.post("C0DEPLOY", HELLO)
    note = await stage.messenger.post("C0DEPLOY", Rendered("note"), thread=root.ts, key="note:1")
    assert await stage.messenger.post("C0DEPLOY", Rendered("note"), thread=root.ts, key="note:1") == note
    assert ("note", root.ts) in stage.seen("C0DEPLOY")
    assert len(stage.seen("C0DEPLOY")) == 2


async def test_an_update_of_a_message_that_is_gone(stage: Stage) -> None:
    """S4."""
    posted = await stage.messenger.post("C0DEPLOY", HELLO)
    stage.delete(posted)
    with pytest.raises(NotFound):
        await stage.messenger.update(posted, AGAIN)


async def test_whispers_are_heard_by_one(stage: Stage) -> None:
    """S14."""
    await stage.messenger.whisper("C0DEPLOY", "U0BO", HELLO)
    await stage.messenger.whisper("C0DEPLOY", "U0ANA", AGAIN)
    assert stage.seen("C0DEPLOY") == [("Hello again", "")]


async def test_direct(stage: Stage) -> None:
    posted = await stage.messenger.direct("U0ANA", HELLO)
    await stage.messenger.update(posted, AGAIN)
    assert stage.seen("dm") == [("Hello again", "")]


async def test_a_user_in_the_place_of_a_channel(stage: Stage) -> None:
    first = await stage.messenger.post("U0ANA", HELLO, key="result:1")
    assert await stage.messenger.post("U0ANA", HELLO, key="result:1") == first
    assert stage.seen("dm") == [("Hello", "")]


async def test_a_first_try_looks_for_nothing(stage: Stage) -> None:
    """S3, S18: who has noted that it tries may leave out the search; what it posts is found by a later one."""
    first = await stage.messenger.post("C0DEPLOY", HELLO, key="card:1", first=True)
    assert await stage.messenger.post("C0DEPLOY", AGAIN, key="card:1") == first
    assert await stage.messenger.post("C0DEPLOY", AGAIN, key="card:1", first=True) != first


async def test_a_message_has_a_link_until_it_is_removed(stage: Stage) -> None:
    """chat.getPermalink answers the workspace's own address; of what is gone both say so."""
    posted = await stage.messenger.post("U0ANA", HELLO)
    link = await stage.messenger.permalink(posted)
    assert link.startswith("https://")
    assert link.endswith(f"/archives/{posted.channel}/p{posted.ts.replace('.', '')}")
    await stage.messenger.remove(posted)
    assert not stage.seen("dm")
    for gone in (stage.messenger.permalink, stage.messenger.remove):
        with pytest.raises(NotFound):
            await gone(posted)
