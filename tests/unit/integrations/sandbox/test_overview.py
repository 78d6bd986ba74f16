"""The panel of the world goes on when somebody commits nonsense."""

import pytest

from integrations.sandbox.overview import _images, is_unit, units


@pytest.mark.parametrize(
    "content", [b"][", b"- a list", b"images: [1]", b"images: [{newTag: x}]", b"images: 3", b"text"]
)
def test_what_is_no_kustomization_pins_nothing(content: bytes) -> None:
    assert _images(content) == []


def test_what_is_one_pins_its_images() -> None:
    assert _images(b"images:\n- {name: a, newTag: v1}") == [{"name": "a", "tag": "v1", "digest": None}]


def row(app: str, health: str = "Healthy", sync: str = "Synced") -> dict[str, str]:
    return {"name": f"{app}-development", "app": app, "health": health, "sync": sync}


def test_what_is_there_for_its_number_is_counted() -> None:
    found = [
        row("my-app", "Degraded"),
        row("unit-0001"),
        row("unit-0002", "Degraded"),
        row("unit-0003", sync="OutOfSync"),
    ]
    assert [is_unit(one) for one in found] == [False, True, True, True]
    assert units(found) == {
        "apps": 3,
        "health": {"Healthy": 2, "Degraded": 1},
        "sync": {"Synced": 2, "OutOfSync": 1},
        "unwell": ["unit-0002-development", "unit-0003-development"],
    }
