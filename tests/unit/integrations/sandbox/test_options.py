"""What the sandbox is started with: a value that is wrong is named with what is right, before anything is started."""

import socket
from pathlib import Path

import pytest

from integrations.sandbox.options import BadOption, data_directory, read_options
from integrations.sandbox.ports import free_port


def test_the_usual_ones_and_those_that_are_given() -> None:
    port = free_port()
    usual = read_options({"PORT": str(port), "SANDBOX_SPEED": "", "SANDBOX_APPS": ""})
    assert (usual.port, usual.clock.speed, usual.units) == (port, 1.0, 0)
    given = read_options({"PORT": str(port), "SANDBOX_SPEED": "0.5", "SANDBOX_APPS": "2000"})
    assert (given.clock.speed, given.units) == (0.5, 2000)


@pytest.mark.parametrize(
    ("name", "value", "expected"),
    [
        ("PORT", "abc", "PORT=abc: expected a whole number from 1 to 65535."),
        ("PORT", "99999", "PORT=99999: expected a whole number from 1 to 65535."),
        ("PORT", "0", "PORT=0: expected a whole number from 1 to 65535."),
        ("SANDBOX_APPS", "-3", "SANDBOX_APPS=-3: expected a whole number from 0 to 5000."),
        ("SANDBOX_APPS", "many", "SANDBOX_APPS=many: expected a whole number from 0 to 5000."),
        ("SANDBOX_SPEED", "fast", "SANDBOX_SPEED=fast: expected a number above 0, for example 2 or 0.5."),
        ("SANDBOX_SPEED", "0", "SANDBOX_SPEED=0: expected a number above 0, for example 2 or 0.5."),
        ("SANDBOX_SPEED", "nan", "SANDBOX_SPEED=nan: expected a number above 0, for example 2 or 0.5."),
        ("SANDBOX_SPEED", "inf", "SANDBOX_SPEED=inf: expected a number above 0, for example 2 or 0.5."),
    ],
)
def test_a_wrong_one_is_named_with_what_is_right(name: str, value: str, expected: str) -> None:
    with pytest.raises(BadOption) as refused:
        read_options({"PORT": str(free_port()), name: value})
    assert str(refused.value) == expected


def test_a_taken_port_offers_one_that_is_free() -> None:
    with socket.socket() as somebody:
        taken = free_port()
        somebody.bind(("127.0.0.1", taken))
        somebody.listen()
        said = rf"^Port {taken} is in use: choose another, for example PORT=\d+\.$"
        with pytest.raises(BadOption, match=said) as refused:
            read_options({"PORT": str(taken)})
    offered = int(str(refused.value).rpartition("=")[2].rstrip("."))
    assert offered != taken
    assert read_options({"PORT": str(offered)}).port == offered


def test_the_directory_is_new_or_empty(tmp_path: Path) -> None:
    assert data_directory({"SANDBOX_DATA": str(tmp_path / "a" / "b")}).is_dir()
    assert data_directory({}).is_dir()
    (tmp_path / "file").touch()
    with pytest.raises(BadOption, match="is not empty"):
        data_directory({"SANDBOX_DATA": str(tmp_path)})
    with pytest.raises(BadOption, match="it is a file"):
        data_directory({"SANDBOX_DATA": str(tmp_path / "file")})
