"""The panel of the world goes on when somebody commits nonsense."""

import pytest

from integrations.sandbox.overview import _images


@pytest.mark.parametrize(
    "content", [b"][", b"- a list", b"images: [1]", b"images: [{newTag: x}]", b"images: 3", b"text"]
)
def test_what_is_no_kustomization_pins_nothing(content: bytes) -> None:
    assert _images(content) == []


def test_what_is_one_pins_its_images() -> None:
    assert _images(b"images:\n- {name: a, newTag: v1}") == [{"name": "a", "tag": "v1", "digest": None}]
