"""What the README says is what there is."""

import re
from pathlib import Path

import commands
from bot.command import CommandRegistry

README = Path(__file__).parents[2] / "README.md"
BEGIN, END = "<!-- commands: a test keeps this table equal to what `pilothouse` knows -->\n", "<!-- /commands -->"


def table() -> str:
    rows = [
        f"| {'<br>'.join(f'`{usage}`' for usage in entry.usage).replace('|', chr(92) + '|')} | {entry.summary} |\n"
        for entry in CommandRegistry.load(commands).help()
    ]
    return "".join(["| command | what it does |\n", "|---|---|\n", *rows])


def test_every_command_is_in_the_readme_with_its_grammar() -> None:
    written = README.read_text().partition(BEGIN)[2].partition(END)[0]
    assert written == table(), f"write this between the two comments:\n{table()}"


def test_what_the_readme_points_to_is_there() -> None:
    for target in re.findall(r"\]\(([^)#:]+)\)", README.read_text()):
        assert (README.parent / target).exists(), target
