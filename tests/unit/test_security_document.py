"""docs/security.md names every file of attacks, and no other."""

import re
from pathlib import Path

ROOT = Path(__file__).parents[2]


def test_every_file_of_attacks_has_a_row() -> None:
    table = (ROOT / "docs" / "security.md").read_text().partition("<!-- attacks")[2].partition("<!-- /attacks")[0]
    named = set(re.findall(r"`(tests/attacks/\w+\.py)`", table))
    there = {f"tests/attacks/{file.name}" for file in (ROOT / "tests" / "attacks").glob("test_*.py")}
    assert named == there
