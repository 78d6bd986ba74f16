import pytest

from integrations.sandbox.kubernetes.durations import seconds


@pytest.mark.parametrize(
    ("text", "expected"), [("1h0m0s", 3600), ("90s", 90), ("1m30s", 90), ("1.5s", 1.5), ("250ms", 0.25), ("0", 0)]
)
def test_go_durations(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "soon", "5", "1d", "1h 2m", "-"])
def test_what_go_would_not_parse(text: str) -> None:
    with pytest.raises(ValueError, match="invalid duration"):
        seconds(text)
