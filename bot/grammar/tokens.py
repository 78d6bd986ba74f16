"""Text as Slack sends it, cut into the words that the person meant.

Phones and editors put curly quotes, long dashes, hyphens of their own, no-break spaces and backticks around commands,
and Slack turns what looks like an address into `<https://…|label>`: all of that is taken off before the words are
looked at.
"""

import re
from dataclasses import dataclass, field

_PLAIN = str.maketrans(
    {
        **dict.fromkeys("“”„‟«»", '"'),
        **dict.fromkeys("‘’‚‛", "'"),
        **dict.fromkeys("\u2010\u2011\u2012\u2212\ufe63\uff0d", "-"),
        **dict.fromkeys("\u00a0\u2007\u202f", " "),
        **dict.fromkeys("\u200b\u200c\u200d\u2060\ufeff`", None),
    }
)
_LONG_DASH = re.compile(r"(?<!\S)(?=-{0,2}[–—―])[-–—―]{1,3}(?=\w)")
"""What editors make of `--`, alone or beside what they have left of it."""
_LINK = re.compile(r"<([^<>|\s]+)(?:\|([^<>]*))?>")
_PERSON = re.compile(r"@[UW][A-Z0-9]+")
_ENTITIES = (("&lt;", "<"), ("&gt;", ">"), ("&amp;", "&"))
_TOKEN = re.compile(r"""(?P<key>[^\s"'=]+=)?(?:"(?P<double>[^"]*)"|'(?P<single>[^']*)'(?=\s|$))|(?P<bare>\S+)""")


@dataclass(frozen=True)
class Token:
    """One word. Quotes make several words one, and make it a name: never a flag, never a keyword.

    `key` is what stands before a quoted value (`--reason=`, `revision=`).
    """

    text: str
    quoted: bool = False
    key: str = ""
    source: str = field(default="", compare=False, repr=False)
    """the cleaned text that it was cut from"""
    at: int = field(default=0, compare=False, repr=False)

    @property
    def behind(self) -> str:
        """The cleaned text from here to the end, as it was typed."""
        return self.source[self.at :]

    @property
    def is_person(self) -> bool:
        """A mention, which is not an image."""
        return not self.quoted and _PERSON.fullmatch(self.text) is not None

    @property
    def whole(self) -> str:
        return self.key + self.text

    def says(self, *keywords: str) -> bool:
        return not self.quoted and self.text.lower() in keywords

    @property
    def is_flag(self) -> bool:
        return self.key.startswith("--") or (not self.quoted and self.text.startswith("--"))


def tokenize(text: str) -> tuple[Token, ...]:
    """The words of a command, cleaned. Any text is good."""
    cleaned = clean(text)
    return tuple(_token(match) for match in _TOKEN.finditer(cleaned))


def clean(text: str) -> str:
    """Plain text: typography, links, mentions and Slack's escapes (S6) undone."""
    plain = _LONG_DASH.sub("--", text.translate(_PLAIN))
    plain = _LINK.sub(_unlinked, plain)
    for entity, character in _ENTITIES:
        plain = plain.replace(entity, character)
    return plain.strip()


def as_composed(text: str) -> str:
    """What stood in the composer: Slack's escapes (S6) undone, mentions by their name; the rest as it was typed."""
    plain = _LINK.sub(_labelled, text)
    for entity, character in _ENTITIES:
        plain = plain.replace(entity, character)
    return plain.strip()


def _labelled(link: re.Match[str]) -> str:
    target, label = link.group(1), link.group(2)
    if not label:
        return target.removeprefix("mailto:")
    return label if target[0] not in "@#" else f"{target[0]}{label.removeprefix(target[0])}"


def _unlinked(link: re.Match[str]) -> str:
    target, label = link.group(1), link.group(2)
    if _PERSON.fullmatch(target):
        # Names change hands (S8): the id says who is meant. A mention is a word of its own, whatever it stands behind.
        return f"{' ' if link.string[max(link.start() - 1, 0) : link.start()].strip() else ''}{target}"
    return label or target.removeprefix("mailto:")


def _token(match: re.Match[str]) -> Token:
    quoted = match["double"] if match["double"] is not None else match["single"]
    if quoted is None:
        return Token(match["bare"], source=match.string, at=match.start())
    return Token(quoted, quoted=True, key=match["key"] or "", source=match.string, at=match.start())
