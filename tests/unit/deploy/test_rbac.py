"""Who may do what: no wildcard, nothing that nobody uses."""

import re
from fnmatch import fnmatchcase
from typing import Any

import pytest
import yaml

from tests.unit.deploy.manifests import find, kustomizations, label, management_cluster, objects

OUTSIDE = {"kube-state-metrics"}
"""Service accounts that other installations own; deploy/README.md names them."""


def all_objects() -> list[dict[str, Any]]:
    return [o for directory in kustomizations() for o in objects(directory)]


def granted(manifest: dict[str, Any]) -> dict[tuple[str, str], set[str]]:
    """(API group, resource) → verbs."""
    rights: dict[tuple[str, str], set[str]] = {}
    for rule in manifest["rules"]:
        for group in rule["apiGroups"]:
            for resource in rule["resources"]:
                rights.setdefault((group, resource), set()).update(rule["verbs"])
    return rights


def test_no_wildcard_no_escalation_no_secrets() -> None:
    for role in (o for o in all_objects() if o["kind"] in ("Role", "ClusterRole")):
        for (group, resource), verbs in granted(role).items():
            assert "*" not in group + resource, label(role)
            assert not verbs & {"*", "impersonate", "escalate", "bind", "delete", "deletecollection"}, label(role)
            assert resource not in ("secrets", "serviceaccounts/token", "pods/exec"), label(role)


def test_every_role_is_bound_and_every_binding_has_its_role() -> None:
    manifests = management_cluster()
    roles = {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"]["name"]) for o in manifests if "rules" in o}
    bindings = [o for o in manifests if o["kind"] in ("RoleBinding", "ClusterRoleBinding")]
    bound = {(b["roleRef"]["kind"], b["metadata"].get("namespace", ""), b["roleRef"]["name"]) for b in bindings}
    assert roles == bound


def test_every_bound_service_account_is_there_and_runs_something() -> None:
    manifests = management_cluster()
    accounts = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in manifests if o["kind"] == "ServiceAccount"}
    text = str([o for o in manifests if o["kind"] not in ("ServiceAccount", "RoleBinding", "ClusterRoleBinding")])
    subjects = {
        (s["namespace"], s["name"])
        for o in manifests
        if o["kind"] in ("RoleBinding", "ClusterRoleBinding")
        for s in o["subjects"]
        if s["kind"] == "ServiceAccount" and s["name"] not in OUTSIDE
    }
    assert subjects <= accounts
    for _, name in accounts:
        assert f"'serviceAccountName': '{name}'" in text, f"nothing runs as {name}"


def test_the_pipelines_role_is_the_agreed_one() -> None:
    assert granted(find("platform/rbac", "Role", "ci-pipeline")) == {
        ("", "pods"): {"get", "list", "watch"},
        ("", "pods/log"): {"get", "list", "watch"},
        ("tekton.dev", "pipelineruns"): {"get", "list", "create"},
        ("tekton.dev", "taskruns"): {"get", "list", "create"},
    }


def test_the_bots_rights_are_these_and_no_more() -> None:
    assert granted(find("bot/base", "Role", "pilothouse")) == {
        ("tekton.dev", "pipelineruns"): {"get", "list", "watch", "create", "patch"},
        ("tekton.dev", "taskruns"): {"get", "list", "watch"},
        ("tekton.dev", "pipelines"): {"get"},
        ("tekton.dev", "customruns"): {"get"},
        ("", "pods/log"): {"get"},
    }
    assert not [label(o) for o in objects("bot/base") if o["kind"].startswith("Cluster")]


def test_the_listeners_rights_are_these_and_no_more() -> None:
    """Its informers' kinds, runs, and its events (tektoncd/triggers `config/200-clusterrole.yaml` grants more)."""
    read = {"get", "list", "watch"}
    assert granted(find("platform/rbac", "Role", "github-listener")) == {
        **{("triggers.tekton.dev", kind): read
           for kind in ("eventlisteners", "interceptors", "triggerbindings", "triggers", "triggertemplates")},
        ("tekton.dev", "pipelineruns"): {"create"},
        ("", "events"): {"create", "patch"},
    }  # fmt: skip
    assert granted(find("platform/rbac", "ClusterRole", "github-listener")) == {
        ("triggers.tekton.dev", "clusterinterceptors"): read,
        ("triggers.tekton.dev", "clustertriggerbindings"): read,
    }


def test_kube_state_metrics_may_read_what_it_is_told_to_export() -> None:
    data = find("platform/monitoring", "ConfigMap", "kube-state-metrics-custom-resources")["data"]["config.yaml"]
    kinds = [resource["groupVersionKind"] for resource in yaml.safe_load(data)["spec"]["resources"]]
    assert granted(find("platform/monitoring", "ClusterRole")) == {
        **{(kind["group"], f"{kind['kind'].lower()}s"): {"list", "watch"} for kind in kinds},
        ("apiextensions.k8s.io", "customresourcedefinitions"): {"list", "watch"},
    }


def test_pods_of_the_pipeline_hold_no_token() -> None:
    assert find("platform/tekton", "ServiceAccount", "ci-pipeline")["automountServiceAccountToken"] is False
    bound = {s["name"] for o in all_objects() if o["kind"].endswith("RoleBinding") for s in o["subjects"]}
    assert "ci-pipeline" not in bound


def matches(pattern: str, value: str) -> bool:
    """As Argo CD does: a glob with alternatives; one that begins with "!" matches what it does not name."""
    if pattern.startswith("!"):
        return not matches(pattern[1:], value)
    found = re.fullmatch(r"(.*)\{(.*)\}(.*)", pattern)
    patterns = [f"{found[1]}{one}{found[3]}" for one in found[2].split(",")] if found else [pattern]
    return any(fnmatchcase(value, one) for one in patterns)


def permitted(destinations: list[dict[str, str]], server: str, name: str, namespace: str) -> bool:
    """Argo CD's rule (its `pkg/apis/application/v1alpha1/app_project_types.go`): one entry that permits and none that
    refuses. A refused namespace counts only where the entry's *server* matches, and the same entry permits all others.
    """
    allowed = False
    for item in destinations:
        at_name = bool(name) and matches(item.get("name", ""), name)
        at_server = matches(item.get("server", ""), server)
        in_namespace = matches(item["namespace"], namespace)
        if (at_name or at_server) and in_namespace:
            allowed = True
        elif not in_namespace and item["namespace"].startswith("!") and at_server:
            return False
    return allowed


@pytest.mark.parametrize("environment", ["development", "staging", "production"])
def test_argocd_project_reaches_the_apps_namespaces_and_no_other(environment: str) -> None:
    destinations = find("platform/argocd", "AppProject", "apps")["spec"]["destinations"]
    server = f"https://{environment}.clusters.example.com:6443"
    assert permitted(destinations, server, environment, "my-app")
    for namespace in ("argocd", "ci", "cosign-system", "default", "external-secrets", "pilothouse", "kube-system"):
        assert not permitted(destinations, server, environment, namespace), namespace


@pytest.mark.parametrize(
    ("server", "name"),
    [("https://kubernetes.default.svc", "in-cluster"), ("https://other.clusters.example.com:6443", "other")],
)
def test_argocd_project_reaches_no_other_cluster(server: str, name: str) -> None:
    destinations = find("platform/argocd", "AppProject", "apps")["spec"]["destinations"]
    assert not any(permitted(destinations, server, name, namespace) for namespace in ("my-app", "argocd", "ci"))


def test_argocd_project_refuses_by_a_rule_that_has_an_effect() -> None:
    """What this test's own rule says of entries by name: they refuse nothing, and permit every cluster."""
    by_name = [{"name": "production", "namespace": "*"}, {"name": "*", "namespace": "!argocd"}]
    assert permitted(by_name, "https://production", "production", "argocd")
    assert permitted(by_name, "https://kubernetes.default.svc", "in-cluster", "ci")


def test_argocd_project_permits_no_secrets_and_no_rights() -> None:
    project = find("platform/argocd", "AppProject", "apps")["spec"]
    assert project["clusterResourceWhitelist"] == [{"group": "", "kind": "Namespace"}]
    kinds = {entry["kind"] for entry in project["namespaceResourceWhitelist"]}
    assert not kinds & {"*", "Secret", "Role", "RoleBinding"}


def test_argocd_shows_the_pods_of_an_application() -> None:
    """A21: a kind that the project does not list is left out of the resource tree, so no pod and no log is found."""
    project = find("platform/argocd", "AppProject", "apps")["spec"]
    listed = {(entry["group"], entry["kind"]) for entry in project["namespaceResourceWhitelist"]}
    assert {("", "Pod"), ("apps", "ReplicaSet"), ("batch", "Job")} <= listed


def test_what_the_platform_puts_beside_an_app_is_no_orphan() -> None:
    project = find("platform/argocd", "AppProject", "apps")["spec"]
    made = find("platform/secrets/workload", "ClusterExternalSecret")["spec"]["externalSecretName"]
    assert {"group": "external-secrets.io", "kind": "ExternalSecret", "name": made} in project["orphanedResources"][
        "ignore"
    ]


def test_the_bot_may_not_change_applications() -> None:
    roles = find("platform/argocd", "AppProject", "apps")["spec"]["roles"]
    actions = {tuple(part.strip() for part in policy.split(","))[2:4] for role in roles for policy in role["policies"]}
    assert actions == {("applications", "get"), ("applications", "sync")}
