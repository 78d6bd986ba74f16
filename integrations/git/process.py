"""One git process: bounded in time and in memory, and gone with all of its children when it is not waited for."""

import asyncio
from collections.abc import Mapping

from integrations.processes import end

_CHUNK = 1 << 16
_KEPT = 1 << 14
STDOUT_LIMIT = 512 << 20
"""bytes; a listing of a million paths is about a tenth of it"""


class GitFailed(Exception):
    """git ended with an error. What it said is raw: it must be scrubbed before anybody sees it."""

    def __init__(self, command: str, stderr: str, stdout: str = "") -> None:
        super().__init__(command, stderr, stdout)
        self.command = command
        self.stderr = stderr
        self.stdout = stdout


class GitTimedOut(GitFailed):
    """git was killed because it took too long."""


async def run_git(
    *arguments: str,
    environment: Mapping[str, str],
    stdin: bytes = b"",
    timeout: float = 60,  # noqa: ASYNC109
) -> bytes:
    """Standard output of `git ARGUMENTS`; `timeout` in seconds. Raises GitFailed, GitTimedOut."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        env=dict(environment),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        # git's own helpers (git-remote-https, ssh) must die with it.
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(timeout):
            _, stdout, stderr = await asyncio.gather(
                _feed(process, stdin),
                _read_all(process.stdout, arguments[0]),
                read_tail(process.stderr),
            )
            await process.wait()
    except TimeoutError:
        raise GitTimedOut(arguments[0], f"no answer within {timeout:g} seconds") from None
    finally:
        await end(process)
    if process.returncode:
        raise GitFailed(arguments[0], stderr.decode(errors="replace"), stdout[-_KEPT:].decode(errors="replace"))
    return stdout


async def _feed(process: asyncio.subprocess.Process, stdin: bytes) -> None:
    assert process.stdin is not None
    try:
        process.stdin.write(stdin)
        await process.stdin.drain()
        process.stdin.close()
        await process.stdin.wait_closed()
    except (BrokenPipeError, ConnectionResetError):
        pass  # git gave up before it had read everything: its exit status tells why


async def _read_all(stream: asyncio.StreamReader | None, command: str) -> bytes:
    assert stream is not None
    chunks: list[bytes] = []
    size = 0
    while chunk := await stream.read(_CHUNK):
        chunks.append(chunk)
        size += len(chunk)
        if size > STDOUT_LIMIT:
            raise GitFailed(command, f"more than {STDOUT_LIMIT} bytes of output")
    return b"".join(chunks)


async def read_tail(stream: asyncio.StreamReader | None) -> bytes:
    """The last 16 KiB of it, when it has ended."""
    assert stream is not None
    tail = b""
    while chunk := await stream.read(_CHUNK):
        tail = (tail + chunk)[-_KEPT:]
    return tail
