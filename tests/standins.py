"""The tests of the stand-ins themselves: left out where nothing that they rest on has changed since the shared branch.

There CI has run them. CI runs all tests, and so does whoever names a file, sets CI, or has no git or no `origin`.
"""

import os
import subprocess
from pathlib import Path

ROOT = Path(__file__).parents[1]
THEIRS = ("tests/unit/integrations/sandbox/**/test_*.py", "tests/contract/test_*_standin.py")
GROUNDS = (
    "integrations/sandbox",
    "tests/unit/integrations/sandbox",
    "tests/contract",
    "tests/conftest.py",
    "tests/standins.py",
    "deploy",
    "requirements-dev.lock",
    "pyproject.toml",
)
"""What they rest on: the stand-ins, the tests and contracts, the manifests that a stand-in serves, and libraries."""


def left_out(root: Path = ROOT) -> frozenset[Path]:
    """The files that need not run."""
    if os.environ.get("CI") or changed(root):
        return frozenset()
    return frozenset(file for pattern in THEIRS for file in root.glob(pattern))


def files(without: frozenset[Path], root: Path = ROOT) -> list[str]:
    """All files of tests but those. pytest does not ask whether to ignore a file that it is given by name."""
    return sorted(str(file.relative_to(root)) for file in (root / "tests").rglob("test_*.py") if file not in without)


def changed(root: Path) -> bool:
    """Whether the grounds differ from where this branch left `origin`'s; True also where git cannot tell."""
    try:
        base = _git(root, "merge-base", "HEAD", "origin/HEAD").strip()
        differs = _git(root, "diff", "--name-only", base, "--", *GROUNDS)
        new = _git(root, "ls-files", "--others", "--exclude-standard", "--", *GROUNDS)
    except (OSError, subprocess.CalledProcessError):
        return True
    return bool(differs or new)


def _git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, check=True, capture_output=True, text=True)
    return done.stdout
