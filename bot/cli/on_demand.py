"""Commands that are loaded when somebody asks for them, or for help.

The Click documentation calls this lazy loading. A bot that runs, or a sandbox, needs none of the others: they take a
quarter of a second to import.
"""

from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from typing import Any, ClassVar

import typer
from typer.core import TyperGroup

from bot.runtime.gc import lasting


@dataclass(frozen=True)
class OnDemand:
    """`module` has `name`: a function, or a Typer of several. `panel`: under which heading help shows it."""

    module: str
    name: str
    panel: str


class CommandsOnDemand(TyperGroup):
    """Those that are registered, in the order of `order`, and those `elsewhere`, by the word that is typed."""

    elsewhere: ClassVar[dict[str, OnDemand]] = {}
    order: ClassVar[tuple[str, ...]] = ()

    def list_commands(self, _: Any) -> list[str]:
        return [*self.order]

    def get_command(self, ctx: Any, cmd_name: str) -> Any:
        """None for an unknown one: then all are loaded, and the error names those that are meant perhaps."""
        for word in (cmd_name,) if cmd_name in self.order else self.elsewhere:
            if word in self.elsewhere and word not in self.commands:
                self.commands[word] = _loaded(word, self.elsewhere[word])
        return super().get_command(ctx, cmd_name)


def _loaded(word: str, wanted: OnDemand) -> Any:
    with lasting():
        found: typer.Typer | Callable[..., Any] = getattr(import_module(wanted.module), wanted.name)
    if not isinstance(found, typer.Typer):
        one = typer.Typer(add_completion=False)
        one.command(word)(found)
        found = one
    command: Any = typer.main.get_command(found)
    command.name, command.rich_help_panel = word, wanted.panel
    return command
