"""Words that people read as a time and that cannot be taken as one: "for a few days", "bis morgen", "fri-mon".

`doubts` asks about them in a reason that began by itself: a time that gets lost there is a lock without end.
"""

import re
from collections.abc import Sequence

from bot.grammar import moments
from bot.runtime.spelling import misspelt


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNTIL = _words("bis hasta até jusque jusqu'à jusqu'au jusqu'a") | {*moments.UNTIL}
"""what only a time follows"""
_BEFORE = _words("by before thru through to upto - – — -> → > next this at @")
"""what a time often follows"""
_LATER = _words("from starting starts beginning begins between after since von ab desde depuis")
_BEGINS = _words("from starting starts beginning begins between")
_LASTING = _words(
    "for over during within throughout another all whole entire this next every each coming following rest remainder "
    "für pour por durante pendant während per"
)
_AGAIN = _LASTING | _words("a an the of about around roughly some few several more or one")
_WHILE = (
    "while|moment|bit|night|evening|morning|afternoon|weekend|lunch|lunchtime|day|week|month|quarter|year|sprint|shift|"
    "fortnight|term|season|holidays?|christmas|easter|nacht|wochenende|woche|tag|nuit|journée|semaine|noche|semana|time|"
    "hours?|minutes?|days|weeks|months|nights|ever"
)
_UNIT = (
    "seconds?|secs?|minutes?|mins?|hours?|hrs?|hs|h|days?|nights?|weeks?|wks?|months?|quarters?|years?|yrs?|sprints?|"
    "fortnights?|shifts?|stunden?|std|minuten|tage?n?|wochen?|monate?|heures?|jours?|semaines?|mois|horas?|d[ií]as?|"
    "semanas?|mes(?:es)?|ore|ora|giorn[io]|settiman[ae]|uur|dagen|uren|dag"
)
_NUMBER = (
    "one|two|three|four|five|six|seven|eight|nine|ten|eleven|twelve|fifteen|twenty|thirty|forty|fifty|sixty|ninety|half|"
    "couple|few|several|many|ein|eine|einen|einer|zwei|drei|deux|trois|dos|tres|½|¼|¾|an"
)
_FIGURE = r"\d{1,4}(?:[.,/]\d{1,2})?(?:-\d{1,4}(?:[.,]\d{1,2})?)?"
_COUNTED = re.compile(
    rf"(?:{_FIGURE} ?(?:{_UNIT}|[wdm])|(?:{_FIGURE}|{_NUMBER})(?: (?:of|to|or|an?|more|full|whole|working|business|\d+|"
    rf"{_NUMBER}))* (?:{_UNIT}))(?: .*)?"
)
_MONTH = "jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec"
_DATED = re.compile(
    r"\d{1,2}[/-]\d{1,2}[/-](?:\d\d){1,2}|\d{1,2}\.\d{1,2}\.\d{4}|\d{4}[/.]\d{1,2}[/.]\d{1,2}"
    rf"|(?:the )?\d{{1,2}}(?:st|nd|rd|th)?(?: of)? (?:{_MONTH})[a-z]*(?: .*)?|pt\d+[hm].*|(?:end|mid|middle)"
    rf"-? ?(?:of )?(?:the )?(?:day|week|month|year|(?:{_MONTH})[a-z]*)(?: .*)?|half past .*|quarter (?:past|to) .*"
)
_ORDINAL = re.compile(r"\d{1,2}(?:st|nd|rd|th)")
_HOURS = re.compile(r"\d{1,2}[-–]\d{1,2}h?")
_FIGURES = re.compile(r"\d{1,4}(?:[:.,/h]\d{1,2})?\.?|\d{1,2}p|[ap]\.?m\.?")
_BETWEEN = re.compile(r"-{1,2}>?|–|—|\.\.+|→|>|/")
_DAYS = _words("monday tuesday wednesday thursday friday saturday sunday tomorrow tonight overnight")
_NAMED = _words(
    "tmrw tmr tmw 2moro eod eow cob eob forever indefinitely later heute morgen übermorgen montag dienstag mittwoch "
    "donnerstag freitag samstag sonntag demain lundi mardi mercredi jeudi vendredi samedi dimanche mañana lunes "
    "martes miércoles jueves viernes sábado domingo amanhã domani"
)
_PARTS = _words(
    "morning afternoon evening night noon midnight midday lunch lunchtime weekend o'clock oclock end am pm uhr heures "
    "inclusive included incl sharp exactly latest earliest ish week or maybe approx if unless local eastern central "
    "mountain pacific uk us eu cet cest mez mesz pst pdt est edt cst cdt mst mdt bst ist jst aest aedt eet eest wet "
    "msk pt et ct mt sgt brt hkt kst nzst nzdt cat sast gst pkt wib akst hst in at @ past"
)
"""what belongs to a time that stands right before it: a part of the day, a time zone, a condition"""
_CITIES = _words(
    "amsterdam athens auckland bangkok beijing berlin boston brussels cairo chicago copenhagen dallas delhi denver "
    "dubai dublin frankfurt geneva hamburg helsinki istanbul jakarta johannesburg kolkata lagos lisbon london madrid "
    "manila melbourne mexico miami milan montreal moscow mumbai munich nairobi oslo paris prague rome seattle seoul "
    "shanghai singapore stockholm sydney taipei tokyo toronto vancouver vienna warsaw york zurich"
)
_ZONE = re.compile(r"(?:europe|america|asia|africa|australia|pacific|atlantic|indian|etc|us)/[a-z]")
_OFFSET = re.compile(r"(?:utc|gmt)?[+-]\d{1,2}(?::?\d\d)?")
_WRAPPED = "~<>≤≥≈+*@-–—()[]{}.,;:!?\"'"


def reads_as_time(words: Sequence[str], at: int, *, timed: bool) -> bool:
    """Whether the word at this place begins a time. `timed`: one stands right before it. All words in small letters."""
    word, behind = words[at], list(words[at + 1 : at + 1 + moments.MOST_WORDS])
    return (
        word in _UNTIL
        or re.match(r"(?:until|till?|for|by)[=:].", word) is not None
        or is_named(word)
        or _plain(words[at:])
        or (at == 0 and _HOURS.fullmatch(word) is not None)
        or (word in _BEFORE and bool(behind) and words[at - 1 : at] != behind[:1] and _follows(behind))
        or (word in _LASTING and _lasts(behind))
        or (timed and _continues(word, behind))
    )


def is_beginning(words: Sequence[str], at: int) -> bool:
    """Whether it says when it begins: "from friday", "after 5pm"."""
    behind = words[at + 1 : at + 1 + moments.MOST_WORDS]
    if words[at] not in _LATER or not behind:
        return False
    figures = words[at] in _BEGINS and behind[0][:1].isdigit()
    return figures or (at == 0 and words[at] in _BEGINS - {"from"}) or behind[0] == "now" or _follows(behind)


def is_named(word: str) -> bool:
    """A day by its name, in whatever spelling: "tmrw", "firday", "montag"."""
    bare = word.strip(_WRAPPED)
    return bare in _NAMED or (len(bare) > 4 and bool(misspelt(bare, _DAYS)) and not bare.endswith("'s"))


def _plain(words: Sequence[str]) -> bool:
    """A time without a word that leads it."""
    bare = [word.strip(_WRAPPED) for word in words[: moments.MOST_WORDS]]
    text = " ".join(bare)
    if _reads(bare) or _COUNTED.fullmatch(text) or _DATED.fullmatch(bare[0]) or _DATED.fullmatch(text):
        return True
    parts = [part for part in _BETWEEN.split(words[0].strip("().,;:!?")) if part]
    return len(parts) == 2 and all(_reads([part]) for part in parts)


def _follows(words: Sequence[str]) -> bool:
    """What a time reads like behind a word that leads it: "the 5th", "end of the week", "9"."""
    rest = [word for word in words if word != "the"] or [""]
    return (
        _plain(rest)
        or is_named(rest[0])
        or rest[0] in ("now", "end", "noon", "midnight", "lunch", "later", "then")
        or _ORDINAL.fullmatch(rest[0]) is not None
        or re.fullmatch(_WHILE, rest[0].strip(_WRAPPED)) is not None
    )


def _lasts(behind: Sequence[str]) -> bool:
    rest = list(behind)
    while rest and rest[0] in _AGAIN:
        rest.pop(0)
    return bool(rest) and (re.fullmatch(_WHILE, rest[0].strip(_WRAPPED)) is not None or rest[0][:1].isdigit())


def _continues(word: str, behind: Sequence[str]) -> bool:
    """What goes on with the time that stands before it."""
    bare = word.strip("()[].,;:!?\"'") or word
    return (
        bare in _PARTS
        or bare in _CITIES
        or _ZONE.match(bare) is not None
        or "time" in [each.strip(_WRAPPED) for each in behind[:2]]
        or _OFFSET.fullmatch(bare) is not None
        or _FIGURES.fullmatch(bare.lstrip("@-–—")) is not None
        or _ORDINAL.fullmatch(bare) is not None
        or (word in ("-", "–", "—", "+", "plus", "and", "on", "of", "the") and bool(behind) and _follows(behind))
    )


def _reads(words: Sequence[str]) -> bool:
    return bool(moments.split(words)[0])
