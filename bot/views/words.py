"""Text from outside, made fit to print, and the small words that every view shares.

Everything that comes from commits, tags, alerts, policy or people passes `plain` (for plain_text objects) or `safe`
(for mrkdwn) (S6). Limits count UTF-16 units of the *escaped* text, the strictest of the readings that Slack leaves
open (S19), and an entity is never cut.
"""

import re
import unicodedata
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime, timedelta
from functools import lru_cache
from urllib.parse import quote, urlsplit

from bot.domain import slack_id
from bot.domain.caller import Person
from bot.domain.duration import lasted
from bot.domain.promotion import Progress
from bot.domain.sentence import listed

GATE_NOUNS = {"rejected": "rejection"}
"""for gates whose name, which is also their key in the policy, is no noun"""
TROUBLE = {Progress.SUPERSEDED: "got another image instead", Progress.NEVER_RAN: "does not run it"}
"""what became of an Application where no resource is to blame; for one and for several"""
ENTITIES = {"&": "&amp;", "<": "&lt;", ">": "&gt;"}
ESCAPING = str.maketrans(ENTITIES)
ELLIPSIS = "…"
NOTHING = "—"
URL_LIMIT = 1000
CONSIDERED = 10_000
"""characters of a text that are looked at: more is never shown"""
PROMOTION_ID = re.compile(r"[\w.-]{1,100}", re.ASCII)
ESCAPED_USER = re.compile(r"&lt;(@[UW][A-Z0-9]{2,20})&gt;")
ESCAPED_MENTION = re.compile(r"&lt;(!subteam\^S[A-Z0-9]{2,20}|@[UW][A-Z0-9]{2,20})&gt;")
WHOLE_ID = re.compile(r"(?<![0-9a-f])(?:(?:sha256:)?([0-9a-f]{64})|([0-9a-f]{40}))(?![0-9a-f])")
SHORT_COMMIT, SHORT_DIGEST = 7, 12
JOINERS = "\u200c\u200d"
"""the only invisible characters that are kept: emoji and some scripts are written with them"""


def clean(text: str) -> str:
    """One line without control, direction-changing or broken characters, so that nothing can pose as something else."""
    return " ".join(_visible(text[:CONSIDERED]).split())


def _visible(text: str) -> str:
    """Each character is judged once, however often it stands there: texts from outside are long."""
    if text.isascii() and text.isprintable():
        return text
    hidden = {ord(character): None for character in set(text) if not visible(character)}
    return text.translate(hidden) if hidden else text


@lru_cache(maxsize=1000)
def visible(character: str) -> bool:
    return character.isspace() or character in JOINERS or unicodedata.category(character) not in ("Cc", "Cf", "Cs")


def plain(text: str, limit: int) -> str:
    """For plain_text objects, in which nothing is parsed; never empty."""
    return cut(clean(text), limit, escaped=False) or NOTHING


def safe(text: str, limit: int = 200) -> str:
    """For mrkdwn: escaped, at most `limit` long when escaped; never empty."""
    return cut(clean(text), limit, escaped=True) or NOTHING


def cut(text: str, limit: int, *, escaped: bool) -> str:
    whole = text.translate(ESCAPING) if escaped else text
    if width(whole) <= limit:
        return whole
    written: list[str] = []
    room = limit
    for character in text:
        entity = ENTITIES.get(character, character) if escaped else character
        room -= width(entity)
        written.append(entity)
        if room < 0:
            break
    while written and room < 1:
        room += width(written.pop())
    return "".join(written).rstrip() + ELLIPSIS


def width(text: str) -> int:
    """Length in UTF-16 units."""
    return len(text) if text.isascii() else len(text.encode("utf-16-le", "surrogatepass")) // 2


def short_ids(text: str) -> str:
    """Whole ids of commits and digests as people read them: 7 digits of the one, 12 of the other.

    For what is read. What people copy into a command stays whole.
    """
    return WHOLE_ID.sub(lambda found: (found[1] or found[2])[: SHORT_DIGEST if found[1] else SHORT_COMMIT], text)


def label(text: str, limit: int = 40) -> str:
    """An image as people call it: its tag, which may be an id, or what is shown of its digest."""
    return safe(short_ids(text), limit)


def code(text: str, limit: int = 100) -> str:
    """Inline code. A backtick cannot be escaped (S6), so it is written as an apostrophe."""
    return f"`{safe(text.replace('`', chr(39)), limit - 2)}`"


def bold(text: str, limit: int = 100) -> str:
    return f"*{safe(text.replace('*', '∗'), limit - 2)}*"


def block_of_code(lines: Sequence[str], limit: int) -> str:
    """The last lines that fit, as a code block; a line that is too long by itself is cut."""
    room = limit - 8
    kept: list[str] = []
    for line in reversed(lines):
        printed = cut(clean_line(line), min(room - 1, 400), escaped=True)
        room -= width(printed) + 1
        if room < 2:
            break
        kept.append(printed)
    return "```\n" + ("\n".join(reversed(kept)) or NOTHING) + "\n```"


def clean_line(line: str) -> str:
    """A line of a log: its indentation stays."""
    shown = _visible(line[:CONSIDERED].expandtabs(4)).replace("\r", "").replace("\n", "")
    return shown.replace("```", "'''").rstrip()


def mention(person: Person) -> str:
    """Live for a Slack user id, else the name."""
    return f"<@{person.id}>" if slack_id.is_user(person.id) else safe(person.name or person.id, 80)


def channel_mention(channel: str) -> str:
    """A conversation with the bot, named by its id or by the person's, has no name that Slack would show."""
    if slack_id.is_direct(channel) or slack_id.is_user(channel):
        return "our direct messages"
    return f"<#{channel}>" if slack_id.is_conversation(channel) else safe(channel, 80)


def with_mentions(text: str, limit: int) -> str:
    """Like `safe`, but mentions of users and user groups stay live. Only for text that the bot itself composed."""
    return ESCAPED_MENTION.sub(r"<\1>", safe(text, limit))


def link(url: str, label: str, limit: int = 100) -> str:
    """A link where `url` is one that can be written, else the label alone. `label` is raw text."""
    shown = safe(label.replace("|", "¦"), limit)
    target = web_address(url)
    return f"<{target}|{shown}>" if target else shown


def web_address(url: str) -> str:
    """The URL as it may stand in mrkdwn, "" when it is no http(s) address or too long."""
    try:
        parts = urlsplit(url)
    except ValueError:
        return ""
    if parts.scheme not in ("http", "https") or not parts.netloc or clean(url) != url:
        return ""
    target = quote(url, safe="%/:?#[]@!$&'()*+,;=~", errors="replace").replace("&", "&amp;")
    return target if len(target) <= URL_LIMIT else ""


def repository_page(source: str) -> str:
    """Where the pages of a source repository begin; "" for what is no web address."""
    page = source.removesuffix("/").removesuffix(".git")
    if not web_address(page):
        return ""
    return f"{page}/-" if "gitlab" in urlsplit(page).netloc else page


def commit_page(source: str, revision: str) -> str:
    """The source repository's page of a commit, "" where there is none."""
    page = repository_page(source)
    return f"{page}/commit/{revision}" if page and revision else ""


TIME = "{time}"
DAY_AND_TIME = "{date_short_pretty} at {time}"


def moment(at: datetime, style: str = TIME) -> str:
    """In the reader's own time zone; in UTC where a client cannot do that."""
    utc = at.astimezone(UTC)
    fallback = f"{utc:%H:%M} UTC" if style == TIME else f"{utc:%Y-%m-%d %H:%M} UTC"
    return f"<!date^{int(utc.timestamp())}^{style}|{fallback}>"


def joined(parts: Iterable[str], limit: int, separator: str = "\n") -> str:
    """The parts that fit, and how many more there are. Parts are finished mrkdwn and never cut."""
    every = list(parts)
    if sum(width(part) + width(separator) for part in every) - width(separator) <= limit:
        return separator.join(every)
    kept, room = 0, limit - width(more(len(every), separator))
    for part in every:
        room -= width(part) + width(separator)
        if room < 0:
            break
        kept += 1
    return separator.join(every[:kept]) + more(len(every) - kept, separator if kept else "")


def more(count: int, separator: str = "\n") -> str:
    return f"{separator}and {count:,} more"


def count(number: int, noun: str, plural: str = "") -> str:
    return f"{number:,} {noun if number == 1 else plural or noun + 's'}"


def measured(time: timedelta | None) -> str:
    """A duration, or a dash where there is nothing to measure."""
    return NOTHING if time is None else lasted(time)


def commits_named(number: int, subjects: Sequence[str], authors: Sequence[str] = ()) -> str:
    """ "4 commits: Make it faster (@ana), Fix a typo (Bo) and 2 more"; subjects are raw, authors ids or raw names."""
    by = {place: _person(author) for place, author in enumerate(authors) if clean(author)}
    said = [(safe(subject, 80), by.get(place)) for place, subject in enumerate(subjects) if clean(subject)]
    shown = [f"{subject} ({author})" if author else subject for subject, author in said]
    more = f" and {number - len(shown):,} more" if shown and number > len(shown) else ""
    return f"{count(number, 'commit')}: {', '.join(shown)}{more}" if shown else count(number, "commit")


def _person(author: str) -> str:
    return f"<@{author}>" if slack_id.is_user(author) else safe(author, 40)


def named(names: Sequence[str], last: str = "and", most: int = 5) -> str:
    """Escaped names as words of a sentence; a long list ends in how many more there are."""
    shown = [safe(name, 60) for name in names[:most]]
    if len(names) > most:
        shown.append(f"{len(names) - most:,} more")
        last = "and"
    return listed(shown, last)


def ended(sentence: str) -> str:
    """With its full stop."""
    return sentence if sentence.endswith((".", "!", "?", ELLIPSIS)) else f"{sentence}."


def title(gate: str) -> str:
    """A gate's name as a label: "two-person" → "Two person"."""
    words = clean(GATE_NOUNS.get(gate, gate).replace("-", " ").replace("_", " "))
    return words[:1].upper() + words[1:]


def gates(names: Iterable[str]) -> str:
    """As part of a sentence: "the scan gate", "the lock and freeze gates". Each name once, whatever it is called."""
    each = list(dict.fromkeys(title(name).lower() for name in names))
    return f"the {named(each, most=10)} {'gate' if len(each) == 1 else 'gates'}"
