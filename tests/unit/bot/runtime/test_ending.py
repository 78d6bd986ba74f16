"""A process that ends is gone, though threads of its own wait for something that never comes."""

import os
import subprocess
import sys

import pytest

WAITING = """
import sys, threading
from concurrent.futures import ThreadPoolExecutor
from bot.runtime.ending import end_after

def work():
    ThreadPoolExecutor().submit(threading.Event().wait)
    print("said", end="")
    {how}

end_after(work)
"""


@pytest.mark.parametrize(
    ("how", "status", "told"),
    [
        ("pass", 0, ""),
        ("sys.exit()", 0, ""),
        ("sys.exit(3)", 3, ""),
        ("sys.exit('No token.')", 1, "No token."),
        ("raise OSError('disk')", 1, "OSError: disk"),
    ],
)
def test_nobody_waits_for_a_thread_that_waits_for_ever(how: str, status: int, told: str) -> None:
    program = [sys.executable, "-c", WAITING.format(how=how)]
    ended = subprocess.run(program, capture_output=True, text=True, timeout=60)
    assert (ended.returncode, ended.stdout) == (status, "said")
    assert told in ended.stderr


def test_nor_for_a_reader_that_is_gone() -> None:
    program = [sys.executable, "-c", WAITING.format(how="pass")]
    buffered = {name: value for name, value in os.environ.items() if name != "PYTHONUNBUFFERED"}
    with subprocess.Popen(program, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=buffered) as process:
        assert process.stdout
        process.stdout.close()
        assert process.wait(timeout=60) == 0
