"""The alerts, run by Prometheus' own promtool on series named as the controllers export them."""

import json
import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.metrics import MetricWrapperBase

from bot.runtime import metrics
from tests.unit.deploy.manifests import DEPLOY, find, objects

MONITORING = "platform/monitoring"
GONE = re.compile(r"tekton_pipelines_controller_(\w+_count\b(?<!seconds_count)|workqueue_|client_)")


@pytest.fixture
def promtool() -> str:
    found = shutil.which("promtool")
    return found or pytest.skip("promtool is not installed: apt-get install prometheus")


@pytest.fixture
def rules(tmp_path: Path) -> Path:
    """The rule as a file in Prometheus' own format, which is the object's spec."""
    file = tmp_path / "rules.yaml"
    file.write_text(yaml.safe_dump(find(MONITORING, "PrometheusRule")["spec"]))
    return file


def rule_list() -> list[dict[str, Any]]:
    return [rule for group in find(MONITORING, "PrometheusRule")["spec"]["groups"] for rule in group["rules"]]


def alerts() -> list[dict[str, Any]]:
    return [rule for rule in rule_list() if "alert" in rule]


def run(*command: str, cwd: Path) -> None:
    done = subprocess.run(command, cwd=cwd, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout + done.stderr


def test_the_rules_are_accepted(promtool: str, rules: Path) -> None:
    """P1: the definition does not look into PromQL, so a bad rule would be left out in silence."""
    run(promtool, "check", "rules", "--lint=all", "--lint-fatal", rules.name, cwd=rules.parent)


def test_each_alert_fires_exactly_when_it_should(promtool: str, rules: Path) -> None:
    """T17, T18, A27."""
    shutil.copy(Path(__file__).parent / "alerts" / "delivery.yaml", rules.parent)
    run(promtool, "test", "rules", "delivery.yaml", cwd=rules.parent)


def test_each_alert_is_in_promtools_tests_both_firing_and_not() -> None:
    document = yaml.safe_load((Path(__file__).parent / "alerts" / "delivery.yaml").read_text())
    cases = [case for test in document["tests"] for case in test["alert_rule_test"]]
    for alert in alerts():
        expected = [bool(case["exp_alerts"]) for case in cases if case["alertname"] == alert["alert"]]
        assert {True, False} <= set(expected), alert["alert"]


def test_the_document_for_operators_lists_every_alert_and_no_other() -> None:
    page = (DEPLOY.parent / "docs" / "operations.md").read_text().partition("| alert | says |")[2].partition("\n\n")[0]
    listed = re.findall(r"`(\w+)`", page)
    assert sorted(listed) == sorted(alert["alert"] for alert in alerts())


def test_every_alert_has_a_severity_a_route_and_a_runbook_that_is_there() -> None:
    headings = re.findall(r"^## (\w+)$", (DEPLOY / MONITORING / "runbooks.md").read_text(), re.MULTILINE)
    assert {alert["alert"] for alert in alerts()} == set(headings)
    for alert in alerts():
        assert alert["labels"]["severity"] in ("warning", "critical")
        assert alert["labels"]["part_of"] == "pilothouse-platform"
        assert {"summary", "description"} <= alert["annotations"].keys()
        page, _, anchor = alert["annotations"]["runbook_url"].partition("#")
        assert page.endswith(f"deploy/{MONITORING}/runbooks.md")
        assert anchor == alert["alert"].lower()


def test_every_alert_has_an_environment_for_the_bot() -> None:
    for alert in alerts():
        assert "environment" in alert["labels"] or '"environment"' in alert["expr"], alert["alert"]


def test_labels_are_honoured_wherever_a_metric_has_a_namespace_of_its_own() -> None:
    """P5: without it, namespace becomes exported_namespace and the rules select nothing."""
    monitors = [o for o in objects(MONITORING) if o["kind"] == "ServiceMonitor"]
    assert {m["metadata"]["name"] for m in monitors} >= {"tekton-pipelines-controller", "argocd", "harbor"}
    for monitor in monitors:
        for endpoint in monitor["spec"]["endpoints"]:
            assert endpoint["honorLabels"] is True
            assert endpoint["interval"] == "30s"
    assert "exported_" not in str(rule_list())


def dashboard() -> dict[str, Any]:
    data = find(MONITORING, "ConfigMap", "grafana-dashboard-delivery")["data"]
    document: dict[str, Any] = json.loads(data["dashboard-delivery.json"])
    return document


def test_no_rule_and_no_panel_uses_a_name_that_is_gone() -> None:
    """T18."""
    expressions = [rule["expr"] for rule in rule_list()]
    expressions += [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    assert len(expressions) > 15
    for expression in expressions:
        assert not GONE.search(expression), expression


@pytest.mark.parametrize(
    ("panel", "metric", "labels"),
    [
        ("externalsecret_", "externalsecret_status_condition", {"name", "namespace", "condition", "status"}),
        ("eventlistener_", "eventlistener_event_received_total", {"status"}),
    ],
)
def test_panels_of_secrets_and_listeners_ask_for_what_is_exported(panel: str, metric: str, labels: set[str]) -> None:
    """E2, E6, R7: the names that the documents of Triggers give are stale, and a wrong one is an empty panel."""
    expressions = [target["expr"] for panel_ in dashboard()["panels"] for target in panel_["targets"]]
    (expression,) = [e for e in expressions if panel in e]
    assert re.findall(rf"{panel}\w+", expression) == [metric]
    asked = {name for group in re.findall(r"by \(([^)]*)\)", expression) for name in group.split(", ")}
    asked |= set(re.findall(r"(\w+)=", expression))
    assert asked
    assert asked <= labels
    if "condition" in asked:
        assert 'condition="Ready"' in expression


def test_what_is_asked_of_the_bot_is_what_it_exports() -> None:
    expressions = [rule["expr"] for rule in rule_list()]
    expressions += [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    exported = {
        f"{metric.name}{ending}": set(collector._labelnames)
        for collector in vars(metrics).values()
        if isinstance(collector, MetricWrapperBase)
        for metric in collector.describe()
        for ending in ("", "_total", "_bucket")
    }
    asked = [found for text in expressions for found in re.findall(r"(pilothouse_\w+)(?:\{([^}]*)\})?", text)]
    assert {name for name, _ in asked} <= exported.keys()
    assert {"pilothouse_lead_time_seconds_bucket", "pilothouse_deployments_total"} <= {name for name, _ in asked}
    for name, selectors in asked:
        assert set(re.findall(r"(\w+)[=!]", selectors)) <= exported[name], name
    for text in expressions:
        for name in re.findall(r"pilothouse_\w+", text):
            grouped = {label for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(", ")}
            assert grouped - {"le"} <= exported[name], text


def test_every_expression_of_the_dashboard_is_promql(promtool: str, tmp_path: Path) -> None:
    targets = [target["expr"] for panel in dashboard()["panels"] for target in panel["targets"]]
    groups = [{"name": "dashboard", "rules": [{"record": f"panel:{i}", "expr": e} for i, e in enumerate(targets)]}]
    (tmp_path / "panels.yaml").write_text(yaml.safe_dump({"groups": groups}))
    run(promtool, "check", "rules", "--lint=none", "panels.yaml", cwd=tmp_path)


def test_the_dashboards_panels_do_not_overlap() -> None:
    taken: set[tuple[int, int]] = set()
    for panel in dashboard()["panels"]:
        at = panel["gridPos"]
        cells = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & taken, panel["title"]
        assert at["x"] + at["w"] <= 24
        taken |= cells


def test_what_kube_state_metrics_reads_is_what_the_alert_asks_for() -> None:
    data = find(MONITORING, "ConfigMap", "kube-state-metrics-custom-resources")["data"]["config.yaml"]
    resource = yaml.safe_load(data)["spec"]["resources"][0]
    exported = {f"{resource['metricNamePrefix']}_{metric['name']}" for metric in resource["metrics"]}
    rule = next(alert for alert in alerts() if alert["alert"] == "PipelineRunTooLong")
    assert set(re.findall(r"tekton_pipelinerun_\w+", rule["expr"])) == exported
    assert {"namespace", "name", "app", "pipeline"} == resource["labelsFromPath"].keys()
    run_labels = find("platform/tekton", "TriggerTemplate")["spec"]["resourcetemplates"][0]["metadata"]["labels"]
    assert resource["labelsFromPath"]["app"][-1] in run_labels
