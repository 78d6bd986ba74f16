"""What a person sees: the workspace and its messages, as plain JSON for a page or a test."""

from integrations.sandbox.slack import wire
from integrations.sandbox.slack.core import Core
from integrations.sandbox.slack.model import Channel, Json, Message


def workspace(core: Core, connections: int) -> Json:
    """Team, people, groups, conversations, slash commands, shortcuts, and how many connections the app has open."""
    space = core.workspace
    return {
        "team": {"id": space.team.id, "name": space.team.name, "domain": space.team.domain},
        "bot": {"user_id": space.app.bot_user_id, "bot_id": space.app.bot_id, "connections": connections},
        "users": [wire.user_object(user, space.team, space.app, with_email=True) for user in space.users.values()],
        "groups": [
            {"id": g.id, "handle": g.handle, "name": g.name, "members": list(g.members)} for g in space.groups.values()
        ],
        "channels": [_channel(channel) for channel in space.channels.values()],
        "commands": [
            {"command": name, "description": command.description, "usage_hint": command.usage_hint}
            for name, command in core.config.commands.items()
        ],
        "shortcuts": [
            {"callback_id": one.callback_id, "type": one.type, "name": one.name, "description": one.description}
            for one in core.config.shortcuts
        ],
    }


def _channel(channel: Channel) -> Json:
    return {
        "id": channel.id,
        "name": channel.name,
        "is_im": channel.is_im,
        "user": channel.im_user or None,
        "purpose": channel.purpose,
        "members": list(channel.members),
    }


def message(shown: Message) -> Json:
    """As the person sees it; `ephemeral` is there, and true, only on what nobody else sees."""
    always = {"ts": shown.ts, "channel": shown.channel, "user": shown.user, "text": shown.text, "blocks": shown.blocks}
    parts = {
        "attachments": shown.attachments,
        "thread_ts": shown.thread_ts,
        "broadcast": shown.broadcast,
        "edited": shown.edited,
        "files": shown.files,
        "reactions": wire.reactions_list(shown),
        "metadata": shown.metadata,
        "bot_id": shown.bot_id,
        "username": shown.username,
        "ephemeral": bool(shown.ephemeral_to),
    }
    return always | {name: part for name, part in parts.items() if part}
