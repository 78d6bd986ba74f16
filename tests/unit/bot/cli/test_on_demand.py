"""A command loads what it needs, and nothing of the others; help and mistakes know all of them."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from bot.cli import app
from bot.cli.main import Commands


def loaded_by(*arguments: str) -> set[str]:
    program = "import sys; from bot.cli import app; app(sys.argv[1:], standalone_mode=False); print(*sys.modules)"
    done = subprocess.run([sys.executable, "-c", program, *arguments], capture_output=True, text=True, check=True)
    return set(done.stdout.splitlines()[-1].split())


def test_what_needs_no_database_loads_none() -> None:
    modules = loaded_by("policy", "reference")
    assert "bot.cli.policy" in modules
    assert not {"bot.cli.audit", "bot.cli.dora", "bot.cli.init", "alembic", "dbos"} & modules


@pytest.mark.parametrize("word", sorted(Commands.elsewhere))
def test_each_has_help_of_its_own(word: str) -> None:
    shown = CliRunner().invoke(app, [word, "--help"])
    assert shown.exit_code == 0, shown.output
    assert word in shown.output
    assert "--install-completion" not in shown.output


def test_help_shows_all_and_a_mistake_what_is_close() -> None:
    shown = CliRunner().invoke(app, ["--help"]).output
    registered = [one.callback.__name__.replace("_", "-") for one in app.registered_commands if one.callback]
    assert sorted(Commands.order) == sorted([*registered, *Commands.elsewhere]), "help would not name it"
    assert all(f"│ {word} " in shown for word in Commands.order)
    assert "Did you mean 'policy'?" in CliRunner().invoke(app, ["polcy"]).output
    assert "Did you mean 'sandbox'?" in CliRunner().invoke(app, ["sandbx"]).output
