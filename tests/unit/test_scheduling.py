"""Which tests stay in one process, and which begin first."""

from pathlib import Path

import pytest

from tests.scheduling import COMPUTING, SPREAD, WAITING, chosen, rank, rotated, scope, waits

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize("name", [*WAITING, *COMPUTING, *SPREAD])
def test_what_is_named_is_there(name: str) -> None:
    assert (ROOT / name).exists()


def test_a_file_stays_in_one_process() -> None:
    assert scope("tests/unit/test_x.py::test_a[1-b]") == scope("tests/unit/test_x.py::TestB::test_c")
    assert scope("tests/unit/test_x.py::test_a") != scope("tests/unit/test_y.py::test_a")


def test_the_stories_of_one_database_stay_together() -> None:
    crashes = "tests/restart/test_crashes.py::test_"
    assert scope(f"{crashes}killed[promotion after commit-SQLite]") == scope(f"{crashes}chain[SQLite]")
    assert scope(f"{crashes}killed[a-SQLite]") != scope(f"{crashes}killed[a-Postgres]")


def test_the_longest_entry_counts() -> None:
    assert rank("tests/restart/test_crashes.py") < rank("tests/restart/test_replicas.py")
    assert rank("tests/views/test_every_message.py") < rank("tests/views/test_card.py") < rank("tests/unit/x.py")


def test_some_processes_begin_with_what_waits_and_all_end_with_whatever_is_left() -> None:
    computes, also, patient = "tests/views/test_card.py", "tests/unit/x.py", "tests/restart/test_crashes.py::SQLite]"
    assert waits("tests/restart/test_crashes.py")
    assert not waits(computes)
    units: dict[str, dict[str, bool]] = {computes: {}, patient: {}, also: {}}
    assert chosen(units, patient=False) == computes
    assert chosen(units, patient=True) == patient
    del units[patient]
    assert chosen(units, patient=True) == computes
    assert chosen({patient: {}}, patient=False) == patient


@pytest.mark.parametrize("place", [0, 0.25, 0.5, 0.75])
def test_each_process_begins_elsewhere_and_comes_to_every_file(place: float) -> None:
    files = [f"tests/test_{name}.py" for name in "abcdefghij"]
    assert sorted(rotated(files, place)) == files
    assert rotated(files, place)[0] == files[round(place * 10)]
