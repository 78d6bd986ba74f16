"""When the stand-ins' own tests are left out."""

import subprocess
from pathlib import Path

import pytest

from tests.standins import GROUNDS, ROOT, THEIRS, files, left_out

STANDIN = Path("tests/contract/test_slack_standin.py")


@pytest.fixture(autouse=True)
def no_ci(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("CI", raising=False)


@pytest.fixture
def clone(tmp_path: Path) -> Path:
    """Of a repository with one stand-in test and the product beside it."""
    origin, clone = tmp_path / "origin", tmp_path / "clone"
    (origin / STANDIN).parent.mkdir(parents=True)
    (origin / STANDIN).write_text("")
    (origin / "bot").mkdir()
    (origin / "bot" / "word.py").write_text("")
    git(tmp_path, "init", "--quiet", "--initial-branch=main", str(origin))
    commit(origin)
    git(tmp_path, "clone", "--quiet", str(origin), str(clone))
    return clone


def git(where: Path, *arguments: str) -> None:
    who = ("-c", "user.name=Somebody", "-c", "user.email=somebody@example.com")
    subprocess.run(["git", *who, *arguments], cwd=where, check=True, capture_output=True)


def commit(where: Path) -> None:
    git(where, "add", ".")
    git(where, "commit", "--quiet", "--message=Something")


def test_what_is_named_is_there() -> None:
    assert all((ROOT / name).exists() for name in GROUNDS)
    assert all(any(ROOT.glob(pattern)) for pattern in THEIRS)


def test_a_fresh_clone_leaves_them_out(clone: Path) -> None:
    assert left_out(clone) == {clone / STANDIN}


def test_no_process_is_given_what_is_left_out(clone: Path) -> None:
    (clone / "tests" / "test_other.py").write_text("")
    assert files(left_out(clone), clone) == ["tests/test_other.py"]
    assert files(frozenset(), clone) == [str(STANDIN), "tests/test_other.py"]


def test_so_does_one_in_which_only_the_product_changed(clone: Path) -> None:
    (clone / "bot" / "word.py").write_text("word = 1\n")
    commit(clone)
    assert left_out(clone) == {clone / STANDIN}


@pytest.mark.parametrize("committed", [False, True])
@pytest.mark.parametrize("name", [str(STANDIN), "integrations/sandbox/new.py"])
def test_whoever_changes_what_they_rest_on_runs_them(clone: Path, name: str, committed: bool) -> None:
    (clone / name).parent.mkdir(parents=True, exist_ok=True)
    (clone / name).write_text("changed = 1\n")
    if committed:
        commit(clone)
    assert left_out(clone) == frozenset()


def test_ci_runs_them(clone: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CI", "true")
    assert left_out(clone) == frozenset()


def test_they_run_where_git_cannot_tell(tmp_path: Path) -> None:
    (tmp_path / STANDIN).parent.mkdir(parents=True)
    (tmp_path / STANDIN).write_text("")
    assert left_out(tmp_path) == frozenset()
