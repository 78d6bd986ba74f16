"""A commit is ours when its change is ours: trailers, names and addresses are anybody's to write."""

from collections.abc import Mapping
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest

from bot.domain.errors import Conflict
from bot.domain.promotion import Phase, Promotion
from bot.promotions.committer import Committer, edited
from bot.settings import GitSettings
from integrations.git import GitRemote
from tests.fakes.bare import BareRepository
from tests.fakes.overlays import SOMEONE
from tests.fakes.world import HARBOR, CoreWorld, kustomization, path

PRODUCTION, STAGING = path("production"), path("staging")
FORGERIES: dict[str, dict[str, bytes]] = {
    "nothing at all": {"README.md": b"hello\n"},
    "another environment": {STAGING: kustomization("v1.4.3")},
    "another image": {PRODUCTION: kustomization("v1.4.3")},
    "the image that runs": {PRODUCTION: kustomization("v1.4.1") + b"# touched\n"},
    "the approved line and a comment": {PRODUCTION: kustomization("v1.4.2") + b"# and more\n"},
    "the approved line and another file": {PRODUCTION: kustomization("v1.4.2"), "apps/evil.yaml": b"x\n"},
    "the approved line and another app's overlay": {
        PRODUCTION: kustomization("v1.4.2"),
        path("production", "payments"): kustomization("v9", "payments"),
    },
    "the approved line and another environment": {
        PRODUCTION: kustomization("v1.4.2"),
        STAGING: kustomization("v1.4.3"),
    },
    "another registry": {PRODUCTION: kustomization("v1.4.2").replace(HARBOR.encode(), b"evil.example.com/apps")},
}


def forge(world: CoreWorld, promotion: Promotion, files: Mapping[str, bytes], *, as_us: bool) -> str:
    made = world.overlays.push(files, f"x\n\nPromotion-Id: {promotion.id}", SOMEONE)
    if as_us:
        world.overlays.us |= {made.sha}
    return made.sha


@pytest.mark.parametrize("as_us", [False, True], ids=["under their own name", "under ours"])
@pytest.mark.parametrize("files", FORGERIES.values(), ids=FORGERIES.keys())
async def test_whoever_pushes_our_trailer_does_not_make_us_believe_that_we_have_committed(
    world: CoreWorld, files: dict[str, bytes], as_us: bool
) -> None:
    asked = await world.deploy("ana")
    forged = forge(world, asked, files, as_us=as_us)
    assert await Committer(world.overlays, world.overlays, world.registry).find(asked) is None
    with suppress(Conflict):
        await world.approve("bo", asked)
    ended = await world.now(asked)
    assert ended.commit is None or ended.commit.sha != forged
    if ended.phase is Phase.SUCCEEDED:
        assert "newTag: v1.4.2" in world.overlay("production")
        assert ended.commit is not None
    else:
        assert ended.commit is None


@pytest.mark.parametrize("later", [{"README.md": b"later\n"}, {STAGING: kustomization("v1.4.3")}])
async def test_a_forgery_on_top_does_not_hide_our_own_commit(world: CoreWorld, later: dict[str, bytes]) -> None:
    asked = await world.deploy("ana")
    await world.approve("bo", asked)
    done = await world.now(asked)
    assert done.commit is not None
    forge(world, asked, later, as_us=True)
    committer = Committer(world.overlays, world.overlays, world.registry)
    again = await committer.commit(done)
    assert again == done.commit


async def test_a_mode_or_a_link_in_the_place_of_the_file_is_not_our_commit(world: CoreWorld) -> None:
    asked = await world.deploy("ana")
    moves = asked.moves
    before = await world.overlays.head()
    contents = await world.overlays.read([PRODUCTION], before)
    forge(world, asked, edited(moves, contents), as_us=True)
    committer = Committer(world.overlays, world.overlays, world.registry)
    assert await committer.find(asked) is not None  # exactly our change, under our name
    world.overlays.odd = {PRODUCTION}
    assert await committer.find(asked) is None


async def test_a_merge_that_brings_exactly_our_change_is_not_our_commit(world: CoreWorld) -> None:
    """We make none: what its other parent holds, nobody has approved."""
    asked = await world.deploy("ana")
    before = await world.overlays.head()
    forge(world, asked, edited(asked.moves, await world.overlays.read([PRODUCTION], before)), as_us=True)
    committer = Committer(world.overlays, world.overlays, world.registry)
    assert await committer.find(asked) is not None
    world.overlays._log[-1] = replace(world.overlays._log[-1], parents=(before, "f" * 40))
    assert await committer.find(asked) is None


def inline(mode: str, text: str) -> str:
    return f"M {mode} inline {PRODUCTION}\ndata {len(text)}\n{text}\n"


GIT_FORGERIES = {
    "executable": (inline("100755", kustomization("v1.4.2").decode()), {PRODUCTION: False}),
    "a link": (inline("120000", "../staging/kustomization.yaml"), {PRODUCTION: False}),
    "gone": (f"D {STAGING}\n", {PRODUCTION: True, STAGING: False}),
    "renamed": (f"R {STAGING} elsewhere.yaml\n", {PRODUCTION: True, STAGING: False, "elsewhere.yaml": False}),
    "copied": (f"C {STAGING} elsewhere.yaml\n", {PRODUCTION: True, "elsewhere.yaml": False}),
    "a submodule": (f"M 160000 {'a' * 40} vendor/evil\n", {PRODUCTION: True, "vendor/evil": False}),
    "attributes": ("M 100644 inline .gitattributes\ndata 8\n* -diff\n\n", {PRODUCTION: True, ".gitattributes": False}),
    "submodules ignored": (
        f"M 100644 inline .gitmodules\ndata 13\nignore = all\n\nM 160000 {'a' * 40} evil\n",
        {PRODUCTION: True, ".gitmodules": False, "evil": False},
    ),
}


@pytest.mark.parametrize(("more", "expected"), GIT_FORGERIES.values(), ids=GIT_FORGERIES.keys())
async def test_real_git_shows_what_no_list_of_contents_shows(
    tmp_path: Path, more: str, expected: dict[str, bool]
) -> None:
    """Beside a harmless change of the approved file: modes, removed files, renames, submodules."""
    bare = BareRepository(tmp_path / "remote.git")
    first = bare.commit({PRODUCTION: kustomization("v1.4.1"), STAGING: kustomization("v1.4.2")})
    after = bare.commit({PRODUCTION: kustomization("v1.4.2")}, more=more)
    async with GitRemote(GitSettings(url=bare.url), tmp_path / "cache") as remote:
        differ = await remote.differences(first, after)
    assert {one.path: one.plain for one in differ} == expected


@pytest.mark.parametrize(
    ("name", "email", "ours"),
    [
        ("Pilothouse", "pilothouse@localhost", True),
        ("Someone Else", "someone@example.com", False),
        ("Pilothouse", "someone@example.com", False),
        ("Pilothouse", "pilothouse@localhost.evil.example", False),
    ],
)
async def test_real_git_offers_only_commits_of_our_committer(tmp_path: Path, name: str, email: str, ours: bool) -> None:
    bare = BareRepository(tmp_path / "remote.git")
    first = bare.commit({PRODUCTION: kustomization("v1.4.1")})
    settings = GitSettings(url=bare.url)
    email = email.replace("pilothouse@localhost", settings.committer_email)
    name = name.replace("Pilothouse", settings.committer_name)
    bare.commit({PRODUCTION: kustomization("v1.4.2")}, "x\n\nPromotion-Id: p-1", f"{name} <{email}>")
    async with GitRemote(settings, tmp_path / "cache") as remote:
        assert bool(await remote.find("Promotion-Id", "p-1", first)) is ours
