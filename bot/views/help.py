"""What one can say, taken from the commands' own declarations."""

from slack_sdk.models.blocks import Block

from bot.domain.reply import HelpEntry, HelpPage
from bot.ports import Rendered
from bot.views import words
from bot.views.layout import context, header, rendered, rows, section, sentence
from bot.views.words import bold, code, safe


def help_page(page: HelpPage) -> Rendered:
    if not page.entries:
        return sentence("There is no such command. `/pilothouse help` lists them all.")
    if len(page.entries) == 1:
        entry = page.entries[0]
        blocks: list[Block] = [header(entry.verb), section(*_usage(entry)), *_details(entry)]
        return rendered(f"{safe(entry.verb, 60)}: {safe(entry.summary, 500)}", blocks)
    lines = [section("\n".join([f"{bold(one.verb)} {safe(one.summary, 200)}", *_usage(one)])) for one in page.entries]
    hint = context("A word behind `help` tells more: `/pilothouse help deploy`.")
    names = words.named([entry.verb for entry in page.entries], most=60)
    return rendered(f"Commands: {names}", [*rows(lines), hint])


def _usage(entry: HelpEntry) -> list[str]:
    return [code(usage, 150) for usage in entry.usage[:12]]


def _details(entry: HelpEntry) -> list[Block]:
    paragraphs = [safe(part, 1500) for part in (entry.summary, *entry.details.split("\n\n")) if words.clean(part)]
    return [section(*paragraphs)] if paragraphs else []
