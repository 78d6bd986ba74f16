"""The bot of deploy/bot starts with the settings, secrets and policy that its manifests give it."""

from pathlib import Path

import pytest

from bot.policy.file import parse
from bot.settings import Settings
from tests.unit.deploy.manifests import DEPLOY, find, objects


def environment(overlay: str) -> dict[str, str]:
    """What the container's environment will be."""
    container = find(f"bot/overlays/{overlay}", "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    source = container["envFrom"][0]["configMapRef"]["name"]
    values: dict[str, str] = dict(find(f"bot/overlays/{overlay}", "ConfigMap", source)["data"])
    for variable in container["env"]:
        if "valueFrom" in variable:
            assert variable["valueFrom"] == {"fieldRef": {"fieldPath": "metadata.name"}}
            values[variable["name"]] = "pilothouse-0"
        else:
            values[variable["name"]] = variable["value"]
    return values


@pytest.fixture(params=["single", "ha"])
def settings(request: pytest.FixtureRequest, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[str, Settings]:
    overlay: str = request.param
    secret = find(f"bot/overlays/{overlay}", "ExternalSecret", "pilothouse")["spec"]["data"]
    # As kubelet mounts a Secret: links into a hidden directory that is exchanged as a whole.
    hidden = tmp_path / "..2026_11_23_12_00_00.123456789"
    hidden.mkdir()
    (tmp_path / "..data").symlink_to(hidden)
    for item in secret:
        (hidden / item["secretKey"]).write_text(f"secret of {item['secretKey']}\n")
        (tmp_path / item["secretKey"]).symlink_to(Path("..data") / item["secretKey"])
    for name, value in environment(overlay).items():
        monkeypatch.setenv(name, value)
    assert environment(overlay)["PILOTHOUSE_SECRETS_DIR"] == "/run/secrets/pilothouse"
    monkeypatch.setenv("PILOTHOUSE_SECRETS_DIR", str(tmp_path))
    return overlay, Settings()


def test_every_variable_is_a_setting(settings: tuple[str, Settings]) -> None:
    overlay, loaded = settings
    known = Settings.model_fields
    for name in environment(overlay):
        if name == "PILOTHOUSE_SECRETS_DIR":
            continue
        group, _, field = name.removeprefix("PILOTHOUSE_").lower().partition("__")
        assert group in known, name
        if field:
            assert field in type(getattr(loaded, group)).model_fields, name


@pytest.mark.parametrize("overlay", ["single", "ha"])
def test_no_service_of_the_namespace_becomes_a_setting(overlay: str) -> None:
    """For a Service `pilothouse` Kubernetes sets PILOTHOUSE_PORT=tcp://…, if it is let."""
    assert find(f"bot/overlays/{overlay}", "StatefulSet")["spec"]["template"]["spec"]["enableServiceLinks"] is False


def test_every_secret_is_read_from_its_file(settings: tuple[str, Settings]) -> None:
    overlay, loaded = settings
    for item in find(f"bot/overlays/{overlay}", "ExternalSecret", "pilothouse")["spec"]["data"]:
        group, _, name = item["secretKey"].partition("__")
        if name:
            assert getattr(loaded, group).credential(name)() == f"secret of {item['secretKey']}"


def test_one_replica_keeps_its_database_on_the_volume_and_several_share_one(settings: tuple[str, Settings]) -> None:
    overlay, loaded = settings
    spec = find(f"bot/overlays/{overlay}", "StatefulSet")["spec"]
    mounts = {m["mountPath"] for m in spec["template"]["spec"]["containers"][0]["volumeMounts"]}
    if overlay == "single":
        assert spec["replicas"] == 1
        assert loaded.database_url == "sqlite:////var/lib/pilothouse/pilothouse.db"
        assert "/var/lib/pilothouse" in mounts
    else:
        assert spec["replicas"] > 1
        assert loaded.database_url == "secret of database_url"
        assert "volumeClaimTemplates" not in spec


MUTABLE = {
    "replicas",
    "ordinals",
    "template",
    "updateStrategy",
    "persistentVolumeClaimRetentionPolicy",
    "minReadySeconds",
}
"""of a StatefulSet's spec; an API server refuses changes of any other field"""


def test_the_readme_says_how_to_come_from_one_replica_to_several() -> None:
    """The claim template alone stands in the way, and only a deletion takes it out."""
    one, several = (find(f"bot/overlays/{overlay}", "StatefulSet")["spec"] for overlay in ("single", "ha"))
    fixed = {field for field in {*one, *several} - MUTABLE if one.get(field) != several.get(field)}
    assert fixed == {"volumeClaimTemplates"}
    steps = (DEPLOY / "README.md").read_text().partition("From `single` to `ha`")[2].partition("\nThen:")[0]
    scale, delete, apply = [line.partition("#")[0].strip() for line in steps.split("```")[1].splitlines()[1:]]
    assert scale == "kubectl -n pilothouse scale statefulset pilothouse --replicas=0"
    assert delete == "kubectl -n pilothouse delete statefulset pilothouse"
    assert apply == "kubectl apply -k bot/overlays/ha"
    claim = one["volumeClaimTemplates"][0]["metadata"]["name"]
    name = find("bot/overlays/single", "StatefulSet")["metadata"]["name"]
    assert f"`kubectl -n pilothouse delete pvc {claim}-{name}-0`" in steps


def test_everything_that_is_written_has_a_volume(settings: tuple[str, Settings]) -> None:
    """The root file system is read-only."""
    overlay, loaded = settings
    container = find(f"bot/overlays/{overlay}", "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    writable = {m["mountPath"] for m in container["volumeMounts"] if not m.get("readOnly")}
    assert str(loaded.data_dir) in writable
    assert {"/tmp"} <= writable
    assert str(loaded.policy_file.parent) in {m["mountPath"] for m in container["volumeMounts"]}


def test_the_port_is_the_containers(settings: tuple[str, Settings]) -> None:
    overlay, loaded = settings
    container = find(f"bot/overlays/{overlay}", "StatefulSet")["spec"]["template"]["spec"]["containers"][0]
    assert {p["containerPort"] for p in container["ports"]} == {loaded.port}


def test_handlers_end_before_the_pod_is_killed(settings: tuple[str, Settings]) -> None:
    overlay, loaded = settings
    pod = find(f"bot/overlays/{overlay}", "StatefulSet")["spec"]["template"]["spec"]
    assert pod["terminationGracePeriodSeconds"] > loaded.shutdown_seconds + 10


def test_the_settings_are_the_platforms(settings: tuple[str, Settings]) -> None:
    _, loaded = settings
    assert loaded.argocd.project == find("platform/argocd", "AppProject")["metadata"]["name"]
    assert loaded.kubernetes.namespace == find("platform/tekton", "Namespace")["metadata"]["name"]
    assert find("platform/tekton", "ServiceAccount", loaded.kubernetes.service_account)
    repository = find("platform/argocd", "ApplicationSet")["spec"]["template"]["spec"]["source"]["repoURL"]
    assert repository == f"https://github.com/{loaded.github.repository}.git"


def test_the_policy_is_accepted() -> None:
    policy = parse((DEPLOY / "bot/base/pilothouse.yaml").read_text())
    assert [e.name for e in policy.environments] == ["development", "staging", "production"]
    assert policy.rules("my-app", "production").approval().count == 1
    pipeline = find("platform/tekton", "Pipeline", policy.pipeline.name)["spec"]
    assert policy.pipeline.params.keys() <= {p["name"] for p in pipeline["params"]}
    template = find("platform/tekton", "TriggerTemplate")["spec"]["resourcetemplates"][0]["spec"]["params"]
    image = next(p["value"] for p in template if p["name"] == "image")
    assert policy.pipeline.params["image"].format(app="my-app") == image.replace("$(tt.params.app)", "my-app")


def test_the_bots_metrics_are_scraped_where_they_are() -> None:
    (endpoint,) = find("bot/base", "ServiceMonitor")["spec"]["endpoints"]
    assert endpoint["path"] == "/metrics"


def test_a_change_of_settings_rolls_the_pods() -> None:
    """Names with a hash: a ConfigMap of the same name would change under pods that read it once."""
    names = [o["metadata"]["name"] for o in objects("bot/overlays/single") if o["kind"] == "ConfigMap"]
    assert len(names) == 2
    assert all(name.rpartition("-")[2] not in ("pilothouse", "policy") for name in names)


def test_a_node_with_the_bot_can_be_drained() -> None:
    for overlay in ("single", "ha"):
        assert find(f"bot/overlays/{overlay}", "PodDisruptionBudget")["spec"]["maxUnavailable"] == 1


@pytest.mark.parametrize(("overlay", "database"), [("single", set()), ("ha", {5432})])
def test_the_bot_may_connect_to_every_kind_of_upstream(overlay: str, database: set[int]) -> None:
    """HTTPS, the Kubernetes API, git over SSH, and Postgres where it is used; the other ports only in one namespace."""
    rules = find(f"bot/overlays/{overlay}", "NetworkPolicy", "pilothouse")["spec"]["egress"]
    assert {port["port"] for rule in rules if "to" not in rule for port in rule["ports"]} == {22, 443, 6443} | database
