"""A command without a word behind it opens its form or answers: it is never refused for that."""

import pytest

import commands
from bot.command import Command, CommandRegistry
from bot.domain.intent import Pick
from tests.fakes.command_harness import CommandHarness

TYPED = [each for each in CommandRegistry.load(commands) if each.parse]
ANSWERS = {
    "approve": "what waits for one's approval, with the buttons",
    "dora": "the four figures of production",
    "help": "every command",
    "locks": "all that holds promotions back",
    "mute": "no more requests for approvals in direct messages",
    "pipeline list": "the newest runs",
    "schedule": "what starts later",
    "status": "the overview of all apps",
    "subscriptions": "what one hears of",
    "unmute": "the end of all that one has muted",
    "whoami": "one's roles",
}
"""What answers without being asked more: everything else opens its form."""


def typed(command: Command) -> str:
    """As it is typed: short ones have a slash command of their own."""
    first = command.usage[0].split()[0]
    return f"{first} {command.verb}" if first == "/pilothouse" else f"/{command.verb}"


@pytest.mark.parametrize("each", TYPED, ids=[each.verb for each in TYPED])
async def test_a_bare_command_opens_its_form_or_answers(harness: CommandHarness, each: Command) -> None:
    asked = await harness.read(typed(each))
    if each.verb in ANSWERS:
        assert isinstance(asked, each.intent)
    else:
        assert each.form
        assert isinstance(asked, Pick)
        assert asked.verb == each.verb


def test_nothing_else_is_on_the_list() -> None:
    assert set(ANSWERS) <= {each.verb for each in TYPED}
