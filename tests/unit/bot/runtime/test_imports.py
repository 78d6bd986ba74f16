"""What is imported, and what installed packages offer."""

import importlib.metadata
from importlib.metadata import EntryPoint, EntryPoints

import pytest

from bot.runtime import imports


def test_what_packages_offer_is_read_once_for_all_purposes(monkeypatch: pytest.MonkeyPatch) -> None:
    gate, command = EntryPoint("a", "x:a", "gates"), EntryPoint("b", "x:b", "commands")
    read: list[EntryPoints] = []

    def installed() -> EntryPoints:
        read.append(EntryPoints([gate, command]))
        return read[-1]

    monkeypatch.setattr(importlib.metadata, "entry_points", installed)
    imports._installed.cache_clear()
    try:
        assert imports.entry_points("gates") == (gate,)
        assert imports.entry_points("commands") == (command,)
        assert imports.entry_points("notifiers") == ()
        assert len(read) == 1
    finally:
        imports._installed.cache_clear()
