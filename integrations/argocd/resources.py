"""Which resources of an Application are not well, and why."""

from collections.abc import Collection

from bot.domain.application import HealthStatus, ResourceHealth
from integrations.argocd import wire
from integrations.argocd.convert import failed, health

WORST_FIRST = (
    HealthStatus.DEGRADED,
    HealthStatus.MISSING,
    HealthStatus.UNKNOWN,
    HealthStatus.SUSPENDED,
    HealthStatus.PROGRESSING,
    HealthStatus.HEALTHY,
)
Key = tuple[str, str, str, str]


def unhealthy(app: wire.ArgoApplication, tree: wire.ResourceTree) -> tuple[ResourceHealth, ...]:
    """Causes before symptoms: what has nothing unhealthy below it first, the worst of those foremost (A33).

    Health comes from the tree, and from the Application for what is missing in it (A21, A22). A resource that the
    newest sync could not apply is told with the words of that refusal (C13).
    """
    status = app.status or wire.ArgoStatus()
    seen: dict[Key, wire.Health] = {key(r): r.health for r in status.resources or () if r.health}
    seen.update({key(node): node.health for node in tree.nodes or () if node.health})
    refusals = refused(status)
    found = {
        id_: ResourceHealth(id_[1], id_[3], id_[2], health(state.status), refusals.get(id_) or state.message or "")
        for id_, state in seen.items()
        if health(state.status) is not HealthStatus.HEALTHY or id_ in refusals
    }
    for id_, words in refusals.items():
        found.setdefault(id_, ResourceHealth(id_[1], id_[3], id_[2], HealthStatus.UNKNOWN, words))
    symptoms = above(found.keys() - refusals.keys(), tree)
    ranked = sorted(found, key=lambda id_: (id_ in symptoms and id_ not in refusals, *rank(found[id_])))
    return tuple(found[id_] for id_ in ranked)


def rank(resource: ResourceHealth) -> tuple[int, bool, str, str]:
    return (WORST_FIRST.index(resource.health), not resource.message, resource.kind, resource.name)


def above(sick: Collection[Key], tree: wire.ResourceTree) -> set[Key]:
    """Everything that owns something sick that says why: its own words only repeat that."""
    parents = {key(node): [key(parent) for parent in node.parent_refs or ()] for node in tree.nodes or ()}
    telling = {key(node) for node in tree.nodes or () if node.health and node.health.message}
    owners: set[Key] = set()
    todo = [id_ for id_ in sick if id_ in telling]
    while todo:
        for parent in parents.get(todo.pop(), ()):
            if parent not in owners:
                owners.add(parent)
                todo.append(parent)
    return owners


def key(resource: wire.Node | wire.Parent | wire.ResourceStatus | wire.ResourceResult) -> Key:
    return (resource.group or "", resource.kind, resource.namespace or "", resource.name)


def refused(status: wire.ArgoStatus) -> dict[Key, str]:
    """What the newest sync could not apply, and the words it was refused with; of the present commit only (A29)."""
    result = status.operation_state.sync_result if status.operation_state else None
    compared = status.sync or wire.ArgoSyncStatus()
    if result is None or not same_commit(result, compared):
        return {}
    return {key(r): r.message or "the sync of this resource failed" for r in result.resources or () if failed(r)}


def same_commit(result: wire.SyncResult, compared: wire.ArgoSyncStatus) -> bool:
    """A commit that neither names is taken for the same."""
    ours = (result.revision or "", *(result.revisions or ()))
    theirs = (compared.revision or "", *(compared.revisions or ()))
    return ours == theirs or not any(ours) or not any(theirs)
