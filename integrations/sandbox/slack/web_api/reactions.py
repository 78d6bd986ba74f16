"""reactions.*: emoji on messages."""

import re

from integrations.sandbox.slack.errors import SlackError
from integrations.sandbox.slack.limits import Tier
from integrations.sandbox.slack.model import Json, Message
from integrations.sandbox.slack.web_api.call import Call, Method


async def add(call: Call) -> Json:
    message, name = _message(call), _name(call)
    users = message.reactions.setdefault(name, [])
    bot = call.core.workspace.app.bot_user_id
    if bot in users:
        raise SlackError("already_reacted")
    users.append(bot)
    call.core.timeline.changed(message)
    return {}


async def remove(call: Call) -> Json:
    message, name = _message(call), _name(call)
    bot = call.core.workspace.app.bot_user_id
    if bot not in message.reactions.get(name, []):
        raise SlackError("no_reaction")
    message.reactions[name].remove(bot)
    call.core.timeline.changed(message)
    return {}


def _message(call: Call) -> Message:
    message = call.core.timeline.find(call.channel().id, call.args.required("timestamp"))
    if message is None or message.ephemeral_to:
        raise SlackError("message_not_found")
    return message


def _name(call: Call) -> str:
    name = call.args.text("name").strip(":")
    if not re.fullmatch(r"[a-z0-9_+'-]+(::skin-tone-[2-6])?", name):
        raise SlackError("invalid_name")
    return name


METHODS = (
    Method("reactions.add", add, Tier.THREE, "reactions:write"),
    Method("reactions.remove", remove, Tier.TWO, "reactions:write"),
)
