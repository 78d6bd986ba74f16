"""What one object says of another: the other is there, and fits."""

import os
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from bot.webhooks.pipeline_hold import PATH
from tests.unit.deploy.manifests import (
    DEPLOY,
    Manifest,
    find,
    kustomizations,
    label,
    management_cluster,
    objects,
    pod_templates,
)

Key = tuple[str, str, str]


def by_key(manifests: list[Manifest]) -> dict[Key, Manifest]:
    return {(o["kind"], o["metadata"].get("namespace", ""), o["metadata"].get("name", "")): o for o in manifests}


def secrets(manifests: list[Manifest]) -> dict[tuple[str, str], set[str]]:
    """(namespace, name) → keys of each Secret that an ExternalSecret or a generator makes."""
    found: dict[tuple[str, str], set[str]] = {}
    for o in manifests:
        namespace = o["metadata"].get("namespace", "")
        if o["kind"] == "ExternalSecret":
            target = o["spec"]["target"]
            template = target.get("template", {}).get("data")
            keys = set(template) if template else {item["secretKey"] for item in o["spec"]["data"]}
            found[(namespace, target["name"])] = keys
        if o["kind"] == "Secret":
            found[(namespace, o["metadata"]["name"])] = {*o.get("data", {}), *o.get("stringData", {})}
    return found


# Pipeline and Tasks


@pytest.fixture
def tasks() -> dict[str, Manifest]:
    return {o["metadata"]["name"]: o for o in objects("platform/tekton") if o["kind"] == "Task"}


@pytest.fixture
def pipeline() -> dict[str, Any]:
    spec: dict[str, Any] = find("platform/tekton", "Pipeline", "ci-pipeline")["spec"]
    return spec


def names(items: list[dict[str, Any]]) -> set[str]:
    return {item["name"] for item in items}


def required(params: list[dict[str, Any]]) -> set[str]:
    return {p["name"] for p in params if "default" not in p}


def test_the_pipeline_has_the_agreed_parameters_workspace_tasks_and_results(pipeline: dict[str, Any]) -> None:
    assert required(pipeline["params"]) == {"repo-url", "image"}
    assert {p["name"]: p.get("default") for p in pipeline["params"]}["revision"] == "main"
    assert names(pipeline["workspaces"]) == {"shared-workspace"}
    assert [t["name"] for t in pipeline["tasks"]][:3] == ["fetch-source", "run-tests", "build-push"]
    assert [t["name"] for t in pipeline["tasks"]][-1] == "update-manifest"
    assert names(pipeline["results"]) == {"image", "digest", "commit", "held"}


def test_the_build_task_has_the_agreed_parameters(tasks: dict[str, Manifest]) -> None:
    spec = tasks["build-and-push"]["spec"]
    params = {p["name"]: p.get("default") for p in spec["params"]}
    assert required(spec["params"]) == {"image"}
    assert params["dockerfile"] == "Dockerfile"
    assert params["cache-ttl"] == "24h"
    assert names(spec["workspaces"]) == {"source"}


def test_each_pipeline_task_gives_its_task_what_it_needs_and_nothing_it_does_not_know(
    pipeline: dict[str, Any], tasks: dict[str, Manifest]
) -> None:
    for step in pipeline["tasks"]:
        task = tasks[step["taskRef"]["name"]]["spec"]
        given = names(step["params"])
        assert given <= names(task["params"]), step["name"]
        assert required(task["params"]) <= given, step["name"]
        wanted = {w["name"] for w in task.get("workspaces", []) if not w.get("optional")}
        bound = step.get("workspaces", [])
        assert wanted == names(bound), step["name"]
        assert {w["workspace"] for w in bound} <= names(pipeline["workspaces"]), step["name"]


def test_every_task_is_used(pipeline: dict[str, Any], tasks: dict[str, Manifest]) -> None:
    assert {t["taskRef"]["name"] for t in pipeline["tasks"]} == set(tasks)


VARIABLE = re.compile(r"\$\(([a-z][^()$]*)\)")


def variables(value: Any) -> Iterator[str]:
    if isinstance(value, str):
        yield from VARIABLE.findall(value)
    elif isinstance(value, dict):
        for item in value.values():
            yield from variables(item)
    elif isinstance(value, list):
        for item in value:
            yield from variables(item)


def test_every_variable_of_the_pipeline_resolves(pipeline: dict[str, Any], tasks: dict[str, Manifest]) -> None:
    task_of = {t["name"]: tasks[t["taskRef"]["name"]]["spec"] for t in pipeline["tasks"]}
    used = set()
    for variable in variables({"tasks": pipeline["tasks"], "results": pipeline["results"]}):
        match variable.removesuffix("[*]").split("."):
            case ["params", name]:
                assert name in names(pipeline["params"]), variable
                used.add(name)
            case ["tasks", task, "results", result]:
                assert result in names(task_of[task]["results"]), variable
            case ["context", "pipelineRun", "name"]:
                pass
            case _:
                pytest.fail(f"the pipeline does not know $({variable})")
    assert used == names(pipeline["params"]), "a parameter that nothing reads"


def script_words(spec: dict[str, Any]) -> set[str]:
    """Commands without arguments that scripts substitute, such as $(mktemp)."""
    return {word for step in spec["steps"] for word in re.findall(r"\$\((\w+)\)", step.get("script", ""))}


def test_every_variable_of_a_task_resolves(tasks: dict[str, Manifest]) -> None:
    for name, task in tasks.items():
        spec = task["spec"]
        used = set()
        for variable in variables([spec["steps"], spec.get("stepTemplate", {})]):
            match variable.removesuffix("[*]").split("."):
                case ["params", param]:
                    assert param in names(spec["params"]), f"{name}: {variable}"
                    used.add(param)
                case ["workspaces", workspace, "path"]:
                    assert workspace in names(spec["workspaces"]), f"{name}: {variable}"
                case ["results", result, "path"]:
                    assert result in names(spec["results"]), f"{name}: {variable}"
                case [word] if word in script_words(spec):
                    pass
                case _ if " " in variable:
                    pass  # the shell's own $(command …)
                case _:
                    pytest.fail(f"{name} does not know $({variable})")
        assert used == names(spec["params"]), f"{name} has a parameter that nothing reads"


def test_every_result_of_a_task_is_written(tasks: dict[str, Manifest]) -> None:
    for name, task in tasks.items():
        written = {v.split(".")[1] for v in variables(task["spec"]["steps"]) if v.startswith("results.")}
        assert written == names(task["spec"].get("results", [])), name


def test_parameters_reach_scripts_as_environment_variables_only(tasks: dict[str, Manifest]) -> None:
    """A value pasted into a script is code."""
    for name, task in tasks.items():
        for step in task["spec"]["steps"]:
            tekton = [v for v in variables(step.get("script", "")) if v.split(".")[0] in ("params", "workspaces")]
            assert not tekton, f"{name}/{step['name']}: {tekton}"


def test_tasks_run_in_an_order_that_has_no_gap(pipeline: dict[str, Any]) -> None:
    """The manifest is written after the signature, and nothing is built that was not tested."""
    after: dict[str, set[str]] = {}
    for step in pipeline["tasks"]:
        direct = {v.split(".")[1] for v in variables(step["params"]) if v.startswith("tasks.")} | {
            *step.get("runAfter", [])
        }
        after[step["name"]] = direct.union(*(after[d] for d in direct))
    assert "run-tests" in after["build-push"]
    assert {"fetch-source", "run-tests", "build-push", "sign-image"} == after["update-manifest"]


def test_the_tasks_timeouts_fit_into_the_runs(pipeline: dict[str, Any]) -> None:
    run = find("platform/tekton", "TriggerTemplate")["spec"]["resourcetemplates"][0]["spec"]
    assert run["timeouts"]["pipeline"] == "1h0m0s"
    for step in pipeline["tasks"]:
        assert re.fullmatch(r"\d+m", step["timeout"]), step["name"]
        assert int(step["timeout"][:-1]) * (1 + step.get("retries", 0)) < 60


# Secrets, volumes, service accounts


def test_every_secret_that_a_task_mounts_is_made_with_the_keys_it_reads(tasks: dict[str, Manifest]) -> None:
    made = secrets(objects("platform/secrets"))
    seen = set()
    for name, task in tasks.items():
        for volume in task["spec"].get("volumes", []):
            if "secret" not in volume:
                continue
            secret = ("ci", volume["secret"]["secretName"])
            seen.add(secret)
            assert secret in made, f"{name}: {secret}"
            assert {item["key"] for item in volume["secret"].get("items", [])} <= made[secret], name
        for step in task["spec"]["steps"]:
            for variable in step.get("env", []):
                if reference := variable.get("valueFrom", {}).get("secretKeyRef"):
                    assert reference["key"] in made[("ci", reference["name"])], name
    listener = find("platform/tekton", "EventListener")["spec"]["triggers"][0]["interceptors"][0]["params"][0]["value"]
    assert listener["secretKey"] in made[("ci", listener["secretName"])]
    seen.add(("ci", listener["secretName"]))
    assert seen == {key for key in made if key[0] == "ci"}, "a secret that nobody reads"


def test_credentials_are_basic_auth_where_a_script_reads_user_and_password(tasks: dict[str, Manifest]) -> None:
    made = secrets(objects("platform/secrets"))
    for secret in ("source-credentials", "manifest-credentials"):
        assert made[("ci", secret)] == {"username", "password", "server"}


@pytest.mark.parametrize("name", ["git-clone", "update-manifest"])
def test_credentials_are_told_to_one_server_alone(name: str, tasks: dict[str, Manifest], tmp_path: Path) -> None:
    """Whatever URL a run names, and whatever a submodule of the repository points to."""
    script = "\n".join(step["script"] for step in tasks[name]["spec"]["steps"])
    (line,) = re.findall(r"git config --global \"credential\..*\n.*", script)
    for key, value in {"username": "ci", "password": "token", "server": "https://github.com"}.items():
        (tmp_path / key).write_text(value)
    environment = {**os.environ, "HOME": str(tmp_path), "CREDENTIALS": str(tmp_path), "GIT_TERMINAL_PROMPT": "0"}

    def told(host: str) -> str:
        question = f"protocol=https\\nhost={host}\\n\\n"
        asked = f"{line.replace('/var/run/git', str(tmp_path))}\nprintf '{question}' | git credential fill"
        return subprocess.run(["/bin/sh", "-c", asked], env=environment, capture_output=True, text=True).stdout

    assert "password=token" in told("github.com")
    assert "token" not in told("evil.example.com")


def test_whoever_starts_a_run_cannot_leave_out_the_question_whether_its_overlay_is_held(
    pipeline: dict[str, Any],
) -> None:
    """Where it is asked, and what happens without an answer, is said by the Pipeline and by no parameter of a run."""
    (step,) = [task for task in pipeline["tasks"] if task["name"] == "update-manifest"]
    given = {param["name"]: param["value"] for param in step["params"]}
    assert "without-answer" not in given
    service = find("bot/overlays/single", "Service", "pilothouse")
    port = service["spec"]["ports"][0]["port"]
    assert given["hold-url"] == f"http://pilothouse.{service['metadata']['namespace']}.svc:{port}{PATH}"


def test_only_the_task_that_asks_knows_the_token_and_reaches_the_bot(tasks: dict[str, Manifest]) -> None:
    def source(directory: str, name: str, key: str) -> dict[str, str]:
        data = find(directory, "ExternalSecret", name)["spec"]["data"]
        reference: dict[str, str] = next(item["remoteRef"] for item in data if item["secretKey"] == key)
        return reference

    asking = {name for name, task in tasks.items() if "pilothouse-hold" in str(task["spec"].get("volumes", []))}
    assert asking == {"update-manifest"}
    ours = source("platform/secrets", "pilothouse-hold", "token")
    assert ours == source("platform/secrets", "pilothouse", "webhooks__pipeline_token")
    peers = find("bot/overlays/single", "NetworkPolicy", "pilothouse")["spec"]["ingress"][0]["from"]
    from_ci = [p for p in peers if p["namespaceSelector"]["matchLabels"].get("kubernetes.io/metadata.name") == "ci"]
    assert [peer["podSelector"]["matchLabels"] for peer in from_ci] == [{"tekton.dev/task": "update-manifest"}]


def test_the_step_that_runs_the_repositorys_code_sees_no_secret(tasks: dict[str, Manifest]) -> None:
    spec = tasks["run-tests"]["spec"]
    assert not spec.get("volumes")
    assert "secret" not in str(spec["steps"]).lower()


def test_every_volume_mount_has_its_volume(tasks: dict[str, Manifest]) -> None:
    specs = [(name, t["spec"], t["spec"]["steps"]) for name, t in tasks.items()]
    specs += [
        (where, pod, pod["containers"])
        for directory in kustomizations()
        for where, pod in pod_templates([o for o in objects(directory) if o["kind"] != "StatefulSet"])
    ]
    for where, spec, containers in specs:
        volumes = names(spec.get("volumes", []))
        mounted = {m["name"] for c in [*containers, spec.get("stepTemplate", {})] for m in c.get("volumeMounts", [])}
        assert mounted == volumes, where


@pytest.mark.parametrize("overlay", ["single", "ha"])
def test_the_bots_volumes_settings_and_secrets_are_there(overlay: str) -> None:
    manifests = objects(f"bot/overlays/{overlay}")
    keys = by_key(manifests)
    spec = find(f"bot/overlays/{overlay}", "StatefulSet")["spec"]
    pod = spec["template"]["spec"]
    container = pod["containers"][0]
    volumes = names(pod["volumes"]) | {c["metadata"]["name"] for c in spec.get("volumeClaimTemplates", [])}
    assert names(container["volumeMounts"]) == volumes
    for volume in pod["volumes"]:
        if "configMap" in volume:
            assert ("ConfigMap", "pilothouse", volume["configMap"]["name"]) in keys
        if "secret" in volume:
            assert ("pilothouse", volume["secret"]["secretName"]) in secrets(manifests)
    for source in container["envFrom"]:
        assert ("ConfigMap", "pilothouse", source["configMapRef"]["name"]) in keys
    for pull in pod["imagePullSecrets"]:
        assert ("pilothouse", pull["name"]) in secrets(manifests)
    assert ("ServiceAccount", "pilothouse", pod["serviceAccountName"]) in keys
    assert ("Service", "pilothouse", spec["serviceName"]) in keys


def test_every_secret_comes_from_a_store_that_serves_its_namespace() -> None:
    """A label of the namespace opens the store; without it the ExternalSecret never becomes ready."""
    manifests = management_cluster()
    stores = {o["metadata"]["name"]: o for o in manifests if o["kind"] == "ClusterSecretStore"}
    namespaces = {o["metadata"]["name"]: o["metadata"]["labels"] for o in manifests if o["kind"] == "Namespace"}
    for external in (o for o in manifests if o["kind"] == "ExternalSecret"):
        store = stores[external["spec"]["secretStoreRef"]["name"]]
        selector = store["spec"]["conditions"][0]["namespaceSelector"]["matchLabels"]
        namespace = external["metadata"]["namespace"]
        if namespace in namespaces:
            assert selector.items() <= namespaces[namespace].items(), label(external)
        else:
            assert f"kubectl label namespace {namespace}" in (DEPLOY / "README.md").read_text(), label(external)


def test_secrets_are_refreshed_hourly_and_keep_their_last_data() -> None:
    """E3, E5: neither an interval of 0 nor CreatedOnce would ever refresh; Retain survives an outage of the store."""
    specs = [
        (label(o), o["spec"] if o["kind"] == "ExternalSecret" else o["spec"]["externalSecretSpec"])
        for o in [*objects("platform/secrets"), *objects("platform/secrets/workload"), *objects("bot/base")]
        if o["kind"] in ("ExternalSecret", "ClusterExternalSecret")
    ]
    assert specs
    for name, spec in specs:
        assert spec["refreshInterval"] == "1h", name
        assert spec.get("refreshPolicy", "Periodic") == "Periodic", name
        assert (spec["target"]["creationPolicy"], spec["target"]["deletionPolicy"]) == ("Owner", "Retain"), name


def test_alertmanager_and_the_bot_read_the_same_token() -> None:
    def source(directory: str, name: str, key: str) -> dict[str, str]:
        data = find(directory, "ExternalSecret", name)["spec"]["data"]
        reference: dict[str, str] = next(item["remoteRef"] for item in data if item["secretKey"] == key)
        return reference

    assert source("platform/secrets", "pilothouse-alertmanager", "token") == source(
        "platform/secrets", "pilothouse", "webhooks__alertmanager_token"
    )


def test_the_policys_key_is_the_public_half_of_the_pipelines() -> None:
    """By the name of its file; that both entries of Vault hold the same key is for people to see to."""
    public = find("platform/secrets/workload", "ExternalSecret", "cosign-public-key")
    named = find("platform/policy", "ClusterImagePolicy")["spec"]["authorities"][0]["key"]["secretRef"]["name"]
    assert public["spec"]["target"]["name"] == named
    assert public["metadata"]["namespace"] == "cosign-system"
    pairs = find("platform/secrets", "ExternalSecret", "cosign-key")["spec"]["data"]
    assert public["spec"]["data"][0]["remoteRef"]["property"] in [pair["remoteRef"]["property"] for pair in pairs]


def test_a_workload_cluster_cannot_reach_the_secrets_of_the_management_cluster() -> None:
    """The private signing key above all: a lost development cluster must not sign for production."""
    (store,) = [o for o in objects("platform/secrets/workload") if o["kind"] == "ClusterSecretStore"]
    workload = store["spec"]["provider"]["vault"]
    management = find("platform/secrets", "ClusterSecretStore")["spec"]["provider"]["vault"]
    assert workload["path"] != management["path"]
    assert workload["auth"]["kubernetes"]["role"] != management["auth"]["kubernetes"]["role"]
    assert f"`{workload['path']}`: `" in (DEPLOY / "README.md").read_text()


def test_every_workload_secret_comes_from_a_store_that_serves_its_namespace() -> None:
    manifests = objects("platform/secrets/workload")
    (store,) = [o for o in manifests if o["kind"] == "ClusterSecretStore"]
    named = {n for condition in store["spec"]["conditions"] for n in condition.get("namespaces", [])}
    labels = [c["namespaceSelector"]["matchLabels"] for c in store["spec"]["conditions"] if "namespaceSelector" in c]
    public = find("platform/secrets/workload", "ExternalSecret", "cosign-public-key")
    pull = find("platform/secrets/workload", "ClusterExternalSecret", "registry-pull")["spec"]
    assert public["metadata"]["namespace"] in named
    assert [selector["matchLabels"] for selector in pull["namespaceSelectors"]] == labels
    for spec in (public["spec"], pull["externalSecretSpec"]):
        assert spec["secretStoreRef"] == {"kind": "ClusterSecretStore", "name": store["metadata"]["name"]}
    application = find("platform/argocd", "ApplicationSet")["spec"]["template"]["spec"]
    made = application["syncPolicy"]["managedNamespaceMetadata"]["labels"]
    assert labels[0].items() <= made.items()


def test_every_binding_of_an_admission_policy_has_its_policy() -> None:
    manifests = objects("platform/policy")
    policies = {o["metadata"]["name"] for o in manifests if o["kind"] == "ValidatingAdmissionPolicy"}
    bound = {o["spec"]["policyName"] for o in manifests if o["kind"] == "ValidatingAdmissionPolicyBinding"}
    assert policies == bound


# Services, ports, selectors


def test_every_selector_finds_its_pods_and_every_port_its_container_port() -> None:
    for directory in kustomizations():
        manifests = objects(directory)
        workloads = [o for o in manifests if o["kind"] in ("Deployment", "StatefulSet")]
        for o in manifests:
            if o["kind"] == "Service" and o["spec"].get("selector"):
                selector = o["spec"]["selector"]
            elif o["kind"] == "PodDisruptionBudget":
                selector = o["spec"]["selector"]["matchLabels"]
            else:
                continue
            chosen = [w for w in workloads if selector.items() <= w["spec"]["template"]["metadata"]["labels"].items()]
            assert chosen, label(o)
            ports = {p["name"] for c in chosen[0]["spec"]["template"]["spec"]["containers"] for p in c["ports"]}
            assert {p["targetPort"] for p in o["spec"].get("ports", [])} <= ports, label(o)
        for workload in workloads:
            chosen_labels = workload["spec"]["selector"]["matchLabels"]
            assert chosen_labels.items() <= workload["spec"]["template"]["metadata"]["labels"].items()
            for container in workload["spec"]["template"]["spec"]["containers"]:
                ports = names(container["ports"])
                probes = [container[p] for p in ("startupProbe", "readinessProbe", "livenessProbe")]
                assert {probe["httpGet"]["port"] for probe in probes} <= ports


def test_our_service_monitor_selects_our_service_by_a_port_it_names() -> None:
    """P4: by the labels of the Service, and by the name of its port."""
    manifests = objects("bot/overlays/single")
    monitor = find("bot/overlays/single", "ServiceMonitor")["spec"]
    services = [
        o
        for o in manifests
        if o["kind"] == "Service" and monitor["selector"]["matchLabels"].items() <= o["metadata"]["labels"].items()
    ]
    assert len(services) == 1
    assert {e["port"] for e in monitor["endpoints"]} <= names(services[0]["spec"]["ports"])


def test_monitors_and_rules_have_the_label_that_prometheus_is_told_to_select() -> None:
    """P3: what is not selected is accepted, and ignored in silence."""
    wanted = {"app.kubernetes.io/part-of": "pilothouse-platform"}
    seen = [o for o in management_cluster() if o["kind"] in ("ServiceMonitor", "PodMonitor", "PrometheusRule")]
    assert {"ServiceMonitor", "PrometheusRule"} <= {o["kind"] for o in seen}
    for o in seen:
        assert wanted.items() <= o["metadata"]["labels"].items(), label(o)
    assert "Prometheus select `app.kubernetes.io/part-of: pilothouse-platform`" in (DEPLOY / "README.md").read_text()


def test_everything_that_posts_to_the_bot_knows_its_service() -> None:
    service = find("bot/overlays/single", "Service", "pilothouse")
    address = f"http://pilothouse.{service['metadata']['namespace']}.svc:{service['spec']['ports'][0]['port']}"
    assert f"@{address.removeprefix('http://')}/webhooks/tekton" in (DEPLOY / "README.md").read_text()
    assert f"{address}/webhooks/alertmanager" in (DEPLOY / "platform/monitoring/alertmanager.yaml").read_text()


def test_every_ingress_leads_to_a_service() -> None:
    keys = by_key(management_cluster())
    listener = find("platform/tekton", "EventListener")["metadata"]["name"]
    for (kind, namespace, _), o in keys.items():
        if kind != "Ingress":
            continue
        for path in (p for rule in o["spec"]["rules"] for p in rule["http"]["paths"]):
            service = path["backend"]["service"]
            if service["name"] == f"el-{listener}":
                assert service["port"] == {"number": 8080}, "R7"
                continue
            ports = keys[("Service", namespace, service["name"])]["spec"]["ports"]
            assert service["port"]["name"] in names(ports)


# The order of deploy/README.md


def test_the_bot_comes_after_the_token_that_it_needs() -> None:
    """One entry that Vault lacks keeps the whole Secret back, and the token is of a role that platform/argocd makes."""
    order = (DEPLOY / "README.md").read_text().partition("\n## Order\n")[2].partition("\n## Vault\n")[0]
    steps = (
        "`pilothouse/argocd`",
        "kubectl apply -k platform/secrets\n",
        "kubectl apply -k platform/policy",
        "argocd cluster add",
        "kubectl apply -k platform/argocd\n",
        "argocd proj role create-token apps pilothouse",
        "vault kv put secret/pilothouse/argocd",
        "kubectl apply -k bot/overlays/single",
    )
    found = [order.find(step) for step in steps]
    assert -1 not in found, steps[found.index(-1)]
    assert found == sorted(found)


def test_every_entry_of_vault_is_in_the_table() -> None:
    table = (DEPLOY / "README.md").read_text().partition("\n## Vault\n")[2].partition("\n## Why")[0]
    externals = [
        *(
            o["spec"]
            for o in [*objects("platform/secrets"), *objects("bot/overlays/ha")]
            if o["kind"] == "ExternalSecret"
        ),
        *(
            o["spec"].get("externalSecretSpec", o["spec"])
            for o in objects("platform/secrets/workload")
            if o["kind"] in ("ExternalSecret", "ClusterExternalSecret")
        ),
    ]
    entries = {(item["remoteRef"]["key"], item["remoteRef"]["property"]) for spec in externals for item in spec["data"]}
    assert entries
    for entry, key in entries:
        assert f"`{entry}`" in table, entry
        assert f"`{key}`" in table, (entry, key)
