"""What the commands of the command line share: settings from the environment, and failing with a sentence."""

import sys
from typing import NoReturn

from pydantic import ValidationError
from rich.console import Console
from rich.table import Table

from bot.settings import Settings

errors = Console(stderr=True, highlight=False)
WIDE = 200
"""characters"""


def read_settings() -> Settings:
    """Ends the process with one line for each wrong variable."""
    try:
        return Settings()
    except ValidationError as error:
        lines = [f"{_variable(e['loc'])}: {e['msg'].removeprefix('Value error, ')}" for e in error.errors()]
        fail("\n".join(lines))


def print_table(table: Table) -> None:
    """As wide as the terminal; into a file or a log, wide enough for a sentence in a cell."""
    width = None if sys.stdout.isatty() else WIDE
    Console(highlight=False, width=width).print(table)


def fail(sentence: str) -> NoReturn:
    """Exit status 1, and the sentence on standard error."""
    errors.print(sentence, style="red", markup=False, soft_wrap=True)
    sys.exit(1)


def _variable(place: tuple[int | str, ...]) -> str:
    return "PILOTHOUSE_" + "__".join(str(step).upper() for step in place)
