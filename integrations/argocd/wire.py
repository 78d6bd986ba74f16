"""What Argo CD sends, as far as it is read here. Everything may be absent or null: Go writes empty lists as null (A7).

Words are kept as text: a word that a newer Argo CD invents must not break the reading of an Application.
"""

from datetime import datetime
from typing import Annotated, Any

from msgspec import Meta, Raw, Struct, field

Moment = Annotated[datetime, Meta(tz=True)]


class Camel(Struct, rename="camel", frozen=True, gc=False):
    """JSON names are camelCase."""


class ArgoMetadata(Camel, frozen=True, gc=False):
    name: str = ""
    namespace: str | None = None
    resource_version: str | None = None
    uid: str | None = None
    labels: dict[str, str] | None = None
    annotations: dict[str, str] | None = None


class Automated(Camel, frozen=True, gc=False):
    enabled: bool | None = None


class SyncPolicy(Camel, frozen=True, gc=False):
    automated: Automated | None = None


class Kustomize(Camel, frozen=True, gc=False):
    images: list[str] | None = None


class ArgoDirectory(Camel, frozen=True, gc=False):
    recurse: bool | None = None


class ArgoSource(Camel, frozen=True, gc=False):
    repo_url: str | None = field(default=None, name="repoURL")
    path: str | None = None
    target_revision: str | None = None
    chart: str | None = None
    kustomize: Kustomize | None = None
    directory: ArgoDirectory | None = None


class SyncSource(Camel, frozen=True, gc=False):
    target_branch: str | None = None
    path: str | None = None


class SourceHydrator(Camel, frozen=True, gc=False):
    dry_source: ArgoSource | None = None
    sync_source: SyncSource | None = None


class Spec(Camel, frozen=True, gc=False):
    project: str | None = None
    source: ArgoSource | None = None
    sources: list[ArgoSource] | None = None
    source_hydrator: SourceHydrator | None = None
    sync_policy: SyncPolicy | None = None


class Health(Camel, frozen=True, gc=False):
    status: str | None = None
    message: str | None = None
    last_transition_time: Moment | None = None


class ArgoSyncStatus(Camel, frozen=True, gc=False):
    status: str | None = None
    revision: str | None = None
    revisions: list[str] | None = None


class SyncOperation(Camel, frozen=True, gc=False):
    revision: str | None = None
    revisions: list[str] | None = None


class Initiator(Camel, frozen=True, gc=False):
    username: str | None = None
    automated: bool | None = None


class ArgoOperation(Camel, frozen=True, gc=False):
    sync: SyncOperation | None = None
    initiated_by: Initiator | None = None


class ResourceResult(Camel, frozen=True, gc=False):
    group: str | None = None
    kind: str = ""
    name: str = ""
    namespace: str | None = None
    status: str | None = None
    hook_phase: str | None = None
    hook_type: str | None = None
    message: str | None = None


class SyncResult(Camel, frozen=True, gc=False):
    revision: str | None = None
    revisions: list[str] | None = None
    resources: list[ResourceResult] | None = None


class OperationState(Camel, frozen=True, gc=False):
    phase: str | None = None
    message: str | None = None
    operation: ArgoOperation | None = None
    sync_result: SyncResult | None = None
    started_at: Moment | None = None
    finished_at: Moment | None = None


class ArgoHistory(Camel, frozen=True, gc=False):
    id: int = 0
    revision: str | None = None
    revisions: list[str] | None = None
    deployed_at: Moment | None = None


class ArgoCondition(Camel, frozen=True, gc=False):
    type: str | None = None
    message: str | None = None


class ArgoSummary(Camel, frozen=True, gc=False):
    images: list[str] | None = None


class ResourceStatus(Camel, frozen=True, gc=False):
    """One entry of `status.resources`; `health` is filled in by the API server only (A22)."""

    group: str | None = None
    kind: str = ""
    name: str = ""
    namespace: str | None = None
    status: str | None = None
    health: Health | None = None
    requires_pruning: bool | None = None


class ArgoStatus(Camel, frozen=True, gc=False):
    sync: ArgoSyncStatus | None = None
    health: Health | None = None
    history: list[ArgoHistory] | None = None
    operation_state: OperationState | None = None
    reconciled_at: Moment | None = None
    resources: list[ResourceStatus] | None = None
    conditions: list[ArgoCondition] | None = None
    summary: ArgoSummary | None = None


class ArgoApplication(Camel, frozen=True, gc=False):
    metadata: ArgoMetadata
    spec: Spec | None = None
    status: ArgoStatus | None = None
    operation: ArgoOperation | None = None


class RawList(Camel, frozen=True):
    """A list whose items are decoded one by one."""

    items: list[Raw] | None = None


class Parent(Camel, frozen=True, gc=False):
    group: str | None = None
    kind: str = ""
    name: str = ""
    namespace: str | None = None


class Node(Camel, frozen=True, gc=False):
    """A live resource of the tree."""

    group: str | None = None
    kind: str = ""
    name: str = ""
    namespace: str | None = None
    health: Health | None = None
    parent_refs: list[Parent] | None = None


class ResourceTree(Camel, frozen=True, gc=False):
    nodes: list[Node] | None = None


class ManagedResource(Camel, frozen=True, gc=False):
    """States are JSON in a string, and may be the string "null" (A21)."""

    group: str | None = None
    kind: str = ""
    name: str = ""
    namespace: str | None = None
    hook: bool | None = None
    live_state: str | None = None
    target_state: str | None = None
    normalized_live_state: str | None = None
    predicted_live_state: str | None = None


class ManagedFields(Camel, frozen=True, gc=False):
    """An entry of an object's `metadata.managedFields` (Kubernetes: server-side apply)."""

    manager: str | None = None
    time: Moment | None = None
    fields_v1: dict[str, Any] | None = field(default=None, name="fieldsV1")


class ManagedResources(Camel, frozen=True, gc=False):
    items: list[ManagedResource] | None = None


class ArgoWindow(Camel, frozen=True, gc=False):
    kind: str = ""
    schedule: str = ""
    duration: str = ""
    manual_sync: bool | None = None


class Windows(Camel, frozen=True, gc=False):
    active_windows: list[ArgoWindow] | None = None
    assigned_windows: list[ArgoWindow] | None = None
    can_sync: bool | None = None


class StreamError(Struct, frozen=True):
    """The last line of a stream that breaks off with HTTP 200 (A9)."""

    message: str | None = None
    grpc_code: int | None = None
    http_code: int | None = None


class ArgoProject(Camel, frozen=True, gc=False):
    metadata: ArgoMetadata


class ArgoWatchEvent(Camel, frozen=True, gc=False):
    type: str
    application: ArgoApplication


class WatchFrame(Camel, frozen=True):
    result: ArgoWatchEvent | None = None
    error: StreamError | None = None


class ArgoErrorBody(Struct, frozen=True):
    """A3."""

    code: int | None = None
    message: str | None = None
    error: str | None = None


class Version(Struct, frozen=True, rename="pascal"):
    version: str | None = None


class ServerSettings(Camel, frozen=True):
    controller_namespace: str | None = None


class ArgoCanI(Struct, frozen=True):
    value: str | None = None
