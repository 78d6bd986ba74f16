"""Sync windows of a project (A23)."""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from fnmatch import fnmatchcase
from typing import Any
from zoneinfo import ZoneInfo

from cronsim import CronSim

Window = Mapping[str, Any]

_UNITS = {"h": "hours", "m": "minutes", "s": "seconds"}


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
    return any(value and fnmatchcase(value, pattern) for pattern in patterns for value in values)


def is_active(window: Window, now: datetime) -> bool:
    """Raises ValueError for a schedule, duration or time zone that cannot be read."""
    local = now.astimezone(ZoneInfo(window.get("timeZone") or "UTC"))
    opened = next(CronSim(window["schedule"], local - duration(window["duration"])), None)
    return opened is not None and opened <= local


def duration(text: str) -> timedelta:
    """Go's spelling: `1h`, `1h30m`. Raises ValueError."""
    if not re.fullmatch(r"(\d+[hms])+", text):
        raise ValueError(f"cannot parse duration {text!r}: expected such as 1h30m")
    return timedelta(**{_UNITS[unit]: int(amount) for amount, unit in re.findall(r"(\d+)([hms])", text)})


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
