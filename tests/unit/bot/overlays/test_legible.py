"""What thousands of overlays pin: each content is read and parsed once, also by the processes after this one."""

import asyncio
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

import pytest

from bot.domain.errors import DatabaseAway
from bot.domain.overlay import OverlayImage
from bot.overlays import legible
from bot.overlays.catalog import Catalog
from bot.policy import parse
from tests.fakes.overlays import MemoryOverlays

Images = tuple[OverlayImage, ...]


def path(app: str) -> str:
    return f"apps/{app}/overlays/staging/kustomization.yaml"


def file(tag: str) -> bytes:
    return f"images:\n- name: h/x\n  newTag: {tag}\n".encode()


class Overlays(MemoryOverlays):
    """Counts what is read."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.asked: list[str] = []

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        wanted = tuple(paths)
        self.asked += wanted
        return await super().read(wanted, at)


@dataclass
class Parsed:
    """What outlives a process."""

    rows: dict[str, Images] = field(default_factory=dict)
    away: bool = False

    async def all(self) -> Mapping[str, Images]:
        if self.away:
            raise DatabaseAway("database", "down")
        return dict(self.rows)

    async def of_others(self) -> frozenset[str]:
        return frozenset()

    async def change(self, new: Mapping[str, Images], gone: Iterable[str]) -> None:
        self.rows |= new
        for id in gone:
            del self.rows[id]


def begun(files: Mapping[str, bytes]) -> tuple[Overlays, Parsed]:
    return Overlays(dict(files)), Parsed()


async def tags(known: Catalog) -> dict[str, str]:
    """By app; of what cannot be read, why."""
    listing = await known.listing(fresh=True)
    images, broken = await known.legible_images_at(listing, listing.overlays.values())
    found = {overlay.app: ", ".join(one.tag for one in images[overlay.path]) for overlay in listing.overlays.values()}
    return found | {at.split("/")[1]: why for at, why in broken.items()}


async def test_after_a_commit_only_what_it_changed_is_read() -> None:
    overlays, _ = begun({path(f"a{n}"): file(f"v{n}") for n in range(50)})
    known = Catalog(overlays, parse("{}"))
    assert (await tags(known))["a7"] == "v7"
    assert len(overlays.asked) == 50
    overlays.asked.clear()
    overlays.push({path("a7"): file("v7.1"), path("new"): file("v3")})
    found = await tags(known)
    assert (found["a7"], found["new"], found["a3"]) == ("v7.1", "v3", "v3")
    assert overlays.asked == [path("a7")], "what another one says already is known"


async def test_the_next_process_reads_nothing_again() -> None:
    overlays, parsed = begun({path(f"a{n}"): file(f"v{n}") for n in range(50)})
    await tags(Catalog(overlays, parse("{}"), parsed=parsed))
    assert len(parsed.rows) == 50
    overlays.asked.clear()
    overlays.push({path("a7"): file("v7.1")})
    found = await tags(Catalog(overlays, parse("{}"), parsed=parsed))
    assert (found["a7"], found["a8"]) == ("v7.1", "v8")
    assert overlays.asked == [path("a7")]
    assert len(parsed.rows) == 50, "what no file says any longer is dropped"


async def test_what_cannot_be_read_is_told_each_time_and_never_kept() -> None:
    overlays, parsed = begun({path("good"): file("v1"), path("bad"): b"]["})
    known = Catalog(overlays, parse("{}"), parsed=parsed)
    for catalog in (known, known, Catalog(overlays, parse("{}"), parsed=parsed)):
        found = await tags(catalog)
        assert found["good"] == "v1"
        assert path("bad") in found["bad"]
        assert "YAML" in found["bad"]
        overlays.push({"README.md": b"again"})
    assert len(parsed.rows) == 1
    overlays.push({path("bad"): file("v2")})
    assert (await tags(known))["bad"] == "v2"


async def test_a_second_file_beside_it_makes_it_none_though_its_content_is_known() -> None:
    overlays, parsed = begun({path("a"): file("v1")})
    known = Catalog(overlays, parse("{}"), parsed=parsed)
    assert (await tags(known))["a"] == "v1"
    overlays.push({path("a").replace(".yaml", ".yml"): file("v1")})
    for catalog in (known, Catalog(overlays, parse("{}"), parsed=parsed)):
        assert "kustomize builds neither" in (await tags(catalog))["a"]


async def test_a_database_that_is_away_is_no_empty_one() -> None:
    overlays, parsed = begun({path("a"): file("v1")})
    parsed.away = True
    known = Catalog(overlays, parse("{}"), parsed=parsed)
    with pytest.raises(DatabaseAway):
        await tags(known)
    parsed.away = False
    assert (await tags(known))["a"] == "v1"
    assert len(parsed.rows) == 1


async def test_what_no_file_says_does_not_grow_for_ever(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legible, "SPARE", 5)
    overlays, _ = begun({path("a"): file("v1"), path("b"): file("b")})
    known = Catalog(overlays, parse("{}"))
    for number in range(40):
        overlays.push({path("a"): file(f"v{number}")})
        assert (await tags(known)) == {"a": f"v{number}", "b": "b"}
    assert len(known._legible._by_content) < 15


class Held(Overlays):
    """Answers the first read when it is released."""

    def __post_init__(self) -> None:
        super().__post_init__()
        self.begun, self.released = asyncio.Event(), asyncio.Event()

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        first = not self.begun.is_set()
        self.begun.set()
        if first:
            await self.released.wait()
        return await super().read(paths, at)


async def test_what_is_forgotten_while_somebody_reads_is_still_told_to_them(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(legible, "SPARE", -10)
    overlays = Held({path("a"): file("v1"), path("bad"): b"]["})
    known = Catalog(overlays, parse("{}"))
    reading = asyncio.create_task(tags(known))
    await overlays.begun.wait()
    for tag in ("v2", "v3"):
        overlays.push({path("a"): file(tag), path("bad"): b"images: []\n"})
        assert (await tags(known))["a"] == tag
    overlays.released.set()
    before = await reading
    assert before["a"] == "v1"
    assert path("bad") in before["bad"]
