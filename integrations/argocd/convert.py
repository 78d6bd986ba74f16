"""From Argo CD's words to the domain's."""

import re
from collections.abc import Mapping
from enum import StrEnum
from typing import TypeVar
from urllib.parse import quote

from bot.domain.application import (
    Application,
    ApplicationRef,
    FailedResource,
    HealthStatus,
    HistoryColumns,
    HistoryEntry,
    Operation,
    OperationPhase,
    SyncStatus,
)
from bot.domain.source import OverlayBranch
from integrations.argocd import wire
from integrations.argocd.names import qualified
from integrations.argocd.sources import position, revision, shared, sources

E = TypeVar("E", bound=StrEnum)
SUBSCRIBES = re.compile(r"notifications\.argoproj\.io/subscribe\.([\w-]+)\.slack")
MOST_SUBSCRIBED = 60
MOST_NAMED = 20
"""resources that are kept by name: an Application may have thousands"""
FAILED_HOOK = ("Failed", "Error")
TERMINAL = (OperationPhase.SUCCEEDED, OperationPhase.FAILED, OperationPhase.ERROR)


def word(kind: type[E], text: str | None, default: E) -> E:
    """`default` for a word that this version does not know."""
    try:
        return kind(text or "")
    except ValueError:
        return default


def health(text: str | None) -> HealthStatus:
    return word(HealthStatus, text, HealthStatus.UNKNOWN)


def application(
    app: wire.ArgoApplication,
    environment: str,
    base_url: str,
    own_namespace: str = "",
    overlays: OverlayBranch | None = None,
) -> Application:
    """`own_namespace` is Argo CD's: without it no name says in which namespace the Application is.

    `overlays`: where there are several sources, the commits that are told are this one's.
    """
    spec, status = app.spec or wire.Spec(), app.status or wire.ArgoStatus()
    found = sources(spec)
    ours = position(found, overlays)
    sync, state = status.sync or wire.ArgoSyncStatus(), status.health or wire.Health()
    return Application(
        ref=ApplicationRef(qualified(app.metadata, own_namespace), environment, shared(spec.project or "")),
        sync=word(SyncStatus, sync.status, SyncStatus.UNKNOWN),
        health=health(state.status),
        revision=revision(sync, ours),
        health_message=state.message or "",
        health_since=state.last_transition_time,
        reconciled_at=status.reconciled_at,
        operation=operation(app.operation, status.operation_state, ours),
        images=tuple((status.summary or wire.ArgoSummary()).images or ()),
        auto_sync=auto_sync(spec),
        conditions=tuple(f"{c.type}: {c.message}" for c in status.conditions or ()),
        url=page(app.metadata, base_url),
        history=HistoryColumns.of(HistoryEntry(h.id, revision(h, ours), h.deployed_at) for h in status.history or ()),
        sources=found,
        out_of_sync=tuple([named(r) for r in status.resources or () if r.status == "OutOfSync"][:MOST_NAMED]),
        subscribed=subscribed(app.metadata.annotations or {}),
        to_prune=tuple([named(r) for r in status.resources or () if r.requires_pruning][:MOST_NAMED]),
    )


def subscribed(annotations: Mapping[str, str]) -> tuple[tuple[str, str], ...]:
    """Trigger and recipient, of the service that is called slack."""
    found = ((SUBSCRIBES.fullmatch(key), value) for key, value in annotations.items())
    pairs = ((match[1], one.strip()) for match, value in found if match for one in value.split(";"))
    return tuple(pair for pair in pairs if pair[1])[:MOST_SUBSCRIBED]


def operation(
    requested: wire.ArgoOperation | None, state: wire.OperationState | None, ours: int = 0
) -> Operation | None:
    """The newest operation: what is requested but not begun hides what `state` still says of the one before (A14)."""
    phase = word(OperationPhase, state.phase, OperationPhase.RUNNING) if state else None
    if requested and (state is None or phase in TERMINAL):
        return Operation(OperationPhase.RUNNING, revision=revision(requested.sync, ours), pending=True)
    if state is None or phase is None:
        return None
    asked = revision(state.operation.sync, ours) if state.operation else ""
    return Operation(
        phase=phase,
        message=state.message or "",
        revision=revision(state.sync_result, ours) or asked,
        started_at=state.started_at,
        finished_at=state.finished_at,
        # A16: an attempt that failed and waits for its retry
        retrying=phase is OperationPhase.RUNNING and state.finished_at is not None,
        failures=tuple(failures(state)[:MOST_NAMED]),
        by=asked_by(state.operation),
    )


def asked_by(operation: wire.ArgoOperation | None) -> str:
    """The account that asked for a sync; "" where Argo CD did it by itself, or does not tell."""
    initiator = (operation.initiated_by if operation else None) or wire.Initiator()
    return "" if initiator.automated else initiator.username or ""


def failures(state: wire.OperationState) -> list[FailedResource]:
    """What a sync could not apply, failed hooks among them: the operation's own message names none (A33)."""
    results = state.sync_result.resources if state.sync_result else None
    return [
        FailedResource(
            r.kind,
            r.name,
            r.message or "no message",
            (r.hook_phase or "") if r.hook_type else "",
            r.hook_type or "",
        )
        for r in results or ()
        if failed(r)
    ]


def failed(result: wire.ResourceResult) -> bool:
    return result.status == "SyncFailed" or result.hook_phase in FAILED_HOOK


def named(resource: wire.ResourceStatus) -> str:
    return f"{resource.kind} {resource.name}"


def auto_sync(spec: wire.Spec) -> bool:
    automated = spec.sync_policy.automated if spec.sync_policy else None
    return automated is not None and automated.enabled is not False


def page(metadata: wire.ArgoMetadata, base_url: str) -> str:
    """The Application's page for people."""
    parts = [part for part in (metadata.namespace, metadata.name) if part]
    return "/".join([base_url.rstrip("/"), "applications", *(quote(part, safe="") for part in parts)])
