"""Sentences to people are pinned whole in tests/views alone: elsewhere a test looks for types and key words.

So words can be improved without a hunt through the tests. The words of other systems (stand-ins, contracts, clients)
are theirs, and stay as they are.
"""

import ast
import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.sentences import says

TESTS = Path(__file__).parents[1]
OURS = ("attacks", "cases", "restart", "scenario", "unit/bot", "unit/commands")
LONG = 40
PROSE = re.compile(r"[a-z]{2,} [a-z]{2,} [a-z]{2,}")


def pinned(source: str) -> list[str]:
    """Sentences of 40 characters and more that an assertion compares with, or looks for, as `line: sentence`."""
    return [
        f"{node.lineno}: {text}"
        for claim in ast.walk(ast.parse(source))
        if isinstance(claim, ast.Assert)
        for compare in ast.walk(claim.test)
        if isinstance(compare, ast.Compare)
        for side in (compare.left, *compare.comparators)
        for node, text in _texts(side)
        if len(text) >= LONG and text.count(" ") >= 4 and PROSE.search(text)
    ]


def _texts(side: ast.expr) -> Iterator[tuple[ast.expr, str]]:
    match side:
        case ast.Constant(value=str(text)):
            yield side, text
        case ast.JoinedStr(values=parts):
            yield side, "".join(str(part.value) if isinstance(part, ast.Constant) else "…" for part in parts)
        case ast.Tuple(elts=items) | ast.List(elts=items) | ast.Set(elts=items) | ast.Dict(values=items):
            for item in items:
                yield from _texts(item)


def test_no_sentence_is_pinned_whole_outside_the_views() -> None:
    files = [file for directory in OURS for file in (TESTS / directory).rglob("*.py") if "views" not in file.parts]
    assert len(files) > 100
    found = {str(file.relative_to(TESTS)): pinned(file.read_text()) for file in files}
    assert {file: sentences for file, sentences in found.items() if sentences} == {}


@pytest.mark.parametrize(
    "source",
    [
        'assert told == "The image is unsigned: sign it in the pipeline."',
        'assert "the image is unsigned: sign it in the pipeline" in told',
        'assert (state, told) == (1, f"{app} is locked by somebody else until monday")',
        'assert all(one == ["The image is unsigned: sign it in the pipeline."] for one in told)',
        'assert by_app == {"my-app": "The image is unsigned: sign it in the pipeline."}',
    ],
)
def test_a_pinned_sentence_is_seen(source: str) -> None:
    assert len(pinned(source)) == 1


@pytest.mark.parametrize(
    "source",
    [
        'assert says(told, "unsigned", "pipeline")',
        'assert told == "kubectl -n pilothouse scale --replicas=0 statefulset/pilothouse"',
        'told = "The image is unsigned: sign it in the pipeline."',
    ],
)
def test_key_words_and_what_is_no_prose_are_none(source: str) -> None:
    assert pinned(source) == []


def test_words_are_looked_for_in_their_order() -> None:
    assert says("my-app is locked by bo", "my-app", "locked", "bo")
    assert not says("my-app is locked by bo", "bo", "my-app")
    assert not says("my-app is locked by bo", "locked", "locked")
