"""The Helm chart renders to the objects that `kubectl apply -k` applies, and refuses values that would not work."""

import shutil
import subprocess
import tomllib
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from bot.cli.init_answers import PlatformAnswers
from bot.cli.init_files import values_text
from tests.unit.deploy.manifests import DEPLOY, LOADER, REPOSITORY, Manifest, go_path, label, objects
from tests.unit.deploy.strict_schema import mistakes

BASE = DEPLOY / "bot" / "base"
CHART = DEPLOY / "bot" / "chart"
OWN_SETTINGS = {"POLICY_FILE", "SECRETS_DIR", "DATA_DIR", "PORT", "KUBERNETES__NAMESPACE"}
"""which the chart gives itself, and lets nobody change"""

OF_TODAY = ("--kube-version", "1.34.0")

Render = Callable[..., list[Manifest]]
Values = dict[str, Any]


@cache
def helm() -> str:
    if found := shutil.which("helm", path=go_path()):
        return found
    return pytest.skip("helm is not installed: go install helm.sh/helm/v3/cmd/helm@v3.18.6")


def settings() -> dict[str, str]:
    lines = (BASE / "settings.env").read_text().splitlines()
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs if name.removeprefix("PILOTHOUSE_") not in OWN_SETTINGS}


def example(overlay: str) -> Values:
    """The values that say what the overlay says."""
    values: Values = {
        "image": {"pullSecrets": ["pilothouse-registry"]},
        "settings": settings(),
        "externalSecrets": {"enabled": True, "registry": {"host": "harbor.example.com"}},
        "ingress": {"enabled": True, "annotations": {"cert-manager.io/cluster-issuer": "letsencrypt"}},
        "serviceMonitor": {"enabled": True},
    }
    return values | ({"database": "postgres", "replicas": 2} if overlay == "ha" else {})


@pytest.fixture
def run(tmp_path: Path) -> Callable[[Values], subprocess.CompletedProcess[str]]:
    def run(values: Values) -> subprocess.CompletedProcess[str]:
        file = tmp_path / "values.yaml"
        file.write_text(yaml.safe_dump(values))
        command = [
            helm(),
            "template",
            "pilothouse",
            str(CHART),
            "--namespace",
            "pilothouse",
            "--values",
            str(file),
            *OF_TODAY,
        ]
        policy = [] if "policy" in values else ["--set-file", f"policy={BASE / 'pilothouse.yaml'}"]
        return subprocess.run([*command, *policy], capture_output=True, text=True, timeout=60)

    return run


@pytest.fixture
def render(run: Callable[[Values], subprocess.CompletedProcess[str]]) -> Render:
    def render(values: Values) -> list[Manifest]:
        done = run(values)
        assert done.returncode == 0, done.stderr
        return [document for document in yaml.load_all(done.stdout, LOADER) if document]

    return render


def by_label(manifests: list[Manifest]) -> dict[str, Manifest]:
    return {label(manifest): manifest for manifest in manifests}


def applied(overlay: str) -> dict[str, Manifest]:
    """What `kubectl apply -k` applies; without the namespace, which Helm makes itself, and hashes in names."""
    found = [o for o in objects(f"bot/overlays/{overlay}") if o["kind"] != "Namespace"]
    text = yaml.safe_dump(found)
    for manifest in found:
        if manifest["kind"] == "ConfigMap":
            name = manifest["metadata"]["name"]
            text = text.replace(name, name.rpartition("-")[0])
    return by_label(yaml.safe_load(text))


def without_what_helm_adds(manifest: Manifest, applied: Manifest) -> Manifest:
    """Raises AssertionError when a label of the other is not there."""
    labels, asked = manifest["metadata"].get("labels", {}), applied["metadata"].get("labels", {})
    assert asked.items() <= labels.items(), label(manifest)
    metadata = {**manifest["metadata"], "labels": asked} if asked else manifest["metadata"]
    if manifest["kind"] == "StatefulSet":
        manifest["spec"]["template"]["metadata"].pop("annotations")
    return {**manifest, "metadata": metadata}


@pytest.mark.parametrize("overlay", ["single", "ha"])
def test_it_renders_to_what_kustomize_applies(render: Render, overlay: str) -> None:
    charted, wanted = by_label(render(example(overlay))), applied(overlay)
    assert charted.keys() == wanted.keys()
    for name, manifest in wanted.items():
        assert without_what_helm_adds(charted[name], manifest) == manifest, name


@pytest.mark.parametrize(
    "values",
    [
        {},
        {"database": "postgres", "replicas": 3, "name": "deploy-bot", "pipelineNamespace": "builds"},
        {"image": {"digest": f"sha256:{'a' * 64}"}, "nodeSelector": {"disk": "fast"}, "podAnnotations": {"a": "b"}},
        {"tolerations": [{"key": "only", "operator": "Exists"}], "storage": {"className": "fast"}},
        {"networkPolicy": {"extraEgress": [{"ports": [{"protocol": "TCP", "port": 8443}]}]}},
        {"ingress": {"enabled": True, "className": "nginx"}, "settings": {"PILOTHOUSE_SLACK__MODE": "http"}},
        {"networkPolicy": {"enabled": False}, "serviceMonitor": {"enabled": True}},
    ],
)
def test_whatever_is_set_every_object_is_valid(render: Render, values: Values) -> None:
    manifests = render(values)
    assert {label(o): found for o in manifests if (found := mistakes(o))} == {}


def test_a_changed_setting_or_policy_starts_the_replicas_anew(render: Render) -> None:
    def pods(values: Values) -> Manifest:
        [found] = [o for o in render(values) if o["kind"] == "StatefulSet"]
        template: Manifest = found["spec"]["template"]
        return template

    before = pods({})
    assert pods({"settings": {"PILOTHOUSE_LOG_LEVEL": "debug"}}) != before
    assert pods({"policy": "channels: {default: '#other'}\n"}) != before
    assert pods({"ingress": {"enabled": True}}) == before


def test_in_http_mode_slack_reaches_the_bot_and_nothing_else_is_public(render: Render) -> None:
    values = {"ingress": {"enabled": True}, "settings": {"PILOTHOUSE_SLACK__MODE": "http"}}
    [ingress] = [o for o in render(values) if o["kind"] == "Ingress"]
    assert [path["path"] for path in ingress["spec"]["rules"][0]["http"]["paths"]] == ["/webhooks", "/slack/events"]


@pytest.mark.parametrize(
    ("values", "said"),
    [
        ({"policy": ""}, "policy"),
        ({"replicas": 2}, "replicas"),
        ({"databse": "postgres"}, "databse"),
        ({"database": "mysql"}, "database"),
        ({"settings": {"PILOTHOUSE_SLACK__BOT_TOKEN": "xoxb-1"}}, "PILOTHOUSE_SLACK__BOT_TOKEN"),
        ({"settings": {"PILOTHOUSE_WEBHOOKS__GITHUB_SECRET": "x"}}, "PILOTHOUSE_WEBHOOKS__GITHUB_SECRET"),
        ({"settings": {"PILOTHOUSE_ARGOCD_INSTANCES": '{"eu": {"token": "x"}}'}}, "PILOTHOUSE_ARGOCD_INSTANCES"),
        ({"settings": {"PILOTHOUSE_GIT__URL": "https://git:x@git.example.com/overlays"}}, "PILOTHOUSE_GIT__URL"),
        ({"settings": {"PILOTHOUSE_PORT": "80"}}, "PILOTHOUSE_PORT"),
        ({"settings": {"LOG_LEVEL": "debug"}}, "LOG_LEVEL"),
        ({"settings": {"PILOTHOUSE_SHUTDOWN_SECONDS": 20}}, "PILOTHOUSE_SHUTDOWN_SECONDS"),
        ({"image": {"digest": "latest"}}, "digest"),
        ({"externalSecrets": {"enabled": True, "registry": {"host": "harbor.example.com"}}}, "image.pullSecrets"),
    ],
)
def test_values_that_would_not_work_are_refused_by_name(
    run: Callable[[Values], subprocess.CompletedProcess[str]], values: Values, said: str
) -> None:
    done = run(values)
    assert done.returncode != 0
    assert said in done.stderr


@pytest.mark.parametrize("overlays", ["shop/overlays", "https://git.example.com/overlays.git"])
def test_what_init_writes_for_helm_renders(
    run: Callable[[Values], subprocess.CompletedProcess[str]], overlays: str
) -> None:
    answers = PlatformAnswers(
        ("staging", "production"), ("@a",), ("@b",), ("@c",), "#deploys", "https://argocd.example.com", "apps",
        "https://harbor.example.com:8443", "shop/web", overlays, "builds",
    )  # fmt: skip
    done = run(yaml.safe_load(values_text(answers)))
    assert done.returncode == 0, done.stderr
    assert "harbor.example.com:8443/platform/pilothouse" in done.stdout
    assert overlays in done.stdout


def test_helm_finds_no_fault_with_it() -> None:
    policy = f"policy={BASE / 'pilothouse.yaml'}"
    command = [helm(), "lint", "--strict", str(CHART), "--set-file", policy, *OF_TODAY]
    done = subprocess.run(command, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stdout


def test_chart_overlays_and_packages_are_of_one_version() -> None:
    versions = [
        tomllib.loads((REPOSITORY / folder / "pyproject.toml").read_text())["project"]["version"]
        for folder in (".", "integrations/sandbox")
    ]
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text())
    tags = [
        image["newTag"]
        for overlay in ("single", "ha")
        for image in yaml.safe_load((DEPLOY / f"bot/overlays/{overlay}/kustomization.yaml").read_text())["images"]
    ]
    assert {*versions, chart["version"], chart["appVersion"], *tags} == {versions[0]}
