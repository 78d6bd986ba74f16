"""A class name stands once: whoever searches for `PipelineRun` finds the one that is meant.

The domain has the plain name; a wire class says which wire (`ArgoApplication`), a port's only adapter whose it is.
"""

import ast
from collections import defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
SANDBOX = ROOT / "integrations/sandbox"
"""a distribution of its own"""
PRODUCT = ("bot", "commands", "integrations")


def sources(*directories: Path) -> Iterator[Path]:
    return (file for directory in directories for file in directory.rglob("*.py"))


def classes(files: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    """Where each class name is defined, inner classes included."""
    found: dict[str, list[str]] = defaultdict(list)
    for path, source in files:
        for node in ast.walk(ast.parse(source)):
            if isinstance(node, ast.ClassDef):
                found[node.name].append(path)
    return found


def doubles(files: Iterable[tuple[str, str]]) -> dict[str, list[str]]:
    return {name: places for name, places in classes(files).items() if len(places) > 1}


def read(files: Iterable[Path]) -> list[tuple[str, str]]:
    return [(str(file.relative_to(ROOT)), file.read_text()) for file in files]


def test_a_class_name_of_the_product_stands_once() -> None:
    files = (file for file in sources(*(ROOT / name for name in PRODUCT)) if not file.is_relative_to(SANDBOX))
    assert doubles(read(files)) == {}


def test_a_class_name_of_the_sandbox_stands_once() -> None:
    assert doubles(read(sources(SANDBOX))) == {}


@pytest.mark.parametrize(
    "second",
    [
        "class Plan: ...",
        "class Plan(Base):\n    x = 1",
        "class Outer:\n    class Plan: ...",
        "def f():\n    class Plan: ...",
    ],
)
def test_a_double_is_seen(second: str) -> None:
    assert doubles([("a.py", "class Plan: ..."), ("b.py", second)]) == {"Plan": ["a.py", "b.py"]}
