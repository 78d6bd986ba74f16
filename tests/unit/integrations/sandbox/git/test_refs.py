"""Refs are read as git tells them."""

from pathlib import Path

import pytest

from integrations.sandbox.git.refs import named, refs
from tests.fakes.bare import BareRepository

SHA = "1" * 40


@pytest.fixture
def repository(tmp_path: Path) -> BareRepository:
    repository = BareRepository(tmp_path / "served")
    repository.commit({"file": b"1"})
    return repository


def told_by_git(repository: BareRepository, prefix: str = "refs/") -> dict[str, str]:
    listing = repository.git("for-each-ref", "--format=%(refname) %(objectname)", prefix)
    return dict(line.split(" ", 1) for line in listing.splitlines())


STEPS = (
    ("branch", "feature/one", "main"),
    ("-c", "user.name=x", "-c", "user.email=x@example.com", "tag", "--annotate", "--message=x", "v1", "main"),
    ("tag", "light", "main"),
    ("symbolic-ref", "refs/heads/also", "refs/heads/main"),
    ("pack-refs", "--all"),
    ("branch", "-D", "feature/one"),
    ("branch", "other", "main"),
)


def test_they_are_those_that_git_tells_whatever_is_done(repository: BareRepository) -> None:
    for step in STEPS:
        repository.git(*step)
        repository.commit({"file": " ".join(step).encode()})
        assert refs(repository.path) == told_by_git(repository)
        assert refs(repository.path, "refs/tags/") == told_by_git(repository, "refs/tags/")
    assert len(refs(repository.path)) == 5


def test_one_that_is_being_written_is_as_it_was(repository: BareRepository) -> None:
    (repository.path / "refs" / "heads" / "main.lock").write_text(f"{SHA}\n")
    assert refs(repository.path) == told_by_git(repository)


def test_one_that_goes_meanwhile_is_gone(repository: BareRepository) -> None:
    (repository.path / "refs" / "heads" / "gone").symlink_to("nowhere")
    assert list(refs(repository.path)) == ["refs/heads/main"]


@pytest.mark.parametrize(
    ("revision", "commit"),
    [
        ("refs/heads/main", SHA),
        ("refs/heads/none", ""),
        ("refs/pull/1/head", ""),
        ("refs/tags/v1", None),
        ("refs/heads/main~1", None),
        ("refs/heads/main@{1}", None),
        ("main", None),
        ("HEAD", None),
        (SHA, None),
    ],
)
def test_what_a_branch_is_needs_no_process(revision: str, commit: str | None) -> None:
    """An annotated tag is an object of its own, and what is computed from a name is for git."""
    assert named(revision, {"refs/heads/main": SHA, "refs/tags/v1": SHA}) == commit
