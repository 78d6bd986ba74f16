"""A SQLite that is too old for this Python is replaced, or told in one sentence with what to do."""

import sys
from types import ModuleType

import pytest

from bot.runtime.sqlite import too_old, use_a_newer_one


def having(monkeypatch: pytest.MonkeyPatch, python: tuple[int, int], version: tuple[int, int, int]) -> None:
    module = ModuleType("sqlite3")
    module.sqlite_version_info = version  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "sqlite3", module)
    monkeypatch.setitem(sys.modules, "sqlite3.dbapi2", module)
    monkeypatch.setattr(sys, "version_info", (*python, 1))


@pytest.mark.parametrize(
    ("python", "version", "old"),
    [
        ((3, 11), (3, 40, 1), False),
        ((3, 12), (3, 40, 1), True),
        ((3, 13), (3, 41, 9), True),
        ((3, 12), (3, 42, 0), False),
        ((3, 14), (3, 50, 4), False),
    ],
)
def test_what_is_too_old(
    monkeypatch: pytest.MonkeyPatch, python: tuple[int, int], version: tuple[int, int, int], old: bool
) -> None:
    having(monkeypatch, python, version)
    said = too_old()
    assert bool(said) == old
    assert not old or {"pysqlite3", "PILOTHOUSE_DATABASE_URL"} <= set(said.replace("`", " ").replace(".", " ").split())


def test_a_newer_one_takes_its_place(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch, (3, 12), (3, 40, 1))
    newer, api = ModuleType("pysqlite3"), ModuleType("pysqlite3.dbapi2")
    newer.sqlite_version_info = (3, 54, 0)  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, "pysqlite3", newer)
    monkeypatch.setitem(sys.modules, "pysqlite3.dbapi2", api)
    use_a_newer_one()
    assert (sys.modules["sqlite3"], sys.modules["sqlite3.dbapi2"]) == (newer, api)
    assert not too_old()


def test_where_there_is_no_newer_one_it_stays_and_is_told(monkeypatch: pytest.MonkeyPatch) -> None:
    having(monkeypatch, (3, 13), (3, 40, 1))
    monkeypatch.setitem(sys.modules, "pysqlite3", None)
    use_a_newer_one()
    assert too_old()
