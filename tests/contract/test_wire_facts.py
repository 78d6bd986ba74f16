"""docs/wire-facts.md says the truth: the tests it names exist, and no fact of its sections is left out."""

import ast
import functools
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.contract.covered import Covered
from tests.contract.specs import contract

ROOT = Path(__file__).parents[2]
DOCUMENT = ROOT / "docs" / "wire-facts.md"
ROW = re.compile(r"\| ([A-Z]\d+) \| (.*?) \| (.*?) ?\|")
CITED = re.compile(r"`([\w/.]+\.py)::(\w+)`")


def rows() -> Iterator[tuple[str, list[tuple[str, str]], str]]:
    """Fact, the tests that pin it, the reason."""
    for line in DOCUMENT.read_text().splitlines():
        if found := ROW.fullmatch(line):
            yield found[1], CITED.findall(found[2]), found[3].strip()


@functools.cache
def functions_of(file: str) -> dict[str, str]:
    """The functions of a module, also those of classes, with their source."""
    path = ROOT / file
    if not path.exists():
        return {}
    source = path.read_text()
    lines = source.splitlines()
    functions = (
        node for node in ast.walk(ast.parse(source)) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)
    )
    return {node.name: "\n".join(lines[node.lineno - 1 : node.end_lineno]) for node in functions}


CITATIONS = [(fact, file, name) for fact, tests, _ in rows() for file, name in tests]


@pytest.mark.parametrize(("fact", "file", "name"), CITATIONS)
def test_a_test_that_pins_a_fact_exists_and_says_so(fact: str, file: str, name: str) -> None:
    functions = functions_of(file)
    assert name in functions, f"{file} has no {name}: fix docs/wire-facts.md"
    assert name.startswith("test_")
    assert re.search(rf"\b{fact}\b", functions[name]), f"{file}::{name} does not cite {fact}"


def test_every_fact_has_a_test_or_a_reason() -> None:
    bare = [fact for fact, tests, reason in rows() if not tests and not reason]
    assert not bare, f"neither a test nor a reason: {', '.join(bare)}"


def test_no_fact_is_told_twice() -> None:
    facts = [fact for fact, _, _ in rows()]
    assert len(facts) == len(set(facts))


def test_every_fact_of_a_section_is_listed(covered: Covered) -> None:
    stated = set(re.findall(r"^\* \*\*([A-Z]\d+)\b", contract("README.md").read_text(), re.MULTILINE))
    listed = {fact: bool(tests) for fact, tests, _ in rows()}
    sections = {fact[0] for fact in listed}
    missing = {fact for fact in stated if fact[0] in sections} - set(listed)
    assert not missing, f"not in docs/wire-facts.md: {', '.join(sorted(missing))}"
    assert set(listed) <= stated
    pinned = sum(listed.values())
    tests = {cited[1:] for cited in CITATIONS}
    told = f"{len(stated)} stated, {len(listed)} listed, {pinned} pinned by {len(tests)} tests"
    covered("wire facts", told)
