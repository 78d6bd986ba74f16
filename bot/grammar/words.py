"""The words behind a verb, answered one question at a time.

A command asks for its flags first, then for what follows a preposition, then for names; a word that nobody asked for is
an error, never ignored.
"""

import re

from bot.domain.intent import IfBusy, RejectImage, Unmute
from bot.domain.reason import says_something
from bot.grammar.flags import FreeText, breaks_glass, flags_of, opens, rest_of, take_reason
from bot.grammar.naming import NamingWords
from bot.grammar.refusals import short
from bot.grammar.timing import TimingWords
from bot.runtime.spelling import misspelt

_REVISION = re.compile(r"\w[\w./+@-]{0,254}", re.ASCII)
_PARAMETER = re.compile(r"([\w.-]+)=(.*)", re.ASCII | re.DOTALL)
_IDENTIFIER = re.compile(r"\w[\w.:-]{0,252}", re.ASCII)
_MENTION = re.compile(r"@([UW][A-Z0-9]{2,20})")
_EMAIL = re.compile(r"[^@\s]+@[^@\s]+\.[^@\s]+")
_OF_REVISION = ("on", "from", "of", "branch", "tag", "commit", "revision")
_BRANCHES = ("next", "test", "testing", "preview", "trial", "daily", "weekly", "plan")


REJECTED_IMAGE = "/reject APP@TAG|APP@DIGEST REASON"


class Words(NamingWords, TimingWords):
    """Raises InvalidCommand or UnknownName, each with the usage, for words that do not fit."""

    def why(self) -> tuple[str, bool]:
        """The reason (behind `--reason`, `--break-glass` or `!`), and whether it breaks the glass.

        An unquoted reason goes on to the end of the line; one of the command's own flags in it is asked about.
        """
        self._flags += ["--reason", "--break-glass"]
        found, self._tokens = take_reason(self._tokens)
        self._check_inside(found)
        if found.given and not says_something(found.text):
            if found.breaks_glass:
                self.refuse("Breaking the glass needs a reason.", "Say after the `!` why it cannot wait.")
            self.refuse("Nothing follows `--reason`.", "Say why, in words that people can read.")
        if found.breaks_glass and found.switch:
            self.refuse(
                f"`{found.switch}` is not a reason to break the glass.",
                "Say after the `!` why it cannot wait, or leave the flag out.",
            )
        for token in self._tokens:
            if opens(token, "reason"):
                self.refuse("There are two reasons.", "Give one, after `--reason` or after `!`.")
            if breaks_glass(token):
                self.refuse("A `!` counts only before the reason.", "Quote a reason that holds one.")
        return found.text, found.breaks_glass

    def _check_inside(self, found: FreeText) -> None:
        known = flags_of(self._usage)
        for token in found.inside:
            if opens(token, "reason"):
                self.refuse("There are two reasons.", "Give one, after `--reason` or after `!`.")
            flag = token.whole.partition("=")[0].lower()
            if token.is_flag and not breaks_glass(token) and (flag in known or misspelt(flag, known)):
                what = f"`{short(flag)}` stands inside the reason."
                self.refuse(what, "If you mean the flag, put it before the reason; otherwise put the reason in quotes.")

    def if_busy(self) -> IfBusy:
        """What to do when the place is taken: `--queue` or `--replace`."""
        queue, replace = self.flag("queue"), self.flag("replace")
        if queue and replace:
            self.refuse("It either waits (`--queue`) or takes the other's place (`--replace`).")
        return IfBusy.QUEUE if queue else IfBusy.REPLACE if replace else IfBusy.REFUSE

    def parameters(self) -> dict[str, str]:
        """Every `name=value`."""
        found = {token: _PARAMETER.fullmatch(token.whole) for token in self._tokens if not token.is_flag}
        self._tokens = tuple(token for token in self._tokens if not found.get(token))
        return {match[1]: match[2] for match in found.values() if match}

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
            what = f"`{short(word.whole)}` names an app, and `/{self.verb}` takes one."
            self.refuse(what, f"A branch that is called so: `branch {short(word.whole)}`.")
        self._sift(_BRANCHES, "A branch that is called so goes into quotes.")
        return self._next(_REVISION, "is not a branch, tag or commit")

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

    def rejected_image(self) -> RejectImage:
        """APP@TAG or APP@DIGEST, and why it is rejected."""
        self._usage = REJECTED_IMAGE  # of `/reject`, the half that is about images
        app, image = self.app_and_image("the image to reject")
        reason = self.rest()
        if not reason:
            self.refuse("A rejection needs a reason.", "Say it after the image.")
        return RejectImage(context=self.context, app=app, image=image, reason=reason)

    def unmute(self) -> Unmute:
        """All that is left: what is heard again."""
        found = self.news()
        return Unmute(
            context=self.context, app=found.app, environment=found.environment, events=found.events, here=found.here
        )

    def person(self, what: str) -> str:
        """The next word, a mention or an e-mail address: a Slack user id, or the address."""
        word = self._tokens[0].whole if self._tokens else ""
        if self._tokens and self._tokens[0].is_flag:
            self._no_such_flag(word.partition("=")[0])
        mentioned = _MENTION.fullmatch(word)
        if not (mentioned or _EMAIL.fullmatch(word)):
            told = f"Name {what}: mention them as @name, or give their e-mail address.{self._near_unsaid(word)}"
            self.refuse(told)
        self._tokens = self._tokens[1:]
        return mentioned[1] if mentioned else word

    def done(self) -> None:
        """Raises InvalidCommand when a word is left over."""
        self._sift()
        for token in self._rest():
            self._too_many(token.whole)


def is_revision(text: str) -> bool:
    """Whether it can be a branch, tag or commit; never what git would take for an option."""
    return _REVISION.fullmatch(text) is not None


def is_identifier(text: str) -> bool:
    """Whether it can name a pipeline run or a promotion."""
    return _IDENTIFIER.fullmatch(text) is not None
