"""What runs, and as what: the restricted Pod Security Standard, pinned images, resources, probes."""

import re
from collections.abc import Iterator
from typing import Any

import cel
import pytest
import yaml

from tests.unit.deploy.manifests import DEPLOY, find, kustomizations, objects, pod_templates

Container = dict[str, Any]


def steps() -> Iterator[tuple[str, Container]]:
    """Every step of every Task, with what its stepTemplate adds."""
    for task in (o for o in objects("platform/tekton") if o["kind"] == "Task"):
        template = task["spec"].get("stepTemplate", {})
        for step in task["spec"]["steps"]:
            context = {**template.get("securityContext", {}), **step.get("securityContext", {})}
            yield f"{task['metadata']['name']}/{step['name']}", {**template, **step, "securityContext": context}


def containers() -> Iterator[tuple[str, dict[str, Any], Container]]:
    for directory in kustomizations():
        if directory.endswith("base"):
            continue  # not applied by themselves
        for where, pod in pod_templates(objects(directory)):
            for container in [*pod.get("initContainers", []), *pod["containers"]]:
                yield f"{directory} {where}", pod, container


def short_of_restricted(context: dict[str, Any]) -> list[str]:
    """What the restricted standard asks of a container (with its pod's context laid under it) and is not given."""
    capabilities = context.get("capabilities", {})
    found = {
        "runAsNonRoot": context.get("runAsNonRoot") is True,
        "runAsUser": context.get("runAsUser") != 0,
        "allowPrivilegeEscalation": context.get("allowPrivilegeEscalation") is False,
        "capabilities.drop": capabilities.get("drop") == ["ALL"],
        "capabilities.add": set(capabilities.get("add", [])) <= {"NET_BIND_SERVICE"},
        "seccompProfile": context.get("seccompProfile", {}).get("type") in ("RuntimeDefault", "Localhost"),
        "privileged": not context.get("privileged"),
    }
    return [name for name, met in found.items() if not met]


def test_every_container_is_restricted_with_a_read_only_root() -> None:
    seen = 0
    for where, pod, container in containers():
        context = {**pod["securityContext"], **container["securityContext"]}
        assert not short_of_restricted(context), where
        assert context["readOnlyRootFilesystem"] is True, where
        assert not any(pod.get(key) for key in ("hostNetwork", "hostPID", "hostIPC")), where
        assert not any("hostPath" in v for v in pod.get("volumes", [])), where
        seen += 1
    assert seen == 5  # my-app in three environments, the bot in two overlays


def test_every_step_but_the_build_is_restricted() -> None:
    short = {name: found for name, step in steps() if (found := short_of_restricted(step["securityContext"]))}
    assert short == {"build-and-push/build": ["allowPrivilegeEscalation", "capabilities.add", "seccompProfile"]}


def test_the_build_meets_the_baseline_that_its_namespace_enforces() -> None:
    baseline = {
        "AUDIT_WRITE", "CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "MKNOD", "NET_BIND_SERVICE", "SETFCAP",
        "SETGID", "SETPCAP", "SETUID", "SYS_CHROOT",
    }  # fmt: skip
    context = dict(steps())["build-and-push/build"]["securityContext"]
    assert context["runAsNonRoot"] is True
    assert not context.get("privileged")
    assert set(context["capabilities"]["add"]) <= baseline
    assert context.get("seccompProfile", {}).get("type") != "Unconfined"
    labels = find("platform/tekton", "Namespace")["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "baseline"
    assert labels["pod-security.kubernetes.io/warn"] == "restricted"


def test_all_steps_share_one_user_so_that_the_workspace_is_writable_for_each() -> None:
    assert {step["securityContext"]["runAsUser"] for _, step in steps()} == {1000}
    template = find("platform/tekton", "TriggerTemplate")["spec"]["resourcetemplates"][0]
    assert template["spec"]["taskRunTemplate"]["podTemplate"]["securityContext"]["fsGroup"] == 1000
    default = find("platform/tekton/config", "ConfigMap", "config-defaults")["data"]["default-pod-template"]
    assert yaml.safe_load(default)["securityContext"]["fsGroup"] == 1000


@pytest.mark.parametrize("namespace", ["pilothouse"])
def test_namespaces_enforce_what_their_pods_meet(namespace: str) -> None:
    labels = find("bot/base", "Namespace", namespace)["metadata"]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"


def test_the_apps_namespaces_enforce_restricted_and_the_signature_policy() -> None:
    labels = find("platform/argocd", "ApplicationSet")["spec"]["template"]["spec"]["syncPolicy"][
        "managedNamespaceMetadata"
    ]["labels"]
    assert labels["pod-security.kubernetes.io/enforce"] == "restricted"
    assert labels["policy.sigstore.dev/include"] == "true", "C8"


NAMESPACE = {"policy.sigstore.dev/include": "true", "pod-security.kubernetes.io/enforce": "restricted"}


@pytest.mark.parametrize(
    ("labels", "admitted"),
    [
        (NAMESPACE, True),
        (NAMESPACE | {"team": "payments"}, True),
        (None, False),
        ({}, False),
        (NAMESPACE | {"policy.sigstore.dev/include": "false"}, False),
        (NAMESPACE | {"pod-security.kubernetes.io/enforce": "privileged"}, False),
        ({"pod-security.kubernetes.io/enforce": "restricted"}, False),
    ],
)
def test_no_overlay_takes_its_namespace_out_of_the_signature_policy(
    labels: dict[str, str] | None, admitted: bool
) -> None:
    """C8. A Namespace among an app's own manifests overrides managedNamespaceMetadata."""
    policy = find("platform/policy", "ValidatingAdmissionPolicy")["spec"]
    request = {"userInfo": {"username": "system:serviceaccount:kube-system:argocd-manager"}}
    context = cel.Context()
    context.add_variable("request", request)
    context.add_variable("object", {"metadata": {} if labels is None else {"labels": labels}})
    (condition,) = policy["matchConditions"]
    assert cel.evaluate(condition["expression"], context) is True
    (variable,) = policy["variables"]
    context.add_variable("variables", {variable["name"]: cel.evaluate(variable["expression"], context)})
    assert all(cel.evaluate(v["expression"], context) for v in policy["validations"]) is admitted


def test_everything_says_what_it_needs() -> None:
    for where, step in steps():
        resources = step["computeResources"]
        assert {"cpu", "memory"} <= resources["requests"].keys(), where
        assert "memory" in resources["limits"], where
    for where, _, container in containers():
        assert {"cpu", "memory"} <= container["resources"]["requests"].keys(), where
        assert "memory" in container["resources"]["limits"], where
    listener = find("platform/tekton", "EventListener")["spec"]["resources"]["kubernetesResource"]
    assert listener["spec"]["template"]["spec"]["containers"][0]["resources"]["requests"]


def test_every_long_running_container_has_all_probes() -> None:
    for where, _, container in containers():
        assert {"startupProbe", "readinessProbe", "livenessProbe"} <= container.keys(), where
        assert container["livenessProbe"]["httpGet"]["path"] != container["readinessProbe"]["httpGet"]["path"], where


PINNED = re.compile(r"[a-z0-9.-]+\.[a-z]+/[a-z0-9./-]+:v?\d+\.\d+(\.\d+)?([.-][a-z0-9.-]+)?(@sha256:[0-9a-f]{64})?")


def test_every_image_names_its_registry_and_an_exact_version() -> None:
    images = [(where, container["image"]) for where, _, container in containers()]
    for where, step in steps():
        image = step["image"]
        if variable := re.fullmatch(r"\$\(params\.(.+)\)", image):
            task = find("platform/tekton", "Task", where.split("/")[0])
            image = next(p["default"] for p in task["spec"]["params"] if p["name"] == variable[1])
        images.append((where, image))
    for file in DEPLOY.rglob("Dockerfile"):
        images += [
            (str(file), base) for base in re.findall(r"^(?:FROM|ARG PYTHON=) ?([a-z]\S+)", file.read_text(), re.M)
        ]
    assert len(images) >= 13
    for where, image in images:
        assert PINNED.fullmatch(image), f"{where}: {image}"
        assert "latest" not in image, where


def test_an_image_that_is_used_twice_is_the_same_twice() -> None:
    versions: dict[str, set[str]] = {}
    for _, step in steps():
        if not step["image"].startswith("$"):
            versions.setdefault(step["image"].split(":")[0], set()).add(step["image"])
    assert all(len(found) == 1 for found in versions.values()), versions


def test_the_pipelines_default_test_image_is_its_tasks() -> None:
    def default(manifest: dict[str, Any], name: str) -> str:
        value: str = next(p["default"] for p in manifest["spec"]["params"] if p["name"] == name)
        return value

    pipeline = find("platform/tekton", "Pipeline")
    assert default(pipeline, "test-image") == default(find("platform/tekton", "Task", "run-tests"), "image")
