"""What one can say, taken from the commands' own declarations: examples first, then the grammar."""

from collections.abc import Iterable

from slack_sdk.models.blocks import Block

from bot.domain.reply import HelpEntry, HelpPage, Topic
from bot.ports import Rendered
from bot.views import words
from bot.views.layout import context, header, rendered, rows, section, sentence
from bot.views.words import bold, code, safe

MORE = "`/pilothouse help deploy` explains a command. A bare `/deploy` asks for the rest."


def help_page(page: HelpPage) -> Rendered:
    if not page.entries:
        return sentence("Unknown command: `/pilothouse help` lists them all.")
    names = words.named([entry.verb for entry in page.entries], most=60)
    if page.overview:
        return rendered(f"Commands: {names}", [*rows(_topics(page.entries)), context(MORE)])
    if len(page.entries) == 1:
        entry = page.entries[0]
        grammar = section(*_grammar(entry))
        blocks: list[Block] = [header(entry.verb), *_examples(entry), grammar, *_details(entry)]
        return rendered(f"{safe(entry.verb, 60)}: {safe(entry.summary, 500)}", blocks)
    lines = [section("\n".join([f"{bold(one.verb)} {safe(one.summary, 200)}", *_typed(one)])) for one in page.entries]
    return rendered(f"Commands: {names}", [*rows(lines), context(MORE)])


def _topics(entries: Iterable[HelpEntry]) -> list[Block]:
    """A section for each task, the one that is used most first; each command by its plainest example."""
    by_topic: dict[Topic, list[HelpEntry]] = {topic: [] for topic in Topic}
    for entry in entries:
        by_topic[entry.topic].append(entry)
    return [section(bold(topic), *map(_line, found)) for topic, found in by_topic.items() if found]


def _line(entry: HelpEntry) -> str:
    example = next(iter((*entry.examples, *entry.usage)), entry.verb)
    return f"{code(example, 80)} {safe(_first_words(entry.summary), 110)}"


def _first_words(summary: str) -> str:
    """A list is read at a glance: what stands behind a colon or a semicolon is for the page of the command."""
    for end in (": ", "; ", ". "):
        summary = summary.partition(end)[0]
    return summary.rstrip(".")


def _typed(entry: HelpEntry) -> list[str]:
    return [code(line, 150) for line in (*entry.examples[:1], *entry.usage[:12])]


def _grammar(entry: HelpEntry) -> list[str]:
    return [code(usage, 150) for usage in entry.usage[:12]]


def _examples(entry: HelpEntry) -> list[Block]:
    return [section(bold("For example"), *(code(line, 150) for line in entry.examples[:6]))] if entry.examples else []


def _details(entry: HelpEntry) -> list[Block]:
    paragraphs = [safe(part, 1500) for part in (entry.summary, *entry.details.split("\n\n")) if words.clean(part)]
    return [section(*paragraphs)] if paragraphs else []
