"""Generators and templates."""

from typing import Any

import pytest

from integrations.sandbox.argocd.applicationset import TemplateError, generate

PATHS = ["apps/a/overlays/staging/k.yaml", "apps/b/overlays/production/k.yaml", "apps/b/base/k.yaml"]


def names(generators: list[dict[str, Any]], name: str, *, go: bool = False) -> list[str]:
    template = {"metadata": {"name": name}, "spec": {}}
    spec = {"goTemplate": go, "generators": generators, "template": template}
    return [one["metadata"]["name"] for one in generate({"metadata": {"name": "set"}, "spec": spec}, PATHS)]


def elements(**values: list[str]) -> dict[str, Any]:
    return {"list": {"elements": [{key: value} for key, found in values.items() for value in found]}}


def test_list_without_go_templates() -> None:
    assert names([elements(app=["a", "b"])], "{{app}}-x") == ["a-x", "b-x"]


def test_matrix() -> None:
    matrix = {"matrix": {"generators": [elements(app=["a", "b"]), elements(env=["s", "p"])]}}
    assert names([matrix], "{{ .app }}-{{.env}}", go=True) == ["a-s", "a-p", "b-s", "b-p"]


@pytest.mark.parametrize(
    ("go", "name"), [(True, "{{index .path.segments 1}}-{{.path.basename}}"), (False, "{{path[1]}}-{{path.basename}}")]
)
def test_git_directories(go: bool, name: str) -> None:
    rules = [{"path": "apps/*/overlays/*"}, {"path": "apps/a/*/*", "exclude": True}]
    assert names([{"git": {"directories": rules}}], name, go=go) == ["b-production"]


@pytest.mark.parametrize(
    ("generator", "name"),
    [
        (elements(app=["a"]), "{{.nope}}"),
        (elements(app=["a"]), "{{ .app | upper }}"),
        ({"pullRequest": {}}, "x"),
    ],
)
def test_what_is_not_known_is_refused(generator: dict[str, Any], name: str) -> None:
    with pytest.raises(TemplateError):
        names([generator], name, go=True)
