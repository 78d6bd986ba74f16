"""The Web API as slack_sdk's AsyncWebClient meets it."""

from typing import Any

import aiohttp
import pytest
from slack_sdk.errors import SlackApiError
from slack_sdk.web.async_client import AsyncWebClient

from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import APP_TOKEN, BOT_TOKEN
from tests.unit.integrations.sandbox.slack.conftest import Workspace
from tests.waiting import until


def section(text: str = "hello") -> dict[str, Any]:
    return {"type": "section", "text": {"type": "mrkdwn", "text": text}}


async def refused(workspace: Workspace, method: str, **arguments: Any) -> str:
    with pytest.raises(SlackApiError) as caught:
        await workspace.client.api_call(method, json=arguments)
    return str(caught.value.response["error"])


async def test_refusals_are_status_200(workspace: Workspace) -> None:
    """S1."""
    with pytest.raises(SlackApiError) as caught:
        await workspace.client.chat_postMessage(channel="C0NOWHERE", text="hello")
    response: Any = caught.value.response
    assert (response.status_code, response["ok"], response["error"]) == (200, False, "channel_not_found")


@pytest.mark.parametrize(
    ("token", "method", "error"),
    [
        ("", "auth.test", "not_authed"),
        ("xoxb-wrong", "auth.test", "invalid_auth"),
        (APP_TOKEN, "auth.test", "not_allowed_token_type"),
        (BOT_TOKEN, "apps.connections.open", "not_allowed_token_type"),
        (BOT_TOKEN, "chat.shout", "unknown_method"),
    ],
)
async def test_token_is_checked(workspace: Workspace, token: str, method: str, error: str) -> None:
    client = AsyncWebClient(token, base_url=workspace.client.base_url)
    with pytest.raises(SlackApiError) as caught:
        await client.api_call(method)
    assert caught.value.response["error"] == error


async def test_missing_scope_names_what_is_needed_and_provided(workspace: Workspace) -> None:
    workspace.slack.config.bot_scopes = ("users:read", "commands")
    with pytest.raises(SlackApiError) as caught:
        await workspace.client.chat_postMessage(channel="#general", text="hello")
    data: Any = caught.value.response.data
    assert (data["error"], data["needed"], data["provided"]) == (
        "missing_scope",
        "chat:write",
        "commands,users:read",
    )


async def test_replies_tell_the_scopes_of_the_token(workspace: Workspace) -> None:
    response = await workspace.client.auth_test()
    assert "chat:write" in response.headers["x-oauth-scopes"]


async def test_email_needs_its_own_scope(workspace: Workspace) -> None:
    assert (await workspace.client.users_info(user="U0ANA"))["user"]["profile"]["email"] == "ana@example.com"
    workspace.slack.config.bot_scopes = ("users:read",)
    assert "email" not in (await workspace.client.users_info(user="U0ANA"))["user"]["profile"]


async def test_too_many_calls_are_429_with_retry_after(workspace: Workspace) -> None:
    """S2: per method; the SDK does not retry it by itself."""
    workspace.slack.limits = RateLimits(tolerance=0, tiers={"usergroups.list": 2})
    for _ in range(2):
        await workspace.client.usergroups_list()
    with pytest.raises(SlackApiError) as caught:
        await workspace.client.usergroups_list()
    response: Any = caught.value.response
    assert (response.status_code, response["error"]) == (429, "ratelimited")
    assert int(response.headers["Retry-After"]) == 30
    await workspace.client.users_info(user="U0ANA")


async def test_posts_are_limited_by_channel(workspace: Workspace) -> None:
    """S2: about one message a second and channel, bursts tolerated."""
    workspace.slack.limits = RateLimits(channel_burst=3)
    for _ in range(3):
        await workspace.client.chat_postMessage(channel="C0DEPLOY", text="hello")
    with pytest.raises(SlackApiError) as caught:
        await workspace.client.chat_postMessage(channel="C0DEPLOY", text="hello")
    response: Any = caught.value.response
    assert (response.status_code, response.headers["Retry-After"]) == (429, "1")
    await workspace.client.chat_postMessage(channel="C0GENERAL", text="elsewhere")


async def test_json_and_form_bodies_are_the_same_call(workspace: Workspace) -> None:
    url, auth = f"{workspace.url}/api/chat.postMessage", {"Authorization": f"Bearer {BOT_TOKEN}"}
    async with aiohttp.ClientSession() as session:
        form = {"channel": "C0DEPLOY", "text": "form", "blocks": '[{"type":"divider"}]'}
        async with session.post(url, data=form, headers=auth) as response:
            assert (await response.json())["ok"]
        async with session.post(url, json={"channel": "C0DEPLOY", "text": "json"}, headers=auth) as response:
            assert (await response.json())["warning"] == "missing_charset"
        async with session.post(url, data=b"[]", headers={**auth, "Content-Type": "application/json"}) as response:
            assert (await response.json())["error"] == "json_not_object"
    assert [m["text"] for m in workspace.slack.messages("deployments", "ana")] == ["form", "json"]


async def test_read_methods_do_not_look_into_json(workspace: Workspace) -> None:
    """S28: they only take forms; the argument is simply missing."""
    assert await refused(workspace, "users.info", user="U0ANA") == "user_not_found"
    assert await refused(workspace, "files.getUploadURLExternal", filename="a", length=1) == "invalid_arguments"


async def test_posting_needs_text_blocks_or_attachments(workspace: Workspace) -> None:
    assert await refused(workspace, "chat.postMessage", channel="C0DEPLOY") == "no_text"
    assert await refused(workspace, "chat.postMessage", channel="C0DEPLOY", blocks="[{") == "invalid_blocks_format"


async def test_posting_needs_membership(workspace: Workspace) -> None:
    workspace.slack.set_members("general", ["ana"])
    assert await refused(workspace, "chat.postMessage", channel="C0GENERAL", text="hello") == "not_in_channel"
    workspace.slack.config.bot_scopes += ("chat:write.public",)
    await workspace.client.chat_postMessage(channel="C0GENERAL", text="hello")


async def test_blocks_without_fallback_text_are_warned_about(workspace: Workspace) -> None:
    """S5: Slack lets them pass."""
    response = await workspace.client.api_call("chat.postMessage", json={"channel": "C0DEPLOY", "blocks": [section()]})
    assert "missing_text_in_message" in response["warning"]
    assert any("no text" in complaint for complaint in workspace.slack.complaints)


async def test_long_text_is_cut_on_posting_and_refused_on_updating(workspace: Workspace) -> None:
    """S5."""
    posted = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="x" * 40_001)
    assert "message_truncated" in posted["warning"]
    assert len(posted["message"]["text"]) == 40_000
    refusal = await refused(workspace, "chat.update", channel="C0DEPLOY", ts=posted["ts"], text="x" * 4001)
    assert refusal == "msg_too_long"


async def test_invalid_blocks_say_where(workspace: Workspace) -> None:
    """S19: the whole message is refused, the details are in response_metadata.messages."""
    with pytest.raises(SlackApiError) as caught:
        await workspace.client.chat_postMessage(channel="C0DEPLOY", text="x", blocks=[section("y" * 3001)])
    data: Any = caught.value.response.data
    assert data["error"] == "invalid_blocks"
    assert data["response_metadata"]["messages"] == [
        "[ERROR] must be less than 3001 characters [json-pointer:/blocks/0/text/text]"
    ]
    assert workspace.slack.messages("deployments", "ana") == []


async def test_update_of_text_alone_removes_blocks(workspace: Workspace) -> None:
    """S4."""
    posted = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="a", blocks=[section()])
    await workspace.client.chat_update(channel="C0DEPLOY", ts=posted["ts"], text="b")
    (message,) = workspace.slack.messages("deployments", "ana")
    assert (message["text"], message["blocks"], message["edited"]["user"]) == ("b", [], "U0PILOTHOUSE")


async def test_update_wants_an_id_and_a_message_of_its_own(workspace: Workspace) -> None:
    """S4."""
    posted = await workspace.client.chat_postMessage(channel="#deployments", text="a")
    ts = posted["ts"]
    assert await refused(workspace, "chat.update", channel="deployments", ts=ts, text="b") == "channel_not_found"
    assert await refused(workspace, "chat.update", channel="C0DEPLOY", ts="1.2", text="b") == "message_not_found"
    theirs = workspace.slack.message("ana", "deployments", "mine")["ts"]
    assert await refused(workspace, "chat.update", channel="C0DEPLOY", ts=theirs, text="b") == "cant_update_message"
    assert await refused(workspace, "chat.delete", channel="C0DEPLOY", ts=theirs) == "cant_delete_message"
    workspace.slack.config.edit_window = 0
    assert await refused(workspace, "chat.update", channel="C0DEPLOY", ts=ts, text="b") == "edit_window_closed"


async def test_ephemeral_messages_are_for_one_and_for_no_history(workspace: Workspace) -> None:
    """S4, S14."""
    sent = await workspace.client.chat_postEphemeral(channel="C0DEPLOY", user="U0BO", text="only you")
    assert workspace.slack.messages("deployments", "bo")[0]["ephemeral"]
    assert workspace.slack.messages("deployments", "ana") == []
    assert (await workspace.client.conversations_history(channel="C0DEPLOY"))["messages"] == []
    ts = sent["message_ts"]
    assert await refused(workspace, "chat.update", channel="C0DEPLOY", ts=ts, text="b") == "message_not_found"
    gus = await refused(workspace, "chat.postEphemeral", channel="C0DEPLOY", user="U0GUS", text="x")
    assert gus == "user_not_in_channel"


async def test_threads_history_and_permalinks(workspace: Workspace) -> None:
    root = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="card")
    reply = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="detail", thread_ts=root["ts"])
    (only,) = (await workspace.client.conversations_history(channel="C0DEPLOY"))["messages"]
    assert (only["ts"], only["reply_count"], only["latest_reply"]) == (root["ts"], 1, reply["ts"])
    thread = (await workspace.client.conversations_replies(channel="C0DEPLOY", ts=root["ts"]))["messages"]
    assert [message["text"] for message in thread] == ["card", "detail"]
    link = await workspace.client.chat_getPermalink(channel="C0DEPLOY", message_ts=reply["ts"])
    assert link["permalink"].endswith(f"/C0DEPLOY/p{reply['ts'].replace('.', '')}?thread_ts={root['ts']}&cid=C0DEPLOY")
    nowhere = await refused(workspace, "chat.postMessage", channel="C0DEPLOY", text="x", thread_ts="1.2")
    assert nowhere == "thread_not_found"


async def test_metadata_is_read_back_only_on_request_and_kept_by_updates(workspace: Workspace) -> None:
    """S18."""
    metadata: dict[str, Any] = {"event_type": "promotion", "event_payload": {"id": "p1"}}
    posted = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="a", metadata=metadata)
    await workspace.client.chat_update(channel="C0DEPLOY", ts=posted["ts"], text="b")
    plain = await workspace.client.conversations_history(channel="C0DEPLOY")
    whole = await workspace.client.conversations_history(channel="C0DEPLOY", include_all_metadata=True)
    assert "metadata" not in plain["messages"][0]
    assert whole["messages"][0]["metadata"] == metadata
    await workspace.client.chat_update(channel="C0DEPLOY", ts=posted["ts"], text="c", metadata={})
    assert "metadata" not in workspace.slack.messages("deployments", "ana")[0]
    broken = await refused(workspace, "chat.postMessage", channel="C0DEPLOY", text="x", metadata={"event_type": "x"})
    assert broken == "invalid_metadata_format"


async def test_another_name_needs_its_scope(workspace: Workspace) -> None:
    """S8: it is ignored without."""
    await workspace.client.chat_postMessage(channel="C0DEPLOY", text="a", username="root")
    workspace.slack.config.bot_scopes += ("chat:write.customize",)
    await workspace.client.chat_postMessage(channel="C0DEPLOY", text="b", username="root")
    first, second = workspace.slack.messages("deployments", "ana")
    assert "username" not in first
    assert second["username"] == "root"


async def test_groups_list_only_ids_and_a_deactivated_member_stays_a_while(workspace: Workspace) -> None:
    """S7: membership is eventually consistent, so users.info has the last word."""
    workspace.slack.deactivate("bo")
    assert (await workspace.client.usergroups_users_list(usergroup="S0RELEASE"))["users"] == ["U0BO", "U0MIA"]
    assert (await workspace.client.users_info(user="U0BO"))["user"]["deleted"]
    workspace.slack.set_group("release-managers", ["mia"])
    assert (await workspace.client.usergroups_users_list(usergroup="S0RELEASE"))["users"] == ["U0MIA"]
    groups = (await workspace.client.usergroups_list())["usergroups"]
    assert [group["handle"] for group in groups] == ["engineers", "release-managers", "platform-admins"]
    with pytest.raises(SlackApiError, match="no_such_subteam"):
        await workspace.client.usergroups_users_list(usergroup="S0NONE")


async def test_users_are_paged_and_found_by_email(workspace: Workspace) -> None:
    names: list[str] = []
    async for page in await workspace.client.users_list(limit=3):
        names += [user["name"] for user in page["members"]]
    assert names[:6] == ["ana", "bo", "mia", "cy", "dee", "gus"]
    assert len(names) == 8
    found = await workspace.client.users_lookupByEmail(email="MIA@example.com")
    assert found["user"]["id"] == "U0MIA"
    guest = (await workspace.client.users_info(user="U0GUS"))["user"]
    assert (guest["is_restricted"], guest["is_ultra_restricted"]) == (True, True)
    with pytest.raises(SlackApiError, match="users_not_found"):
        await workspace.client.users_lookupByEmail(email="nobody@example.com")
    with pytest.raises(SlackApiError, match="invalid_cursor"):
        await workspace.client.users_list(limit=3, cursor="%%")


async def test_direct_messages(workspace: Workspace) -> None:
    opened = await workspace.client.conversations_open(users=["U0ANA"])
    await workspace.client.chat_postMessage(channel=opened["channel"]["id"], text="by channel")
    await workspace.client.chat_postMessage(channel="U0ANA", text="by user")
    assert [message["text"] for message in workspace.slack.messages("dm", "ana")] == ["by channel", "by user"]
    assert workspace.slack.messages("@pilothouse", "bo") == []
    assert await refused(workspace, "conversations.open", users="U0PILOTHOUSE") == "cannot_dm_bot"
    listed = await workspace.client.conversations_list(types="public_channel,im")
    assert {"C0DEPLOY", "C0GENERAL", "C0INC", opened["channel"]["id"]} <= {c["id"] for c in listed["channels"]}


async def test_members_and_info_of_a_channel(workspace: Workspace) -> None:
    members = (await workspace.client.conversations_members(channel="C0GENERAL"))["members"]
    assert "U0GUS" in members
    assert "U0GUS" not in (await workspace.client.conversations_members(channel="C0DEPLOY"))["members"]
    info = await workspace.client.conversations_info(channel="C0DEPLOY", include_num_members=True)
    assert (info["channel"]["name"], info["channel"]["is_member"], info["channel"]["num_members"]) == (
        "deployments",
        True,
        6,
    )


async def test_file_upload_v2_is_shared_after_its_reply(workspace: Workspace) -> None:
    """S9."""
    root = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="card")
    done = await workspace.client.files_upload_v2(
        filename="run-tests.log",
        content="1 failed",
        channel="C0DEPLOY",
        thread_ts=root["ts"],
        initial_comment="The whole log",
    )
    assert done["files"][0]["shares"] == {}
    await until(lambda: len(workspace.slack.messages("deployments", "ana")) == 2)
    shared = workspace.slack.messages("deployments", "ana")[1]
    assert (shared["text"], shared["thread_ts"]) == ("The whole log", root["ts"])
    assert workspace.slack.file_content(shared["files"][0]["id"])[0] == b"1 failed"
    async with aiohttp.ClientSession() as session:
        async with session.get(shared["files"][0]["url_private"]) as response:
            assert response.status == 403
        auth = {"Authorization": f"Bearer {BOT_TOKEN}"}
        async with session.get(shared["files"][0]["url_private"], headers=auth) as response:
            assert await response.read() == b"1 failed"


async def test_upload_has_the_announced_length(workspace: Workspace) -> None:
    """S9: the exact byte length."""
    slot = await workspace.client.files_getUploadURLExternal(filename="a.log", length=3)
    async with aiohttp.ClientSession() as session, session.post(slot["upload_url"], data=b"four") as response:
        assert response.status == 400
    files = [{"id": slot["file_id"], "title": "a"}]
    assert await refused(workspace, "files.completeUploadExternal", files=files) == "file_not_found"


async def test_reactions(workspace: Workspace) -> None:
    posted = await workspace.client.chat_postMessage(channel="C0DEPLOY", text="card")
    await workspace.client.reactions_add(channel="C0DEPLOY", timestamp=posted["ts"], name="eyes")
    assert workspace.slack.messages("deployments", "ana")[0]["reactions"] == [
        {"name": "eyes", "users": ["U0PILOTHOUSE"], "count": 1}
    ]
    again = await refused(workspace, "reactions.add", channel="C0DEPLOY", timestamp=posted["ts"], name="eyes")
    assert again == "already_reacted"
    await workspace.client.reactions_remove(channel="C0DEPLOY", timestamp=posted["ts"], name="eyes")
    assert "reactions" not in workspace.slack.messages("deployments", "ana")[0]
