"""Kill the process right before and right after the effect of every step of every story, and start it again.

All promotions of one database stand still at their places, each at its own, when the one process that runs them is
killed by SIGKILL; the next process ends them. The promotions that nobody stopped say what the end must be.
"""

import asyncio
from collections.abc import Mapping
from dataclasses import replace
from functools import cache
from pathlib import Path

import pytest

from bot.domain.promotion import Phase
from tests.postgres import NewDatabase
from tests.restart import report
from tests.restart.cases import AFTER, STORIES, Case, cases
from tests.restart.child import promotion_of
from tests.restart.effects import Effects, Seen, effects, look
from tests.restart.process_harness import harness

pytestmark = pytest.mark.restart

CASES = cases(*STORIES)
CALM = {case.story: case for case in CASES if not case.hold}
KILLED = [case for case in CASES if case.hold]
KINDS = ("SQLite", "Postgres")

End = tuple[Seen, list[str]]


async def tell(directory: Path, database_url: str) -> End:
    async with harness(directory, database_url, CASES) as place:
        assert await place.live(hold=True) == -9
        assert await place.live() == 0
        return await look(place), place.world.notes("step")


@pytest.fixture(scope="session")
def ends(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> "Mapping[str, End]":
    """What became of everything, on each database; told once."""

    broken: set[str] = set()

    class Ends(dict[str, End]):
        def __missing__(self, kind: str) -> End:
            if kind in broken:
                raise AssertionError("the promotions were not told to their end, as the first of these tests says")
            new: NewDatabase = request.getfixturevalue("new_sqlite" if kind == "SQLite" else "postgres")
            try:
                self[kind] = asyncio.run(tell(tmp_path_factory.mktemp(kind), new()))
            except Exception:
                broken.add(kind)
                raise
            return self[kind]

    return Ends()


@cache
def _identified(case: Case) -> str:
    return f"{case.story} {case.when} {case.step}"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("case", KILLED, ids=_identified)
def test_killed_there_it_ends_the_same_and_does_nothing_twice(ends: Mapping[str, End], kind: str, case: Case) -> None:
    seen, _ = ends[kind]
    undisturbed, killed = effects(seen, CALM[case.story]), effects(seen, case)
    assert killed == undisturbed
    assert all(times == 1 for times in killed.messages.values())


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES)
def test_undisturbed_it_does_what_it_is_for(ends: Mapping[str, End], kind: str, story: str) -> None:
    done = effects(ends[kind][0], CALM[story])
    phase = Phase.FAILED if story == "automatic-rollback" else Phase.SUCCEEDED
    assert done.end.startswith(phase), done.end
    assert done.commits == 1
    assert done.pulls == (story == "pull-request")
    assert done.locks == (story in ("rollback", "automatic-rollback"))
    assert done.reviews == (story == "break-glass")
    assert done.votes == (story != "break-glass")
    assert done.successors == (story == "automatic-rollback")
    assert done.audit["committed"] == 1
    assert done.messages["card"] == 1


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("story", STORIES)
def test_the_steps_are_all_that_the_story_has(ends: Mapping[str, End], kind: str, story: str) -> None:
    id = promotion_of(CALM[story])
    ran = [step.removeprefix(f"{id} ") for step in ends[kind][1] if step.startswith(f"{id} ")]
    assert tuple(ran) == STORIES[story]


@pytest.mark.parametrize("kind", KINDS)
def test_the_audit_chain_holds(ends: Mapping[str, End], kind: str) -> None:
    assert ends[kind][0].chain is None


@pytest.mark.parametrize("kind", KINDS)
def test_every_promotion_is_over(ends: Mapping[str, End], kind: str) -> None:
    assert [p.id for p in ends[kind][0].promotions.values() if not p.phase.final] == []


def test_the_page_names_every_place(ends: Mapping[str, End], pytestconfig: pytest.Config) -> None:
    if pytestconfig.getoption("write_report", default=False):
        done: dict[str, dict[Case, Effects]] = {
            kind: {case: effects(ends[kind][0], case) for case in KILLED} for kind in KINDS
        }
        report.write(done)
    assert report.places() == [(case.story, case.step, case.when) for case in KILLED]


def test_a_place_after_an_effect_within_a_step_is_one_of_another_system() -> None:
    within = [case for case in KILLED if ">" in case.step]
    assert {case.when for case in within} == {AFTER}
    assert all(replace(case, hold="").story in STORIES for case in within)
