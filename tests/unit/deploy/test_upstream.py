"""What our objects say of other installations' objects, which no rendering of ours holds: their Services and pods."""

from typing import Any

import yaml

from tests.unit.deploy.manifests import DEPLOY, find, label, management_cluster, objects

Service = tuple[str, dict[str, str], set[str]]

PART_OF_TEKTON = {"app.kubernetes.io/part-of": "tekton-pipelines"}
SERVICES: dict[str, list[Service]] = {
    "tekton-pipelines-controller": [
        (
            "tekton-pipelines",
            {"app.kubernetes.io/name": "controller", "app.kubernetes.io/component": "controller", **PART_OF_TEKTON},
            {"http-metrics", "http-profiling", "probes"},
        )
    ],
    "tekton-event-listeners": [("ci", {"eventlistener": "github"}, {"http-listener", "http-metrics"})],
    "argocd": [
        ("argocd", {"app.kubernetes.io/name": "argocd-metrics"}, {"metrics"}),
        ("argocd", {"app.kubernetes.io/name": "argocd-server-metrics"}, {"metrics"}),
        ("argocd", {"app.kubernetes.io/name": "argocd-repo-server"}, {"server", "metrics"}),
    ],
    "harbor": [
        ("harbor", {"app": "harbor", "app.kubernetes.io/name": "harbor"}, {"http-web", "http-metrics"}),
    ],
}
"""ServiceMonitor → (namespace, labels, ports) of the Services that it is to find, as upstream makes them:
tektoncd/pipeline `config/controller.yaml` (3ee1745ae), tektoncd/triggers
`pkg/reconciler/eventlistener/resources/service.go` (088902973), argoproj/argo-cd `manifests/base` (37ee0097cf),
goharbor/harbor-helm `templates/core/core-svc.yaml` with metrics on (70564d5)."""


def selects(selector: dict[str, Any], labels: dict[str, str]) -> bool:
    for rule in selector.get("matchExpressions", []):
        assert rule["operator"] == "In"
        if labels.get(rule["key"]) not in rule["values"]:
            return False
    return bool(selector.get("matchLabels", {}).items() <= labels.items())


def test_every_monitor_of_another_installation_finds_its_services_by_a_port_that_they_name() -> None:
    """P4: a selector or a port that fits nothing is accepted, and nothing is scraped."""
    monitors = {o["metadata"]["name"]: o for o in objects("platform/monitoring") if o["kind"] == "ServiceMonitor"}
    assert monitors.keys() == SERVICES.keys()
    for name, monitor in monitors.items():
        spec = monitor["spec"]
        asked = {endpoint["port"] for endpoint in spec["endpoints"]}
        for namespace, labels, ports in SERVICES[name]:
            assert spec["namespaceSelector"]["matchNames"] == [namespace], name
            assert selects(spec["selector"], labels), (name, labels)
            assert asked <= ports, (name, ports)
        values = [value for rule in spec["selector"].get("matchExpressions", []) for value in rule["values"]]
        assert len(values) in (0, len(SERVICES[name])), "a value that no Service has"


def test_every_network_policy_chooses_pods_that_are_there_and_ports_that_they_have() -> None:
    manifests = management_cluster()
    listener = find("platform/tekton", "EventListener")["metadata"]["name"]
    (bot,) = [o for o in manifests if o["kind"] == "StatefulSet"]
    template = bot["spec"]["template"]
    pods: dict[str, list[tuple[dict[str, str], set[object]]]] = {
        "pilothouse": [
            (template["metadata"]["labels"], {p["name"] for p in template["spec"]["containers"][0]["ports"]})
        ],
        # R7.
        "ci": [({"eventlistener": listener}, {8080, 9000})],
    }
    seen = 0
    for policy in (o for o in manifests if o["kind"] == "NetworkPolicy"):
        chosen = policy["spec"]["podSelector"].get("matchLabels", {})
        ports = {port["port"] for rule in policy["spec"].get("ingress", []) for port in rule["ports"]}
        found = [has for labels, has in pods[policy["metadata"]["namespace"]] if chosen.items() <= labels.items()]
        assert any(ports <= has for has in found), label(policy)
        seen += 1
    assert seen == 3


def test_the_namespaces_that_policies_name_are_labelled_or_made() -> None:
    """A namespace has the label kubernetes.io/metadata.name by itself, any other one by somebody's hand."""
    readme = (DEPLOY / "README.md").read_text()
    for policy in (o for o in management_cluster() if o["kind"] == "NetworkPolicy"):
        peers = [p for rule in policy["spec"].get("ingress", []) for p in rule.get("from", [])]
        peers += [p for rule in policy["spec"].get("egress", []) for p in rule.get("to", [])]
        for peer in peers:
            ((key, value),) = peer["namespaceSelector"]["matchLabels"].items()
            assert key == "kubernetes.io/metadata.name" or f" {key}={value}" in readme, label(policy)


def test_every_service_account_that_something_runs_as_is_there() -> None:
    manifests = management_cluster()
    accounts = {(o["metadata"]["namespace"], o["metadata"]["name"]) for o in manifests if o["kind"] == "ServiceAccount"}

    def named(value: Any) -> set[str]:
        if isinstance(value, dict):
            own = {value["serviceAccountName"]} if "serviceAccountName" in value else set()
            return own.union(*(named(item) for item in value.values()))
        return set().union(*(named(item) for item in value)) if isinstance(value, list) else set()

    for o in manifests:
        if o["kind"] not in ("ConfigMap", "Secret"):
            assert {(o["metadata"].get("namespace"), name) for name in named(o)} <= accounts, label(o)


def test_my_app_pulls_with_the_secret_that_its_namespace_is_given() -> None:
    made = find("platform/secrets/workload", "ClusterExternalSecret")["spec"]["externalSecretSpec"]["target"]["name"]
    account = find("apps/my-app/base", "ServiceAccount")
    assert account["imagePullSecrets"] == [{"name": made}]


def test_alertmanager_reads_its_token_where_the_operator_mounts_it() -> None:
    """The operator mounts a Secret of Alertmanager.spec.secrets at /etc/alertmanager/secrets/<name>/<key>."""
    external = find("platform/secrets", "ExternalSecret", "pilothouse-alertmanager")
    (key,) = [item["secretKey"] for item in external["spec"]["data"]]
    configuration = yaml.safe_load((DEPLOY / "platform/monitoring/alertmanager.yaml").read_text())
    (hook,) = next(r for r in configuration["receivers"] if r["name"] == "pilothouse")["webhook_configs"]
    name = external["spec"]["target"]["name"]
    file = hook["http_config"]["authorization"]["credentials_file"]
    assert file == f"/etc/alertmanager/secrets/{name}/{key}"
    assert f"secrets: [{name}]" in (DEPLOY / "README.md").read_text()
