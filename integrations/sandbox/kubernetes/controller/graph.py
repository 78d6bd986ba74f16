"""Which tasks of a pipeline may start now, which never will, and how many ended how."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from integrations.sandbox.kubernetes.tekton.references import (
    UnresolvedReferenceError,
    Value,
    dependencies,
    result_sources,
    substitute,
)

Object = dict[str, Any]
State = Literal["waiting", "running", "succeeded", "failed", "cancelled", "skipped"]

STOPPING = "PipelineRun was stopping"
GRACEFULLY_CANCELLED = "PipelineRun was gracefully cancelled"
GRACEFULLY_STOPPED = "PipelineRun was gracefully stopped"
TASKS_TIMED_OUT = "Tasks timeout has been reached"


@dataclass
class Node:
    """One pipeline task. `why` is the reason of a skip."""

    task: Object
    state: State = "waiting"
    why: str = ""
    results: dict[str, Value] = field(default_factory=dict)
    task_run: str = ""

    @property
    def name(self) -> str:
        return str(self.task["name"])

    @property
    def ended(self) -> bool:
        return self.state not in ("waiting", "running")


class Graph:
    """`tasks` in the order in which runAfter and results put them; `base` = the state that finally tasks may read."""

    def __init__(self, tasks: Sequence[Object], base: "Graph | None" = None) -> None:
        self.nodes = {task["name"]: Node(task) for task in tasks}
        self._base = base

    def in_state(self, *states: State) -> list[Node]:
        return [node for node in self.nodes.values() if node.state in states]

    def skip_waiting(self, why: str) -> None:
        for node in self.in_state("waiting"):
            node.state, node.why = "skipped", why

    def take_ready(self) -> list[Node]:
        """The tasks to start now, their variables in place. Those that never can are marked skipped on the way."""
        ready: list[Node] = []
        moved = True
        while moved:
            moved = False
            for node in self.in_state("waiting"):
                if all(self.nodes[name].ended for name in dependencies(node.task) if name in self.nodes):
                    moved = True
                    if why := self._skip_reason(node):
                        node.state, node.why = "skipped", why
                    else:
                        node.state = "running"
                        ready.append(node)
        return ready

    def _skip_reason(self, node: Node) -> str:
        parents = [self.nodes[name] for name in dependencies(node.task) if name in self.nodes]
        if any(parent.state == "skipped" and parent.why != WHEN_FALSE for parent in parents):
            return "Parent Tasks were skipped"
        try:
            node.task = substitute(node.task, self._variables(node))
        except UnresolvedReferenceError:
            return "Results were missing"
        return "" if all(map(_holds, node.task.get("when") or ())) else WHEN_FALSE

    def _variables(self, node: Node) -> dict[str, Value]:
        sources = {**(self._base.nodes if self._base else {}), **self.nodes}
        found: dict[str, Value] = {}
        for name in result_sources(node.task):
            for result, value in sources[name].results.items():
                found[f"tasks.{name}.results.{result}"] = value
        if self._base is not None:
            found |= {f"tasks.{other.name}.status": _status_word(other) for other in self._base.nodes.values()}
            failed = bool(self._base.in_state("failed", "cancelled"))
            found["tasks.status"] = "Failed" if failed else "Succeeded"
        return found


WHEN_FALSE = "When Expressions evaluated to false"


def _status_word(node: Node) -> str:
    return {"succeeded": "Succeeded", "failed": "Failed", "cancelled": "Failed"}.get(node.state, "None")


def _holds(expression: Object) -> bool:
    if "cel" in expression:
        return True
    within = expression.get("input", "") in (expression.get("values") or [])
    return within if expression.get("operator") == "in" else not within
