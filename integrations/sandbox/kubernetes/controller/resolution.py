"""From a PipelineRun to the pipeline that it runs: found, complete, with its parameters in place, or refused (T12)."""

from dataclasses import dataclass
from typing import Any

from integrations.sandbox.kubernetes.tekton.references import Value, substitute

from .cluster import PIPELINE, TASK, Cluster
from .task_run import parameters

Object = dict[str, Any]

_TYPES: dict[str, type] = {"string": str, "array": list, "object": dict}


class ResolutionError(Exception):
    """The run ends False with this `reason` (T2)."""

    def __init__(self, reason: str, message: str) -> None:
        super().__init__(reason, message)
        self.reason = reason
        self.message = message


@dataclass(frozen=True)
class Resolved:
    """`spec` has its parameters and context substituted; `tasks` gives each pipeline task's Task by its name."""

    name: str
    spec: Object
    tasks: dict[str, Object]


def resolve(cluster: Cluster, run: Object) -> Resolved:
    """Raises ResolutionError."""
    name, spec = _pipeline(cluster, run)
    _check_params(spec, run)
    _check_workspaces(spec, run)
    variables: dict[str, Value] = {f"params.{key}": value for key, value in parameters(spec, run["spec"]).items()}
    variables |= {
        "context.pipelineRun.name": run["metadata"]["name"],
        "context.pipelineRun.namespace": run["metadata"]["namespace"],
        "context.pipelineRun.uid": run["metadata"]["uid"],
        "context.pipeline.name": name,
    }
    # Results are known later: their variables stay for the moment when a task is to start.
    known = {**variables, **_own_result_variables(spec)}
    replaced = {**spec, **substitute({key: spec[key] for key in ("tasks", "finally") if key in spec}, known)}
    tasks = {task["name"]: _task(cluster, run, task) for task in [*spec["tasks"], *spec.get("finally", [])]}
    return Resolved(name, replaced, tasks)


def _own_result_variables(spec: Object) -> dict[str, Value]:
    """Each result reference as a variable that stands for itself."""
    found: dict[str, Value] = {}

    def collect(value: Any) -> None:
        if isinstance(value, dict):
            value = list(value.values())
        if isinstance(value, list):
            for item in value:
                collect(item)
        elif isinstance(value, str):
            for part in value.split("$(")[1:]:
                name = part.partition(")")[0]
                if name.startswith("tasks.") and ".results." in name:
                    found[name.removesuffix("[*]")] = f"$({name})"

    collect([spec.get("tasks"), spec.get("finally")])
    return found


def _pipeline(cluster: Cluster, run: Object) -> tuple[str, Object]:
    reference = run["spec"].get("pipelineRef")
    if reference is None:
        label = (run["metadata"].get("generateName") or run["metadata"]["name"]).rstrip("-")
        return label, run["spec"]["pipelineSpec"]
    name, namespace = reference.get("name", ""), run["metadata"]["namespace"]
    found = cluster.find(PIPELINE, namespace, name) if name else None
    if found is None:
        missing = f'pipelines.tekton.dev "{name}" not found' if name else "no resolver answers in this cluster"
        message = f"Error retrieving pipeline for pipelinerun {namespace}/{run['metadata']['name']}: {missing}"
        raise ResolutionError("CouldntGetPipeline", message)
    return name, found["spec"]


def _check_params(spec: Object, run: Object) -> None:
    given = {param["name"]: param["value"] for param in run["spec"].get("params") or []}
    missing = [p["name"] for p in spec.get("params") or [] if "default" not in p and p["name"] not in given]
    where = f"PipelineRun {run['metadata']['namespace']}/{run['metadata']['name']}"
    if missing:
        message = (
            f"[User error] {where} parameters is missing some parameters required by Pipeline's parameters: "
            f"pipelineRun missing parameters: [{' '.join(missing)}]"
        )
        raise ResolutionError("ParameterMissing", message)
    for param in spec.get("params") or []:
        wanted = param.get("type", "string")
        value = given.get(param["name"])
        if value is not None and not isinstance(value, _TYPES[wanted]):
            message = (
                f"[User error] {where} parameters have mismatching types with Pipeline's parameters: "
                f'parameter types mismatch: "{param["name"]}" wants {wanted}'
            )
            raise ResolutionError("ParameterTypeMismatch", message)


def _check_workspaces(spec: Object, run: Object) -> None:
    bound = {workspace["name"] for workspace in run["spec"].get("workspaces") or []}
    for workspace in spec.get("workspaces") or []:
        if workspace["name"] not in bound and not workspace.get("optional"):
            message = (
                f"[User error] PipelineRun {run['metadata']['namespace']}/{run['metadata']['name']} doesn't bind "
                f'Pipeline\'s Workspaces correctly: pipeline requires workspace with name "{workspace["name"]}" '
                "be provided by pipelinerun"
            )
            raise ResolutionError("InvalidWorkspaceBindings", message)


def _task(cluster: Cluster, run: Object, task: Object) -> Object:
    if "taskSpec" in task:
        spec: Object = {
            k: v for k, v in task["taskSpec"].items() if k not in ("apiVersion", "kind", "metadata", "spec")
        }
        return spec
    name, namespace = task["taskRef"].get("name", ""), run["metadata"]["namespace"]
    found = cluster.find(TASK, namespace, name)
    if found is None:
        message = (
            f"Pipeline {namespace}/{run['spec'].get('pipelineRef', {}).get('name', '')} can't be Run; it contains "
            f'Tasks that don\'t exist: Couldn\'t retrieve Task "{name}": tasks.tekton.dev "{name}" not found'
        )
        raise ResolutionError("CouldntGetTask", message)
    task_spec: Object = found["spec"]
    return dict(task_spec)
