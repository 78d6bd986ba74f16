"""Words that name something: apps, environments, images, and what stands between them."""

import re
from dataclasses import dataclass

from bot.domain.image import is_digest
from bot.domain.intent import Pick
from bot.domain.subscription import SUBSCRIBABLE
from bot.grammar.leftovers import Leftover, remedy
from bot.grammar.place import Place, Slots, assign
from bot.grammar.refusals import APP, ENVIRONMENT, EVENT, WordsLeft, short
from bot.grammar.tokens import Token
from bot.runtime.spelling import did_you_mean

_TAG = re.compile(r"\w[\w.-]{0,127}", re.ASCII)
IN = ("to", "on", "in", "into")
"""what stands before the environment that something goes to, or is in"""
BETWEEN = ("and", "&", "+", ",")


@dataclass(frozen=True)
class NewsWords:
    """News of an app ("" for all) in an environment ("" for all), of some events (() for all)."""

    app: str
    environment: str
    events: tuple[str, ...]
    here: bool


class NamingWords(WordsLeft):
    """What is meant, in any order that the catalog can tell apart."""

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
        return self._value_of(*prepositions) if at is None else self._take_after(at)

    def _value_of(self, *flags: str) -> str:
        """What stands behind the `=` of one of the flags, or ""."""
        for at, token in enumerate(self._tokens):
            flag, equals, value = token.whole.partition("=")
            if token.is_flag and equals and flag.lower() in flags:
                self._tokens = (*self._tokens[:at], *self._tokens[at + 1 :])
                return value or self.refuse(f"Nothing follows `{flag}=`.")
        return ""

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
        return found or self._unknown(word, {ENVIRONMENT: self.vocabulary.environment_words})

    def keyword(self, word: str, kind: str = "") -> bool:
        """Whether a bare word was said. `kind`: what it names; refusals of another word name the kind, too."""
        left = tuple(token for token in self._tokens if not token.says(word))
        said = len(left) < len(self._tokens)
        self._tokens = left
        if not said:
            self._unsaid.setdefault(kind, []).append(word)
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
        events = [str(one) for one in SUBSCRIBABLE if not self.vocabulary.app(one) and self.keyword(one, EVENT)]
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
        """`my-app@v1.4.2` and `my-app:v1.4.2` are both; commas and "and" only stand between."""
        names: list[str] = []
        images: list[str] = []
        for token in self._rest():
            if token.says(*BETWEEN):
                continue
            name, at, reference = token.whole.partition("@")
            if token.is_person or (at and not name and reference.isalpha()):
                told = remedy(Leftover.PERSON, token.whole, self.verb, self._usage)
                self.refuse(f"`{short(token.whole)}` is not an image.", told)
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
                f"`{app}:{short(tag)}` may mean an image or an environment.",
                f"The environment: `{app} {tag}`. An image with that tag: `{app}@{tag}`, and an environment after it.",
            )

    def _may_be_tag(self, word: str) -> bool:
        """A bare word that can be meant as a tag: it has a digit, and is no name of something else."""
        near = did_you_mean(word, (*self.vocabulary.apps, *self.vocabulary.environment_words))
        named = self.vocabulary.meaning(word)
        return is_image(word) and any(c.isdigit() for c in word) and not (near or named)

    def apps(self, text: str) -> tuple[str, ...]:
        """Every app in "my-app,payments". Raises UnknownName."""
        names = [name for name in text.split(",") if name]
        known = self.vocabulary
        return tuple(known.app(name) or self._unknown(name, {APP: known.apps}) for name in names)

    def image(self, reference: str) -> str:
        """A tag or a whole digest."""
        if not is_image(reference):
            wanted = "Give a tag (`@v1.4.2`) or a whole digest (`@sha256:` and 64 hexadecimal digits)."
            self.refuse(f"`@{short(reference)}` is not an image.", wanted)
        return reference

    def app(self) -> str:
        """The first word that names an app; "" when no word is left. Raises UnknownName."""
        self._no_other_flags()
        for index, token in enumerate(self._tokens):
            if found := self.vocabulary.meaning(token.whole).app:
                self._tokens = (*self._tokens[:index], *self._tokens[index + 1 :])
                return found
        return self._unknown(self._tokens[0].whole, {APP: self.vocabulary.apps}) if self._tokens else ""

    def app_and_image(self, what: str) -> tuple[str, str]:
        """The next word, APP@TAG or APP@DIGEST, in its two parts; `what` says what it is for."""
        name, at, reference = self._tokens[0].whole.partition("@") if self._tokens else ("", "", "")
        if self._tokens and self._tokens[0].is_flag:
            self._no_such_flag(name.partition("=")[0])
        if not (name and at):
            self.refuse(f"Name {what}, for example `my-app@v1.4.2`.")
        self._tokens = self._tokens[1:]
        return self.vocabulary.app(name) or name, self.image(reference)

    @property
    def names_image(self) -> bool:
        """Whether the next word is APP@TAG or APP@DIGEST."""
        return bool(self._tokens) and "@" in self._tokens[0].whole

    def pick(self, place: Place, *, also_given: bool = False) -> Pick:
        """The picker for what was left out. What it could not carry (`also_given`) must not get lost in it."""
        if also_given or place.image or len(place.apps) > 1:
            if place.app and not place.environment and self.vocabulary.environment(place.image):
                self._check_tag(place.app, place.image)
            self.refuse(f"Name {'an environment' if place.apps else 'an app'} too.")
        return Pick(context=self.context, verb=self.verb, app=place.app, environment=place.environment)


def is_image(reference: str) -> bool:
    """Whether it can be a tag or a whole digest."""
    return is_digest(reference) or _TAG.fullmatch(reference) is not None
