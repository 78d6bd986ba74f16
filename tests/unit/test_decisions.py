"""docs/decisions: each has a number of its own, one form of heading, and a row in the index."""

import re
from pathlib import Path

DIRECTORY = Path(__file__).parents[2] / "docs" / "decisions"
DECISIONS = sorted(file for file in DIRECTORY.glob("*.md") if file.name != "README.md")


def test_no_number_stands_twice() -> None:
    numbers = [file.name[:4] for file in DECISIONS]
    assert [number for number in set(numbers) if numbers.count(number) > 1] == []


def test_each_is_headed_by_its_number() -> None:
    for file in DECISIONS:
        assert file.read_text().startswith(f"# {file.name[:4]}: "), (
            f"{file.name}: begin with `# {file.name[:4]}: TITLE`"
        )


def test_each_has_its_row_in_the_index() -> None:
    rows = re.findall(r"^\| \[(\d{4})\]\((\S+)\) \| (.+) \| .+ \| \d{4}-\d\d-\d\d \|$", index(), re.MULTILINE)
    found = {name: (number, title) for number, name, title in rows}
    assert list(found) == [file.name for file in DECISIONS]
    for file in DECISIONS:
        number, title = found[file.name]
        assert file.read_text().partition("\n")[0] == f"# {number}: {title}"


def index() -> str:
    return (DIRECTORY / "README.md").read_text()
