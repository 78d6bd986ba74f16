"""The words behind a verb, answered one question at a time.

A command asks for its flags first, then for what follows a preposition, then for names; a word that nobody asked for is
an error, never ignored.
"""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import NoReturn

from bot.domain.environment import careful
from bot.domain.errors import InvalidCommand, UnknownName
from bot.domain.image import is_digest
from bot.domain.intent import Context, IfBusy, Pick, RejectImage
from bot.domain.reason import says_something
from bot.domain.subscription import SUBSCRIBABLE
from bot.grammar.doubts import MARK, doubt
from bot.grammar.flags import FreeText, breaks_glass, opens, rest_of, take_flag, take_reason
from bot.grammar.hold import Hold, read_hold, take_led_time, take_start, take_time, take_time_at_end
from bot.grammar.leftovers import Leftover, gravest, remedy
from bot.grammar.moments import EXAMPLES, UNTIL
from bot.grammar.place import Place, Slots, assign
from bot.grammar.tokens import Token
from bot.grammar.vocabulary import Vocabulary
from bot.runtime.spelling import SHOWN as NAMES_SHOWN
from bot.runtime.spelling import did_you_mean, misspelt

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
_REVISION = re.compile(r"\w[\w./+@-]{0,254}", re.ASCII)
_PARAMETER = re.compile(r"([\w.-]+)=(.*)", re.ASCII | re.DOTALL)
_IDENTIFIER = re.compile(r"\w[\w.:-]{0,252}", re.ASCII)
_MENTION = re.compile(r"@([UW][A-Z0-9]{2,20})")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
IN = ("to", "on", "in", "into")
"""what stands before the environment that something goes to, or is in"""
_OF_REVISION = ("on", "from", "of", "branch", "tag", "commit", "revision")
_BRANCHES = ("next", "test", "testing", "preview", "trial", "daily", "weekly", "plan")
BETWEEN = ("and", "&", "+", ",")
_SHOWN = 60
"""characters of a wrong word that are worth repeating"""


@dataclass(frozen=True)
class NewsWords:
    """News of an app ("" for all) in an environment ("" for all), of some events (() for all)."""

    app: str
    environment: str
    events: tuple[str, ...]
    here: bool


def is_image(reference: str) -> bool:
    """Whether it can be a tag or a whole digest."""
    return is_digest(reference) or _TAG.fullmatch(reference) is not None


def is_revision(text: str) -> bool:
    """Whether it can be a branch, tag or commit; never what git would take for an option."""
    return _REVISION.fullmatch(text) is not None


def is_identifier(text: str) -> bool:
    """Whether it can name a pipeline run or a promotion."""
    return _IDENTIFIER.fullmatch(text) is not None


class Words:
    """Raises InvalidCommand or UnknownName, each with the usage, for words that do not fit."""

    def __init__(self, context: Context, verb: str, usage: str, tokens: Iterable[Token]) -> None:
        self.context = context
        self.verb = verb
        self.vocabulary = Vocabulary()
        self._usage = usage
        self._tokens = tuple(tokens)
        self._flags: list[str] = []

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def flag(self, name: str) -> bool:
        """Whether `--name` was given."""
        self._flags.append(f"--{name}")
        given, self._tokens = take_flag(self._tokens, name)
        return given

    def why(self) -> tuple[str, bool]:
        """The reason (behind `--reason`, `--break-glass` or `!`), and whether it breaks the glass.

        An unquoted reason goes on to the end of the line; one of the command's own flags in it is asked about.
        """
        self._flags += ["--reason", "--break-glass"]
        found, self._tokens = take_reason(self._tokens)
        self._check_inside(found)
        if found.given and not says_something(found.text):
            if found.breaks_glass:
                self.refuse("Breaking the glass needs a reason.", "Say behind the `!` why it cannot wait.")
            self.refuse("Nothing follows `--reason`.", "Say why, in words that people can read.")
        if found.breaks_glass and found.switch:
            self.refuse(
                f"`{found.switch}` is no reason to break the glass.",
                "Say behind the `!` why it cannot wait, or leave the flag out.",
            )
        for token in self._tokens:
            if opens(token, "reason"):
                self.refuse("There are two reasons.", "Give one, behind `--reason` or behind `!`.")
            if breaks_glass(token):
                self.refuse("A `!` counts only before the reason.", "Quote a reason that holds one.")
        return found.text, found.breaks_glass

    def _check_inside(self, found: FreeText) -> None:
        known = re.findall(r"--[a-z-]+", self._usage)
        for token in found.inside:
            if opens(token, "reason"):
                self.refuse("There are two reasons.", "Give one, behind `--reason` or behind `!`.")
            flag = token.whole.partition("=")[0].lower()
            if token.is_flag and not breaks_glass(token) and (flag in known or misspelt(flag, known)):
                what = f"`{_short(flag)}` stands inside the reason."
                self.refuse(what, "If you mean the flag, put it before the reason; otherwise put the reason in quotes.")

    def if_busy(self) -> IfBusy:
        """What to do when the place is taken: `--queue` or `--replace`."""
        queue, replace = self.flag("queue"), self.flag("replace")
        if queue and replace:
            self.refuse("It either waits (`--queue`) or takes the other's place (`--replace`).")
        return IfBusy.QUEUE if queue else IfBusy.REPLACE if replace else IfBusy.REFUSE

    def start_time(self) -> tuple[str, bool]:
        """The time behind `--at` as it was typed, "" for none; and whether `--when-open` was given.

        Only a flag puts something off: a time in plain words may be meant as anything, and is asked about.
        """
        when_open = self.flag("when-open")
        self._flags.append("--at")
        found, self._tokens = take_start(self._tokens)
        if found is None:
            self.refuse("No time follows `--at`.", EXAMPLES)
        if found and when_open:
            self.refuse("It starts at a time (`--at`) or when it can (`--when-open`).")
        return found, when_open

    def image_after(self, preposition: str) -> str:
        """The word that follows the preposition, unless it names an environment: "" then."""
        for at, token in enumerate(self._tokens):
            if token.says(preposition) and not (
                at + 1 < len(self._tokens) and self.vocabulary.meaning(self._tokens[at + 1].whole).environment
            ):
                return self._take_after(at)
        return ""

    def after(self, *prepositions: str) -> str:
        """The word that follows one of the prepositions, or ""."""
        at = next((index for index, token in enumerate(self._tokens) if token.says(*prepositions)), None)
        return "" if at is None else self._take_after(at)

    def _take_after(self, at: int) -> str:
        if at + 1 == len(self._tokens):
            self.refuse(f"Nothing follows `{self._tokens[at].text}`.")
        word = self._tokens[at + 1].whole
        self._tokens = (*self._tokens[:at], *self._tokens[at + 2 :])
        return word

    def environment_after(self, *prepositions: str) -> str:
        """The environment that follows one of the prepositions, or ""."""
        self._sift()
        word = self.after(*prepositions)
        if not word:
            return ""
        found = self.vocabulary.environment(re.sub(r"(?i)^env:", "", word))
        return found or self._unknown(word, "an environment", self.vocabulary.environment_words)

    def keyword(self, word: str) -> bool:
        """Whether a bare word was said."""
        left = tuple(token for token in self._tokens if not token.says(word))
        said = len(left) < len(self._tokens)
        self._tokens = left
        return said

    def place(self, slots: Slots, *, image: bool = False, to: tuple[str, ...] = ()) -> Place:
        """All that is left, told apart; with an image (`@tag`, `@digest`) where the command takes one.

        The word behind a preposition of `to` is the environment, whatever else it could mean.
        """
        self._sift()
        self._one_target(to)
        target = self.environment_after(*to)
        if target:
            slots = Slots(slots.apps, slots.environments - 1)
        names, images = self._names_and_images()
        if len(images) > 1:
            self.refuse("More than one image is named.")
        known, left = assign(names, self.vocabulary, slots)
        for word in left:
            if not (image and known.app and not images and self._may_be_tag(word)):
                self._does_not_fit(word, known, slots)
            images.append(word)
        if images and not image:
            self.refuse(f"`/{self.verb}` takes no image, but one is named: `@{images[0]}`.")
        environments = (*known.environments, target) if target else known.environments
        return Place(known.apps, environments, images[0] if images else "")

    def news(self) -> NewsWords:
        """All that is left: what news, and whether for the channel (`here`). A word that names an app is that app."""
        here = self.keyword("here")
        events = [str(one) for one in SUBSCRIBABLE if not self.vocabulary.app(one) and self.keyword(one)]
        place = self.place(Slots(), to=IN)
        return NewsWords(place.app, place.environment, tuple(events), here)

    def _one_target(self, to: tuple[str, ...]) -> None:
        """`to prod and dev` is no way from one to the other."""
        tokens = self._tokens
        places = [self._environments_in(token) for token in tokens]
        for at, names in enumerate(places):
            joined = at > 1 and tokens[at - 1].says(*BETWEEN) and places[at - 2]
            joined = joined or (at > 0 and tokens[at - 1].text.endswith(",") and places[at - 1])
            behind = any(tokens[index].says(*to) and places[index + 1] for index in range(at - 1))
            if to and (len(names) > 1 or (names and (joined or behind))):
                self.refuse(f"`/{self.verb}` goes to one environment at a time.")

    def _environments_in(self, token: Token) -> list[str]:
        """The parts of a word that name an environment and nothing else."""
        meanings = [self.vocabulary.meaning(part) for part in token.whole.split(",") if part]
        return [meaning.environment for meaning in meanings if meaning.environment and not meaning.app]

    def _names_and_images(self) -> tuple[list[str], list[str]]:
        """`my-app@1.4.2` and `my-app:1.4.2` are both; commas and "and" only stand between."""
        names: list[str] = []
        images: list[str] = []
        for token in self._rest():
            if token.says(*BETWEEN):
                continue
            name, at, reference = token.whole.partition("@")
            if token.is_person or (at and not name and reference.isalpha()):
                told = remedy(Leftover.PERSON, token.whole, self.verb, self._usage)
                self.refuse(f"`{_short(token.whole)}` is no image.", told)
            before, colon, tag = name.partition(":")
            if colon and tag and self.vocabulary.app(before):
                self._check_tag(before, tag)
                name, at, reference = before, colon, f"{tag}{at}{reference}"
            names += [part for part in name.split(",") if part] if name.strip(",") else [] if at else [name]
            images += [self.image(reference)] if at else []
        return names, images

    def _check_tag(self, app: str, tag: str) -> None:
        if self.vocabulary.environment(tag):
            self.refuse(
                f"`{app}:{_short(tag)}` may mean an image or an environment.",
                f"The environment: `{app} {tag}`. An image with that tag: `{app}@{tag}`, and an environment behind it.",
            )

    def _may_be_tag(self, word: str) -> bool:
        """A bare word that can be meant as a tag: it has a digit, and is no name of something else."""
        near = did_you_mean(word, (*self.vocabulary.apps, *self.vocabulary.environment_words))
        named = self.vocabulary.meaning(word)
        return is_image(word) and any(c.isdigit() for c in word) and not (near or named)

    def hold(self, *, exceptions: bool = False) -> Hold:
        """Where, until when, but for which apps (where the command takes `exceptions`), and why."""
        tokens, self._tokens = self._tokens, ()
        hold = read_hold(tokens, self.vocabulary, exceptions=exceptions)
        if hold.flag:
            self.refuse(f"No time follows `{hold.flag}`.", EXAMPLES)
        for name in hold.exempt:
            if name.startswith("?"):
                self._unknown(name[1:], "an app", self.vocabulary.apps)
        if not hold.marked and hold.rest:
            hold = self._unmarked(hold)
        return replace(hold, reason=hold.reason if says_something(hold.reason) else "")

    def _unmarked(self, hold: Hold) -> Hold:
        """A mistyped app, and a time that cannot be read, must not be taken for a reason to hold something for ever."""
        word = hold.rest[0].whole
        if not (hold.place.app or hold.place.environment):
            self._unknown(word, "an app or an environment", (*self.vocabulary.apps, *self.vocabulary.environment_words))
        if (
            not hold.place.app
            and not self.vocabulary.app(word)
            and (near := did_you_mean(word, self.vocabulary.apps, limit=1))
        ):
            self.refuse(f"`{_short(word)}` does not name an app.{near}", MARK)
        self._tokens = hold.rest
        if not hold.until:
            self._check_time("", hold.rest)
        timed = bool(hold.until)
        hold = take_time_at_end(hold)
        self._check_rest(hold.rest)
        words = [token.whole for token in hold.rest[hold.rest[0].quoted :]]
        if found := doubt(words, self.vocabulary, timed=timed, app=bool(hold.place.app)):
            self.refuse(*found)
        self._tokens = ()
        return replace(hold, reason=hold.reason.lstrip("-–— "))

    def _check_rest(self, rest: tuple[Token, ...]) -> None:
        for token in rest:
            flag = token.whole.partition("=")[0].lower()
            if token.is_flag:
                self.refuse(f"`{_short(flag)}` stands inside the reason.", "Put it before the reason, or quote that.")

    def _check_time(self, until: str, left: tuple[Token, ...]) -> None:
        """A time that cannot be read must not be taken for a reason to hold something for ever."""
        if until or not left or not left[0].says("for", *UNTIL):
            return
        word = left[1].whole if len(left) > 1 else ""
        if not left[0].says("for") or word[:1].isdigit():
            self.refuse(f"`{_short(f'{left[0].text} {word}'.strip())}` names no time.", EXAMPLES)

    def apps(self, text: str) -> tuple[str, ...]:
        """Every app in "my-app,payments". Raises UnknownName."""
        names = [name for name in text.split(",") if name]
        known = self.vocabulary
        return tuple(known.app(name) or self._unknown(name, "an app", known.apps) for name in names)

    def image(self, reference: str) -> str:
        """A tag or a whole digest."""
        if not is_image(reference):
            wanted = "Give a tag (`@1.4.2`) or a whole digest (`@sha256:` and 64 hexadecimal digits)."
            self.refuse(f"`@{_short(reference)}` is no image.", wanted)
        return reference

    def parameters(self) -> dict[str, str]:
        """Every `name=value`."""
        found = {token: _PARAMETER.fullmatch(token.whole) for token in self._tokens if not token.is_flag}
        self._tokens = tuple(token for token in self._tokens if not found.get(token))
        return {match[1]: match[2] for match in found.values() if match}

    def app(self) -> str:
        """The first word that names an app; "" when no word is left. Raises UnknownName."""
        self._no_other_flags()
        for index, token in enumerate(self._tokens):
            if found := self.vocabulary.meaning(token.whole).app:
                self._tokens = (*self._tokens[:index], *self._tokens[index + 1 :])
                return found
        return self._unknown(self._tokens[0].whole, "an app", self.vocabulary.apps) if self._tokens else ""

    def revision(self) -> str:
        """A branch, tag or commit of the source, if there is a word left; else "".

        What reads as a time, a no or another command is none, but for words that branches are usually called by; in
        quotes any word is one.
        """
        led = len(self._tokens) > 1 and self._tokens[0].says(*_OF_REVISION)
        self._tokens = self._tokens[led:]
        if not self._tokens:
            return ""
        word = self._tokens[0]
        if not led and not word.quoted and self.vocabulary.app(word.whole.strip(",")):
            what = f"`{_short(word.whole)}` names an app, and `/{self.verb}` takes one."
            self.refuse(what, f"A branch that is called so: `branch {_short(word.whole)}`.")
        self._sift(_BRANCHES, "A branch that is called so goes into quotes.")
        return self._next(_REVISION, "is no branch, tag or commit")

    def identifier(self, what: str) -> str:
        """The next word, which names `what` ("a pipeline run"); phones write its first letter large."""
        if not self._tokens:
            self.refuse(f"Name {what}.")
        return self._next(_IDENTIFIER, f"does not name {what}").lower().rstrip(".:")

    def rest(self) -> str:
        """Everything that is left, as it was typed; "" where a person could read nothing in it."""
        tokens, self._tokens = self._tokens, ()
        text = rest_of(tokens)
        return text if says_something(text) else ""

    def app_and_image(self, what: str) -> tuple[str, str]:
        """The next word, APP@TAG or APP@DIGEST, in its two parts; `what` says what it is for."""
        name, at, reference = self._tokens[0].whole.partition("@") if self._tokens else ("", "", "")
        if not (name and at):
            self.refuse(f"Name {what}, as in `my-app@1.4.2`.")
        self._tokens = self._tokens[1:]
        return self.vocabulary.app(name) or name, self.image(reference)

    def rejected_image(self) -> RejectImage:
        """APP@TAG or APP@DIGEST, and why it is rejected."""
        app, image = self.app_and_image("the image to reject")
        reason = self.rest()
        if not reason:
            self.refuse("A rejection needs a reason.", "Say it behind the image.")
        return RejectImage(context=self.context, app=app, image=image, reason=reason)

    def person(self, what: str) -> str:
        """The next word, a mention or an e-mail address: a Slack user id, or the address."""
        word = self._tokens[0].whole if self._tokens else ""
        mentioned = _MENTION.fullmatch(word)
        if not (mentioned or _EMAIL.fullmatch(word)):
            self.refuse(f"Name {what}: mention them as @name, or give their e-mail address.")
        self._tokens = self._tokens[1:]
        return mentioned[1] if mentioned else word

    def time(self) -> str:
        """The time that comes next, with or without `for` or `until` before it; "" when there is none."""
        found, self._tokens = take_time(self._tokens)
        self._check_time(found, self._tokens)
        return found

    def led_time(self) -> str:
        """The time behind `for` or `until`, wherever it stands; "" where neither is said."""
        found, self._tokens = take_led_time(self._tokens)
        if found is None:
            self.refuse("No time follows `for` or `until`.", EXAMPLES)
        return found

    @property
    def names_image(self) -> bool:
        """Whether the next word is APP@TAG or APP@DIGEST."""
        return bool(self._tokens) and "@" in self._tokens[0].whole

    def done(self) -> None:
        """Raises InvalidCommand when a word is left over."""
        self._sift()
        for token in self._rest():
            self._too_many(token.whole)

    def pick(self, place: Place, *, also_given: bool = False) -> Pick:
        """The picker for what was left out. What it could not carry (`also_given`) must not get lost in it."""
        if also_given or place.image or len(place.apps) > 1:
            if place.app and not place.environment and self.vocabulary.environment(place.image):
                self._check_tag(place.app, place.image)
            self.refuse(f"Name {'an environment' if place.apps else 'an app'} too.")
        return Pick(context=self.context, verb=self.verb, app=place.app, environment=place.environment)

    def refuse(self, what: str, remedy: str = "") -> NoReturn:
        """Raises InvalidCommand: what was wrong, what to do about it, and the usage."""
        raise InvalidCommand(" ".join(part for part in (what, remedy, self._expected) if part))

    @property
    def _expected(self) -> str:
        return f"Expected: `{self._usage}`."

    def _next(self, pattern: re.Pattern[str], wrong: str) -> str:
        self._no_other_flags()
        word = self._tokens[0].whole
        if not pattern.fullmatch(word):
            self.refuse(f"`{_short(word)}` {wrong}.")
        self._tokens = self._tokens[1:]
        return word

    def _rest(self) -> tuple[Token, ...]:
        self._no_other_flags()
        tokens, self._tokens = self._tokens, ()
        return tokens

    def _no_other_flags(self) -> None:
        for token in self._tokens:
            if token.is_flag:
                flag, equals, value = token.whole.partition("=")
                if equals and flag.lower() in self._flags:
                    self.refuse(f"`{flag}` is given or it is not: `{_short(value)}` says neither.")
                self.refuse(f"`/{self.verb}` has no flag `{_short(flag)}`.{misspelt(flag, self._flags)}")

    def _sift(self, usual: Sequence[str] = (), otherwise: str = "") -> None:
        """What was said against it, or for another time or way, is told first; see `leftovers`.

        `usual`: words that are names all the same; `otherwise`: what to do where the word was meant as a name.
        """
        for token in self._tokens:
            if token.quoted and not token.key and not self.vocabulary.meaning(token.text) and " " in token.text:
                self.refuse("A quoted text has no place there.", remedy(Leftover.REASON, "", self.verb, self._usage))
            if not token.quoted and token.text.endswith("!") and self.vocabulary.meaning(token.text.rstrip("!")):
                bare = token.text.rstrip("!")
                self.refuse(f"`{_short(token.text)}` is no name.", f"Without the `!` it is: `{_short(bare)}`.")
        words = ["" if token.quoted else token.text for token in self._tokens if token.text.lower() not in self._flags]
        named = lambda word: not word or word.lower() in usual or bool(self.vocabulary.meaning(word))  # noqa: E731
        if found := gravest(words, named):
            kind, word = found
            told = remedy(kind, word, self.verb, self._usage)
            self.refuse(f"`{_short(word)}` is not understood there.", f"{told} {otherwise}".strip())

    def _does_not_fit(self, word: str, known: Place, slots: Slots) -> NoReturn:
        wanted: dict[str, tuple[str, ...]] = {}
        if len(known.apps) < slots.apps:
            wanted["an app"] = self.vocabulary.apps
        if len(known.environments) < slots.environments:
            wanted["an environment"] = self.vocabulary.environment_words
        if not wanted or self.vocabulary.meaning(word):
            self._one_too_many(word, known)
        self._unknown(word, " or ".join(wanted), [name for names in wanted.values() for name in names])

    def _one_too_many(self, word: str, known: Place) -> NoReturn:
        meant = self.vocabulary.meaning(word)
        app = next(iter((*known.apps, meant.app)), "") or "APP"
        if self.verb == "deploy" and meant.app and known.app:
            remedy = f"Several travel together: `/promote {known.app} {meant.app} to ENV`."
            self.refuse(f"`/deploy` takes one app, and `{meant.app}` is a second one.", remedy)
        if self.verb == "deploy" and (word.lower() == "from" or (meant.environment and known.environment)):
            self.refuse("`/deploy` takes one environment.", f"From one to another: `/promote {app} from ENV to ENV`.")
        self._too_many(word)

    def _too_many(self, word: str) -> NoReturn:
        """What it was meant for is not known, so nobody is told to do without it."""
        self.refuse(f"`{_short(word)}` is one word too many: it is not clear what it means, so nothing was done.")

    def _unknown(self, word: str, what: str, names: Sequence[str]) -> NoReturn:
        bare = re.sub(r"(?i)^(app|env):", "", word)
        proper = {*self.vocabulary.apps, *(each.name for each in self.vocabulary.environments)}
        every = [name for name in names if self._may_be_offered(bare, name)]
        near = did_you_mean(bare, every)
        if not near:
            shown = sorted(name for name in names if name in proper)
            more = f" and {len(shown) - NAMES_SHOWN} more" if len(shown) > NAMES_SHOWN else ""
            near = f" Known: {', '.join(shown[:NAMES_SHOWN])}{more}." if shown else ""
        raise UnknownName(f"`{_short(bare)}` does not name {what}.{near} {self._expected}")

    def _may_be_offered(self, word: str, name: str) -> bool:
        """Production, and the last environment, are offered only for a slip of the finger: `nonprod` and `prod2` do not
        mean it.
        """
        numbered = re.sub(r"\D", "", word) != re.sub(r"\D", "", name)
        if self.vocabulary.meaning(name).environment not in careful(self.vocabulary.environments):
            return True
        return bool(not numbered and misspelt(word, [name]))


def _short(word: str) -> str:
    return word if len(word) <= _SHOWN else f"{word[:_SHOWN]}…"
