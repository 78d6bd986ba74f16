"""What the sandbox is started with: each value is checked before anything is started or written."""

import tempfile
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from integrations.sandbox.clock import Clock
from integrations.sandbox.ports import refuse_taken

USUAL_PORT = 8765
LAST_PORT = 65_535
MOST_UNITS = 5000
OFFERED = 20
"""ports after a taken one among which a free one is looked for"""


class BadOption(Exception):
    """The sentence is for the person who starts the sandbox."""


@dataclass(frozen=True)
class Options:
    port: int
    clock: Clock
    units: int


def read_options(environment: Mapping[str, str]) -> Options:
    """PORT, SANDBOX_SPEED and SANDBOX_APPS. Raises BadOption, also for a port that somebody else has."""
    port = _whole(environment, "PORT", USUAL_PORT, range(1, LAST_PORT + 1))
    units = _whole(environment, "SANDBOX_APPS", 0, range(MOST_UNITS + 1))
    speed = environment.get("SANDBOX_SPEED") or "1"
    try:
        clock = Clock(float(speed))
    except ValueError as error:
        raise BadOption(f"SANDBOX_SPEED={speed}: expected a number above 0, for example 2 or 0.5.") from error
    _check_port(port)
    return Options(port, clock, units)


def data_directory(environment: Mapping[str, str]) -> Path:
    """SANDBOX_DATA, made if need be, or a fresh temporary one. Raises BadOption."""
    named = environment.get("SANDBOX_DATA")
    if not named:
        return Path(tempfile.mkdtemp(prefix="pilothouse-sandbox-"))
    directory = Path(named).absolute()
    try:
        directory.mkdir(parents=True, exist_ok=True)
        taken = any(directory.iterdir())
    except OSError as error:
        why = "it is a file" if directory.is_file() else error.strerror
        raise BadOption(f"SANDBOX_DATA={directory} cannot be used: {why}. Name a new directory.") from error
    if taken:
        raise BadOption(
            f"SANDBOX_DATA={directory} is not empty, and the sandbox starts with a world of its own: name a new "
            "directory."
        )
    return directory


def _whole(environment: Mapping[str, str], name: str, usual: int, allowed: range) -> int:
    said = environment.get(name) or str(usual)
    try:
        number = int(said)
    except ValueError:
        number = -1
    if number not in allowed:
        raise BadOption(f"{name}={said}: expected a whole number from {allowed[0]} to {allowed[-1]}.")
    return number


def _check_port(port: int) -> None:
    try:
        refuse_taken(port)
    except PermissionError as error:
        raise BadOption(f"Port {port} needs an administrator: choose one above 1023, for example PORT=8766.") from error
    except OSError as error:
        raise BadOption(f"Port {port} is in use: choose another, for example PORT={_free_after(port)}.") from error


def _free_after(port: int) -> int:
    for other in range(port + 1, min(port + OFFERED, LAST_PORT)):
        try:
            refuse_taken(other)
        except OSError:
            continue
        return other
    return USUAL_PORT + 1
