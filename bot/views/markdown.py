"""Text from outside, made fit for GitHub's Markdown: it formats nothing, calls nobody and closes no issue."""

import re

from bot.views.words import NOTHING, clean

FORMATTING = re.compile(r"[\\`*\[\]|~]|(?<!\w)_|_(?!\w)")
REFERENCE = re.compile(r"[@#](?=\w)|(?<=\bGH)-(?=\d)", re.IGNORECASE)
WORD_JOINER = "\u2060"
"""after it `@team` and `#12` are no references; a backslash would not do, for GitHub looks at the rendered text"""


CLOSING = re.compile(r"\b(?:close[sd]?|fix(?:e[sd])?|resolve[sd]?)(?=:?\s+https?://)", re.IGNORECASE)
"""a keyword that closes the issue whose address follows it"""


def safe(text: str, limit: int = 500) -> str:
    """One line, of at most so many characters of `text`; never empty. Web addresses stay links."""
    line = FORMATTING.sub(r"\\\g<0>", clean(text)[:limit] or NOTHING)
    line = line.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
    line = CLOSING.sub(rf"\g<0>{WORD_JOINER}", line)
    return REFERENCE.sub(rf"\g<0>{WORD_JOINER}", line)
