"""When something starts, in words that end a command: `when open`, `at 22:00`, `tomorrow 9:00`.

Only what can hardly be meant otherwise: behind an `at`, a clock; without one, a day and a clock with a colon. All else
that reads as a time is asked about, for a time that gets lost starts something at once. What the words mean is for
`moments` to say, as behind `--at`.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from bot.grammar import moments
from bot.grammar.tokens import Token
from bot.grammar.vocabulary import Vocabulary

FORMS = "`at 22:00`, `tomorrow 9:00` or `when open`"
WHEN_OPEN = "when open"
_COLON = r"(?:[01]?\d|2[0-3]):[0-5]\d(?: ?[ap]m)?"
_CLOCK = rf"(?:{_COLON}|(?:0?[1-9]|1[0-2]) ?[ap]m|noon|midnight)"
_DAY = rf"(?:today|tomorrow|{moments.DAY}|\d{{4}}-\d\d-\d\d)"
_ZONE = r"(?: ?(?:z|utc|gmt|(?:utc|gmt)?\+\d\d?(?::?\d\d)?|(?:utc|gmt)-\d\d?(?::?\d\d)?))?"
_START = re.compile(
    rf"at {_CLOCK}{_ZONE}(?:,? (?:on )?{_DAY})?|(?:at |on )?{_DAY},? (?:at )?{_COLON}{_ZONE}"
    rf"|(?:on )?{_DAY},? at {_CLOCK}{_ZONE}|{_COLON}{_ZONE},? (?:on )?{_DAY}",
    re.ASCII,
)


@dataclass(frozen=True)
class Start:
    """`at`: the time as `moments` reads it; `words`: all that say it; `name`: one of them that names something else."""

    at: str = ""
    when_open: bool = False
    words: tuple[Token, ...] = ()
    name: str = ""

    def __bool__(self) -> bool:
        return bool(self.at or self.when_open)

    @property
    def typed(self) -> str:
        return " ".join(token.text for token in self.words)


def read_start(text: str) -> Start:
    """What stands in an input of its own: `when open`, or what is to be a time (`is_start` says whether it is)."""
    plain = moments.plain(text)
    if plain == WHEN_OPEN:
        return Start(when_open=True)
    return Start(at=plain.removeprefix("at ").removeprefix("on "))


def is_start(text: str) -> bool:
    start = read_start(text)
    time, behind = moments.split(start.at.split())
    return start.when_open or bool(time and not behind)


def take_start_at_end(tokens: Sequence[Token], vocabulary: Vocabulary) -> tuple[Start, tuple[Token, ...]]:
    """The start that the last words say, the longest there is. Quotes make a name of a word, and no time; a number
    before them may belong to them.
    """
    for at in range(max(0, len(tokens) - moments.MOST_WORDS), len(tokens)):
        words = tuple(tokens[at:])
        doubtful = any(word.quoted for word in words) or (at > 0 and tokens[at - 1].text.isdecimal())
        if not doubtful and (found := _start(" ".join(word.text for word in words))):
            name = next((word.text for word in words if vocabulary.meaning(word.text)), "")
            return Start(found.at, found.when_open, words, name), tuple(tokens[:at])
    return Start(), tuple(tokens)


def _start(text: str) -> Start:
    plain = moments.plain(text)
    return read_start(text) if plain == WHEN_OPEN or (_START.fullmatch(plain) and is_start(text)) else Start()
