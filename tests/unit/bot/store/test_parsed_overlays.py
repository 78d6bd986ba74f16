"""What overlays were parsed to, kept by content, on both databases."""

import pytest

from bot.domain.overlay import OverlayImage
from bot.store import parsed_overlays
from bot.store.database import Database
from bot.store.parsed_overlays import ParsedOverlayStore

ONE = (OverlayImage("x", "h/x", "v1"), OverlayImage("y", "h/y", "", "sha256:" + "a" * 64))


async def test_what_is_kept_comes_back_as_it_was(database: Database) -> None:
    store = ParsedOverlayStore(database)
    many = {f"{number:040x}": ONE for number in range(1200)}
    await store.change(many | {"f" * 40: ()}, [])
    await store.change(many, [])  # another replica has parsed the same
    assert await store.all() == many | {"f" * 40: ()}
    await store.change({}, [*many])
    assert await store.all() == {"f" * 40: ()}


async def test_another_version_may_read_it_otherwise(database: Database, monkeypatch: pytest.MonkeyPatch) -> None:
    store = ParsedOverlayStore(database)
    await store.change({"a" * 40: ONE}, [])
    monkeypatch.setattr(parsed_overlays, "reader", lambda: "9.9")
    assert await store.all() == {}
    await store.change({"a" * 40: ()}, [])
    assert await store.all() == {"a" * 40: ()}
    monkeypatch.undo()
    assert await store.all() == {}, "and what it has read replaces what we have"


async def test_two_versions_beside_each_other_keep_what_each_has_read(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The old replica reads one new overlay while the new one has read them all."""
    store = ParsedOverlayStore(database)
    await store.change({"a" * 40: ONE, "b" * 40: ONE}, [])
    assert await store.of_others() == frozenset()
    monkeypatch.setattr(parsed_overlays, "reader", lambda: "9.9")
    assert await store.of_others() == {"a" * 40, "b" * 40}
    await store.change({"a" * 40: ()}, [])
    monkeypatch.undo()
    await store.change({"c" * 40: ONE}, [])
    assert await store.all() == {"b" * 40: ONE, "c" * 40: ONE}
    monkeypatch.setattr(parsed_overlays, "reader", lambda: "9.9")
    assert await store.all() == {"a" * 40: ()}
    await store.change({}, ["b" * 40])
    monkeypatch.undo()
    assert await store.all() == {"c" * 40: ONE}, "what no file says goes for all versions"
