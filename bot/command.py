"""The commands that this bot knows: declared by a decorator, found in packages, looked up by what people type.

A command is a coroutine function. Its parameters say by their types what it needs: the intent that it answers, the
`Caller`, and any service that the composition root offers. Its docstring is its help text.
"""

import inspect
import pkgutil
from collections.abc import Awaitable, Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from importlib import import_module
from types import ModuleType
from typing import ParamSpec

from bot.domain.caller import Caller, Permission
from bot.domain.errors import InvalidCommand
from bot.domain.form import CommandForm
from bot.domain.intent import Context, Intent
from bot.domain.reply import HelpEntry, Reply, Topic
from bot.domain.sentence import listed
from bot.domain.shortcut import Shortcut
from bot.grammar import Place, Token, Words, tokenize
from bot.grammar.leftovers import Leftover, leftover, remedy
from bot.runtime.imports import entry_points
from bot.runtime.injection import Injector, Offered, parameters
from bot.runtime.spelling import misspelt

ENTRY_POINTS = "pilothouse.commands"
SLASH = "pilothouse"
"""the slash command in front of every verb, for workspaces where the short ones are taken"""
HELP = "help"

P = ParamSpec("P")
Parse = Callable[[Words], Intent]


@dataclass(frozen=True)
class Command:
    """One command, as it was declared."""

    verb: str
    usage: tuple[str, ...]
    allow: Permission
    intent: type[Intent]
    function: Callable[..., Awaitable[Reply]]
    parse: Parse | None = None
    """words → intent; None when only buttons lead here"""
    names: bool = True
    """whether its words name apps or environments; without, it works while the overlay repository is away"""
    everybody: bool = False
    """whether it answers everybody, with a role or without: it says nothing about anybody else"""
    modal: str = ""
    """title of the modal that it opens; "" when it answers with a message"""
    form: CommandForm | None = None
    """what the picker asks where words are missing; None for a command that opens none"""
    topic: Topic = Topic.OTHER
    """where the help lists it"""
    examples: tuple[str, ...] = ()
    """of what is typed, the plainest one first"""
    shortcut: Shortcut | None = None
    """how Slack's menus offer it; None for a command that is not in them"""

    @property
    def help(self) -> HelpEntry:
        summary, _, details = (inspect.getdoc(self.function) or "").partition("\n")
        return HelpEntry(self.verb, self.usage, summary.strip(), details.strip(), self.topic, self.examples)

    @property
    def slash(self) -> str:
        return self.verb.partition(" ")[0]

    @property
    def origin(self) -> str:
        return f"{self.function.__module__}.{self.function.__qualname__}"


def command(
    verb: str,
    *,
    allow: Permission,
    usage: str | tuple[str, ...] = (),
    parse: Parse | None = None,
    names: bool = True,
    everybody: bool = False,
    modal: str = "",
    form: CommandForm | None = None,
    topic: Topic = Topic.OTHER,
    examples: tuple[str, ...] = (),
    shortcut: Shortcut | None = None,
) -> Callable[[Callable[P, Awaitable[Reply]]], Callable[P, Awaitable[Reply]]]:
    """Declare a command. Raises TypeError when the function does not say which intent it answers."""

    def declare(function: Callable[P, Awaitable[Reply]]) -> Callable[P, Awaitable[Reply]]:
        intents = [kind for kind in parameters(function).values() if _is_intent(kind)]
        if len(intents) != 1:
            raise TypeError(f"command {verb!r}: exactly one parameter must be annotated with the intent it answers")
        lines = (usage,) if isinstance(usage, str) else usage
        function.__command__ = Command(  # type: ignore[attr-defined]
            verb, lines, allow, intents[0], function, parse, names, everybody, modal, form, topic, examples, shortcut
        )
        return function

    return declare


@dataclass(frozen=True)
class Spoken:
    """What was typed: a command, and the words behind its verb."""

    command: Command
    parser: Parse
    tokens: tuple[Token, ...]

    def words(self, context: Context) -> Words:
        return Words(context, self.command.verb, " · ".join(self.command.usage), self.tokens)

    def parse(self, words: Words) -> Intent:
        """A bare command that has a form opens it. Raises InvalidCommand and UnknownName."""
        if self.command.form and self.command.form.bare and not words:
            return words.pick(Place())
        return self.parser(words)


@dataclass(frozen=True)
class SlashCommand:
    """What Slack needs to know of a slash command."""

    command: str
    description: str
    usage_hint: str


class CommandRegistry:
    """Raises TypeError when two commands want the same verb or the same intent."""

    def __init__(self, commands: Iterable[Command]) -> None:
        self._by_verb: dict[str, Command] = {}
        self._by_intent: dict[type[Intent], Command] = {}
        for new in commands:
            for taken in (self._by_verb.get(new.verb), self._by_intent.get(new.intent)):
                if taken:
                    raise TypeError(f"{new.origin} and {taken.origin} are both the command {taken.verb!r}: rename one")
            self._by_verb[new.verb] = self._by_intent[new.intent] = new

    @classmethod
    def load(cls, package: ModuleType) -> "CommandRegistry":
        """The commands of a package's modules, and those that installed packages offer as `pilothouse.commands`."""
        return cls([*_in_package(package), *_in_entry_points()])

    def __iter__(self) -> Iterator[Command]:
        return iter(self._by_verb.values())

    def answering(self, intent: Intent) -> Command:
        """The command for an intent. Raises LookupError."""
        return self._by_intent[type(intent)]

    def named(self, verb: str) -> Command:
        """Raises InvalidCommand, with the verbs that are near."""
        if found := self._by_verb.get(verb):
            return found
        raise InvalidCommand(self._no_such(verb))

    def form(self, verb: str) -> CommandForm | None:
        """The form of a command; None where there is no such command, or it has none."""
        found = self._by_verb.get(verb)
        return found.form if found else None

    def shortcuts(self) -> Mapping[str, Shortcut]:
        """verb → how Slack's menus offer it"""
        return {each.verb: each.shortcut for each in self if each.shortcut}

    def find(self, slash: str, text: str) -> Spoken:
        """The command behind a slash command; `help` where the words ask for it or lead to several commands.

        Raises InvalidCommand when they lead to none.
        """
        name = slash.removeprefix("/").lower()
        tokens = tokenize(text) if name == SLASH else (Token(name), *tokenize(text))
        for length in (2, 1):
            verb = _verb(tokens[:length])
            if (found := self._by_verb.get(verb)) and found.parse:
                behind = tokens[length:]
                return self._help(verb) if _asks_for_help(behind) else Spoken(found, found.parse, behind)
        first = _verb(tokens[:1])
        several = not first or any(command.slash == first and command.parse for command in self)
        if several and (len(tokens) <= 1 or _asks_for_help(tokens[1:])):
            return self._help(first)
        raise InvalidCommand(self._no_such(_verb(tokens[:2]) if several else first))

    def help(self, verb: str = "") -> tuple[HelpEntry, ...]:
        """What there is to say on a verb, on all verbs behind one slash command, or ("") on everything.

        Raises InvalidCommand when there is no such verb.
        """
        typed = [command for command in self if command.parse]
        wanted = [command for command in typed if verb in ("", command.verb, command.slash)]
        if not wanted:
            raise InvalidCommand(self._no_such(verb))
        return tuple(command.help for command in wanted)

    def slash_commands(self) -> tuple[SlashCommand, ...]:
        """What the Slack app's manifest must list: one for each family of verbs."""
        families: dict[str, list[HelpEntry]] = {}
        for entry in self.help():
            families.setdefault(entry.usage[0].partition(" ")[0], []).append(entry)
        return tuple(_slash_command(slash, entries) for slash, entries in families.items())

    def bind(self, services: Offered) -> "Runner":
        """Raises TypeError when a command needs a service that is not offered."""
        offered = Injector({CommandRegistry: self, **services})
        for each in self:
            offered.check(each.function, given=(each.intent, Caller))
        return Runner(self, offered)

    def _help(self, verb: str) -> Spoken:
        page = self.named(HELP)
        if page.parse is None:
            raise TypeError(f"{page.origin} must have a parser: it is what unfinished commands lead to")
        return Spoken(page, page.parse, tuple(Token(word) for word in verb.split()))

    def _no_such(self, verb: str) -> str:
        words = verb.split() or [""]
        family, _, last = verb.rpartition(" ")
        kind = leftover(words, len(words) - 1)
        if kind in (Leftover.UNDO, Leftover.STOP, Leftover.NOT):
            meant = f" {remedy(kind, verb, verb, '')}"
        else:  # `pipeline rerun` is nearer to `pipeline run` as a whole than in what it means
            verbs = [command.verb.rpartition(" ") for command in self if command.parse]
            whole = f"`{family} " if family else "`"
            meant = misspelt(last, [end for begin, _, end in verbs if begin == family]).replace("`", whole, 1)
        return f"There is no command `{verb[:60]}`.{meant} `/{SLASH} help` lists them all."


class Runner:
    """Runs commands, handing each what its parameters ask for."""

    def __init__(self, registry: CommandRegistry, offered: Injector) -> None:
        self.registry = registry
        self._offered = offered

    async def run(self, intent: Intent, caller: Caller) -> Reply:
        """Raises what the command raises."""
        found = self.registry.answering(intent)
        return await self._offered.make(found.function, {type(intent): intent, Caller: caller})


def _slash_command(slash: str, entries: Sequence[HelpEntry]) -> SlashCommand:
    """What `/pilothouse` is for is said by its help, not by whichever command behind it comes first."""
    single = next((entry for entry in entries if entry.verb == HELP or len(entries) == 1), None)
    if single:
        return SlashCommand(slash, single.summary, single.usage[0].partition(" ")[2])
    verbs = [entry.usage[0].split()[1] for entry in entries]
    family = slash.removeprefix("/").capitalize()
    description = f"{family}: {listed(verbs, 'or')}. `help` after it says how."
    return SlashCommand(slash, description, f"{'|'.join(verbs)} …")


def _verb(tokens: Iterable[Token]) -> str:
    return " ".join(token.text.lower() for token in tokens)


def _asks_for_help(tokens: tuple[Token, ...]) -> bool:
    return bool(tokens) and tokens[0].says(HELP, "--help", "-h")


def _is_intent(kind: object) -> bool:
    return isinstance(kind, type) and issubclass(kind, Intent)


def _in_package(package: ModuleType) -> Iterator[Command]:
    for module in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        yield from _in_module(import_module(module.name))


def _in_module(module: ModuleType) -> Iterator[Command]:
    for value in vars(module).values():
        found = getattr(value, "__command__", None)
        if isinstance(found, Command) and found.function.__module__ == module.__name__:
            yield found


def _in_entry_points() -> Iterator[Command]:
    for entry in entry_points(group=ENTRY_POINTS):
        loaded = entry.load()
        if isinstance(loaded, ModuleType):
            yield from _in_module(loaded)
        else:
            yield loaded.__command__
