"""Which process runs which tests, and in what order.

A file stays in one process. Some tests compute, others wait for processes and deadlines: as many processes as there are
cores take first what computes, the others first what waits, so that no core is idle while there is something to do.
"""

import os
import re
from functools import cache
from typing import Any

from xdist.scheduler import LoadScopeScheduling

WAITING = (
    "tests/restart/test_crashes.py",
    "tests/scenario",
    "tests/restart/test_outages.py",
    "tests/browser",
    "tests/restart",
    "tests/attacks/test_slack_methods.py",
    "tests/contract/test_argocd_troubles.py",
    "tests/packages",
    "tests/unit/bot/doctor",
    "tests/attacks/test_unauthenticated.py",
    "tests/contract",
    "tests/attacks/test_database_away.py",
    "tests/unit/integrations/github",
    "tests/unit/integrations",
)
"""Files and directories whose tests wait for most of their time; those that take longest first, as measured."""
COMPUTING = (
    "tests/unit/bot/workflow/test_invariants.py",
    "tests/views/test_every_message.py",
    "tests/unit/bot/workflow",
    "tests/unit/bot/deliveries/test_killed_observers.py",
    "tests/views",
    "tests/attacks",
)
"""The same of those that compute; all other files follow as they were found."""
SPREAD = (
    "tests/unit/bot/workflow/test_invariants.py",
    "tests/restart/test_crashes.py",
    "tests/restart/test_outages.py",
)
"""Files whose tests need not stay together, but for those whose last parameter is the same."""

Units = dict[str, dict[str, bool]]
"""scope → its tests → whether they have run"""


def scope(nodeid: str) -> str:
    """Tests of one scope run in one process, one after another."""
    file, _, test = nodeid.partition("::")
    return f"{file}::{re.split(r'[-[]', test)[-1]}" if file in SPREAD else file


@cache
def waits(file: str) -> bool:
    return _place(file, WAITING) < len(WAITING)


@cache
def rank(file: str) -> int:
    """Where a file stands in its list, by its longest entry."""
    return _place(file, WAITING if waits(file) else COMPUTING)


def _place(file: str, names: tuple[str, ...]) -> int:
    return next((place for place, name in enumerate(names) if file == name or file.startswith(f"{name}/")), len(names))


def rotated(files: list[str], place: float) -> list[str]:
    """The same files, begun at that place: 0 = with the first, 0.5 = in the middle."""
    first = round(place * len(files))
    return files[first:] + files[:first]


class WaitingBesideComputing(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """xdist's own, which takes the units as they come, and looks a test up by walking through all of them."""

    workqueue: Units

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self._numbers: dict[str, int] = {}
        self._patient: list[Any] = []

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        if not self._numbers:
            self._numbers = {nodeid: number for number, nodeid in enumerate(self.registered_collections[node])}
            nodes = self.nodes
            self._patient = nodes[min(os.cpu_count() or 1, (len(nodes) + 1) // 2) :]
        name = chosen(self.workqueue, patient=node in self._patient)
        unit = self.workqueue.pop(name)
        self.assigned_work.setdefault(node, {})[name] = unit
        node.send_runtest_some([self._numbers[nodeid] for nodeid, ran in unit.items() if not ran])

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """A unit of which all has run is forgotten: what is left is counted after every test."""
        nodeid = self.registered_collections[node][item_index]
        assigned, name = self.assigned_work[node], scope(nodeid)
        assigned[name][nodeid] = True
        if all(assigned[name].values()):
            del assigned[name]
        self._reschedule(node)


def chosen(units: Units, *, patient: bool) -> str:
    """The first of the kind that a process is for; where none is left, of the other."""
    return next((name for name in units if waits(name.partition("::")[0]) == patient), next(iter(units)))
