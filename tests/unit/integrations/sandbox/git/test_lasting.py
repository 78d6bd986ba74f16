"""Which answers of git are kept, and which are asked for anew."""

from pathlib import Path

import pytest

from integrations.sandbox.git.lasting import LARGEST, MOST, LastingAnswers, lasts
from integrations.sandbox.git.repository import BareRepository, Draft, Signature

ONE, OTHER = "1" * 40, "2" * 40
ANA = Signature("Ana", "ana@example.com")


@pytest.mark.parametrize(
    "arguments",
    [
        ("diff", "--raw", "-z", ONE, OTHER),
        ("rev-list", "--count", f"{ONE}..{OTHER}"),
        ("merge-base", ONE, OTHER),
        ("cat-file", "blob", f"{ONE}:apps/a file"),
        ("ls-tree", "-r", "-z", "--end-of-options", ONE),
        ("log", "--max-count=1", ONE, "--", "main"),
        ("rev-parse", "--verify", "--quiet", f"{ONE}^{{commit}}"),
    ],
    ids=lambda arguments: arguments[0],
)
def test_what_is_named_by_ids_lasts(arguments: tuple[str, ...]) -> None:
    assert lasts(arguments)


@pytest.mark.parametrize(
    "arguments",
    [
        ("rev-parse", "--verify", "--quiet", "refs/heads/main^{commit}"),
        ("rev-parse", "--verify", "--quiet", f"{ONE[:12]}^{{commit}}"),
        ("rev-list", "--count", f"{ONE}..main"),
        ("log", "--max-count=1", "--all", ONE),
        ("log", "--max-count=1"),
        ("cat-file", "blob", "main:apps"),
        ("for-each-ref", ONE),
        ("update-ref", "refs/heads/main", ONE, OTHER),
        ("merge-base", ONE, "HEAD"),
    ],
    ids=" ".join,
)
def test_what_a_name_decides_does_not(arguments: tuple[str, ...]) -> None:
    assert not lasts(arguments)


async def test_it_is_asked_once_and_what_failed_or_is_large_again() -> None:
    answers, asked = LastingAnswers(), []

    async def ask() -> bytes:
        asked.append(1)
        if len(asked) == 1:
            raise KeyError
        return b"x" * size

    size = LARGEST + 1
    with pytest.raises(KeyError):
        await answers.of(("merge-base", ONE, OTHER), ask)
    for _ in range(2):
        await answers.of(("merge-base", ONE, OTHER), ask)
    size = 1
    for _ in range(3):
        assert await answers.of(("merge-base", ONE, OTHER), ask) == b"x"
    assert len(asked) == 4
    for number in range(MOST):
        await answers.of(("merge-base", ONE, f"{number:040}"), ask)
    await answers.of(("merge-base", ONE, OTHER), ask)
    assert len(asked) == 5 + MOST


async def test_a_branch_that_moves_is_seen_at_once(tmp_path: Path) -> None:
    repository = BareRepository(tmp_path / "served")
    await repository.initialise()
    for text in (b"one", b"two"):
        sha = await repository.commit_on("main", Draft({"file": text}, "A commit", ANA, ANA))
        assert await repository.resolve("main") == await repository.resolve(sha) == sha
        assert await repository.read("file", "main") == await repository.read("file", sha) == text
