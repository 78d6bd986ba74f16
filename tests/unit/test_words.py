"""What people read keeps to the words of docs/style.md: every sentence in the code, and the help of every command."""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PACKAGES = ("bot", "commands", "integrations")
BEGIN, END = "<!-- words: a test reads this table -->\n", "<!-- /words -->"
COMMENT = re.compile(r"\s*(//|/?\*)")
DOCUMENTED = ast.Module | ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef


def avoided() -> list[str]:
    table = (ROOT / "docs" / "style.md").read_text().partition(BEGIN)[2].partition(END)[0]
    rows = [line.split("|")[2] for line in table.splitlines()[2:]]
    return [word.strip() for row in rows for word in row.split(",")]


def sentences(text: str, *, help_too: bool = False) -> Iterator[tuple[int, str]]:
    """Line and text of every string that is no comment in the form of a string; `help_too`: docstrings of commands."""
    tree = ast.parse(text)
    silent = {
        id(statement.value)
        for node in ast.walk(tree)
        if isinstance(node, DOCUMENTED) and not (help_too and isinstance(node, ast.AsyncFunctionDef))
        for statement in node.body
        if isinstance(statement, ast.Expr)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in silent:
            yield node.lineno, node.value


def found(text: str, words: list[str], *, help_too: bool = False) -> list[str]:
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, words))})\b", re.IGNORECASE)
    return [
        f"line {line}: {match.group()!r} in {sentence.strip()[:80]!r}"
        for line, sentence in sentences(text, help_too=help_too)
        if " " in sentence and (match := pattern.search(" ".join(sentence.split())))
    ]


@pytest.mark.parametrize("package", PACKAGES)
def test_sentences_keep_to_the_words_of_the_style(package: str) -> None:
    words = avoided()
    assert "mend" in words
    files = (file for file in (ROOT / package).rglob("*.py") if "sandbox" not in file.parts)
    wrong = {
        str(file.relative_to(ROOT)): found(file.read_text(), words, help_too=package == "commands") for file in files
    }
    assert {name: lines for name, lines in wrong.items() if lines} == {}


def test_the_page_of_the_sandbox_keeps_to_them_too() -> None:
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, avoided()))})\b", re.IGNORECASE)
    page = ROOT / "integrations" / "sandbox" / "page"
    files = [*page.rglob("*.js"), *page.rglob("*.html")]
    assert len(files) > 30
    shown = {file.name: [line for line in file.read_text().splitlines() if not COMMENT.match(line)] for file in files}
    wrong = {name: [line for line in lines if pattern.search(line)] for name, lines in shown.items()}
    assert {name: lines for name, lines in wrong.items() if lines} == {}


MONITORING = "deploy/platform/monitoring"
PAGES = (
    "README.md", "CONTRIBUTING.md", "docs/tutorial.md", "docs/operations.md", "docs/sandbox.md", "docs/extending.md",
    "docs/policy.md", "docs/limits.md", "docs/comparison.md", "docs/deliveries.md", "docs/architecture.md",
    "docs/pictures.md", "docs/security.md", "docs/reliability.md", "docs/live-tests.md", "docs/wire-facts.md",
    "CHANGELOG.md", "SECURITY.md", "deploy/README.md", f"{MONITORING}/runbooks.md", f"{MONITORING}/alerts.yaml",
    f"{MONITORING}/dashboard-delivery.json",
)  # fmt: skip
"""what somebody reads who does not read the code; titles of decisions stay as they were given"""


@pytest.mark.parametrize("page", PAGES)
def test_the_documents_keep_to_them_too(page: str) -> None:
    pattern = re.compile(rf"\b({'|'.join(map(re.escape, avoided()))})\b", re.IGNORECASE)
    lines = (ROOT / page).read_text().splitlines()
    assert [line for line in lines if pattern.search(line) and "decisions/" not in line] == []


def test_what_is_avoided_is_found() -> None:
    code = (
        '"""Whoever reads this."""\nMEANING = "Whoever asked is told."\n\nasync def lock():\n    """They are told."""\n'
    )
    assert len(found(code, avoided())) == 1
    assert len(found(code, avoided(), help_too=True)) == 2


TO_PEOPLE = {"UserError", "InvalidCommand", "UnknownName", "NotAllowed", "Conflict", "NothingToPromote", "Told"}


def quoted_by_repr(text: str) -> list[int]:
    """Lines of sentences to people that show a name as Python does, in quotes that nobody can tell from the name's."""
    return [
        part.lineno
        for call in ast.walk(ast.parse(text))
        if isinstance(call, ast.Call) and isinstance(call.func, ast.Name) and call.func.id in TO_PEOPLE
        for part in ast.walk(call)
        if isinstance(part, ast.FormattedValue) and part.conversion == ord("r")
    ]


@pytest.mark.parametrize("package", ["bot", "commands"])
def test_a_name_in_a_sentence_stands_in_code_style(package: str) -> None:
    wrong = {str(file.relative_to(ROOT)): quoted_by_repr(file.read_text()) for file in (ROOT / package).rglob("*.py")}
    assert {name: lines for name, lines in wrong.items() if lines} == {}


def test_a_name_as_python_shows_it_is_seen() -> None:
    assert quoted_by_repr('raise UnknownName(f"There is no app {app!r}.")') == [1]
    assert quoted_by_repr('raise UnknownName(f"There is no app {quoted(app)}.")') == []
