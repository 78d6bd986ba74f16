"""Sync windows of a project (A23)."""

import re
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from cronsim import CronSim

Window = Mapping[str, Any]

_UNITS = {"ms": "milliseconds", "h": "hours", "m": "minutes", "s": "seconds"}
_PART = re.compile(r"(\d+(?:\.\d*)?|\.\d+)(ms|[hms])")


def assigned(application: Mapping[str, Any], windows: Sequence[Window]) -> list[Window]:
    """The windows of the project that concern an application; `andOperator` asks for every given kind of match."""
    return [window for window in windows if _concerns(window, application)]


def _concerns(window: Window, application: Mapping[str, Any]) -> bool:
    destination = application["spec"]["destination"]
    answers = [
        _matches(window[kind], values)
        for kind, values in {
            "applications": [application["metadata"]["name"]],
            "namespaces": [destination.get("namespace")],
            "clusters": [destination.get("name"), destination.get("server")],
        }.items()
        if window.get(kind)
    ]
    return bool(answers) and (all(answers) if window.get("andOperator") else any(answers))


def _matches(patterns: Sequence[str], values: Sequence[str | None]) -> bool:
    """As Argo CD's globs: `*` crosses slashes, `{a,b}` is either."""
    return any(
        value and fnmatchcase(value, one) for pattern in patterns for one in _either(pattern) for value in values
    )


def _either(pattern: str) -> Iterator[str]:
    found = re.search(r"\{([^{}]*)\}", pattern)
    if not found:
        yield pattern
        return
    for choice in found[1].split(","):
        yield from _either(pattern[: found.start()] + choice + pattern[found.end() :])


def is_active(window: Window, now: datetime) -> bool:
    """As Argo CD reckons: the zone's offset of this moment holds for the whole window, and an unknown zone is UTC.

    Raises ValueError for a schedule or duration that cannot be read.
    """
    local = now.astimezone(_zone(window.get("timeZone") or "UTC")).replace(tzinfo=None)
    opened = next(CronSim(window["schedule"], local - duration(window["duration"])), None)
    return opened is not None and opened <= local


def _zone(name: str) -> ZoneInfo:
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError):
        return ZoneInfo("UTC")


def duration(text: str) -> timedelta:
    """Go's spelling: `1h`, `1h30m`, `1.5h`. Raises ValueError."""
    parts = list(_PART.finditer(text))
    if not parts or "".join(part[0] for part in parts) != text:
        raise ValueError(f"cannot parse duration {text!r}: expected such as 1h30m")
    return sum((timedelta(**{_UNITS[part[2]]: float(part[1])}) for part in parts), timedelta())


def can_sync(windows: Sequence[Window], now: datetime, *, manual: bool) -> bool:
    """Whether the windows assigned to an application let it sync now (A23)."""
    active = [window for window in windows if is_active(window, now)]
    denies = [window for window in active if window["kind"] == "deny"]
    if denies:
        return manual and all(window.get("manualSync") for window in denies)
    allows = [window for window in windows if window["kind"] == "allow"]
    if not allows or any(window in active for window in allows):
        return True
    return manual and all(window.get("manualSync") for window in allows)
