"""Which process runs which tests, and in what order.

A file stays in one process. Some tests compute, others wait for processes and deadlines: as many processes as there are
cores take first what computes, the others first what waits, so that no core is idle while there is something to do.
"""

import os
import re
from collections.abc import Container
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
    "tests/attacks/test_database_away.py",
    "tests/unit/integrations/github",
    "tests/attacks/test_who_has_left.py",
    "tests/unit/integrations/tekton/test_cluster.py",
    "tests/unit/integrations/slack/test_api.py",
    "tests/contract",
    "tests/attacks/test_two_replicas.py",
    "tests/unit/bot/router",
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


def patient(process: str, processes: int) -> bool:
    """Whether this one ("gw3") is only for what waits; one in a dead one's place, with a later number, never is."""
    return cores() <= _number(process) < processes


def place(process: str, processes: int) -> float:
    """Where it begins to collect, among those that collect the same: 0 = with the first file, 0.5 = in the middle."""
    alike = [number for number in range(processes) if patient(f"gw{number}", processes) == patient(process, processes)]
    return alike.index(_number(process)) / len(alike) if _number(process) in alike else 0.0


def _number(process: str) -> int:
    return int(process.removeprefix("gw"))


def cores() -> int:
    """Those that this process may use, as nproc counts them."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


class WaitingBesideComputing(LoadScopeScheduling):  # type: ignore[misc]  # it has no types
    """xdist's own, which takes the units as they come, looks a test up by walking through all of them, and insists on
    the same collection everywhere.
    """

    workqueue: Units
    registered_collections: dict[Any, list[str]]

    def __init__(self, *how: Any) -> None:
        super().__init__(*how)
        self._numbers: dict[Any, dict[str, int]] = {}

    def schedule(self) -> None:
        """The first collection is the one that counts, so it must be one that has everything."""
        fullest = sorted(self.registered_collections.items(), key=lambda one: -len(one[1]))
        self.registered_collections = dict(fullest)
        self.config.pluginmanager.get_plugin("session").testscollected = len(fullest[0][1])  # percentages are of that
        super().schedule()

    def _reschedule(self, node: Any) -> None:
        """Beside others one may still collect: it takes the place of one that died."""
        if node in self.registered_collections:
            super()._reschedule(node)

    def _check_nodes_have_same_collection(self) -> bool:
        """Whether each has collected a part of what those have that collect everything."""
        everything, *rest = map(frozenset, self.registered_collections.values())
        return all(some <= everything for some in rest) or bool(super()._check_nodes_have_same_collection())

    def _split_scope(self, nodeid: str) -> str:
        return scope(nodeid)

    def _assign_work_unit(self, node: Any) -> None:
        numbers = self._numbers_of(node)
        name = chosen(self.workqueue, numbers, patient=patient(node.gateway.id, self.numnodes))
        if name is None:
            node.shutdown()
            return
        unit = self.workqueue.pop(name)
        self.assigned_work.setdefault(node, {})[name] = unit
        node.send_runtest_some([numbers[nodeid] for nodeid, ran in unit.items() if not ran])

    def _numbers_of(self, node: Any) -> dict[str, int]:
        if node not in self._numbers:
            collection = self.registered_collections[node]
            self._numbers[node] = {nodeid: number for number, nodeid in enumerate(collection)}
        return self._numbers[node]

    def mark_test_complete(self, node: Any, item_index: int, duration: float = 0) -> None:
        """A unit of which all has run is forgotten: what is left is counted after every test."""
        nodeid = self.registered_collections[node][item_index]
        assigned, name = self.assigned_work[node], scope(nodeid)
        assigned[name][nodeid] = True
        if all(assigned[name].values()):
            del assigned[name]
        self._reschedule(node)


def chosen(units: Units, known: Container[str], *, patient: bool) -> str | None:
    """Of those whose tests a process knows the first of the kind that it is for, else of the other; None: no such."""
    mine = [name for name, tests in units.items() if next(iter(tests)) in known]
    return next((name for name in mine if waits(name.partition("::")[0]) == patient), next(iter(mine), None))
