"""Packs that are made here are as git makes them."""

import contextlib
import hashlib
import subprocess
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from integrations.git import GitRemote, packs
from integrations.git.deltas import applied
from integrations.git.packs import New, keep, unpacked, whole
from tests.contract.overlays import PATH, change
from tests.fakes.bare import BareRepository

bodies = st.lists(st.binary(max_size=3000), min_size=1, max_size=40)


@settings(max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(bodies)
def test_the_index_is_the_one_that_git_makes(tmp_path: Path, bodies: list[bytes]) -> None:
    pack = whole([New("blob", body) for body in bodies])
    file = tmp_path / f"pack-{pack.name}.pack"
    file.write_bytes(pack.body)
    told = subprocess.run(["git", "index-pack", file.name], cwd=tmp_path, capture_output=True, check=True)
    assert told.stdout.decode().strip() == pack.name
    assert file.with_suffix(".idx").read_bytes() == pack.index
    file.with_suffix(".idx").unlink()


def packed_by_git(repository: BareRepository, shas: list[str], *how: str) -> bytes:
    done = subprocess.run(
        ["git", "pack-objects", "--stdout", "--quiet", *how],
        cwd=repository.path, input="\n".join(shas).encode(), capture_output=True, check=True,
    )  # fmt: skip
    return done.stdout


@pytest.mark.parametrize("how", [("--delta-base-offset",), (), ("--window=0",)], ids=["back", "by name", "none"])
def test_what_git_has_packed_is_unpacked(tmp_path: Path, how: tuple[str, ...]) -> None:
    """Files that are like each other, and trees: git packs them as differences, of which some are to differences."""
    repository = BareRepository(tmp_path / "r.git")
    lines = [b"line %d of a file\n" % number for number in range(9000)]
    bodies = [b"".join(lines[cut:]) + b"%d\n" % cut + b"".join(lines[:cut]) for cut in range(0, 900, 90)]
    repository.commit({f"apps/{number}": body for number, body in enumerate([*bodies, b"", b"x"])})
    repository.commit({"apps/0": b"other\n", "apps/1": bodies[2] + b"more"})
    named = repository.git("cat-file", "--batch-all-objects", "--batch-check=%(objectname)").split()
    found = {new.sha: new for new in unpacked(packed_by_git(repository, named, *how))}
    assert sorted(found) == sorted(named)
    assert {new.kind for new in found.values()} == {"blob", "tree", "commit"}
    assert set(bodies) <= {new.body for new in found.values()}


def test_what_is_too_large_or_needs_another_object_is_left_to_git(tmp_path: Path) -> None:
    repository = BareRepository(tmp_path / "r.git")
    large = bytes(range(256)) * 4096
    first = repository.commit({"large": large + b"x", "near": large[:50_000]})
    blob = repository.git("rev-parse", f"{first}:large")
    with pytest.raises(ValueError, match="too large"):
        unpacked(packed_by_git(repository, [blob]))
    second = repository.commit({"near": large[:50_000] + b"x"})
    thin = packed_by_git(repository, [f"^{first}", second], "--thin", "--revs")
    with pytest.raises(ValueError, match="not there"):
        unpacked(thin)


WHOLE = whole([New("blob", b"one\n" * 90), New("blob", b"two\n"), New("blob", b"")]).body


@given(st.integers(0, len(WHOLE) - 1), st.integers(1, 255), st.booleans())
def test_a_pack_in_which_anything_is_wrong_is_none(at: int, flip: int, resigned: bool) -> None:
    spoiled = bytearray(WHOLE)
    spoiled[at] ^= flip
    if resigned:
        spoiled[-20:] = hashlib.sha1(spoiled[:-20]).digest()
    try:
        found = unpacked(bytes(spoiled))
    except ValueError:
        return
    assert resigned, "its checksum is wrong"
    assert len(found) == 3


@given(st.integers(0, len(WHOLE) - 1))
def test_half_a_pack_is_none(length: int) -> None:
    for cut in (WHOLE[:length], WHOLE[:length] + hashlib.sha1(WHOLE[:length]).digest()):
        if cut != WHOLE:
            with pytest.raises(ValueError, match=r"."):
                unpacked(cut)


@given(st.binary(max_size=200), st.binary(max_size=60))
def test_nonsense_is_no_difference(base: bytes, nonsense: bytes) -> None:
    with contextlib.suppress(ValueError, IndexError):
        assert len(applied(base, nonsense, 1000)) <= 1000


async def test_what_is_kept_is_read_by_git_and_survives_its_check(remote: GitRemote, bare: BareRepository) -> None:
    head = await remote.head()
    made = await remote.commit(change(b"kept\n"), head)
    local = remote._cache.local
    assert await local("cat-file", "blob", f"{made.sha}:{PATH}") == b"kept\n"
    for pack in remote._cache.path.glob("objects/pack/*.pack"):
        await local("verify-pack", str(pack))
    bare.git("fsck", "--strict", "--full")
    left = {file.suffix for file in remote._cache.path.glob("objects/pack/*")}
    assert left == {".pack", ".idx", ".promisor"} | {suffix for suffix in left if suffix == ".rev"}


async def test_a_repack_between_our_pack_and_its_index_drops_nothing(
    remote: GitRemote, monkeypatch: pytest.MonkeyPatch
) -> None:
    await remote.head()
    directory = remote._cache.path / "objects" / "pack"
    new, write = New("blob", b"a file\n"), packs._write

    def write_and_repack(path: Path, content: bytes) -> None:
        if path.suffix == ".idx":
            repack = ["git", "repack", "-a", "-d", "-q", "--no-write-bitmap-index"]
            subprocess.run(repack, env=remote._cache.environment.remote(), check=True)
        write(path, content)

    with monkeypatch.context() as slow:
        slow.setattr(packs, "_write", write_and_repack)
        keep(whole([new]), directory)
    await remote._cache._tidy()
    assert (await remote._cache.objects([new.sha]))[new.sha].body == b"a file\n"


@pytest.mark.parametrize("at", [".pack", ".idx"])
async def test_a_pack_that_could_not_be_written_is_none(
    remote: GitRemote, monkeypatch: pytest.MonkeyPatch, at: str
) -> None:
    await remote.head()
    directory, write = remote._cache.path / "objects" / "pack", packs._write

    def full(path: Path, content: bytes) -> None:
        if path.suffix == at:
            raise OSError("No space left on device")
        write(path, content)

    new = New("blob", b"a file\n")
    with monkeypatch.context() as disk:
        disk.setattr(packs, "_write", full)
        with pytest.raises(OSError, match="No space"):
            keep(whole([new]), directory)
    assert not list(directory.glob("*.keep"))
    assert not list(directory.glob("tmp_*"))
    assert await remote._cache.objects([new.sha]) == {}
    keep(whole([new]), directory)
    assert new.sha in await remote._cache.objects([new.sha])
