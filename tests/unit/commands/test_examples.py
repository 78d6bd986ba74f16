"""What the help gives as examples is understood, and means the command that it stands with."""

import pytest

import commands
from bot.command import Command, CommandRegistry
from bot.domain.intent import Pick
from bot.domain.reply import Topic
from tests.fakes.command_harness import CommandHarness

TYPED = [each for each in CommandRegistry.load(commands) if each.parse]


@pytest.mark.parametrize("each", TYPED, ids=[each.verb for each in TYPED])
async def test_an_example_is_what_it_says(harness: CommandHarness, each: Command) -> None:
    assert each.examples
    assert each.topic is not Topic.OTHER
    for example in each.examples:
        asked = await harness.read(example.replace("@mia", "<@U0MIA>"))
        assert harness.registry.answering(asked).verb.startswith(each.verb), example
        assert not isinstance(asked, Pick), example


def test_eight_are_used_most() -> None:
    assert sum(each.topic is Topic.DAILY for each in TYPED) == 8
