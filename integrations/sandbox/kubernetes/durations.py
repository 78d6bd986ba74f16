"""Go's way of writing durations, which Tekton's timeouts use: `1h0m0s`, `90s`, `0`."""

import re

_UNITS = {"h": 3600.0, "m": 60.0, "s": 1.0, "ms": 0.001}
_PART = re.compile(r"(\d+(?:\.\d+)?)(ms|h|m|s)")


def seconds(text: str) -> float:
    """Raises ValueError for what Go would not parse."""
    if text == "0":
        return 0.0
    if not text or _PART.sub("", text):
        raise ValueError(f'time: invalid duration "{text}"')
    return sum(float(number) * _UNITS[unit] for number, unit in _PART.findall(text))
