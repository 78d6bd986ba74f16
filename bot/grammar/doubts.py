"""A reason whose beginning was not marked, and in which something reads as a time, a second place or an exception."""

from collections.abc import Sequence

from bot.grammar import moments
from bot.grammar.vague import is_beginning, reads_as_time
from bot.grammar.vocabulary import Vocabulary
from bot.runtime.spelling import misspelt

MARK = "If it belongs to the reason, put a `:` before the reason."
_EXCEPT = (
    "except", "excepting", "excluding", "exclude", "excludes", "excluded", "excl", "exempt", "exempting", "exempted",
    "exception", "exceptions", "bar", "barring", "besides", "unless", "sauf", "außer", "ausser", "excepto", "salvo",
    "tranne", "behalve",
)  # fmt: skip
_EXCEPT_PAIRS = (
    "but not", "all but", "everything but", "everyone but", "other than", "apart from", "aside from", "save for",
)  # fmt: skip
_BEFORE_AN_EXCEPTION = (
    "but", "not", "without", "w/o", "minus", "save", "skip", "allow", "allowing", "permit", "let", "expect", "menos",
    "ohne", "sans", "sin", "-", "!",
)  # fmt: skip
_BEHIND_AN_EXCEPTION = ("allowed", "permitted", "may", "can", "ok", "okay", "excepted", "free")
_JOINTS = ("and", "&", "&&", "+", ",", "/", "or", "plus", "also", "nad", "adn", "n", "und", "et", "y", "e")
"""what stands between two places; a reason begins with none of them"""
_BEFORE_A_PLACE = (*_JOINTS, "an", "as", "with", "both", "then", "not", "without", "minus", "only", "just")
_TOO = ("too", "also", "aswell", "both")
_OF = ("for", "only", "just", "in", "on", "of", "to", "at", "the", "all")
_ENDS = "().,;:!?\"'[]*_~"
_MOST_WORDS = 200


def doubt(typed: Sequence[str], vocabulary: Vocabulary, *, timed: bool, app: bool = True) -> tuple[str, str] | None:
    """What reads otherwise, and the remedy; None when all of it is a reason.

    `timed`: a time stands right before it, so that a time zone or a part of the day would belong to that. `app`: an app
    is named before it, so that "for payments" is why and not where.
    """
    words = [word.lower().strip(_ENDS) or word.lower() for word in typed[:_MOST_WORDS]]
    for at in range(len(words)):
        found = (
            _exception(words, at, vocabulary)
            or _place(words, at, vocabulary, app=app)
            or _time(words, at, timed=timed and at == 0)
        )
        if found:
            return f"`{' '.join(typed[at : at + 2])[:60]}` {found}", MARK
    return None


def _place(words: Sequence[str], at: int, vocabulary: Vocabulary, *, app: bool) -> str:
    word, behind = words[at], words[at + 1] if at + 1 < len(words) else ""
    parts = [part for part in word.replace("/", ",").replace("+", ",").replace("&", ",").split(",") if part]
    joined = word in _BEFORE_A_PLACE and _names(behind, vocabulary)
    several = parts != [word] and any(vocabulary.meaning(part) for part in parts)
    too = vocabulary.meaning(word) and (behind in _TOO or words[at + 1 : at + 3] == ["as", "well"])
    where = not app and word in _OF and all(each in _OF for each in words[:at]) and vocabulary.meaning(behind).app
    begins = at == 0 and (vocabulary.meaning(word) or word in _JOINTS or words[:2] == ["as", "well"])
    if joined or several or too or where or begins:
        return "reads as another place: one app and one environment at a time."
    return ""


def _names(word: str, vocabulary: Vocabulary) -> bool:
    return bool(vocabulary.meaning(word.partition(",")[0].removesuffix(":")))


def _exception(words: Sequence[str], at: int, vocabulary: Vocabulary) -> str:
    word, behind = words[at].lstrip("-!"), words[at + 1] if at + 1 < len(words) else ""
    named = vocabulary.meaning(word).app
    if (
        word in _EXCEPT
        or (word != "expect" and len(word) > 4 and misspelt(word, ["except"]))
        or " ".join(words[at : at + 2]) in _EXCEPT_PAIRS
        or (words[at] in _BEFORE_AN_EXCEPTION and vocabulary.meaning(behind).app)
        or (words[at] != word and named)
        or (named and (behind in _BEHIND_AN_EXCEPTION or " ".join(words[at + 1 : at + 3]) in ("is ok", "is fine")))
    ):
        return "reads as an exception: `/freeze ENV until TIME --except APP,APP` makes one."
    return ""


def _time(words: Sequence[str], at: int, *, timed: bool) -> str:
    if is_beginning(words, at):
        return "reads as a beginning: it holds from now on, and only its end can be given."
    if reads_as_time(words, at, timed=timed):
        return f"reads as a time, and is not clear as one. {moments.EXAMPLES} Give it before the reason."
    return ""
