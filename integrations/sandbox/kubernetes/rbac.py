"""Role-based access control, read from the Role and binding objects in the store."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from .resources import RBAC
from .store import ObjectKey, ObjectStore

Object = dict[str, Any]

# What every cluster is born with, as far as clients of this server need it.
BUILT_IN: tuple[Object, ...] = (
    {"kind": "ClusterRole", "metadata": {"name": "cluster-admin"},
     "rules": [{"apiGroups": ["*"], "resources": ["*"], "verbs": ["*"]}, {"nonResourceURLs": ["*"], "verbs": ["*"]}]},
    {"kind": "ClusterRoleBinding", "metadata": {"name": "cluster-admin"},
     "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "cluster-admin"},
     "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "system:masters"}]},
    {"kind": "ClusterRole", "metadata": {"name": "system:discovery"},
     "rules": [{"nonResourceURLs": ["/api", "/api/*", "/apis", "/apis/*", "/openapi", "/openapi/*", "/version"],
                "verbs": ["get"]}]},
    {"kind": "ClusterRoleBinding", "metadata": {"name": "system:discovery"},
     "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "system:discovery"},
     "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "system:authenticated"}]},
    {"kind": "ClusterRole", "metadata": {"name": "system:basic-user"},
     "rules": [{"apiGroups": ["authorization.k8s.io"], "resources": ["selfsubjectaccessreviews"],
                "verbs": ["create"]}]},
    {"kind": "ClusterRoleBinding", "metadata": {"name": "system:basic-user"},
     "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "system:basic-user"},
     "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "system:authenticated"}]},
    {"kind": "ClusterRole", "metadata": {"name": "system:public-info-viewer"},
     "rules": [{"nonResourceURLs": ["/healthz", "/livez", "/readyz", "/version"], "verbs": ["get"]}]},
    {"kind": "ClusterRoleBinding", "metadata": {"name": "system:public-info-viewer"},
     "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": "system:public-info-viewer"},
     "subjects": [{"apiGroup": RBAC, "kind": "Group", "name": "system:authenticated"},
                  {"apiGroup": RBAC, "kind": "Group", "name": "system:unauthenticated"}]},
)  # fmt: skip


@dataclass(frozen=True)
class Attributes:
    """One question. `resource` may be `pods/log`; `path` is asked instead of a resource for discovery and health."""

    verb: str
    group: str = ""
    resource: str = ""
    name: str = ""
    namespace: str = ""
    path: str = ""


class Authorizer:
    def __init__(self, store: ObjectStore) -> None:
        self._store = store

    def allowed(self, user: str, groups: Sequence[str], asked: Attributes) -> bool:
        return any(_rule_allows(rule, asked) for rule in self._rules(user, groups, asked.namespace))

    def denial(self, user: str, asked: Attributes) -> str:
        """The sentence of a 403."""
        if asked.path:
            return f'User "{user}" cannot {asked.verb} path "{asked.path}"'
        where = f'in the namespace "{asked.namespace}"' if asked.namespace else "at the cluster scope"
        return f'User "{user}" cannot {asked.verb} resource "{asked.resource}" in API group "{asked.group}" {where}'

    def _rules(self, user: str, groups: Sequence[str], namespace: str) -> Iterator[Object]:
        for binding in self._store.objects(RBAC, "clusterrolebindings"):
            if _binds(binding, user, groups, ""):
                yield from self._role_rules(binding["roleRef"], "")
        for binding in self._store.objects(RBAC, "rolebindings", namespace) if namespace else ():
            if _binds(binding, user, groups, namespace):
                yield from self._role_rules(binding["roleRef"], namespace)

    def _role_rules(self, reference: Object, namespace: str) -> list[Object]:
        if reference["kind"] == "ClusterRole":
            key = ObjectKey(RBAC, "clusterroles", "", reference["name"])
        else:
            key = ObjectKey(RBAC, "roles", namespace, reference["name"])
        role = self._store.get(key) or {}
        return role.get("rules") or []


def _binds(binding: Object, user: str, groups: Sequence[str], namespace: str) -> bool:
    for subject in binding.get("subjects") or []:
        kind, name = subject.get("kind"), subject.get("name")
        if kind == "User" and name == user:
            return True
        if kind == "Group" and name in groups:
            return True
        home = subject.get("namespace") or namespace
        if kind == "ServiceAccount" and user == f"system:serviceaccount:{home}:{name}":
            return True
    return False


def _rule_allows(rule: Object, asked: Attributes) -> bool:
    if not _has(rule.get("verbs"), asked.verb):
        return False
    if asked.path:
        return any(_path_matches(pattern, asked.path) for pattern in rule.get("nonResourceURLs") or ())
    names = rule.get("resourceNames") or []
    return (
        _has(rule.get("apiGroups"), asked.group)
        and _resource_matches(rule.get("resources") or [], asked.resource)
        and (not names or asked.name in names)
    )


def _resource_matches(patterns: list[str], resource: str) -> bool:
    subresource = resource.partition("/")[2]
    return "*" in patterns or resource in patterns or bool(subresource and f"*/{subresource}" in patterns)


def _path_matches(pattern: str, path: str) -> bool:
    return pattern == path or (pattern.endswith("*") and path.startswith(pattern[:-1]))


def _has(patterns: list[str] | None, value: str) -> bool:
    return value in (patterns or ()) or "*" in (patterns or ())
