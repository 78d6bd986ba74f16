"""Runs and their TaskRuns, as two watches tell of them, made into one story of PipelineRuns. Pure.

Within one watch events are ordered and the last word counts: versions are only ever compared for equality (K2).
What is told twice, by a bookmark, a reconnect or a new list, is news once.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field, replace

from bot.domain.pipeline import DELETED, PipelineRun, RunStatus
from integrations.tekton import wire
from integrations.tekton.status import pipeline_run

RUN_LABEL = "tekton.dev/pipelineRun"


@dataclass
class WatchedRuns:
    """Tells nothing before both kinds were listed once, so that no run appears without its tasks."""

    _runs: dict[str, wire.TektonPipelineRun] = field(default_factory=dict)
    _children: dict[str, dict[str, wire.TaskRun]] = field(default_factory=dict)
    _told: dict[str, PipelineRun] = field(default_factory=dict)
    _listed: set[str] = field(default_factory=set)

    def runs_listed(self, runs: Iterable[wire.TektonPipelineRun]) -> list[PipelineRun]:
        self._runs = {run.metadata.name: run for run in runs}
        gone = [self._told.pop(name) for name in self._told.keys() - self._runs.keys()]
        return [*(deleted_run(run) for run in gone if not run.done), *self._all("runs")]

    def children_listed(self, children: Iterable[wire.TaskRun]) -> list[PipelineRun]:
        self._children = {}
        for child in children:
            self._children.setdefault(run_of(child), {})[child.metadata.name] = child
        return self._all("children")

    def run_changed(self, run: wire.TektonPipelineRun, *, deleted: bool = False) -> list[PipelineRun]:
        name = run.metadata.name
        if deleted:
            self._runs.pop(name, None)
            told = self._told.pop(name, None)
            return [deleted_run(told)] if told and not told.done else []
        self._runs[name] = run
        return self._news([name])

    def child_changed(self, child: wire.TaskRun, *, deleted: bool = False) -> list[PipelineRun]:
        name = run_of(child)
        if deleted:
            self._children.get(name, {}).pop(child.metadata.name, None)
            if not self._children.get(name):
                self._children.pop(name, None)
        else:
            self._children.setdefault(name, {})[child.metadata.name] = child
        return self._news([name])

    def _all(self, kind: str) -> list[PipelineRun]:
        self._listed.add(kind)
        return self._news(self._runs)

    def _news(self, names: Iterable[str]) -> list[PipelineRun]:
        if len(self._listed) < 2:
            return []
        news = []
        for name in names:
            if name not in self._runs:
                continue
            run = pipeline_run(self._runs[name], self._children.get(name, {}).values())
            if self._told.get(name) != run:
                self._told[name] = run
                news.append(run)
        return news


def deleted_run(run: PipelineRun) -> PipelineRun:
    return replace(run, status=RunStatus.DELETED, reason="", message=DELETED)


def run_of(child: wire.TaskRun) -> str:
    """The run that a TaskRun belongs to, "" for one that stands alone."""
    owners = child.metadata.owner_references or []
    owner = next((o.name for o in owners if o.kind == "PipelineRun"), "")
    return owner or (child.metadata.labels or {}).get(RUN_LABEL, "")
