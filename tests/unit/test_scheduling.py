"""Which tests stay in one process, and which begin first."""

from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.scheduling import (
    COMPUTING,
    SPREAD,
    WAITING,
    WaitingBesideComputing,
    chosen,
    patient,
    place,
    rank,
    rotated,
    scope,
    waits,
)

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


COMPUTES, ALSO, WAITS = "tests/views/test_card.py", "tests/unit/x.py", "tests/restart/test_crashes.py"
UNITS = {scope(test): {test: False} for test in (f"{COMPUTES}::test_a", f"{WAITS}::test_b[SQLite]", f"{ALSO}::test_c")}
EVERYTHING = [test for tests in UNITS.values() for test in tests]


def test_those_that_know_everything_begin_with_what_computes_and_end_with_whatever_is_left() -> None:
    assert waits(WAITS)
    assert not waits(COMPUTES)
    first, patient, also = UNITS
    assert chosen(UNITS, EVERYTHING, patient=False) == first
    assert chosen({patient: UNITS[patient], also: UNITS[also]}, EVERYTHING, patient=False) == also
    assert chosen({patient: UNITS[patient]}, EVERYTHING, patient=False) == patient


def test_those_for_what_waits_take_what_they_know() -> None:
    first, patient, also = UNITS
    assert chosen(UNITS, EVERYTHING, patient=True) == patient
    assert chosen(UNITS, list(UNITS[patient]), patient=True) == patient
    assert chosen({first: UNITS[first], also: UNITS[also]}, list(UNITS[patient]), patient=True) is None


def test_processes_beyond_the_cores_are_for_what_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.scheduling.cores", lambda: 2)
    assert [patient(f"gw{number}", 5) for number in range(5)] == [False, False, True, True, True]
    assert [patient(f"gw{number}", 2) for number in range(2)] == [False, False]
    assert not patient("gw5", 5), "in a dead one's place: it may have to go on with anything"


def test_those_that_collect_the_same_begin_at_different_places(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("tests.scheduling.cores", lambda: 2)
    assert [place(f"gw{number}", 6) for number in range(7)] == [0, 0.5, 0, 0.25, 0.5, 0.75, 0]
    assert place("gw0", 1) == 0


class Node:
    """What the scheduler asks of a process of xdist's."""

    def __init__(self, id: str) -> None:
        self.gateway = SimpleNamespace(id=id)
        self.shutting_down = False
        self.given: list[int] = []

    def send_runtest_some(self, numbers: list[int]) -> None:
        self.given += numbers

    def shutdown(self) -> None:
        self.shutting_down = True


@pytest.fixture
def scheduler(monkeypatch: pytest.MonkeyPatch) -> WaitingBesideComputing:
    """Of two processes, the second for what waits."""
    monkeypatch.setattr("tests.scheduling.cores", lambda: 1)
    session = SimpleNamespace(testscollected=1)
    config = SimpleNamespace(
        getvalue=lambda name: ["2*popen"],
        option=SimpleNamespace(loadscopereorder=False),
        pluginmanager=SimpleNamespace(get_plugin=lambda name: session),
    )
    return WaitingBesideComputing(config)


def test_a_process_that_knows_a_part_is_given_only_that(scheduler: WaitingBesideComputing) -> None:
    full, part = Node("gw0"), Node("gw1")
    for node, collection in ((part, [EVERYTHING[1]]), (full, EVERYTHING)):
        scheduler.add_node(node)
        scheduler.add_node_collection(node, collection)
    scheduler.schedule()
    assert scheduler.config.pluginmanager.get_plugin("session").testscollected == 3
    assert part.given == [0]
    assert part.shutting_down
    assert sorted(full.given) == [0, 2]
    for node in (full, part):
        for number in node.given:
            scheduler.mark_test_complete(node, number)
    assert scheduler.tests_finished


def test_one_in_a_dead_ones_place_is_given_nothing_before_it_has_collected(scheduler: WaitingBesideComputing) -> None:
    """Others may end meanwhile, and each of them has all looked at for what to do next."""
    dying, part, instead = Node("gw0"), Node("gw1"), Node("gw2")
    for node, collection in ((dying, EVERYTHING), (part, [EVERYTHING[1]])):
        scheduler.add_node(node)
        scheduler.add_node_collection(node, collection)
    scheduler.schedule()
    scheduler.add_node(instead)
    assert scheduler.remove_node(dying) == EVERYTHING[0]
    assert instead.given == []
    scheduler.add_node_collection(instead, EVERYTHING)
    scheduler.schedule()
    scheduler.mark_test_complete(instead, 0)
    assert instead.given == [0, 2]


@pytest.mark.parametrize("place", [0, 0.25, 0.5, 0.75])
def test_each_process_begins_elsewhere_and_comes_to_every_file(place: float) -> None:
    files = [f"tests/test_{name}.py" for name in "abcdefghij"]
    assert sorted(rotated(files, place)) == files
    assert rotated(files, place)[0] == files[round(place * 10)]
