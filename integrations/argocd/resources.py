"""Which resources of an Application are not well, and why."""

from bot.domain.application import HealthStatus, ResourceHealth
from integrations.argocd import wire
from integrations.argocd.convert import health

WORST_FIRST = (
    HealthStatus.DEGRADED,
    HealthStatus.MISSING,
    HealthStatus.UNKNOWN,
    HealthStatus.SUSPENDED,
    HealthStatus.PROGRESSING,
    HealthStatus.HEALTHY,
)
FAILED_HOOK = ("Failed", "Error")
Key = tuple[str, str, str, str]


def unhealthy(app: wire.Application, tree: wire.Tree) -> tuple[ResourceHealth, ...]:
    """Worst first. Health comes from the tree, and from the Application for what is missing in it (A21, A22).

    A resource that the newest sync could not apply is told with the words of that refusal (C13).
    """
    status = app.status or wire.Status()
    seen: dict[Key, wire.Health] = {key(r): r.health for r in status.resources or () if r.health}
    seen.update({key(node): node.health for node in tree.nodes or () if node.health})
    refusals = refused(status.operation_state)
    found = [
        ResourceHealth(kind, name, namespace, health(state.status), refusals.get(id_) or state.message or "")
        for id_, state in seen.items()
        for _, kind, namespace, name in [id_]
        if health(state.status) is not HealthStatus.HEALTHY or id_ in refusals
    ]
    found += [
        ResourceHealth(id_[1], id_[3], id_[2], HealthStatus.UNKNOWN, words)
        for id_, words in refusals.items()
        if id_ not in seen
    ]
    return tuple(sorted(found, key=lambda r: (WORST_FIRST.index(r.health), not r.message, r.kind, r.name)))


def key(resource: wire.Node | wire.ResourceStatus | wire.ResourceResult) -> Key:
    return (resource.group or "", resource.kind, resource.namespace or "", resource.name)


def refused(state: wire.OperationState | None) -> dict[Key, str]:
    """What the newest sync could not apply, and the words it was refused with."""
    if state is None or state.sync_result is None:
        return {}
    return {
        key(result): result.message or "the sync of this resource failed"
        for result in state.sync_result.resources or ()
        if result.status == "SyncFailed" or result.hook_phase in FAILED_HOOK
    }
