"""What plumbing prints, parsed; and the commit that is made of it."""

import contextlib
import string
import subprocess
from datetime import UTC, datetime
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bot.domain.errors import HeadMoved, IntegrationError, NotFound, Refused, Unavailable
from bot.domain.overlay import Author, Change
from integrations.git.commits import ParentTree, directories, drafted
from integrations.git.environment import split_credentials
from integrations.git.failures import remote_failure
from integrations.git.objects import LOG_FORMAT, contents, logged, simple_commit, tree_entries
from integrations.git.packs import thin
from integrations.git.process import GitFailed
from tests.fakes.bare import BareRepository

segments = st.text(min_size=1, max_size=12).filter(
    lambda text: not set(text) & set("/\0\n\r") and text.lower() not in {".", "..", ".git"} and _encodes(text)
)
paths = st.lists(segments, min_size=1, max_size=4).map("/".join)
texts = st.text(string.printable + "äß→🚀", max_size=60)


def _encodes(text: str) -> bool:
    try:
        text.encode()
    except UnicodeEncodeError:
        return False
    return True


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(path=paths, content=st.binary(max_size=200), message=texts, name=texts, email=texts)
def test_whatever_is_committed_is_read_back(
    tmp_path: Path, path: str, content: bytes, message: str, name: str, email: str
) -> None:
    repository = _repository(tmp_path)
    parent = repository.head()
    change = Change({path: content}, f"m{message}", Author(name, email))
    at = datetime(2026, 1, 5, 12, 0, tzinfo=UTC)
    trees = {directory: tree_at(repository, parent, directory) for directory in directories([path])}
    new = drafted(change, parent, Author("Bot", "bot@example.com"), at, trees)
    repository.git("index-pack", "--stdin", "--fix-thin", "--strict", stdin=thin(new))
    sha = new[-1].sha

    listing = subprocess.run(
        ["git", "ls-tree", "-r", "-z", sha], cwd=repository.path, capture_output=True, check=True
    ).stdout
    assert path in {entry.path for entry in tree_entries(listing)}
    name_of_it = f"{sha}:{path}"
    output = subprocess.run(
        ["git", "cat-file", "--batch"],
        cwd=repository.path, capture_output=True, check=True, input=f"{name_of_it}\n{'0' * 40}\n".encode(),
    ).stdout  # fmt: skip
    if not path.startswith(("./", "../")):
        (_, found), (_, missing) = contents(output, [name_of_it, "0" * 40])
        assert found is not None
        assert (found.kind, found.body, missing) == ("blob", content, None)

    log = subprocess.run(
        ["git", "log", "-z", LOG_FORMAT, sha], cwd=repository.path, capture_output=True, check=True
    ).stdout
    newest, by = next(logged(log, "https://git.example.com/{sha}"))
    assert simple_commit(sha, new[-1].body, "https://git.example.com/{sha}") in (None, (newest, by))
    assert (newest.sha, newest.at, newest.url) == (sha, at, f"https://git.example.com/{sha}")
    assert newest.message == change.message.strip("\n")


def tree_at(repository: BareRepository, commit: str, directory: str) -> ParentTree:
    done = subprocess.run(
        ["git", "cat-file", "tree", f"{commit}:{directory}"], cwd=repository.path, capture_output=True, check=False
    )
    if done.returncode:
        return ParentTree()
    return ParentTree(repository.git("rev-parse", f"{commit}:{directory}"), done.stdout)


def _repository(directory: Path) -> BareRepository:
    path = directory / "r.git"
    if not path.exists():
        BareRepository(path).commit({"README.md": b""})
    repository = BareRepository.__new__(BareRepository)
    repository.path = path
    return repository


WHO = b"Ana <ana@example.com> 1767600000 +0100"
PLAIN = b"tree %s\nparent %s\nauthor %s\ncommitter %s\n\nwords\n" % (b"a" * 40, b"b" * 40, WHO, WHO)
SIGNED = PLAIN.replace(b"\n\n", b"\ngpgsig -----BEGIN\n \n encoding x\n -----END\n\n", 1)


@pytest.mark.parametrize("body", [PLAIN, SIGNED, PLAIN.replace(b"words\n", b""), PLAIN.replace(b"Ana", b"A")])
def test_a_plain_commit_is_read_without_git(tmp_path: Path, body: bytes) -> None:
    _compare(_repository(tmp_path), body)


@pytest.mark.parametrize(
    "body",
    [
        PLAIN.replace(b"parent", b"parent %s\nparent" % (b"c" * 40)),
        PLAIN.replace(b"parent %s\n" % (b"b" * 40), b""),
        PLAIN.replace(b"\n\n", b"\nencoding ISO-8859-1\n\n", 1),
        PLAIN.replace(b"Ana ", b""),
        PLAIN.replace(b"Ana ", b"Ana  "),
        PLAIN.replace(b"<ana@example.com>", b"<>"),
        PLAIN.replace(b"<ana@example.com>", b"<a> <ana@example.com>"),
        PLAIN.replace(b"1767600000", b"-1"),
        PLAIN.replace(b"1767600000 +0100", b""),
        PLAIN.replace(b"words", b"w\0rds"),
        b"",
        b"tree",
    ],
)
def test_whatever_git_may_read_in_another_way_is_left_to_git(body: bytes) -> None:
    assert simple_commit("f" * 40, body, "") is None


def _compare(repository: BareRepository, body: bytes) -> None:
    tree = repository.git("mktree")
    body = body.replace(b"a" * 40, tree.encode()).replace(b"b" * 40, repository.head().encode())
    sha = repository.git("hash-object", "-t", "commit", "-w", "--stdin", "--literally", stdin=body)
    done = subprocess.run(
        ["git", "log", "-z", "-1", LOG_FORMAT, sha], cwd=repository.path, capture_output=True, check=True
    )
    assert simple_commit(sha, body, "u/{sha}") == next(logged(done.stdout, "u/{sha}"))


@given(st.binary(max_size=300), st.lists(st.text(max_size=10), max_size=4))
def test_nonsense_is_no_crash_but_a_value_error(output: bytes, asked: list[str]) -> None:
    for parse in (
        lambda: list(contents(output, asked)),
        lambda: list(tree_entries(output)),
        lambda: list(logged(output, "")),
    ):
        with contextlib.suppress(ValueError):
            parse()


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://git.example.com/a.git", ("https://git.example.com/a.git", "", "")),
        ("https://ana@git.example.com/a.git", ("https://git.example.com/a.git", "ana", "")),
        ("https://ana:p%40ss@git.example.com:8443/a.git", ("https://git.example.com:8443/a.git", "ana", "p@ss")),
        ("ssh://git@git.example.com/a.git", ("ssh://git@git.example.com/a.git", "", "")),
        ("git@git.example.com:a.git", ("git@git.example.com:a.git", "", "")),
    ],
)
def test_credentials_leave_the_url(url: str, expected: tuple[str, str, str]) -> None:
    assert split_credentials(url) == expected


@pytest.mark.parametrize(
    ("told", "kind"),
    [
        ("fatal: unable to access 'https://h/': Could not resolve host: h", Unavailable),
        ("fatal: unable to access 'https://h/': Failed to connect to h port 443 after 1 ms", Unavailable),
        ("error: RPC failed; curl 56 Recv failure: Connection reset by peer\nfatal: early EOF", Unavailable),
        ("fatal: unable to access 'https://h/': The requested URL returned error: 403", Refused),
        ("fatal: unable to access 'https://h/': SSL certificate problem: self-signed certificate", Refused),
        ("fatal: unable to access 'https://h/': server certificate verification failed. CAfile: none", Refused),
        ("git@h: Permission denied (publickey).\nfatal: Could not read from remote repository.", Refused),
        ("Host key verification failed.\nfatal: Could not read from remote repository.", Refused),
        ("No user exists for uid 65532\r\nfatal: Could not read from remote repository.", Refused),
        ("ssh: connect to host h port 22: Connection timed out\nfatal: Could not read from remote", Unavailable),
        ("kex_exchange_identification: Connection closed by remote host\nfatal: Could not read", Unavailable),
        ("remote: Repository not found.\nfatal: repository 'https://h/a.git/' not found", NotFound),
        ("fatal: couldn't find remote ref refs/heads/main", NotFound),
        ("To h\n!\ta:refs/heads/main\t[rejected] (stale info)\nDone\nerror: failed to push some refs", HeadMoved),
        (
            "!\ta:refs/heads/main\t[remote rejected] (cannot lock ref 'refs/heads/main': is at b but expected c)",
            HeadMoved,
        ),
        ("remote: GH006: Protected branch\n!\ta:b\t[remote rejected] (protected branch hook declined)", Refused),
        ("!\ta:refs/heads/main\t[remote rejected] (unpacker error)", Unavailable),
        ("!\ta:refs/heads/main\t[remote rejected] (Internal Server Error)", Unavailable),
        (
            "remote: GitLab: Internal API unreachable\n!\ta:b\t[remote rejected] (pre-receive hook declined)",
            Unavailable,
        ),
    ],
)
def test_what_git_says_is_told_as_ours(told: str, kind: type[IntegrationError]) -> None:
    error = remote_failure("push", GitFailed("push", told), told)
    assert type(error) is kind


def test_a_user_whom_ssh_does_not_know_is_told_with_the_mend() -> None:
    told = "No user exists for uid 1234\r\nfatal: Could not read from remote repository."
    assert "run as 65532" in str(remote_failure("fetch", GitFailed("fetch", told), told))


def test_trouble_in_the_cache_is_nobodys_refusal() -> None:
    for told in ("fatal: not a git repository: '/x'", "error: object file .git/objects/ab is empty", ""):
        assert remote_failure("fetch", GitFailed("fetch", told), told) is None
