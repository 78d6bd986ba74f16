"""my-app, the application that the platform ships with: its tests run, its overlays render, Argo CD finds them."""

import re
import subprocess
from pathlib import Path

import pytest
import yaml

from tests.unit.deploy.manifests import DEPLOY, find, objects

APP = DEPLOY / "apps" / "my-app"
ENVIRONMENTS = ("development", "staging", "production")


def test_its_tests_pass_by_the_command_that_the_pipeline_runs() -> None:
    command = find("platform/tekton", "Task", "run-tests")["spec"]["params"][1]["default"]
    done = subprocess.run(command, cwd=APP, capture_output=True, text=True, timeout=60)
    assert done.returncode == 0, done.stderr
    assert re.search(r"Ran [5-9] tests", done.stderr)


@pytest.mark.parametrize(("environment", "replicas"), [("development", 1), ("staging", 2), ("production", 3)])
def test_each_overlay_has_its_replicas_and_its_image(environment: str, replicas: int) -> None:
    directory = f"apps/my-app/overlays/{environment}"
    files = {file.name for file in (DEPLOY / directory).iterdir()}
    assert {"kustomization.yaml", "replica-patch.yaml"} <= files
    deployment = find(directory, "Deployment")
    assert deployment["spec"]["replicas"] == replicas
    assert re.fullmatch(
        r"harbor\.example\.com/apps/my-app:v\d+\.\d+\.\d+",
        deployment["spec"]["template"]["spec"]["containers"][0]["image"],
    )
    assert deployment["metadata"]["labels"]["pilothouse.dev/environment"] == environment


@pytest.mark.parametrize("environment", ENVIRONMENTS)
def test_a_promotion_is_one_line(environment: str) -> None:
    text = (APP / "overlays" / environment / "kustomization.yaml").read_text()
    (image,) = yaml.safe_load(text)["images"]
    assert image.keys() == {"name", "newTag"}
    assert len(re.findall(r"^ +newTag: ", text, re.MULTILINE)) == 1


def test_the_probes_paths_are_answered() -> None:
    container = find("apps/my-app/base", "Deployment")["spec"]["template"]["spec"]["containers"][0]
    paths = {container[probe]["httpGet"]["path"] for probe in ("startupProbe", "readinessProbe", "livenessProbe")}
    source = (APP / "app.py").read_text()
    assert all(f'path == "{path}"' in source for path in paths)


def test_the_image_does_not_run_as_root_and_holds_the_app_alone() -> None:
    dockerfile = (APP / "Dockerfile").read_text()
    assert re.search(r"^USER 65532:65532$", dockerfile, re.MULTILINE)
    copied = re.findall(r"^COPY (\S+) ", dockerfile, re.MULTILINE)
    allowed = {line[1:] for line in (APP / ".dockerignore").read_text().splitlines() if line.startswith("!")}
    assert set(copied) == allowed
    assert all((APP / file).exists() for file in copied)


# Argo CD


def expand(template: str, path: str) -> str:
    """The ApplicationSet's expressions on one directory of the git generator."""
    segments = path.split("/")
    values = {
        ".path.path": path,
        ".path.basename": segments[-1],
        **{f"index .path.segments {i}": segment for i, segment in enumerate(segments)},
    }
    return re.sub(r"\{\{([^{}]+)\}\}", lambda m: values[m[1].strip()], template)


def test_argo_cd_makes_one_application_for_each_overlay() -> None:
    application_set = find("platform/argocd", "ApplicationSet")["spec"]
    assert application_set["goTemplate"] is True
    (generator,) = application_set["generators"]
    (directories,) = generator["git"]["directories"]
    root = DEPLOY
    overlays = sorted(
        str(p.relative_to(root)) for p in root.glob(directories["path"]) if p.is_dir() and p != Path(root)
    )
    made = [yaml.safe_load(expand(yaml.safe_dump(application_set["template"]), path)) for path in overlays]
    assert [m["metadata"]["name"] for m in made] == ["my-app-development", "my-app-production", "my-app-staging"]
    for application, path in zip(made, overlays, strict=True):
        spec = application["spec"]
        environment = path.rsplit("/", 1)[1]
        assert spec["project"] == "apps"
        assert spec["source"]["path"] == f"apps/my-app/overlays/{environment}"
        assert spec["destination"] == {"name": environment, "namespace": "my-app"}
        assert spec["syncPolicy"]["automated"] == {"prune": True, "selfHeal": True}
        assert "CreateNamespace=true" in spec["syncPolicy"]["syncOptions"]


def test_the_project_lets_those_applications_in_with_everything_they_hold() -> None:
    project = find("platform/argocd", "AppProject", "apps")["spec"]
    application_set = find("platform/argocd", "ApplicationSet")["spec"]
    assert application_set["generators"][0]["git"]["repoURL"] in project["sourceRepos"]
    assert application_set["template"]["spec"]["source"]["repoURL"] in project["sourceRepos"]
    allowed = {(entry["group"], entry["kind"]) for entry in project["namespaceResourceWhitelist"]}
    for environment in ENVIRONMENTS:
        for o in objects(f"apps/my-app/overlays/{environment}"):
            group = o["apiVersion"].rpartition("/")[0]
            assert (group, o["kind"]) in allowed


def test_the_sync_window_denies_production_only_and_lets_a_person_through() -> None:
    """A23: an active deny window blocks, unless it has manualSync."""
    (window,) = find("platform/argocd", "AppProject", "apps")["spec"]["syncWindows"]
    assert (window["kind"], window["applications"], window["manualSync"]) == ("deny", ["*-production"], True)


def test_the_comparison_sees_what_admission_makes_of_a_tag() -> None:
    """C13: the live image differs from git, and self-heal would apply it for ever."""
    annotations = find("platform/argocd", "ApplicationSet")["spec"]["template"]["metadata"]["annotations"]
    options = annotations["argocd.argoproj.io/compare-options"].split(",")
    assert {"ServerSideDiff=true", "IncludeMutationWebhook=true"} == set(options)


# The signature policy


def test_the_policy_covers_every_image_that_the_pipeline_pushes() -> None:
    """C10: ** crosses slashes, and the reference ends in a tag or a digest."""
    (image,) = find("platform/policy", "ClusterImagePolicy", "signed-images-only")["spec"]["images"]
    pattern = re.escape(image["glob"]).replace(r"\*\*", ".*").replace(r"\*", "[^/]*")
    for reference in ("my-app:v1.4.2", "team/my-app@sha256:" + "0" * 64):
        assert re.fullmatch(pattern, f"harbor.example.com/apps/{reference}")
    assert not re.fullmatch(pattern, "harbor.example.com.evil.net/apps/my-app:v1")


def test_the_pipeline_signs_in_the_layout_that_the_policy_reads() -> None:
    """C4, C11: one side's default is not the other's."""
    (authority,) = find("platform/policy", "ClusterImagePolicy")["spec"]["authorities"]
    assert authority["signatureFormat"] == "legacy"
    assert "ctlog" not in authority
    steps = {s["name"]: s for s in find("platform/tekton", "Task", "sign-image")["spec"]["steps"]}
    for name in ("sign", "attest"):
        assert {"--new-bundle-format=false", "--use-signing-config=false", "--tlog-upload=false"} <= {
            *steps[name]["args"]
        }
    for step in steps.values():
        assert any(argument.endswith("$(params.repository)@$(params.digest)") for argument in step["args"]), "C7"
