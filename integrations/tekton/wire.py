"""The parts of Tekton's objects that are read; v1 and v1beta1 agree on them but for the names of results (T6, T16)."""

from datetime import datetime
from typing import Any

import msgspec


class TektonWire(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """Unknown fields pass; a missing field and a null are the same."""


class OwnerReference(TektonWire, frozen=True):
    kind: str = ""
    name: str = ""


class TektonMetadata(TektonWire, frozen=True):
    name: str = ""
    namespace: str = ""
    uid: str = ""
    resource_version: str = ""
    creation_timestamp: datetime | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None
    owner_references: list[OwnerReference] | None = None


class TektonCondition(TektonWire, frozen=True):
    """`status` is "True", "False" or "Unknown"; only the type Succeeded means anything (T1)."""

    type: str = ""
    status: str = "Unknown"
    reason: str = ""
    message: str = ""


class NamedValue(TektonWire, frozen=True):
    """`value` is a string, an array or an object (T6)."""

    name: str
    value: Any = ""


class ChildReference(TektonWire, frozen=True):
    """A child that was created already; its name cannot be computed (T5)."""

    api_version: str = ""
    kind: str = ""
    name: str = ""
    display_name: str = ""
    pipeline_task_name: str = ""


class SkippedTask(TektonWire, frozen=True):
    name: str = ""
    reason: str = ""


class PipelineTask(TektonWire, frozen=True):
    name: str = ""


class PipelineSpec(TektonWire, frozen=True):
    tasks: list[PipelineTask] | None = None
    finally_: list[PipelineTask] | None = msgspec.field(default=None, name="finally")


class PipelineRunStatus(TektonWire, frozen=True):
    conditions: list[TektonCondition] | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    results: list[NamedValue] | None = None
    pipeline_results: list[NamedValue] | None = None
    child_references: list[ChildReference] | None = None
    skipped_tasks: list[SkippedTask] | None = None
    pipeline_spec: PipelineSpec | None = None


class PipelineRef(TektonWire, frozen=True):
    name: str = ""


class PipelineRunSpec(TektonWire, frozen=True):
    pipeline_ref: PipelineRef | None = None
    params: list[NamedValue] | None = None


class TektonPipelineRun(TektonWire, frozen=True):
    metadata: TektonMetadata
    spec: PipelineRunSpec = PipelineRunSpec()
    status: PipelineRunStatus | None = None


class Terminated(TektonWire, frozen=True):
    exit_code: int = 0
    reason: str = ""


class Step(TektonWire, frozen=True):
    """`container` is where its log is (T14); `running` and `terminated` are of the step, not of the container (T15)."""

    name: str = ""
    container: str = ""
    termination_reason: str = ""
    running: dict[str, Any] | None = None
    terminated: Terminated | None = None


class TaskRunStatus(TektonWire, frozen=True):
    conditions: list[TektonCondition] | None = None
    start_time: datetime | None = None
    completion_time: datetime | None = None
    pod_name: str = ""
    steps: list[Step] | None = None


class TaskRun(TektonWire, frozen=True):
    """Also a CustomRun or the PipelineRun of a task: what is read of them has the same shape."""

    metadata: TektonMetadata
    status: TaskRunStatus | None = None


class ParamSpec(TektonWire, frozen=True):
    name: str
    type: str = "string"
    default: Any = None


class WorkspaceDeclaration(TektonWire, frozen=True):
    name: str
    optional: bool = False


class DeclaredPipeline(TektonWire, frozen=True):
    params: list[ParamSpec] | None = None
    workspaces: list[WorkspaceDeclaration] | None = None


class Pipeline(TektonWire, frozen=True):
    metadata: TektonMetadata
    spec: DeclaredPipeline = DeclaredPipeline()


class ListMetadata(TektonWire, frozen=True):
    resource_version: str = ""
    continue_: str = msgspec.field(default="", name="continue")


class ListPage(TektonWire, frozen=True):
    metadata: ListMetadata = ListMetadata()
    items: list[msgspec.Raw] | None = None


class KubernetesWatchEvent(TektonWire, frozen=True):
    type: str
    object: msgspec.Raw


class StatusDetails(TektonWire, frozen=True):
    kind: str = ""
    name: str = ""
    retry_after_seconds: int = 0


class KubernetesStatus(TektonWire, frozen=True):
    """Kubernetes' own error (K3); also the object of an ERROR event in a watch (K1)."""

    kind: str = ""
    reason: str = ""
    message: str = ""
    code: int = 0
    details: StatusDetails | None = None


class AccessReviewStatus(TektonWire, frozen=True):
    allowed: bool = False
    evaluation_error: str = ""


class AccessReview(TektonWire, frozen=True):
    status: AccessReviewStatus | None = None
