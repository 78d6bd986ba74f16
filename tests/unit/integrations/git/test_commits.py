"""Trees and packs that are made here are what git itself would have made."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import Refused
from bot.domain.overlay import Author, Change
from integrations.git import GitRemote
from integrations.git.trees import RawTreeEntry, changed, entry_of
from tests.contract.overlays import ANA, FILES, PATH, change
from tests.fakes.bare import BareRepository

# Names that git sorts otherwise than words are: "a-b" < "a.b" < "a/" < "a0", and a file "a" before all of them.
names = st.sampled_from([b"a", b"a-b", b"a.b", b"a0", b"ab", b"b", b"\xc3\xa9", b" ", b"z" * 200])
entries = st.builds(
    RawTreeEntry,
    st.sampled_from([b"100644", b"100755", b"40000", b"120000", b"160000"]),
    st.binary(min_size=20, max_size=20),
)


def mktree(entries: dict[bytes, RawTreeEntry]) -> bytes:
    """As git sorts them (`git mktree` itself is slow to start hundreds of times)."""
    ordered = sorted(entries.items(), key=lambda item: item[0] + (b"/" if item[1].mode == b"40000" else b""))
    return b"".join(b"%s %s\0%s" % (entry.mode, name, entry.sha) for name, entry in ordered)


def applied(base: bytes, delta: bytes) -> bytes:
    """A reader of deltas after gitformat-pack(5)."""
    position, result = 0, b""
    sizes = []
    for _ in range(2):
        size = shift = 0
        while True:
            byte = delta[position]
            position += 1
            size |= (byte & 0x7F) << shift
            shift += 7
            if byte < 0x80:
                break
        sizes.append(size)
    while position < len(delta):
        order = delta[position]
        position += 1
        if order < 0x80:
            assert order, "reserved"
            result += delta[position : position + order]
            position += order
            continue
        fields = []
        for bit in range(7):
            fields.append(delta[position] if order & 1 << bit else 0)
            position += bool(order & 1 << bit)
        at = int.from_bytes(bytes(fields[:4]), "little")
        result += base[at : at + (int.from_bytes(bytes(fields[4:]), "little") or 0x10000)]
    assert sizes == [len(base), len(result)]
    return result


@given(st.dictionaries(names, entries), st.dictionaries(names, entries))
def test_a_changed_tree_is_sorted_as_git_sorts_and_its_delta_makes_it(
    before: dict[bytes, RawTreeEntry], changes: dict[bytes, RawTreeEntry]
) -> None:
    base = mktree(before)
    body, delta = changed(base, changes)
    assert body == mktree(before | changes)
    assert applied(base, delta) == body
    assert all(entry_of(body, name) == entry for name, entry in (before | changes).items())


def test_one_of_ten_thousand_apps_is_a_small_delta() -> None:
    base = mktree({b"app-%05d" % n: RawTreeEntry(b"40000", n.to_bytes(20, "big")) for n in range(10_000)})
    body, delta = changed(base, {b"app-07777": RawTreeEntry(b"40000", b"\xff" * 20)})
    assert len(base) == len(body) > 300_000
    assert len(delta) < 150
    assert applied(base, delta) == body


paths = st.lists(st.sampled_from(["a", "a-b", "a.b", "b", "é ü"]), min_size=1, max_size=4).map("/".join)


@settings(max_examples=15, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.dictionaries(paths, st.binary(max_size=50), min_size=1, max_size=5))
async def test_many_files_at_once_are_committed_or_refused_whole(
    bare: BareRepository, remote: GitRemote, files: dict[str, bytes]
) -> None:
    head = bare.head()
    try:
        made = await remote.commit(Change(files, "Some files", ANA), head)
    except Refused:
        assert bare.head() == head
    else:
        assert await remote.read(files, made.sha) == files
        bare.git("fsck", "--strict", "--no-dangling", made.sha)
        bare.reset(head)


async def test_a_file_below_a_file_in_one_change_is_refused(bare: BareRepository, remote: GitRemote) -> None:
    with pytest.raises(Refused, match="not files to write"):
        await remote.commit(Change({"a": b"1", "a/b": b"2"}, "Both", ANA), bare.head())


@pytest.mark.parametrize(
    ("mode", "kind"), [("120000", "a symbolic link"), ("160000", "a submodule"), ("040000", "a directory")]
)
async def test_what_is_no_plain_file_is_not_written_over(
    bare: BareRepository, remote: GitRemote, mode: str, kind: str
) -> None:
    sha = {"120000": "main:README.md", "160000": "main", "040000": "main:apps"}[mode]
    tree = bare.git("mktree", stdin=listing(bare, mode, bare.git("rev-parse", sha)))
    head = committed(bare, tree)
    bare.reset(head)
    with pytest.raises(Refused, match=f"odd is {kind} in the repository"):
        await remote.commit(change(path="odd"), await remote.head())
    with pytest.raises(Refused, match="not a directory" if mode != "040000" else "a directory"):
        await remote.commit(change(path="odd/x" if mode != "040000" else "odd/my-app"), await remote.head())
    assert bare.head() == head


def listing(bare: BareRepository, mode: str, sha: str) -> bytes:
    kind = {"120000": "blob", "160000": "commit", "040000": "tree"}[mode]
    return f"{bare.git('ls-tree', 'main')}\n{mode} {kind} {sha}\todd\n".encode()


def committed(bare: BareRepository, tree: str) -> str:
    who = "A <a@example.com> 1 +0000"
    body = f"tree {tree}\nparent {bare.head()}\nauthor {who}\ncommitter {who}\n\nx\n"
    return bare.git("hash-object", "-t", "commit", "-w", "--stdin", stdin=body.encode())


@pytest.mark.parametrize(
    ("author", "shown"),
    [
        (Author("Ana\nApproved-By: Mia <mia@example.com>", "a@example.com"), "AnaApproved-By: Mia mia@example.com"),
        (Author("<>", "ana@example.com"), "ana"),
        (Author("Zoë 🚀 Ļ", "z@example.com"), "Zoë 🚀 Ļ"),
        (Author("A\0B", "a\n> b@example.com"), "AB"),
    ],
)
async def test_a_name_stays_a_name(bare: BareRepository, remote: GitRemote, author: Author, shown: str) -> None:
    await remote.commit(Change({PATH: b"x\n"}, "One\n\nPromotion-Id: p", author), await remote.head())
    assert bare.git("log", "-1", "--format=%an") == shown
    assert bare.git("log", "-1", "--format=%B") == "One\n\nPromotion-Id: p"
    bare.git("fsck", "--strict")
    assert bare.git("log", "--format=%H").count("\n") == 1


async def test_a_nul_in_a_message_ends_nothing(bare: BareRepository, remote: GitRemote) -> None:
    await remote.commit(change(message="One\0two\n\nPromotion-Id: p-1"), await remote.head())
    assert bare.git("log", "-1", "--format=%B") == "Onetwo\n\nPromotion-Id: p-1"


async def test_a_file_that_is_as_it_should_be_is_committed_all_the_same(
    bare: BareRepository, remote: GitRemote
) -> None:
    """The story looks for its trailer, and must find it."""
    head = await remote.head()
    made = await remote.commit(change(FILES[PATH]), head)
    assert bare.shas() == [made.sha, head]
    assert bare.git("diff", "--name-only", head, made.sha) == ""


async def test_two_directories_that_change_places(bare: BareRepository, remote: GitRemote) -> None:
    """Each is made from the other: as two deltas that would be a circle."""
    bare.commit({"one/file": b"1\n", "two/file": b"2\n"})
    swapped = {"one/file": b"2\n", "two/file": b"1\n"}
    made = await remote.commit(Change(swapped, "Swap", ANA), await remote.head())
    assert await remote.read(swapped, made.sha) == swapped
    bare.git("fsck", "--strict")


async def test_a_large_file_and_one_of_all_bytes(bare: BareRepository, remote: GitRemote) -> None:
    files = {"large": bytes(range(256)) * 20_000, "apps/my-app/binary": b"\0\xff\r\n" * 10}
    made = await remote.commit(Change(files, "Two files", ANA), await remote.head())
    assert await remote.read(files, made.sha) == files
    bare.git("fsck", "--strict")
