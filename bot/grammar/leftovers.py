"""What a word that fits nowhere was meant to say, and what to tell its writer: never to do it now all the same.

One table for all commands. A word that names an app or an environment is never looked up here.
"""

from collections.abc import Callable, Mapping, Sequence
from enum import StrEnum

from bot.grammar import moments
from bot.grammar.starts import FORMS
from bot.grammar.vague import is_named


class Leftover(StrEnum):
    """In the order in which they are told when a command holds several."""

    NOT = "not"
    STOP = "stop"
    UNDO = "undo"
    TRIAL = "trial"
    TIME = "time"
    EXCEPTION = "exception"
    VERB = "verb"
    FORCE = "force"
    NAME = "name"
    PERSON = "person"
    REASON = "reason"
    POLITE = "polite"


STARTERS = ("deploy", "promote", "rollback", "pipeline run", "pipeline retry")
"""what acts at once, and outside of the bot"""

_WORDS: Mapping[Leftover, str] = {
    Leftover.TRIAL: "dry dryrun dry-run dry_run -dry-run -n -d noop no-op simulate simulation try trial test testing "
    "preview check what-if whatif pretend rehearse plan --dryrun --dry --trial --noop --simulate --preview --check",
    Leftover.TIME: "later tonight at when when-open open opens opened whenever once after before until till til by "
    "within every daily weekly next soon eod eow cob tomorrow today yesterday morning afternoon evening night weekend "
    "schedule scheduled starting from-now then if demain morgen mañana manana heute später hours minutes days --at "
    "--when --after --schedule --delay",
    Leftover.NOT: "not don't dont do-not never no nope wait hold doesn't doesnt shouldn't shouldnt mustn't won't wont "
    "can't cant cannot nicht pas ne kein jamais nie isn't without-deploying pause paused postpone delay halt-before",
    Leftover.UNDO: "undo rollback roll-back rollbacked revert reverting reset restore back downgrade previous unroll "
    "backout back-out --rollback --undo --revert",
    Leftover.STOP: "cancel abort stop halt kill quit terminate discard forget nevermind never-mind interrupt "
    "--cancel --abort --stop",
    Leftover.EXCEPTION: "except excepting excluding exclude excl but without minus unless besides save apart other "
    "--except --exclude --without --skip-app",
    Leftover.REASON: "-reason because cause cuz since as due for why so reason reason: --because --message -m --why "
    "--comment",
    Leftover.FORCE: "force forced -f --force --yes -y yes --now skip --skip override --override ignore bypass "
    "--no-verify anyway --skip-gates --skip-approval --approve --admin --unsafe --overwrite --emergency",
    Leftover.NAME: "--env --environment --app --application --service --namespace -e -a --image --tag --version --to "
    "--from --target --cluster --stage",
    Leftover.VERB: "approve reject lock unlock freeze unfreeze delegate review adjust scan status show history deploy "
    "promote pipeline notify unreject queue replace",
    Leftover.POLITE: "please pls plz now asap immediately thanks thank thx kindly ok okay quickly",
}
_KIND: Mapping[str, Leftover] = {word: kind for kind, words in _WORDS.items() for word in words.split()}
_PUNCTUATION = '.,;:!?()"'


def gravest(words: Sequence[str], names: Callable[[str], bool]) -> tuple[Leftover, str] | None:
    """The kind to tell of, and its word; None when every word is a name or says nothing of the kind."""
    found = [(kind, word) for at, word in enumerate(words) if not names(word) and (kind := leftover(words, at))]
    order = list(Leftover)
    return min(found, key=lambda one: order.index(one[0]), default=None)


def leftover(words: Sequence[str], at: int) -> Leftover | None:
    """What the word at this place is for, read with those behind it; None for a word that says nothing of the kind."""
    word = words[at].lower()
    bare = word.strip(_PUNCTUATION)
    if word.startswith("@") and not any(c.isdigit() for c in word):
        return Leftover.PERSON
    if word.endswith("?") and (not bare or _KIND.get(bare) is Leftover.POLITE):
        return Leftover.TRIAL  # a question, of which nothing may come
    if found := _KIND.get(word.partition("=")[0]) or _KIND.get(bare):
        return found
    if is_named(bare):
        return Leftover.TIME
    time, _ = moments.split(tuple(word.strip(_PUNCTUATION) for word in words[at : at + moments.MOST_WORDS]))
    return Leftover.TIME if time else None


def remedy(kind: Leftover, word: str, verb: str, usage: str) -> str:
    """One sentence or two. They never lead to doing at once what the word speaks against."""
    told = _REMEDIES[kind].format(word=word, verb=verb)
    if kind is Leftover.TRIAL:
        told = "For a trial that changes nothing add `--dry-run`." if "--dry-run" in usage else _NO_TRIAL
    if kind is Leftover.TIME and verb not in STARTERS:
        told = "This command takes no time there."
    elif kind is Leftover.TIME and "--at" in usage:
        told = f"`/{verb}` acts at once, unless it ends with {FORMS}. Any other time goes after `--at`."
    if kind is Leftover.PERSON and "@TAG" not in usage:
        told = "That reads as a person, and this command takes none."
    if kind is Leftover.REASON and "--reason" not in usage:
        told = "This command takes no reason there."
    return told


_NO_TRIAL = "This command has no trial run."
_REMEDIES: Mapping[Leftover, str] = {
    Leftover.TRIAL: "",
    Leftover.TIME: "`/{verb}` acts at once and cannot wait for a time. Ask again when it is time.",
    Leftover.NOT: "Nothing was done, and without a command nothing will be. `/abort PROMOTION` ends one that is under "
    "way, `/lock` and `/freeze` hold others back.",
    Leftover.UNDO: "To go back to an earlier image: `/rollback APP ENV`. Before the commit `/abort PROMOTION` does it.",
    Leftover.STOP: "To end a promotion: `/abort PROMOTION`; a build: `/pipeline cancel RUN`.",
    Leftover.EXCEPTION: "Name the apps you want: nothing can be left out of a set here. `/adjust` leaves apps out of "
    "a release train.",
    Leftover.REASON: "A reason goes after `--reason`, at the end.",
    Leftover.FORCE: "That word does not skip gates or approvals.",
    Leftover.NAME: "Names stand without a flag, for example `/deploy my-app@v1.4.2 staging`.",
    Leftover.PERSON: "That reads as a person, not as an image: an image stands after its app, for example "
    "`my-app@v1.4.2`.",
    Leftover.VERB: "That is another command: `/{word}`. One command at a time.",
    Leftover.POLITE: "Leave it out.",
}
