"""What the commands of the command line share: settings from the environment, and failing with a sentence."""

import json
import os
import sys
from importlib.util import find_spec
from pathlib import Path
from typing import NoReturn

from dotenv import dotenv_values
from pydantic import ValidationError
from pydantic_settings import SettingsError
from rich.console import Console
from rich.table import Table

import bot
from bot.runtime.mistakes import Place, mistakes
from bot.runtime.spelling import did_you_mean
from bot.settings import SECRETS_DIR, Settings, variables

errors = Console(stderr=True, highlight=False)
PREFIX = "PILOTHOUSE_"
WIDE = 200
"""characters"""


def read_settings() -> Settings:
    """Ends the process with one line for each wrong variable, and what it may be instead."""
    try:
        return Settings()
    except ValidationError as error:
        found = mistakes(error, Settings, _unknown)
        fail("\n".join(f"{_variable(place)}: {what}" if place else what for place, what in found))
    except SettingsError as error:
        fail(f'{_unreadable(error)}: expected JSON, for example ["a", "b"].')
    except OSError as error:
        fail(f"{SECRETS_DIR}: {error.filename} cannot be read: {error.strerror}. Mount the secrets there, or unset it.")


def take_settings(file: Path) -> None:
    """Set the variables that `file` has and the environment lacks: NAME=value, one a line, nothing expanded.

    Ends the process when the file cannot be read, or a line is no such thing.
    """
    if not file.is_file():
        fail(f"--env-file {file}: the file does not exist. `pilothouse init` writes one.")
    for name, value in dotenv_values(file, interpolate=False).items():
        if value is None:
            fail(f"--env-file {file}: {name!r} has no value: expected NAME=value.")
        os.environ.setdefault(name, value)


def not_ours() -> str:
    """Which of our import packages leads to somebody else's, with the remedy; "" when none does.

    Their names are common ones, and another distribution in the same environment may have one of them.
    """
    here = Path(bot.__file__).parents[1]
    for name in ("commands", "integrations"):
        spec = find_spec(name)
        where = Path(spec.origin).parents[1] if spec and spec.origin else None
        if where != here:
            return (
                f"The package `{name}` that Python finds is not Pilothouse's: it is in {where}, and not in {here}. "
                "Install Pilothouse into an environment of its own, for example with `pipx install pilothouse`."
            )
    return ""


def print_table(table: Table) -> None:
    """As wide as the terminal; into a file or a log, wide enough for a sentence in a cell."""
    width = None if sys.stdout.isatty() else WIDE
    Console(highlight=False, width=width).print(table)


def print_json(value: object) -> None:
    """For scripts; names and words of others are kept as they are."""
    print(json.dumps(value, indent=2))


def fail(sentence: str) -> NoReturn:
    """Exit status 1, and the sentence on standard error."""
    errors.print(sentence, style="red", markup=False, soft_wrap=True)
    sys.exit(1)


def _unknown(place: Place) -> str:
    return f"unknown setting.{did_you_mean(_variable(place), variables(), limit=1)}"


def _unreadable(error: SettingsError) -> str:
    """Which variables have the value that is no JSON: the error names only their group."""
    text = getattr(error.__cause__, "doc", None)
    named = sorted(name for name, value in os.environ.items() if name.startswith(PREFIX) and value == text)
    return ", ".join(named) or str(error)


def _variable(place: Place) -> str:
    return PREFIX + "__".join(str(step).upper() for step in place)
