"""What holds something: where, until when, but for which apps, and why, in this order.

A reason begins where a quote, a colon or `--reason` begins, or the first word that is neither a place nor a time. In a
reason that begins by itself, and behind a quoted one, nothing may read as a time, a second place or an exception: that
is asked about.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass, replace

from bot.grammar import moments
from bot.grammar.flags import opens, rest_of
from bot.grammar.place import Place
from bot.grammar.tokens import Token
from bot.grammar.vocabulary import Vocabulary

LEADS = ("for", *moments.UNTIL)
TIME_FLAGS = ("--for", "--until")
EXCEPT = ("--except", "except", "excepting", "excluding")
FILLERS = ("on", "in", "to", "at", "@")
NOW = ("now", "from-now", "immediately")
BETWEEN = ("and", "&", "+", ",")
_ENDS = ".,;!?)"
FRENCH = re.compile(r"(\d{1,2})h(\d{2})?")
NOWHERE = Place()


@dataclass(frozen=True)
class Hold:
    """`until` is a time as it was typed, "" for none; `exempt` are apps, "?" before a name that is none. `marked`: the
    reason's beginning was.
    """

    place: Place = NOWHERE
    until: str = ""
    reason: str = ""
    exempt: tuple[str, ...] = ()
    marked: bool = False
    rest: tuple[Token, ...] = ()
    """the words of a reason whose beginning was not marked"""
    flag: str = ""
    """a flag for a time that no time follows"""


def read_hold(tokens: Sequence[Token], vocabulary: Vocabulary, *, exceptions: bool) -> Hold:
    """From left to right; what cannot be told apart is left to `doubts`."""
    hold, at, quote = Hold(), 0, -1
    while at < len(tokens) and not hold.flag:
        token = tokens[at]
        if opens(token, "reason"):
            text = at if token.key else at + 1
            alone = token.key or "=" not in token.text
            if alone and quote < 0 and text + 1 < len(tokens) and tokens[text].quoted:
                hold, quote, at = replace(hold, reason=tokens[text].text, marked=True), text, text + 1
                continue
            return _marked(hold, tokens, at)
        if token.says(":", "reason:") and hold.place.environments:
            return replace(hold, reason=rest_of(tokens[at + 1 :]), marked=True)
        if quote < 0 and token.quoted and not token.key and not vocabulary.meaning(token.text):
            hold, quote, at = replace(hold, reason=token.text, marked=True), at, at + 1
            continue
        step = (
            _time(hold, tokens, at)
            or (exceptions and _exempt(hold, tokens, at, vocabulary))
            or _name(hold, tokens, at, vocabulary)
        )
        if not step:
            begin = at if quote < 0 else quote
            return replace(hold, reason=rest_of(tokens[begin:]), rest=tuple(tokens[begin:]), marked=False)
        hold, at = step
        if tokens[at - 1].whole.endswith(":") and hold.place.environments:
            return replace(hold, reason=rest_of(tokens[at:]), marked=True)
    return hold


def _marked(hold: Hold, tokens: Sequence[Token], at: int) -> Hold:
    token = tokens[at]
    if token.key:
        reason = token.text
    elif "=" in token.text:
        reason = token.behind.partition("=")[2].strip()
    else:
        reason = rest_of(tokens[at + 1 :])
    return replace(hold, reason=reason, marked=True)


def _time(hold: Hold, tokens: Sequence[Token], at: int) -> tuple[Hold, int] | None:
    """The time that begins here, with or without a word before it; a day alone must be led by `until`."""
    flag, equals, value = tokens[at].whole.partition("=")
    if flag.lower() in TIME_FLAGS and (not tokens[at].quoted or tokens[at].key):
        lead = flag.lower().removeprefix("--")
        found, length = (value, 1) if equals else _ahead(tokens[at + 1 :], 1)
        return (replace(hold, until=_clock(lead, found)), at + length) if found else (replace(hold, flag=flag), at + 1)
    if hold.until:
        return None
    if tokens[at].says(*LEADS):
        found, length = _ahead(tokens[at + 1 :], 1)
        lead = "for" if tokens[at].says("for") else "until"
        return (replace(hold, until=_clock(lead, found)), at + length) if found else None
    found, length = _ahead(tokens[at:], 0)
    if not found or tokens[at].quoted or not hold.place or not (moments.is_span(found) or ":" in found):
        return None
    return replace(hold, until=found), at + length


def _ahead(tokens: Sequence[Token], before: int) -> tuple[str, int]:
    if tokens and tokens[0].quoted:
        return tokens[0].text, before + 1
    found, left = moments.split([token.whole for token in tokens])
    return found, before + len(tokens) - len(left)


def _clock(lead: str, found: str) -> str:
    """Behind `until`, "17h" and "17 h" are a clock."""
    close = found.lower().replace(" ", "")
    if lead == "until" and moments.is_clock(close) and (french := FRENCH.fullmatch(close)):
        return f"{french[1]}:{french[2] or '00'}"
    return found


def _exempt(hold: Hold, tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> tuple[Hold, int] | None:
    """`--except a, b and c`: names up to the first word that is none; what stands there must be known."""
    flag, equals, value = tokens[at].whole.partition("=")
    but_not = tokens[at].says("but") and at + 1 < len(tokens) and tokens[at + 1].says("not")
    if not (but_not or tokens[at].says(*EXCEPT) or (equals and flag.lower() == "--except")):
        return None
    end = at + (2 if but_not else 1)
    names = value.split(",") if equals else []
    while end < len(tokens) and not equals:
        token = tokens[end]
        parts = [part for part in token.whole.split(",") if part]
        joined = names and (
            token.says(*BETWEEN) or tokens[end - 1].whole.endswith(",") or tokens[end - 1].says(*BETWEEN)
        )
        if names and not joined:
            break
        names += [] if token.says(*BETWEEN) else parts
        end += 1
    names = names or ["?"]
    return replace(hold, exempt=(*hold.exempt, *(vocabulary.app(name) or f"?{name}" for name in names if name))), end


def _name(hold: Hold, tokens: Sequence[Token], at: int, vocabulary: Vocabulary) -> tuple[Hold, int] | None:
    """The name that stands here. An app behind the environment and its time may as well begin the reason."""
    token, place = tokens[at], hold.place
    if place and token.says(*NOW):
        return hold, at + 1
    if token.says(*FILLERS) and place and at + 1 < len(tokens) and vocabulary.meaning(_bare(tokens[at + 1])):
        return hold, at + 1
    meaning = vocabulary.meaning(_bare(token))
    if meaning.environment and not place.environment and not (meaning.app and not place.app):
        return replace(hold, place=replace(place, environments=(meaning.environment,))), at + 1
    if meaning.app and not place.app and not (hold.until and place.environment):
        return replace(hold, place=replace(place, apps=(meaning.app,))), at + 1
    return None


def _bare(token: Token) -> str:
    return token.whole.removesuffix(":").removesuffix(",")


def take_time(tokens: Sequence[Token]) -> tuple[str, tuple[Token, ...]]:
    """The time at the front, with or without `for` or `until` before it."""
    tokens = _spread(tokens)
    led = bool(tokens) and tokens[0].says(*LEADS, *TIME_FLAGS)
    found, length = _ahead(tokens[1:] if led else tokens, int(led))
    lead = "until" if led and not tokens[0].says("for", "--for") else "for"
    return (_clock(lead, found), tuple(tokens[length:])) if found else ("", tuple(tokens))


def _spread(tokens: Sequence[Token]) -> tuple[Token, ...]:
    """`--for=2h` as the two words that it stands for."""
    spread: list[Token] = []
    for token in tokens:
        flag, equals, value = token.whole.partition("=")
        flagged = token.is_flag and equals and flag.lower() in TIME_FLAGS
        spread += [Token(flag), replace(token, text=value, key="")] if flagged else [token]
    return tuple(spread)


def take_led_time(tokens: Sequence[Token]) -> tuple[str | None, tuple[Token, ...]]:
    """The time behind the first `for` or `until`: "" without either, None where no time follows it."""
    tokens = _spread(tokens)
    at = next((index for index, token in enumerate(tokens) if token.says(*LEADS, *TIME_FLAGS)), None)
    if at is None:
        return "", tuple(tokens)
    found, left = take_time(tokens[at:])
    return (found, (*tokens[:at], *left)) if found else (None, tuple(tokens))


def take_start(tokens: Sequence[Token]) -> tuple[str | None, tuple[Token, ...]]:
    """The time behind `--at`: "" without the flag, None where none follows it."""
    for at, token in enumerate(tokens):
        flag, equals, value = token.whole.partition("=")
        if flag.lower() != "--at" or (token.quoted and not token.key):
            continue
        found, length = (value, 1) if equals else _ahead(tokens[at + 1 :], 1)
        if not found or not moments.split(found.split())[0]:
            return None, tuple(tokens)
        return found, (*tokens[:at], *tokens[at + length :])
    return "", tuple(tokens)


def take_time_at_end(hold: Hold) -> Hold:
    """The time behind the last `for` or `until` of a reason, where nothing follows it: "a migration until 18:00"."""
    tokens = hold.rest
    at = max((index for index, token in enumerate(tokens) if token.says(*LEADS, *TIME_FLAGS)), default=0)
    if hold.until or not at:
        return hold
    last = replace(tokens[-1], text=tokens[-1].text.rstrip(_ENDS))
    until, left = take_time((*tokens[at:-1], last))
    if not until or left:
        return hold
    reason = tokens[0].behind[: tokens[at].at - tokens[0].at].strip() or " ".join(t.whole for t in tokens[:at])
    return replace(hold, until=until, reason=reason, rest=tokens[:at])
