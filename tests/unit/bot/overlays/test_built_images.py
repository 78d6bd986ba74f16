"""What an overlay is built from is read layer by layer, where it was the last time, and never without end."""

from collections.abc import Iterable, Mapping
from functools import reduce
from pathlib import Path

import pytest

from bot.domain.errors import IntegrationError, Refused, Unavailable
from bot.overlays.built_images import MOST_BYTES, MOST_LAYER_BYTES, BuiltImages
from bot.overlays.catalog import MOST_BESIDE, Catalog
from bot.overlays.kustomization import matches, read_images
from bot.policy import parse
from tests.fakes.overlays import MemoryOverlays

PATH = "apps/a/overlays/prod/kustomization.yaml"
WEB = b"{apiVersion: v1, kind: Pod, metadata: {name: web}, spec: {containers: [{name: main, image: other}]}}\n"
FILES = {
    PATH: b"resources: [../../base]\nimages: [{name: web, newTag: v1}]\n",
    "apps/a/base/kustomization.yml": b"resources: [web.yaml]\n",
    "apps/a/base/web.yaml": WEB,
}


class Asked(MemoryOverlays):
    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        asked = tuple(paths)
        self.__dict__.setdefault("reads", []).append(asked)
        return await super().read(asked, at)


async def found(overlays: MemoryOverlays, built: BuiltImages | None = None) -> frozenset[str]:
    told = await (built or BuiltImages(overlays)).found(PATH, await overlays.head())
    return told.possible if told else frozenset()


async def test_two_layers_are_two_reads_more_and_the_next_time_nothing_is_asked_that_was_not_there() -> None:
    overlays = Asked(dict(FILES))
    built = BuiltImages(overlays)
    assert await found(overlays, built) == {"other"}
    assert len(overlays.__dict__.pop("reads")) == 3
    assert await found(overlays, built) == {"other"}
    asked = [path for paths in overlays.__dict__["reads"] for path in paths]
    assert sorted(asked) == sorted(FILES)


async def test_a_file_that_has_moved_since_is_found_again() -> None:
    overlays = MemoryOverlays(dict(FILES))
    built = BuiltImages(overlays)
    await found(overlays, built)
    overlays._write({"apps/a/base/Kustomization": b"resources: [../new.yaml]\n", "apps/a/new.yaml": WEB}, "Move",
                    overlays.log[0].author, gone=["apps/a/base/kustomization.yml"])  # fmt: skip
    assert await found(overlays, built) == {"other"}


ENDLESS = {
    "a base that builds on itself": {"apps/a/base/kustomization.yml": b"resources: [../base]\n"},
    "a ring": {"apps/a/base/kustomization.yml": b"resources: [../overlays/prod]\n"},
    "many layers": {
        "apps/a/base/kustomization.yml": b"resources: [l0]\n",
        **{f"apps/a/base/{'/'.join(f'l{i}' for i in range(n + 1))}/kustomization.yaml": b"resources: [l%d]\n" % (n + 1)
           for n in range(30)},
        f"apps/a/base/{'/'.join(f'l{i}' for i in range(31))}/kustomization.yaml": b"resources: [it.yaml]\n",
        f"apps/a/base/{'/'.join(f'l{i}' for i in range(31))}/it.yaml": WEB,
    },
    "a large file": {"apps/a/base/web.yaml": WEB + b"#" * MOST_BYTES},
    "a large kustomization": {"apps/a/base/kustomization.yml": b"resources: [web.yaml]\n" + b"#" * MOST_LAYER_BYTES},
    "many files": {"apps/a/base/kustomization.yml": b"resources:\n" + b"".join(b"- f%d.yaml\n" % n for n in range(300)),
                   **{f"apps/a/base/f{n}.yaml": WEB for n in range(300)}},
    "aliases that grow": {"apps/a/base/web.yaml": WEB + b"---\n- &a0 [x, x, x, x]\n" + b"".join(
        b"- &a%d [%s]\n" % (n + 1, b", ".join([b"*a%d" % n] * 10)) for n in range(9))},
    "deep brackets": {"apps/a/base/web.yaml": b"[" * 200_000},
    "many words": {"apps/a/base/web.yaml": WEB + b"---\n[" + b"x," * 30_000 + b"]"},
    "two kustomizations": {"apps/a/base/kustomization.yaml": b"resources: [web.yaml]\n"},
    "a link": {"apps/a/base/web.yaml": b"../../elsewhere/web.yaml"},
}  # fmt: skip


@pytest.mark.parametrize("files", ENDLESS.values(), ids=ENDLESS)
async def test_what_is_too_much_or_makes_no_sense_is_not_told(files: dict[str, bytes]) -> None:
    assert not await found(MemoryOverlays({**FILES, **files}))


@pytest.mark.parametrize("error", [Refused("git", "read", "too large"), Unavailable("git", "read", "no answer")])
async def test_what_git_will_not_show_is_not_told_and_a_git_that_is_away_is_waited_for(error: IntegrationError) -> None:
    class Unreadable(MemoryOverlays):
        async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
            asked = tuple(paths)
            if any("base" in path for path in asked):
                raise error
            return await super().read(asked, at)

    if isinstance(error, Unavailable):
        with pytest.raises(Unavailable):
            await found(Unreadable(dict(FILES)))
    else:
        assert not await found(Unreadable(dict(FILES)))


async def test_an_overlay_that_is_not_there_is_not_told() -> None:
    assert not await found(MemoryOverlays({"README.md": b""}))


async def test_a_plan_reads_what_an_overlay_is_built_from_at_once() -> None:
    """So that the check asks git for nothing more: the files are in its cache by then."""
    other = {"apps/a/overlays/staging/patch.yaml": WEB, "apps/b/base/web.yaml": WEB, "apps/a/base/notes.md": b"x"}
    overlays = Asked({**FILES, **other})
    catalog = Catalog(overlays, parse("environments: [{name: staging}, {name: prod}]"))
    listing = await catalog.listing()
    overlay = catalog.find(listing, "a", "prod")
    await catalog.images_at(listing, overlay, planned=True)
    (asked,) = overlays.__dict__.pop("reads")
    assert sorted(asked) == sorted(FILES)
    await catalog.images_at(listing, overlay, planned=True)
    await catalog.read_beside(listing, [overlay])  # from then on it is read while other systems are asked
    assert sorted({path for paths in overlays.__dict__.pop("reads") for path in paths}) == sorted(FILES)
    await catalog.built.found(PATH, listing.commit)
    later = {path for paths in overlays.__dict__["reads"] for path in paths if path in overlays.files}
    assert later <= set(asked)


async def test_an_app_with_very_many_files_is_read_layer_by_layer() -> None:
    overlays = Asked({**FILES, **{f"apps/a/more/{n}.yaml": WEB for n in range(MOST_BESIDE)}})
    catalog = Catalog(overlays, parse("environments: [{name: staging}, {name: prod}]"))
    listing = await catalog.listing()
    await catalog.images_at(listing, catalog.find(listing, "a", "prod"), planned=True)
    assert overlays.__dict__["reads"] == [(PATH,)]


@pytest.mark.parametrize("root", ["deploy/apps", "integrations/sandbox/seed/apps"])
async def test_of_the_overlays_that_come_with_us_it_is_told_what_runs(root: str) -> None:
    """With patches, labels and all that they have."""
    top = Path(__file__).parents[4] / root
    found = {f"apps/{file.relative_to(top)}": file.read_bytes() for file in top.rglob("*") if file.is_file()}
    written = ((b"{digest}", b"sha256:" + b"a" * 64), (b"{tag}", b"v1"), (b"{{", b"{"), (b"}}", b"}"))
    files = {path: reduce(lambda text, each: text.replace(*each), written, body) for path, body in found.items()}
    overlays = MemoryOverlays(files)
    paths = [path for path in files if "/overlays/" in path and path.endswith("/kustomization.yaml")]
    assert len(paths) >= 3
    for path in paths:
        built = await BuiltImages(overlays).found(path, await overlays.head())
        entries = read_images(files[path], path)
        assert entries
        assert built
        assert all(any(matches(image, entry.name) for image in built.possible) for entry in entries), path
