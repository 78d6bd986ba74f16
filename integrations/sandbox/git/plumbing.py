"""One git process, run without blocking the event loop and without the configuration of this machine's user."""

import asyncio
import os
from collections.abc import Mapping
from pathlib import Path


class GitFailed(RuntimeError):
    """A git process ended with an error: (arguments, exit status, standard error)."""

    def __init__(self, arguments: tuple[str, ...], status: int, stderr: str) -> None:
        super().__init__(arguments, status, stderr)
        self.stderr = stderr

    def __str__(self) -> str:
        arguments, status, stderr = self.args
        return f"git {' '.join(arguments)} ended with status {status}: {stderr.strip()}"


def isolated_environment(home: Path) -> dict[str, str]:
    """Only what git needs: the result must not depend on who runs it."""
    return {
        "PATH": os.environ.get("PATH", os.defpath),
        "HOME": str(home),
        "LC_ALL": "C",
        "GIT_CONFIG_NOSYSTEM": "1",
        "GIT_CONFIG_GLOBAL": os.devnull,
        "GIT_TERMINAL_PROMPT": "0",
    }


async def git(
    directory: Path, *arguments: str, stdin: bytes = b"", environment: Mapping[str, str] | None = None
) -> bytes:
    """Standard output of `git ARGUMENTS` in the bare repository `directory`. Raises GitFailed."""
    process = await asyncio.create_subprocess_exec(
        "git",
        *arguments,
        cwd=directory,
        env={**isolated_environment(directory), "GIT_DIR": str(directory), **(environment or {})},
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        stdout, stderr = await process.communicate(stdin)
    finally:
        await reap(process)
    if process.returncode:
        raise GitFailed(arguments, process.returncode, stderr.decode(errors="replace"))
    return stdout


async def reap(process: asyncio.subprocess.Process) -> None:
    """Leaves no child behind, also when the caller was cancelled."""
    if process.returncode is None:
        process.kill()
        await asyncio.shield(process.wait())
