"""An image is called older only where two signs agree, and nothing that counts says otherwise."""

import pytest

from bot.domain.age import Older, compared, older_by

PUSHED, VERSION, SOURCE, RAN = Older.PUSHED, Older.VERSION, Older.SOURCE, Older.RAN


@pytest.mark.parametrize(
    ("label", "before", "order"),
    [
        ("v1.4.1", "v1.4.2", -1),
        ("1.4.10", "v1.4.9", 1),
        ("v1.4", "1.4.1", -1),
        ("7.13", "7.9", 1),
        ("v1.4.2-rc1", "v1.4.2", 0),
        ("v1.4.1-rc1", "v1.4.2", -1),
        ("v1.4.2", "v1.4.2", 0),
        ("main-5a6b7c8", "v1.4.2", 0),
        ("20260105", "20260104", 0),
        ("0c1d2e3f4a5b", "v1.0.0", 0),
        ("latest", "stable", 0),
        ("", "v1.0.0", 0),
    ],
)
def test_versions_are_compared_as_numbers_or_not_at_all(label: str, before: str, order: int) -> None:
    assert compared(label, before) == order
    assert compared(before, label) == -order


@pytest.mark.parametrize("sign", [PUSHED, RAN])
def test_one_sign_is_never_enough(sign: Older) -> None:
    assert older_by({sign}, version=0, source=0) == ()


@pytest.mark.parametrize(("version", "source"), [(-1, 0), (0, -1), (0, 0)])
def test_nor_is_one_that_is_compared(version: int, source: int) -> None:
    assert older_by((), version=version, source=source) == ()


@pytest.mark.parametrize(
    ("signs", "version", "source", "told"),
    [
        ({PUSHED}, -1, 0, (PUSHED, VERSION)),
        ({PUSHED}, 0, -1, (PUSHED, SOURCE)),
        ({PUSHED, RAN}, 0, 0, (PUSHED, RAN)),
        ((), -1, -1, (VERSION, SOURCE)),  # an old version that was built again
        ({RAN}, -1, 0, (VERSION, RAN)),
    ],
)
def test_two_are(signs: set[Older], version: int, source: int, told: tuple[Older, ...]) -> None:
    assert older_by(signs, version=version, source=source) == told


@pytest.mark.parametrize(("version", "source"), [(1, 0), (0, 1), (1, -1), (-1, 1)])
def test_a_higher_version_or_newer_source_is_not_older_whenever_it_was_pushed(version: int, source: int) -> None:
    assert older_by({PUSHED, RAN}, version=version, source=source) == ()
