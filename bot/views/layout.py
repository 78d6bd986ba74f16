"""Blocks of which every message is made, within Slack's limits by construction (S19).

Texts that come in are finished mrkdwn (`words`); lists that do not fit say how many more there are.
"""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from typing import Any

from slack_sdk.models.blocks import (
    ActionsBlock,
    Block,
    ButtonElement,
    ConfirmObject,
    ContextBlock,
    DividerBlock,
    HeaderBlock,
    MarkdownTextObject,
    PlainTextObject,
    SectionBlock,
)

from bot.ports import Rendered
from bot.views.ids import Value, encode
from bot.views.words import ESCAPED_USER, NOTHING, bold, joined, link, more, plain, safe, width

TEXT_LIMIT = 3000
FALLBACK_LIMIT = 4000
FULL = 2800
"""characters of a block that is filled up with lines"""
HEADER_LIMIT = 150
FIELDS_IN_SECTION = 10
BUTTONS_LIMIT = 25
MESSAGE_BLOCKS = 50

GREEN, BLUE, YELLOW, RED = "#18be52", "#0DADEA", "#f4c030", "#E96D76"


def mrkdwn(text: str) -> MarkdownTextObject:
    """`verbatim`: only what we wrote as a link or mention becomes one."""
    return MarkdownTextObject(text=text or NOTHING, verbatim=True)


def header(text: str) -> HeaderBlock:
    return HeaderBlock(text=PlainTextObject(text=plain(text, HEADER_LIMIT), emoji=True))


TOO_LONG_TO_PRESS = (
    "Nothing has started: the apps and the reason are too long for one button. Name fewer apps, or shorten the reason."
)


def section(*lines: str, accessory: ButtonElement | None = None, limit: int = TEXT_LIMIT) -> SectionBlock:
    """`limit`: characters of all lines together; Slack takes no more than `TEXT_LIMIT`, whatever it says."""
    return SectionBlock(text=mrkdwn(joined(lines, min(limit, TEXT_LIMIT))), accessory=accessory)


def fields(pairs: Sequence[tuple[str, str]]) -> list[SectionBlock]:
    """Two columns; each pair is a raw label and finished mrkdwn."""
    shown = [mrkdwn(f"{bold(label, 60)}\n{value or NOTHING}") for label, value in pairs]
    starts = range(0, len(shown), FIELDS_IN_SECTION)
    return [SectionBlock(fields=shown[start : start + FIELDS_IN_SECTION]) for start in starts]


def context(*texts: str) -> ContextBlock:
    return ContextBlock(elements=[mrkdwn(joined([text], TEXT_LIMIT)) for text in texts[:10]])


def divider() -> DividerBlock:
    return DividerBlock()


def confirm(title: str, text: str, yes: str, no: str) -> ConfirmObject:
    """`title` and `text` are raw, and plain when shown."""
    return ConfirmObject(
        title=plain(title, 100),
        text=PlainTextObject(text=plain(text, 300)),
        confirm=plain(yes, 30),
        deny=plain(no, 30),
    )


def button(
    label: str, action_id: str, value: Value, *, style: str | None = None, confirm: ConfirmObject | None = None
) -> ButtonElement | None:
    """None when the identifiers in `value` are longer than a button may carry: then only typing it helps."""
    try:
        carried = encode(value)
    except ValueError:
        return None
    return ButtonElement(
        text=PlainTextObject(text=plain(label, 75), emoji=True),
        action_id=action_id,
        value=carried,
        style=style,
        confirm=confirm,
    )


def actions(buttons: Iterable[ButtonElement | None]) -> list[ActionsBlock]:
    """Nothing at all without buttons: an empty block is refused."""
    shown = [button for button in buttons if button is not None]
    return [ActionsBlock(elements=shown[:BUTTONS_LIMIT])] if shown else []


def rows(
    blocks: Iterable[Block], *, spare_blocks: int = 8, budget: int = 8000, most: int = MESSAGE_BLOCKS
) -> list[Block]:
    """As many of a list's blocks as fit beside `spare_blocks` others, then how many more there are.

    `budget`: characters. Slack refuses a message somewhere above 10,000 (`msg_blocks_too_long`).
    """
    every = list(blocks)
    kept: list[Block] = []
    for block in every:
        budget -= text_length(block.to_dict())
        if budget < 0 or len(kept) == most - spare_blocks:
            break
        kept.append(block)
    if len(kept) < len(every):
        kept.append(context(more(len(every) - len(kept), "")))
    return kept


def filled(lines: Iterable[str], size: int = FULL) -> list[str]:
    """The texts of as few blocks as hold all of them; a line is never cut."""
    texts: list[str] = []
    for line in lines:
        if texts and width(texts[-1]) + width(line) < size:
            texts[-1] += f"\n{line}"
        else:
            texts.append(line)
    return texts


def rendered(text: str, blocks: Sequence[Block], color: str = "") -> Rendered:
    """`text` is finished mrkdwn; it stands for the blocks in notifications (S5). The models check the blocks (S20)."""
    return Rendered(joined([text], FALLBACK_LIMIT), tuple(block.to_dict() for block in blocks), color)


def with_card(message: Rendered, url: str) -> Rendered:
    """A private answer about a promotion, with the way to its card; as it is where it has no room for that."""
    return with_note(message, link(url, "Open its card"))


def with_note(message: Rendered, text: str) -> Rendered:
    """With one more line, in finished mrkdwn; as it is where it has no room for that."""
    if len(message.blocks) >= MESSAGE_BLOCKS:
        return message
    return replace(message, blocks=(*message.blocks, context(text).to_dict()))


def sentence(text: str) -> Rendered:
    """A message of one finished line."""
    return rendered(text, [section(text)])


def told(text: str) -> Rendered:
    """Raw text, shown as it is; line breaks stay, and names of users stay live for whoever is told whom to ask."""
    lines = [ESCAPED_USER.sub(r"<\1>", safe(line, 2500)) for line in text.splitlines() if line.strip()]
    shown = joined(lines or [NOTHING], TEXT_LIMIT)
    return Rendered(shown, (SectionBlock(text=mrkdwn(shown)).to_dict(),))


def text_length(value: Any) -> int:
    """The characters of every `text` in a block."""
    if isinstance(value, dict):
        own = value.get("text")
        mine = width(own) if isinstance(own, str) else 0
        return mine + sum(text_length(part) for part in value.values())
    if isinstance(value, list):
        return sum(text_length(part) for part in value)
    return 0
