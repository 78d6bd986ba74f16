"""conversations.*: channels and direct messages, and what was said in them."""

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Channel, Json, Message
from integrations.sandbox.slack.web_api.call import Call, Method

KINDS = {"channels": "public_channel", "groups": "private_channel", "im": "im"}


async def open_im(call: Call) -> Json:
    call.require("im:write")
    workspace = call.core.workspace
    if "channel" in call.args:
        return {"channel": {"id": call.channel().id}}
    names = [name for name in call.args.text("users").split(",") if name]
    if not names:
        raise SlackError("users_list_not_supplied")
    user = workspace.users.get(names[0])
    if user is None:
        raise SlackError("user_not_found")
    if len(names) > 1:
        raise SlackError("method_not_supported_for_channel_type")
    if user.is_bot:
        raise SlackError("cannot_dm_bot")
    if user.deleted:
        raise SlackError("user_disabled")
    known = {channel.im_user for channel in workspace.channels.values()}
    channel = workspace.im(user.id)
    again = {"no_op": True, "already_open": True} if user.id in known else {}
    shown = _object(call, channel, False) if call.args.flag("return_im") else {"id": channel.id}
    return {**again, "channel": shown}


async def info(call: Call) -> Json:
    channel = _readable(call, "read")
    return {"channel": _object(call, channel, call.args.flag("include_num_members"))}


async def list_all(call: Call) -> Json:
    kinds = {kind.strip() for kind in call.args.text("types", "public_channel").split(",")}
    if unknown := kinds - {*KINDS.values(), "mpim"}:
        raise SlackError("invalid_types", [f"unknown type {kind}" for kind in unknown])
    for family, kind in KINDS.items():
        if kind in kinds:
            call.require(f"{family}:read")
    bot = call.core.workspace.app.bot_user_id
    wanted = [
        channel
        for channel in call.core.workspace.channels.values()
        if KINDS[channel.scope_family] in kinds
        and (bot in channel.members or channel.scope_family == "channels")
        and not (channel.is_archived and call.args.flag("exclude_archived"))
    ]
    page, cursor = call.page(wanted, 100)
    return {
        "channels": [_object(call, channel, not channel.is_im) for channel in page],
        "response_metadata": {"next_cursor": cursor},
    }


async def members(call: Call) -> Json:
    channel = _readable(call, "read")
    page, cursor = call.page(channel.members, 100)
    return {"members": page, "response_metadata": {"next_cursor": cursor}}


async def history(call: Call) -> Json:
    """Newest first, thread replies only where they were broadcast. Ephemeral messages are in no history (S14)."""
    channel = _joined(call)
    roots = [m for m in call.core.timeline.stored(channel.id) if not m.thread_ts or m.broadcast]
    page, cursor = call.page([m for m in reversed(roots) if _in_range(call, m)], 100)
    return _messages(call, page, cursor)


async def replies(call: Call) -> Json:
    """The thread's first message, then its replies, oldest first."""
    channel = _joined(call)
    parent = call.core.timeline.find(channel.id, call.args.required("ts"))
    if parent is None or parent.ephemeral_to:
        raise SlackError("thread_not_found")
    wanted = [parent, *(m for m in call.core.timeline.replies(parent) if _in_range(call, m))]
    page, cursor = call.page(wanted, 1000)
    return _messages(call, page, cursor)


def _messages(call: Call, page: list[Message], cursor: str) -> Json:
    with_metadata = call.args.flag("include_all_metadata")
    return {
        "messages": [_with_thread(call, message, with_metadata) for message in page],
        "has_more": bool(cursor),
        "response_metadata": {"next_cursor": cursor},
    }


def _with_thread(call: Call, message: Message, with_metadata: bool) -> Json:
    shown = wire.message_object(message, call.core.workspace, with_metadata)
    answers = call.core.timeline.replies(message)
    if answers:
        users = list(dict.fromkeys(answer.user for answer in answers))
        shown |= {
            "thread_ts": message.ts,
            "reply_count": len(answers),
            "reply_users_count": len(users),
            "reply_users": users,
            "latest_reply": answers[-1].ts,
        }
    return shown


def _in_range(call: Call, message: Message) -> bool:
    oldest, latest = call.args.text("oldest"), call.args.text("latest")
    try:
        at, low, high = float(message.ts), float(oldest or 0), float(latest or "inf")
    except ValueError:
        raise SlackError("invalid_ts_oldest" if oldest else "invalid_ts_latest") from None
    return low <= at <= high if call.args.flag("inclusive") else low < at < high


def _readable(call: Call, verb: str) -> Channel:
    channel = call.channel()
    call.require(f"{channel.scope_family}:{verb}")
    return channel


def _joined(call: Call) -> Channel:
    channel = _readable(call, "history")
    if call.core.workspace.app.bot_user_id not in channel.members:
        raise SlackError("not_in_channel")
    return channel


def _object(call: Call, channel: Channel, with_num_members: bool) -> Json:
    workspace = call.core.workspace
    return wire.channel_object(channel, workspace.team, workspace.app.bot_user_id, with_num_members)


METHODS = (
    Method("conversations.open", open_im, Tier.THREE),
    Method("conversations.info", info, Tier.THREE, json=False),
    Method("conversations.list", list_all, Tier.TWO, json=False),
    Method("conversations.members", members, Tier.FOUR, json=False),
    Method("conversations.history", history, Tier.THREE, json=False),
    Method("conversations.replies", replies, Tier.THREE, json=False),
)
