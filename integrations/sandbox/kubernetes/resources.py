"""The resources that this API server serves, as discovery lists them."""

from dataclasses import dataclass
from typing import Any

VERBS = ("create", "delete", "deletecollection", "get", "list", "patch", "update", "watch")


@dataclass(frozen=True)
class Resource:
    """One served type. `versions` begins with the storage version; `status` = it has that subresource (K5)."""

    group: str
    plural: str
    kind: str
    versions: tuple[str, ...] = ("v1",)
    namespaced: bool = True
    status: bool = False
    short_names: tuple[str, ...] = ()
    verbs: tuple[str, ...] = VERBS
    custom: bool = False

    @property
    def storage_version(self) -> str:
        return self.versions[0]

    def api_version(self, version: str = "") -> str:
        version = version or self.storage_version
        return f"{self.group}/{version}" if self.group else version

    def as_discovery(self) -> list[dict[str, Any]]:
        entry: dict[str, Any] = {
            "name": self.plural,
            "singularName": self.kind.lower(),
            "namespaced": self.namespaced,
            "kind": self.kind,
            "verbs": list(self.verbs),
        }
        if self.short_names:
            entry["shortNames"] = list(self.short_names)
        entries = [entry]
        if self.status:
            entries.append(
                {**entry, "name": f"{self.plural}/status", "singularName": "", "verbs": ["get", "patch", "update"]}
            )
        if self.plural == "pods":
            entries.append({**entry, "name": "pods/log", "singularName": "", "verbs": ["get"]})
        return entries


def _tekton(plural: str, kind: str, status: bool, short: tuple[str, ...] = ()) -> Resource:
    """T16: v1 is stored, v1beta1 is served by conversion."""
    return Resource("tekton.dev", plural, kind, ("v1", "v1beta1"), status=status, short_names=short, custom=True)


RBAC = "rbac.authorization.k8s.io"
AUTHORIZATION = "authorization.k8s.io"

RESOURCES: tuple[Resource, ...] = (
    Resource("", "namespaces", "Namespace", namespaced=False, status=True, short_names=("ns",)),
    Resource("", "pods", "Pod", status=True, short_names=("po",)),
    Resource("", "events", "Event", short_names=("ev",)),
    Resource("", "serviceaccounts", "ServiceAccount", short_names=("sa",)),
    Resource("", "persistentvolumeclaims", "PersistentVolumeClaim", status=True, short_names=("pvc",)),
    Resource("", "secrets", "Secret"),
    Resource("", "configmaps", "ConfigMap", short_names=("cm",)),
    Resource("", "services", "Service", status=True, short_names=("svc",)),
    Resource("apps", "deployments", "Deployment", status=True, short_names=("deploy",)),
    Resource("tekton.dev", "customruns", "CustomRun", ("v1beta1",), status=True, custom=True),
    _tekton("pipelineruns", "PipelineRun", status=True, short=("pr", "prs")),
    _tekton("pipelines", "Pipeline", status=False),
    _tekton("taskruns", "TaskRun", status=True, short=("tr", "trs")),
    _tekton("tasks", "Task", status=False),
    Resource(RBAC, "roles", "Role"),
    Resource(RBAC, "rolebindings", "RoleBinding"),
    Resource(RBAC, "clusterroles", "ClusterRole", namespaced=False),
    Resource(RBAC, "clusterrolebindings", "ClusterRoleBinding", namespaced=False),
    Resource(AUTHORIZATION, "subjectaccessreviews", "SubjectAccessReview", namespaced=False, verbs=("create",)),
    Resource(AUTHORIZATION, "selfsubjectaccessreviews", "SelfSubjectAccessReview", namespaced=False, verbs=("create",)),
    Resource(AUTHORIZATION, "localsubjectaccessreviews", "LocalSubjectAccessReview", verbs=("create",)),
)

_BY_PLURAL = {(resource.group, resource.plural): resource for resource in RESOURCES}
_BY_KIND = {(resource.group, resource.kind): resource for resource in RESOURCES}


def by_plural(group: str, plural: str) -> Resource | None:
    return _BY_PLURAL.get((group, plural))


def by_kind(api_version: str, kind: str) -> Resource | None:
    """The resource of a manifest's `apiVersion` and `kind`, or None when it is not served here."""
    group, _, version = api_version.rpartition("/")
    resource = _BY_KIND.get((group, kind))
    return resource if resource and version in resource.versions else None


def groups() -> dict[str, list[str]]:
    """Each API group with its versions, the storage version first; the core group is ""."""
    found: dict[str, list[str]] = {}
    for resource in RESOURCES:
        versions = found.setdefault(resource.group, [])
        versions.extend(version for version in resource.versions if version not in versions)
    return {group: sorted(versions, key=lambda v: (len(v), v)) for group, versions in found.items()}
