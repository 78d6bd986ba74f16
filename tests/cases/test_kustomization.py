"""Kustomizations that mean something else to kustomize than they look: refused, or read and edited as it does."""

from pathlib import Path
from typing import Any

import pytest

from bot.domain.image import Image
from bot.overlays.kustomization import KustomizationError, read_images, set_image
from tests import kustomize
from tests.cases import cases

FILE = "apps/web/overlays/production/kustomization.yaml"


@pytest.mark.parametrize("case", cases("kustomization.yaml"))
def test_it_means_what_it_means_to_kustomize(case: dict[str, Any], tmp_path: Path) -> None:
    allowed = case["either"]
    content = case["file"].encode()
    refusal = ""
    try:
        read = read_images(content, FILE)
        edited = _edited(content, case["edit"])
    except KustomizationError as refused:
        refusal = refused.sentence
    if refusal:
        assert "refused" in allowed, refusal
        return
    before = case["kustomize_before"]
    assert isinstance(before, dict), f"nothing runs this, and it is read as {read}"
    assert {_made_of(base, read) for base in before} == set(before.values())
    assert edited is not None, "it must be refused"
    wanted = [answer for answer in allowed if isinstance(answer, dict)]
    oracle = kustomize.Kustomize(kustomize.program(), tmp_path, before)
    assert oracle.build(content) == before
    assert oracle.build(edited) in [{b: before[b] if v == "SAME" else v for b, v in w.items()} for w in wanted]


def _edited(content: bytes, edit: dict[str, str] | None) -> bytes | None:
    return set_image(content, FILE, edit["name"], Image(edit["name"], edit["digest"], edit["tag"])) if edit else None


def _made_of(base: str, read: Any) -> str:
    """What reading tells of an image of the base."""
    name, tag = base.rsplit(":", 1)
    for entry in read:
        if entry.name == name:
            pins = (f":{entry.tag}" if entry.tag else "") + (f"@{entry.digest}" if entry.digest else "")
            return f"{entry.repository}{pins or f':{tag}'}"
    return base
