"""Words that say when, and for how long."""

from dataclasses import replace
from typing import NoReturn

from bot.domain.reason import says_something
from bot.grammar.doubts import MARK, doubt
from bot.grammar.flags import flags_of
from bot.grammar.hold import TIME_FLAGS, Hold, read_hold, take_led_time, take_start, take_time, take_time_at_end
from bot.grammar.moments import EXAMPLES, UNTIL
from bot.grammar.refusals import APP, ENVIRONMENT, WordsLeft, short
from bot.grammar.starts import Start, take_start_at_end
from bot.grammar.tokens import Token
from bot.runtime.spelling import did_you_mean, misspelt


class TimingWords(WordsLeft):
    """A time that cannot be read is never taken for something else."""

    def start_time(self) -> tuple[str, bool]:
        """When it starts, as it was typed, "" for now; and whether that is when nothing holds it.

        Behind `--at` stands any time, at the end of the words one of few forms. What is nearly one is asked about.
        """
        when_open = self.flag("when-open")
        self._flags.append("--at")
        found, self._tokens = take_start(self._tokens)
        if found is None:
            self.refuse("No time follows `--at`.", EXAMPLES)
        if found and when_open:
            self.refuse("It starts at a time (`--at`) or when it can (`--when-open`).")
        worded, self._tokens = take_start_at_end(self._tokens, self.vocabulary)
        if worded.name:
            self._ask_which(worded)
        if worded and (found or when_open):
            self.refuse(f"It starts once: `{short(worded.typed)}` is a second time.")
        return found or worded.at, when_open or worded.when_open

    def _ask_which(self, start: Start) -> NoReturn:
        kind = "app" if self.vocabulary.app(start.name) else "env"
        flag = "--when-open" if start.when_open else f"--at {start.at}"
        self.refuse(
            f"`{short(start.typed)}` may say when it starts, or name `{short(start.name)}`.",
            f"The time: `{flag}`. The name: `{kind}:{short(start.name)}`.",
        )

    def hold(self, *, exceptions: bool = False) -> Hold:
        """Where, until when, but for which apps (where the command takes `exceptions`), and why."""
        tokens, self._tokens = self._tokens, ()
        hold = read_hold(tokens, self.vocabulary, exceptions=exceptions)
        if hold.flag:
            self.refuse(f"No time follows `{hold.flag}`.", EXAMPLES)
        for name in hold.exempt:
            if name.startswith("?"):
                self._unknown(name[1:], {APP: self.vocabulary.apps})
        if not hold.marked and hold.rest:
            hold = self._unmarked(hold)
        return replace(hold, reason=hold.reason if says_something(hold.reason) else "")

    def _unmarked(self, hold: Hold) -> Hold:
        """A mistyped app, and a time that cannot be read, must not be taken for a reason to hold something for ever."""
        word = hold.rest[0].whole
        if hold.rest[0].is_flag:
            self._flags += [*TIME_FLAGS, "--reason"]
            self._no_such_flag(word.partition("=")[0])
        if not (hold.place.app or hold.place.environment):
            self._unknown(word, {APP: self.vocabulary.apps, ENVIRONMENT: self.vocabulary.environment_words})
        nowhere = not (hold.place.environment or hold.rest[0].quoted or self.vocabulary.meaning(word))
        if nowhere and did_you_mean(word, self.vocabulary.environment_words):
            self._unknown(word, {ENVIRONMENT: self.vocabulary.environment_words})
        if (
            not hold.place.app
            and not self.vocabulary.app(word)
            and (near := did_you_mean(word, self.vocabulary.apps, limit=1))
        ):
            self.refuse(f"`{short(word)}` does not name an app.{near}", MARK)
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
                what = f"`{short(flag)}` stands inside the reason.{misspelt(flag, flags_of(self._usage))}"
                self.refuse(what, "Put it before the reason, or quote that.")

    def _check_time(self, until: str, left: tuple[Token, ...]) -> None:
        """A time that cannot be read must not be taken for a reason to hold something for ever."""
        if until or not left or not left[0].says("for", *UNTIL):
            return
        word = left[1].whole if len(left) > 1 else ""
        if not left[0].says("for") or word[:1].isdigit():
            what = f"`{short(word)}` is not a time." if word else f"`{left[0].text}` needs a time after it."
            self.refuse(what, EXAMPLES)

    def time(self) -> str:
        """The time that comes next, with or without `for` or `until` before it; "" when there is none."""
        self._flags += TIME_FLAGS
        found, self._tokens = take_time(self._tokens)
        self._check_time(found, self._tokens)
        return found

    def led_time(self) -> str:
        """The time behind `for` or `until`, wherever it stands; "" where neither is said."""
        self._flags += TIME_FLAGS
        found, self._tokens = take_led_time(self._tokens)
        if found is None:
            self.refuse("No time follows `for` or `until`.", EXAMPLES)
        return found
