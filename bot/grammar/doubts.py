"""A reason whose beginning was not marked, and in which something reads as a time, a second place or an exception."""

from collections.abc import Sequence

from bot.grammar import moments
from bot.grammar.vocabulary import Vocabulary

MARK = "If it belongs to the reason, put a `:` before the reason."
_LATER = ("from", "starting", "beginning", "between", "after", "since")
_LEADS = ("until", "till", "til", "untill", "'til", "by", "before", "thru", "through", "to", "-", "–", "next", "this")
_VAGUE = (
    "tonight", "eod", "eow", "cob", "eob", "morning", "afternoon", "evening", "night", "noon", "midnight", "weekend",
    "o'clock", "oclock", "later", "forever", "indefinitely", "end", "cet", "cest", "mez", "mesz", "pst",
    "pdt", "est", "edt", "cst", "cdt", "mst", "mdt", "bst", "ist", "jst", "aest", "aedt", "eet", "eest",
    "wet", "msk", "am", "pm", "uhr", "heures",
)  # fmt: skip
_ALWAYS = ("tonight", "eod", "eow", "cob", "eob", "forever", "indefinitely", "later")
_EXCEPT = ("except", "excepting", "excluding", "exclude", "excl", "bar", "barring", "besides", "unless", "sauf")
_EXCEPT_PAIRS = ("but not", "all but", "everything but", "everyone but", "other than", "apart from", "save for")
_JOINTS = ("and", "&", "+", ",", "or", "plus", "also", "with", "n", "und", "et", "both", "not", "without", "minus")
_ENDS = "().,;:!?\"'[]"
_MOST_WORDS = 200


def doubt(typed: Sequence[str], vocabulary: Vocabulary, *, timed: bool) -> tuple[str, str] | None:
    """What reads otherwise, and the remedy; None when all of it is a reason.

    `timed`: a time stands right before it, so that a time zone or a part of the day would belong to that.
    """
    words = [word.lower().strip(_ENDS) or word.lower() for word in typed[:_MOST_WORDS]]
    for at in range(len(words)):
        found = (
            _place(words, at, vocabulary)
            or _exception(words, at)
            or _time(words, at, first=at == 0, timed=timed and at == 0)
        )
        if found:
            return f"`{' '.join(typed[at : at + 2])[:60]}` {found}", MARK
    return None


def _place(words: Sequence[str], at: int, vocabulary: Vocabulary) -> str:
    word, behind = words[at], words[at + 1] if at + 1 < len(words) else ""
    parts = [part for part in word.replace("/", ",").replace("+", ",").replace("&", ",").split(",") if part]
    joined = word in _JOINTS and vocabulary.meaning(behind.partition(",")[0].removesuffix(":"))
    several = parts != [word] and any(vocabulary.meaning(part) for part in parts)
    if joined or several or (at == 0 and (vocabulary.meaning(word) or word in (*_JOINTS[:9], "as"))):
        return "reads as another place: one app and one environment at a time."
    return ""


def _exception(words: Sequence[str], at: int) -> str:
    if words[at].lstrip("-") in _EXCEPT or " ".join(words[at : at + 2]) in _EXCEPT_PAIRS:
        return "reads as an exception: `/freeze ENV until TIME --except APP,APP` makes one."
    return ""


def _time(words: Sequence[str], at: int, *, first: bool, timed: bool) -> str:
    word, behind = words[at], words[at + 1 : at + 1 + moments.MOST_WORDS]
    if word in _LATER and (_reads(behind) or first):
        return "reads as a beginning: it holds from now on, and only its end can be given."
    led = word in _LEADS and (_reads(behind) or (behind[:1] and behind[0] in _VAGUE) or (first and timed))
    span = word in ("for", "another") and behind and (behind[0][:1].isdigit() or behind[0] in ("some", "ever"))
    if led or span or _reads(words[at : at + moments.MOST_WORDS]) or word in _ALWAYS or (timed and word in _VAGUE):
        return f"reads as a time, and is not clear as one. {moments.EXAMPLES} Give it before the reason."
    return ""


def _reads(words: Sequence[str]) -> bool:
    return bool(moments.split(words)[0])
