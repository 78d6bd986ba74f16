"""The words that are still to be understood, and what is said where one does not fit."""

import re
from collections.abc import Iterable, Mapping, Sequence
from typing import NoReturn

from bot.domain.environment import careful
from bot.domain.errors import InvalidCommand, UnknownName
from bot.domain.intent import Context
from bot.domain.sentence import listed
from bot.grammar.flags import flags_of, take_flag
from bot.grammar.leftovers import Leftover, gravest, leftover, remedy
from bot.grammar.place import Place, Slots
from bot.grammar.tokens import Token
from bot.grammar.vocabulary import Vocabulary
from bot.runtime.spelling import SHOWN as NAMES_SHOWN
from bot.runtime.spelling import did_you_mean, misspelt

APP, ENVIRONMENT, EVENT = "an app", "an environment", "an event"
"""kinds of names"""
SHOWN_OF_WORD = 60
"""characters of a wrong word that are worth repeating"""


class WordsLeft:
    """Raises InvalidCommand or UnknownName, each with the usage, for words that do not fit."""

    def __init__(self, context: Context, verb: str, usage: str, tokens: Iterable[Token]) -> None:
        self.context = context
        self.verb = verb
        self.vocabulary = Vocabulary()
        self._usage = usage
        self._tokens = tuple(tokens)
        self._flags: list[str] = []
        self._unsaid: dict[str, list[str]] = {}
        """what could have been said and was not, by its kind ("an event"), and by "" what is of no kind"""

    def __bool__(self) -> bool:
        return bool(self._tokens)

    def flag(self, name: str) -> bool:
        """Whether `--name` was given."""
        self._flags.append(f"--{name}")
        given, self._tokens = take_flag(self._tokens, name)
        return given

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
            self.refuse(f"`{short(word)}` {wrong}.")
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
                    self.refuse(f"`{flag}` takes no value, so leave out `{short(value)}`.")
                self._no_such_flag(flag)

    def _no_such_flag(self, flag: str) -> NoReturn:
        self.refuse(f"`/{self.verb}` has no flag `{short(flag)}`.{misspelt(flag, self._known_flags)}")

    @property
    def _known_flags(self) -> tuple[str, ...]:
        return (*self._flags, *flags_of(self._usage))

    def _no_mistyped_flag(self) -> None:
        """It is told before the words behind it: they may be its value. Of a flag that says something all the same
        (`--force`, `--now`) see `leftovers`.
        """
        for token in self._tokens:
            flag = token.whole.partition("=")[0]
            said = flag.lower() in self._known_flags or leftover((flag,), 0)
            one_dash = not token.quoted and flag.startswith("-") and misspelt(flag, self._known_flags)
            if not said and (token.is_flag or one_dash):
                self._no_such_flag(flag)

    def _sift(self, usual: Sequence[str] = (), otherwise: str = "") -> None:
        """What was said against it, or for another time or way, is told first; see `leftovers`.

        `usual`: words that are names all the same; `otherwise`: what to do where the word was meant as a name.
        """
        self._no_mistyped_flag()
        for token in self._tokens:
            if token.quoted and not token.key and not self.vocabulary.meaning(token.text) and " " in token.text:
                self.refuse("A quoted text has no place there.", remedy(Leftover.REASON, "", self.verb, self._usage))
            if not token.quoted and token.text.endswith("!") and self.vocabulary.meaning(token.text.rstrip("!")):
                bare = token.text.rstrip("!")
                self.refuse(f"`{short(token.text)}` is not a name.", f"Without the `!` it is: `{short(bare)}`.")
        words = ["" if token.quoted else token.text for token in self._tokens if token.text.lower() not in self._flags]
        named = lambda word: not word or word.lower() in usual or bool(self.vocabulary.meaning(word))  # noqa: E731
        if found := gravest(words, named):
            kind, word = found
            told = remedy(kind, word, self.verb, self._usage)
            after = words[words.index(word) + 1 :] if kind is Leftover.TIME else []
            what = f"{word} {after[0]}" if after and after[0][:1].isdigit() else word
            self.refuse(f"`{short(what)}` is not understood there.", f"{told} {otherwise}".strip())

    def _does_not_fit(self, word: str, known: Place, slots: Slots) -> NoReturn:
        wanted: dict[str, Sequence[str]] = {}
        if len(known.apps) < slots.apps:
            wanted[APP] = self.vocabulary.apps
        if len(known.environments) < slots.environments:
            wanted[ENVIRONMENT] = self.vocabulary.environment_words
        wanted |= {kind: names for kind, names in self._unsaid.items() if kind}
        if not wanted or self.vocabulary.meaning(word):
            self._one_too_many(word, known)
        self._unknown(word, wanted)

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
        near = self._near_unsaid(word)
        self.refuse(f"It is not clear what `{short(word)}` means here, so nothing was done.{near}")

    def _near_unsaid(self, word: str) -> str:
        return misspelt(word, [said for names in self._unsaid.values() for said in names])

    def _unknown(self, word: str, wanted: Mapping[str, Sequence[str]]) -> NoReturn:
        """`wanted`: every kind of name that fits there ("an app"), with its names."""
        bare = re.sub(r"(?i)^(app|env):", "", word)
        every = [name for names in wanted.values() for name in names if self._may_be_offered(bare, name)]
        near = did_you_mean(bare, every) or self._near_unsaid(bare) or self._known(wanted)
        raise UnknownName(f"`{short(bare)}` does not name {listed(list(wanted), 'or')}.{near} {self._expected}")

    def _known(self, wanted: Mapping[str, Sequence[str]]) -> str:
        """Some of each kind; of an environment not its aliases."""
        aliases = {*self.vocabulary.environment_words} - {each.name for each in self.vocabulary.environments}
        told = ""
        for kind, names in wanted.items():
            shown = sorted({*names})
            if kind == ENVIRONMENT:  # in the order of promotion
                shown = [name for name in dict.fromkeys(names) if name not in aliases]
            more = f" and {len(shown) - NAMES_SHOWN} more" if len(shown) > NAMES_SHOWN else ""
            title = f"{kind.partition(' ')[2]}s".capitalize() if len(wanted) > 1 else "Known"
            told += f" {title}: {', '.join(shown[:NAMES_SHOWN])}{more}." if shown else ""
        return told

    def _may_be_offered(self, word: str, name: str) -> bool:
        """Production, and the last environment, are offered only for a slip of the finger: `nonprod` and `prod2` do not
        mean it.
        """
        numbered = re.sub(r"\D", "", word) != re.sub(r"\D", "", name)
        if self.vocabulary.meaning(name).environment not in careful(self.vocabulary.environments):
            return True
        return bool(not numbered and misspelt(word, [name]))


def short(word: str) -> str:
    return word if len(word) <= SHOWN_OF_WORD else f"{word[:SHOWN_OF_WORD]}…"
