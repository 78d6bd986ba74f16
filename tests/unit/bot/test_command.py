"""Commands as they are declared, found, refused and run."""

import sys
from dataclasses import dataclass
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType

import pytest

import bot.command
import commands
from bot.command import Command, CommandRegistry, command
from bot.domain.caller import Caller, Permission, Person
from bot.domain.errors import InvalidCommand
from bot.domain.intent import Context, Help, Intent, Status
from bot.domain.reply import Reply, Told
from bot.grammar import Words
from tests.fakes.command_harness import CommandHarness

CONTEXT = Context("r1", "C1", "c1")
CALLER = Caller(Person("U1", "ana"), "T1")


@dataclass(frozen=True, kw_only=True)
class Celebrate(Intent):
    what: str


@dataclass(frozen=True)
class Confetti:
    """A service."""

    colour: str = "red"


def parse(words: Words) -> Celebrate:
    return Celebrate(context=words.context, what=words.rest())


@command("celebrate", usage="/celebrate WHAT", allow=Permission.VIEW, parse=parse, names=False)
async def celebrate(ask: Celebrate, who: Caller, confetti: Confetti) -> Reply:
    """Be glad about something.

    With confetti.
    """
    return Told(f"{who.person.name} celebrates {ask.what} in {confetti.colour}")


DECLARED: Command = celebrate.__command__  # type: ignore[attr-defined]


async def test_a_command_gets_what_its_parameters_ask_for() -> None:
    registry = CommandRegistry([DECLARED])
    spoken = registry.find("/celebrate", "the release")
    runner = registry.bind({Confetti: Confetti("green")})
    reply = await runner.run(spoken.parse(spoken.words(CONTEXT)), CALLER)
    assert reply == Told("ana celebrates the release in green")


def test_a_service_that_nobody_offers_is_told_at_the_start() -> None:
    with pytest.raises(TypeError, match=r"celebrate needs confetti: .*Confetti.*, which nobody offers"):
        CommandRegistry([DECLARED]).bind({})


def test_two_commands_of_one_verb_are_refused() -> None:
    with pytest.raises(TypeError, match="are both the command 'celebrate': rename one"):
        CommandRegistry([DECLARED, DECLARED])


def test_two_commands_for_one_intent_are_refused() -> None:
    @command("cheer", allow=Permission.VIEW)
    async def cheer(ask: Celebrate) -> Reply:
        return Told(ask.what)

    with pytest.raises(TypeError, match="rename one"):
        CommandRegistry([DECLARED, cheer.__command__])  # type: ignore[attr-defined]


def test_a_command_must_say_which_intent_it_answers() -> None:
    with pytest.raises(TypeError, match="exactly one parameter must be annotated with the intent"):

        @command("cheer", allow=Permission.VIEW)
        async def cheer(who: Caller) -> Reply:
            return Told(who.id)


@pytest.fixture
def third_party(monkeypatch: pytest.MonkeyPatch) -> None:
    """An installed package that offers this module's command."""
    entry = EntryPoint("celebrate", f"{__name__}:celebrate", "pilothouse.commands")
    monkeypatch.setitem(sys.modules, __name__, sys.modules[__name__])
    monkeypatch.setattr(bot.command, "entry_points", lambda group: EntryPoints([entry]) if group == entry.group else ())


@pytest.mark.usefixtures("third_party")
def test_installed_packages_add_commands() -> None:
    registry = CommandRegistry.load(commands)
    assert registry.find("/celebrate", "it").command is DECLARED
    assert registry.find("/deploy", "my-app prod").command.verb == "deploy"


@pytest.mark.usefixtures("third_party")
def test_an_installed_package_cannot_take_a_verb_that_is_there() -> None:
    package = ModuleType("again")
    package.__path__ = []
    registry = CommandRegistry.load(package)
    with pytest.raises(TypeError, match="both the command"):
        CommandRegistry([*registry, DECLARED])


def test_every_command_has_its_services_and_its_help() -> None:
    harness = CommandHarness()
    registry = CommandRegistry.load(commands)
    registry.bind(harness.services)
    for each in registry:
        assert each.help.summary.endswith("."), each.verb
        assert bool(each.usage) == bool(each.parse), each.verb
        if each.parse and each.verb != "help":
            assert each.usage[0].split()[0] in (f"/{each.slash}", "/pilothouse"), each.verb


def test_help_tells_of_one_of_several_or_of_all() -> None:
    registry = CommandRegistry.load(commands)
    (deploy,) = registry.help("deploy")
    assert deploy.usage == (
        "/deploy APP[@TAG|@DIGEST] [to|on] ENV [--dry-run] [--reason WHY] [! WHY] [--queue|--replace] "
        "[--at TIME|--when-open]",
    )
    assert "--dry-run" in deploy.details
    assert {entry.verb for entry in registry.help("pipeline")} == {
        f"pipeline {verb}" for verb in ("run", "list", "show", "logs", "cancel", "retry")
    }
    assert {"deploy", "approve", "help"} <= {entry.verb for entry in registry.help()}
    assert not {"pick", "ask reason"} & {entry.verb for entry in registry.help()}
    with pytest.raises(InvalidCommand, match="Did you mean `rollback`"):
        registry.help("rolback")


def test_the_manifest_lists_each_slash_command_once() -> None:
    listed = [each.command for each in CommandRegistry.load(commands).slash_commands()]
    assert sorted(listed) == sorted(set(listed))
    assert {"/deploy", "/promote", "/rollback", "/status", "/scan", "/pipeline", "/approve", "/pilothouse"} <= set(
        listed
    )
    assert all(len(each.description) <= 2000 for each in CommandRegistry.load(commands).slash_commands())


def test_commands_that_only_buttons_lead_to_cannot_be_typed() -> None:
    registry = CommandRegistry.load(commands)
    with pytest.raises(InvalidCommand, match="There is no command `pick`"):
        registry.find("/pick", "")
    with pytest.raises(InvalidCommand, match="There is no command `ask"):
        registry.find("/pilothouse", "ask reason")


async def test_help_runs() -> None:
    harness = CommandHarness()
    assert await harness.run("/pilothouse help deploy") == await harness.run(Help(context=CONTEXT, verb="deploy"))
    assert harness.registry.answering(Status(context=CONTEXT)).verb == "status"
