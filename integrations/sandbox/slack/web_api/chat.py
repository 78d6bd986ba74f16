"""chat.*: posting, editing and deleting messages (S3-S6, S8, S18)."""

import json
from typing import Any

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.blockkit.surfaces import message_attachments, message_blocks
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Channel, Json, Message
from integrations.sandbox.slack.timeline import TEXT_MAX
from integrations.sandbox.slack.web_api.call import Call, Method

UPDATE_TEXT_MAX = 4000
METADATA_MAX = 8000


async def post_message(call: Call) -> Json:
    channel = _postable_channel(call)
    content = message_content(call)
    call.core.limiter.check_channel("chat.postMessage", channel.id)
    message = call.core.timeline.post(
        channel,
        call.core.workspace.app.bot_user_id,
        thread_ts=call.args.text("thread_ts"),
        broadcast=call.args.flag("reply_broadcast"),
        bot_id=call.core.workspace.app.bot_id,
        **content,
        **_persona(call),
    )
    shown = wire.message_object(message, call.core.workspace, with_metadata=True)
    return {"channel": channel.id, "ts": message.ts, "message": shown}


async def update(call: Call) -> Json:
    """Text without blocks removes the blocks (S4); metadata stays unless it is given (S18)."""
    message, content = _own_message(call), message_content(call)
    window = call.core.config.edit_window
    if window is not None and call.core.clock.now() - float(message.ts) > window:
        raise SlackError("edit_window_closed")
    if len(content["text"]) > UPDATE_TEXT_MAX:
        raise SlackError("msg_too_long")
    if "metadata" not in call.args:
        del content["metadata"]
    if "attachments" not in call.args:
        del content["attachments"]
    call.core.timeline.edit(message, call.core.workspace.app.bot_user_id, **content)
    shown = wire.message_object(message, call.core.workspace, with_metadata=True)
    return {"channel": message.channel, "ts": message.ts, "text": message.text, "message": shown}


async def delete(call: Call) -> Json:
    channel = call.channel()
    message = _stored(call, channel)
    if message.bot_id != call.core.workspace.app.bot_id:
        raise SlackError("cant_delete_message")
    call.core.timeline.delete(message)
    return {"channel": channel.id, "ts": message.ts}


async def post_ephemeral(call: Call) -> Json:
    """Seen by one person, never stored, never edited by chat.update (S14)."""
    channel = _postable_channel(call)
    user = call.args.required("user")
    if user not in channel.members:
        raise SlackError("user_not_in_channel")
    content = message_content(call)
    content.pop("metadata")
    message = call.core.timeline.post(
        channel,
        call.core.workspace.app.bot_user_id,
        thread_ts=call.args.text("thread_ts"),
        ephemeral_to=user,
        bot_id=call.core.workspace.app.bot_id,
        **content,
        **_persona(call),
    )
    return {"message_ts": message.ts}


async def get_permalink(call: Call) -> Json:
    channel = call.channel()
    message = call.core.timeline.find(channel.id, call.args.required("message_ts"))
    if message is None:
        raise SlackError("message_not_found")
    return {"channel": channel.id, "permalink": permalink(call.core.workspace.team.domain, message)}


def permalink(domain: str, message: Message) -> str:
    link = f"https://{domain}.slack.com/archives/{message.channel}/p{message.ts.replace('.', '')}"
    return f"{link}?thread_ts={message.thread_ts}&cid={message.channel}" if message.thread_ts else link


def message_content(call: Call) -> dict[str, Any]:
    """Text, blocks, attachments and metadata of a message, checked. Raises SlackError."""
    blocks = call.args.data("blocks", "invalid_blocks_format")
    attachments = call.args.data("attachments", "invalid_attachments")
    text = call.args.text("text") or call.args.text("markdown_text")
    if not (text or blocks or attachments):
        raise SlackError("no_text")
    if not isinstance(blocks or [], list):
        raise SlackError("invalid_blocks_format")
    content = {
        "text": text,
        "blocks": message_blocks(blocks) if blocks else [],
        "attachments": message_attachments(attachments) if attachments else [],
        "metadata": _metadata(call),
    }
    _warn(call, content)
    return content


def _warn(call: Call, content: dict[str, Any]) -> None:
    """Slack lets a message without fallback text pass, with a warning (S5)."""
    if not content["text"] and (content["blocks"] or any("blocks" in part for part in content["attachments"])):
        call.warnings.append("missing_text_in_message")
        call.core.complain("a message has blocks but no text: notifications and screen readers have nothing to show")
    if len(content["text"]) > TEXT_MAX:
        call.warnings.append("message_truncated")
        call.core.complain(f"a message of {len(content['text'])} characters was cut to {TEXT_MAX}")


def _metadata(call: Call) -> Json | None:
    metadata = call.args.data("metadata", "invalid_metadata_format")
    if not metadata:
        return None
    is_whole = isinstance(metadata, dict) and isinstance(metadata.get("event_type"), str)
    if not is_whole or not isinstance(metadata.get("event_payload"), dict):
        raise SlackError("invalid_metadata_format")
    if len(json.dumps(metadata)) > METADATA_MAX:
        raise SlackError("metadata_too_large")
    return {"event_type": metadata["event_type"], "event_payload": metadata["event_payload"]}


def _persona(call: Call) -> dict[str, str]:
    """Another name or icon is ignored without the scope for it (S8)."""
    if "chat:write.customize" not in call.scopes:
        return {}
    return {"username": call.args.text("username"), "icon": call.args.text("icon_emoji") or call.args.text("icon_url")}


def _postable_channel(call: Call) -> Channel:
    """By id or name; a user's id means the direct message with them."""
    ref = call.args.text("channel")
    user = call.core.workspace.users.get(ref)
    if user is not None and not user.is_bot and not user.deleted:
        return call.core.workspace.im(user.id)
    channel = call.channel(names=True)
    if channel.is_archived:
        raise SlackError("is_archived")
    if call.core.workspace.app.bot_user_id not in channel.members and "chat:write.public" not in call.scopes:
        raise SlackError("not_in_channel")
    return channel


def _stored(call: Call, channel: Channel) -> Message:
    message = call.core.timeline.find(channel.id, call.args.required("ts"))
    if message is None or message.ephemeral_to:
        raise SlackError("message_not_found")
    return message


def _own_message(call: Call) -> Message:
    message = _stored(call, call.channel())
    if message.bot_id != call.core.workspace.app.bot_id:
        raise SlackError("cant_update_message")
    return message


METHODS = (
    Method("chat.postMessage", post_message, Tier.SPECIAL, "chat:write"),
    Method("chat.update", update, Tier.THREE, "chat:write"),
    Method("chat.delete", delete, Tier.THREE, "chat:write"),
    Method("chat.postEphemeral", post_ephemeral, Tier.FOUR, "chat:write"),
    Method("chat.getPermalink", get_permalink, Tier.SPECIAL, json=False),
)
