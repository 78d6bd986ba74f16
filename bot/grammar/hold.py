"""What holds something: where, until when, and why, in this order; flags may stand anywhere."""

from collections.abc import Sequence
from dataclasses import dataclass

from bot.grammar import moments
from bot.grammar.place import Place
from bot.grammar.tokens import Token
from bot.grammar.vocabulary import Vocabulary

TIME_FLAGS = ("--for", "--until")
TIME_WORDS = ("for", "until")
FILLERS = ("on", "in")
Left = tuple[Token, ...]


@dataclass(frozen=True)
class Hold:
    """`until` is a time as it was typed, "" for none."""

    place: Place
    until: str
    reason: str


def take_time_flag(tokens: Sequence[Token]) -> tuple[str, Left, str]:
    """The time behind `--for` or `--until`, what is left, and which of the two was given."""
    for at, token in enumerate(tokens):
        flag, equals, value = token.whole.partition("=")
        if flag.lower() not in TIME_FLAGS or (token.quoted and not token.key):
            continue
        if equals:
            return value, (*tokens[:at], *tokens[at + 1 :]), flag
        time, left = _split(tokens[at + 1 :])
        return time, (*tokens[:at], *left), flag
    return "", tuple(tokens), ""


def take_place(tokens: Sequence[Token], vocabulary: Vocabulary) -> tuple[Place, Left, bool]:
    """The names at the front, in any order, up to the first word that is none; a colon behind a name ends them."""
    app, environment, closed, at = "", "", False, 0
    while at < len(tokens) and not closed:
        token = tokens[at]
        if token.says(*FILLERS) and (app or environment):
            at += 1
            continue
        closed = token.whole.endswith(":")
        meaning = vocabulary.meaning(token.whole.removesuffix(":"))
        if meaning.environment and not environment and not (meaning.app and not app):
            environment = meaning.environment
        elif meaning.app and not app:
            app = meaning.app
        else:
            break
        at += 1
    ended = closed and at > 0 and tokens[at - 1].whole.endswith(":")
    if not ended and at < len(tokens) and tokens[at].says(":"):
        ended, at = True, at + 1
    place = Place((app,) if app else (), (environment,) if environment else ())
    return place, tuple(tokens[at:]), ended


def take_time(tokens: Sequence[Token]) -> tuple[str, Left]:
    """The time at the front, with or without `for` or `until` before it."""
    behind = tokens[1:] if tokens and tokens[0].says(*TIME_WORDS) else tokens
    time, left = _split(behind)
    return (time, left) if time else ("", tuple(tokens))


def take_time_at_end(tokens: Sequence[Token]) -> tuple[str, Left]:
    """The time behind the last `for` or `until`, where nothing follows it: "a migration until 18:00"."""
    at = max((index for index, token in enumerate(tokens) if token.says(*TIME_WORDS)), default=len(tokens))
    time, left = _split(tokens[at + 1 :])
    return (time, tuple(tokens[:at])) if time and not left else ("", tuple(tokens))


def _split(tokens: Sequence[Token]) -> tuple[str, Left]:
    if tokens and tokens[0].quoted:
        return tokens[0].text, tuple(tokens[1:])
    time, left = moments.split([token.whole for token in tokens])
    return time, tuple(tokens[len(tokens) - len(left) :])
