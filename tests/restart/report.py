"""The tables of docs/reliability.md, written by the tests that they tell of."""

from collections.abc import Mapping
from pathlib import Path

from tests.restart.cases import Case
from tests.restart.effects import Effects

PAGE = Path(__file__).parents[2] / "docs" / "reliability.md"
BEGIN, END = "<!-- written by tests/restart: begin -->", "<!-- written by tests/restart: end -->"
COLUMNS = ("Story", "Step", "Killed", "Commits", "Pull requests", "Card", "Other messages", "Audit rows", "Votes",
           "Locks", "Reviews", "Successors", "End")  # fmt: skip
KILLS_BEGIN, KILLS_END = "<!-- kills at requests: begin -->", "<!-- kills at requests: end -->"
KILLS = ("Database", "Slack", "Killed", "Kills", "Requests", "Acknowledged", "Lost", "Done twice", "Unanswered")


def write(done: Mapping[str, Mapping[Case, Effects]]) -> None:
    """`done`: kind of database → case → what it did. Each cell holds one number when every database says the same."""
    kinds = list(done)
    rows = [_row(case, [done[kind][case] for kind in kinds]) for case in done[kinds[0]]]
    lines = [_line(COLUMNS), _line(["---"] * len(COLUMNS)), *map(_line, rows)]
    before, _, rest = PAGE.read_text().partition(BEGIN)
    after = rest.partition(END)[2]
    PAGE.write_text("\n".join([f"{before}{BEGIN}", "", *lines, "", f"{END}{after}"]))


def write_kills(row: tuple[str, ...]) -> None:
    """One way of killing at requests: database, Slack's mode, when, and what was counted. It replaces its old row."""
    before, _, rest = PAGE.read_text().partition(KILLS_BEGIN)
    table, _, after = rest.partition(KILLS_END)
    rows = [tuple(cell.strip() for cell in line.strip("|").split("|")) for line in table.strip().splitlines()[2:]]
    rows = sorted([*(one for one in rows if one[:3] != row[:3]), row], key=lambda one: (one[2], one[0], one[1]))
    lines = [_line(KILLS), _line(["---"] * len(KILLS)), *map(_line, rows)]
    PAGE.write_text("\n".join([f"{before}{KILLS_BEGIN}", "", *lines, "", f"{KILLS_END}{after}"]))


def places() -> list[tuple[str, str, str]]:
    """Story, step, before or after: of every row that the page has."""
    table = PAGE.read_text().partition(BEGIN)[2].partition(END)[0].strip().splitlines()[2:]
    cells = ([cell.strip().strip("`") for cell in line.strip("|").split("|")] for line in table)
    return [(story, step, when) for story, step, when, *_ in cells]


def _row(case: Case, seen: list[Effects]) -> list[str]:
    numbers: list[list[int] | list[str]] = [
        [e.commits for e in seen],
        [e.pulls for e in seen],
        [e.messages["card"] for e in seen],
        [e.messages.total() - e.messages["card"] for e in seen],
        [e.audit.total() for e in seen],
        [e.votes for e in seen],
        [e.locks for e in seen],
        [e.reviews for e in seen],
        [e.successors for e in seen],
        [e.end.partition(":")[0] for e in seen],
    ]
    return [
        case.story,
        f"`{case.step}`",
        case.when,
        *(" / ".join(dict.fromkeys(f"{n}" for n in each)) for each in numbers),
    ]


def _line(cells: list[str] | tuple[str, ...]) -> str:
    return f"| {' | '.join(cells)} |"
