"""A port that is named before somebody listens on it."""

import socket
from pathlib import Path

import pytest

from integrations.sandbox import ports
from integrations.sandbox.ports import OURS, free_port

GIVEN_AWAY = Path("/proc/sys/net/ipv4/ip_local_port_range")


def test_it_is_none_that_the_system_gives_to_others() -> None:
    if not GIVEN_AWAY.is_file():
        pytest.skip("only Linux says which those are")
    first, _ = GIVEN_AWAY.read_text().split()
    assert max(OURS) < int(first)


def test_it_is_none_that_somebody_has(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as somebody:
        taken = free_port()
        somebody.bind(("127.0.0.1", taken))
        somebody.listen()
        other = free_port()
        monkeypatch.setattr(ports, "OURS", (taken, other))
        monkeypatch.setattr(ports, "TRIES", 2)
        assert free_port() == other


def test_where_all_are_taken_it_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    with socket.socket() as somebody:
        somebody.bind(("127.0.0.1", 0))
        somebody.listen()
        taken = somebody.getsockname()[1]
        monkeypatch.setattr(ports, "OURS", range(taken, taken + 1))
        monkeypatch.setattr(ports, "TRIES", 1)
        with pytest.raises(OSError, match="taken"):
            free_port()
