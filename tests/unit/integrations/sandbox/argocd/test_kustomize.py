"""The rendering; the expected manifests are what kustomize itself makes of the same files."""

from typing import Any

import pytest

from integrations.sandbox.argocd.kustomize import BuildError, build
from integrations.sandbox.argocd.transformers import set_image

BASE = {
    "b/kustomization.yaml": b"resources: [d.yaml, s.yaml]\ncommonLabels: {app: x}\n",
    "b/d.yaml": b"""
apiVersion: apps/v1
kind: Deployment
metadata: {name: x}
spec:
  replicas: 1
  template:
    spec:
      initContainers: [{name: i, image: "reg:5000/apps/a:1"}]
      containers:
      - {name: c, image: "reg:5000/apps/a:1", env: [{name: A, value: "1"}, {name: B, value: "2"}]}
      - {name: s, image: "side@sha256:aaaa"}
""",
    "b/s.yaml": b'{apiVersion: v1, kind: Service, metadata: {name: x}, spec: {selector: {z: "1"}}}',
}
OVERLAY = b"""
resources: [../b]
namePrefix: p-
nameSuffix: -s
namespace: nn
commonAnnotations: {k: v}
replicas: [{name: x, count: 4}]
patches:
- target: {kind: Deployment}
  patch: |
    apiVersion: apps/v1
    kind: Deployment
    metadata: {name: ignored}
    spec: {template: {spec: {containers: [{name: c, env: [{name: B, $patch: delete}, {name: C, value: "3"}]}]}}}
images:
- {name: "reg:5000/apps/a", newTag: v2, digest: "sha256:bbb"}
- {name: side, newName: other/side, newTag: "9"}
"""


def test_every_transformer_at_once() -> None:
    deployment, service = build("o", {**BASE, "o/kustomization.yaml": OVERLAY})
    metadata = {"annotations": {"k": "v"}, "labels": {"app": "x"}, "name": "p-x-s", "namespace": "nn"}
    assert deployment == {
        "apiVersion": "apps/v1",
        "kind": "Deployment",
        "metadata": metadata,
        "spec": {
            "replicas": 4,
            "selector": {"matchLabels": {"app": "x"}},
            "template": {
                "metadata": {"annotations": {"k": "v"}, "labels": {"app": "x"}},
                "spec": {
                    "initContainers": [{"image": "reg:5000/apps/a:v2@sha256:bbb", "name": "i"}],
                    "containers": [
                        {
                            "env": [{"name": "C", "value": "3"}, {"name": "A", "value": "1"}],
                            "image": "reg:5000/apps/a:v2@sha256:bbb",
                            "name": "c",
                        },
                        {"image": "other/side:9", "name": "s"},
                    ],
                },
            },
        },
    }
    assert service["metadata"] == metadata
    assert service["spec"]["selector"] == {"z": "1", "app": "x"}


@pytest.mark.parametrize(
    ("reference", "entry", "expected"),
    [
        ("a", {"newTag": "1"}, "a:1"),
        ("a:0", {"digest": "sha256:b"}, "a@sha256:b"),
        ("a@sha256:0", {"newTag": "1"}, "a:1"),
        ("a:0@sha256:0", {"newName": "c"}, "c:0@sha256:0"),
        ("other:0", {"newTag": "1"}, "other:0"),
    ],
)
def test_one_images_entry(reference: str, entry: dict[str, str], expected: str) -> None:
    assert set_image(reference, {"name": "a", **entry}) == expected


def test_a_component_transforms_what_it_is_added_to() -> None:
    files = {
        **BASE,
        "c/kustomization.yaml": b"kind: Component\ncommonAnnotations: {from: component}\n",
        "o/kustomization.yaml": b"resources: [../b]\ncomponents: [../c]\n",
    }
    assert all(one["metadata"]["annotations"] == {"from": "component"} for one in build("o", files))


def test_a_directory_of_plain_manifests() -> None:
    files = {"p/one.yaml": BASE["b/s.yaml"], "p/deeper/two.yaml": BASE["b/d.yaml"]}
    assert [one["kind"] for one in build("p", files)] == ["Service"]


@pytest.mark.parametrize(
    ("files", "message"),
    [
        ({}, "app path does not exist"),
        ({"o/kustomization.yaml": b"resources: [../o]\n"}, "cycle"),
        ({"o/kustomization.yaml": b"resources: [../b]\nreplicas: [{name: y, count: 1}]\n"}, "resource with name y"),
        ({"o/kustomization.yaml": b"resources: [../b]\npatches: [{path: no.yaml}]\n"}, "patch file"),
        ({"o/kustomization.yaml": b"resources: [../b]\nimages: [{name: a, newTag: 7}]\n"}, "newTag of type string"),
    ],
)
def test_refusals(files: dict[str, Any], message: str) -> None:
    with pytest.raises(BuildError, match=message):
        build("o", {**BASE, **files})
