"""The static faults of Pipelines and Tasks."""

from graphlib import CycleError, TopologicalSorter
from typing import Any

from .faults import Fault, both, invalid_value, missing_field, neither
from .references import dependencies

Object = dict[str, Any]


def task_faults(spec: Object, path: str) -> list[Fault]:
    steps = spec.get("steps") or []
    if not steps:
        return [missing_field(f"{path}.steps")]
    faults: list[Fault] = []
    names: set[str] = set()
    for index, step in enumerate(steps):
        here = f"{path}.steps[{index}]"
        if not step.get("image") and not step.get("ref") and not (spec.get("stepTemplate") or {}).get("image"):
            faults.append(missing_field(f"{here}.image"))
        if step.get("script") and step.get("command"):
            faults.append(Fault("script cannot be used with command", here))
        name = step.get("name", "")
        if name and name in names:
            faults.append(invalid_value(name, f"{here}.name"))
        names.add(name)
    return faults


def pipeline_faults(spec: Object, path: str) -> list[Fault]:
    tasks, last = spec.get("tasks") or [], spec.get("finally") or []
    if not tasks:
        return [missing_field(f"{path}.tasks")]
    faults = _task_reference_faults(tasks, f"{path}.tasks") + _task_reference_faults(last, f"{path}.finally")
    names = [task.get("name", "") for task in (*tasks, *last)]
    for index, name in enumerate(names):
        if name in names[:index]:
            faults.append(Fault("expected exactly one, got both", f"{path}.tasks[{index}].name"))
    return faults + _order_faults(tasks, path) + _workspace_faults(spec, path)


def _task_reference_faults(tasks: list[Object], path: str) -> list[Fault]:
    faults: list[Fault] = []
    for index, task in enumerate(tasks):
        choices = (f"{path}[{index}].taskRef", f"{path}[{index}].taskSpec")
        if not task.get("name"):
            faults.append(missing_field(f"{path}[{index}].name"))
        if "taskRef" in task and "taskSpec" in task:
            faults.append(both(*choices))
        elif "taskSpec" in task:
            faults += task_faults(task["taskSpec"] or {}, choices[1])
        elif "taskRef" not in task:
            faults.append(neither(*choices))
        elif not (task["taskRef"].get("name") or task["taskRef"].get("resolver")):
            faults.append(missing_field(f"{choices[0]}.name"))
    return faults


def _order_faults(tasks: list[Object], path: str) -> list[Fault]:
    names = {task.get("name", "") for task in tasks}
    graph: dict[str, set[str]] = {}
    for task in tasks:
        name = task.get("name", "")
        graph[name] = dependencies(task)
        for absent in sorted(graph[name] - names):
            sentence = (
                f"couldn't add link between {name} and {absent}: task {name} depends on {absent} "
                f"but {absent} wasn't present in Pipeline"
            )
            return [invalid_value(sentence, f"{path}.tasks")]
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return [invalid_value(f"cycle detected; {' -> '.join(error.args[1])}", f"{path}.tasks")]
    return []


def _workspace_faults(spec: Object, path: str) -> list[Fault]:
    declared = {workspace.get("name") for workspace in spec.get("workspaces") or []}
    faults: list[Fault] = []
    for index, task in enumerate(spec.get("tasks") or []):
        for inner, binding in enumerate(task.get("workspaces") or []):
            wanted = binding.get("workspace") or binding.get("name")
            if wanted not in declared:
                sentence = (
                    f'pipeline task "{task["name"]}" expects workspace with name "{wanted}" '
                    "but none exists in pipeline spec"
                )
                faults.append(invalid_value(sentence, f"{path}.tasks[{index}].workspaces[{inner}]"))
    return faults
