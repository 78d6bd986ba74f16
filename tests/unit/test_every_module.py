"""Every module of the product and of the sandbox can be imported, those too that only a command or an error loads."""

import importlib
import pkgutil
from collections.abc import Iterator
from types import ModuleType

import pytest

import bot
import commands
import integrations

RUN_BY_THEIR_TOOL = ("bot.store.migrations.", "bot.__main__", "integrations.sandbox.setup")
OPTIONAL = "matplotlib"
"""the extra `charts`"""


def modules(package: ModuleType) -> Iterator[str]:
    for found in pkgutil.iter_modules(package.__path__, f"{package.__name__}."):
        if not found.name.startswith(RUN_BY_THEIR_TOOL):
            yield found.name
            if found.ispkg:
                yield from modules(importlib.import_module(found.name))


@pytest.mark.parametrize("package", [bot, commands, integrations], ids=lambda package: package.__name__)
def test_every_module_can_be_imported(package: ModuleType) -> None:
    names = list(modules(package))
    assert len(names) > 10
    for name in names:
        try:
            importlib.import_module(name)
        except ModuleNotFoundError as error:
            if error.name != OPTIONAL:
                raise
