"""files.*: the three steps of upload v2 (S9)."""

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Channel, Json, StoredFile
from integrations.sandbox.slack.web_api.call import Call, Method

SHARE_DELAY = 0.05


async def get_upload_url(call: Call) -> Json:
    name, length = call.args.required("filename"), call.args.number("length", 0)
    if length <= 0:
        raise SlackError("invalid_arguments", ["missing required field: length"])
    alt_txt = call.args.text("alt_txt")
    file, path = call.core.files.reserve(name, length, call.core.workspace.app.bot_user_id, alt_txt)
    return {"upload_url": call.core.public_url + path, "file_id": file.id}


async def complete_upload(call: Call) -> Json:
    """The reply comes before the message does: its `shares` are still empty (S9)."""
    files = _named_files(call)
    channels = _channels(call)
    for file in files:
        file.completed = True
    base, team = call.core.public_url, call.core.workspace.team
    thread_ts = call.args.text("thread_ts")
    if thread_ts and any(call.core.timeline.find(channel.id, thread_ts) is None for channel in channels):
        raise SlackError("invalid_thread_ts")
    reply = {"files": [wire.file_object(file, team, base, looked_at=False) for file in files]}
    for channel in channels:
        call.core.later(_share(call.core, channel, files, call.args.text("initial_comment"), thread_ts))
    return reply


async def _share(core: Core, channel: Channel, files: list[StoredFile], comment: str, thread_ts: str) -> None:
    await core.clock.sleep(SHARE_DELAY)
    shown = [wire.file_object(file, core.workspace.team, core.public_url) for file in files]
    app = core.workspace.app
    message = core.timeline.post(
        channel, app.bot_user_id, text=comment, thread_ts=thread_ts, bot_id=app.bot_id, files=shown
    )
    for file in files:
        file.shares.setdefault(channel.id, []).append({"ts": message.ts, "channel_name": channel.name})


async def info(call: Call) -> Json:
    file = call.core.files.find(call.args.required("file"))
    if file is None or not file.completed:
        raise SlackError("file_not_found")
    return {"file": wire.file_object(file, call.core.workspace.team, call.core.public_url)}


def _named_files(call: Call) -> list[StoredFile]:
    listed = call.args.data("files", "invalid_arguments")
    if not isinstance(listed, list) or not listed or not all(isinstance(part, dict) for part in listed):
        raise SlackError("invalid_arguments", ["missing required field: files"])
    found = []
    for part in listed:
        file = call.core.files.find(str(part.get("id", "")))
        if file is None or file.content is None or file.completed:
            raise SlackError("file_not_found")
        file.title = str(part.get("title") or file.name)
        found.append(file)
    return found


def _channels(call: Call) -> list[Channel]:
    ids = [ref for ref in [call.args.text("channel_id"), *call.args.text("channels").split(",")] if ref]
    channels = [call.core.workspace.channels.get(ref) for ref in ids]
    if None in channels:
        raise SlackError("channel_not_found")
    whole = [channel for channel in channels if channel]
    if any(call.core.workspace.app.bot_user_id not in channel.members for channel in whole):
        raise SlackError("not_in_channel")
    return whole


METHODS = (
    Method("files.getUploadURLExternal", get_upload_url, Tier.FOUR, "files:write", json=False),
    Method("files.completeUploadExternal", complete_upload, Tier.FOUR, "files:write"),
    Method("files.info", info, Tier.FOUR, "files:read", json=False),
)
