"""What a Slack id names: a person, a channel, or the conversation of one person with the bot."""

import re

USER = re.compile(r"[UW][A-Z0-9]{2,20}")
CONVERSATION = re.compile(r"[CGD][A-Z0-9]{2,20}")


def is_user(text: str) -> bool:
    return USER.fullmatch(text) is not None


def as_name(text: str) -> str:
    """What people typed as a name: in the form of a person's id it would mention somebody."""
    return text.lower() if is_user(text) else text


def is_conversation(text: str) -> bool:
    """A channel's id or that of a direct message, not a channel's name."""
    return CONVERSATION.fullmatch(text) is not None


def is_direct(text: str) -> bool:
    """A conversation that nobody but one person and the bot can open."""
    return is_conversation(text) and text.startswith("D")


def is_personal(text: str) -> bool:
    """A person, or the conversation of one with the bot; a channel's name is neither."""
    return is_user(text) or is_direct(text)
