"""What Slack's composer makes of typed text: rich text, with mentions and links as elements of their own."""

import re

from integrations.sandbox.slack.model import Json

TOKEN = re.compile(
    r"<@(?P<user>U\w+)>|<!subteam\^(?P<group>S\w+)>|<#(?P<channel>C\w+)(?:\|[^>]*)?>"
    r"|<!(?P<range>here|channel|everyone)>|(?P<url>https?://[^\s<>]+)"
)


def rich_text(escaped: str) -> Json:
    """One section; `escaped` is the text as the app receives it (S6)."""
    elements: list[Json] = []
    at = 0
    for match in TOKEN.finditer(escaped):
        elements += _plain(escaped[at : match.start()])
        elements.append(_element(match))
        at = match.end()
    elements += _plain(escaped[at:])
    return {
        "type": "rich_text",
        "block_id": "typed",
        "elements": [{"type": "rich_text_section", "elements": elements}],
    }


def _plain(escaped: str) -> list[Json]:
    text = escaped.replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&")
    return [{"type": "text", "text": text}] if text else []


def _element(match: "re.Match[str]") -> Json:
    kind, value = next((name, value) for name, value in match.groupdict().items() if value)
    return {
        "user": {"type": "user", "user_id": value},
        "group": {"type": "usergroup", "usergroup_id": value},
        "channel": {"type": "channel", "channel_id": value},
        "range": {"type": "broadcast", "range": value},
        "url": {"type": "link", "url": value.replace("&amp;", "&")},
    }[kind]
