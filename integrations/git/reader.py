"""A git that lives on and says what is in the cache: to start one takes longer than its answers."""

import asyncio
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from integrations.git.objects import CachedObject, announced
from integrations.git.process import STDOUT_LIMIT, GitFailed, GitTimedOut, read_tail
from integrations.processes import end

_COMMAND = "cat-file"
_BUFFER = 1 << 20
"""bytes"""
_LIFE = 600
"""seconds; until then git may hold on to packs that a repack has replaced, and to what it has unpacked"""
_CONFIG = ("-c", "core.deltaBaseCacheLimit=16m")
"""96 MB by default, which a process that lives on would keep"""


@dataclass(frozen=True)
class _Running:
    process: asyncio.subprocess.Process
    told: asyncio.Task[bytes]
    place: tuple[int, int]
    begun: float


class ObjectReader:
    """`git cat-file --batch`, started by the first question and answering one after the other until it is ended.

    git looks again for packs that are new when it does not find an object, and for those that took the place of one
    that is gone (its reprepare_packed_git). A question that is given up leaves half an answer in the pipe: so its
    process ends with it.
    """

    def __init__(self, environment: Callable[[], Mapping[str, str]], packs: Path, seconds: float) -> None:
        """`packs`: the directory of the packs; another one in its place means another cache. `seconds`: a question."""
        self._environment = environment
        self._packs = packs
        self._seconds = seconds
        self._running: _Running | None = None
        self._turn = asyncio.Lock()

    async def read(self, names: Sequence[str]) -> dict[str, CachedObject]:
        """What is there, by name as git understands it, without line ends. Raises GitFailed, GitTimedOut."""
        try:
            async with asyncio.timeout(self._seconds), self._turn:
                return await self._read(names)
        except TimeoutError:
            raise GitTimedOut(_COMMAND, f"no answer within {self._seconds:g} seconds") from None

    async def end(self) -> None:
        """The next question starts another one."""
        async with self._turn:
            await self._end()

    async def _read(self, names: Sequence[str]) -> dict[str, CachedObject]:
        """One that lived already may have died since, or by what it kept of files that are gone: then by a new one."""
        if self._running and not self._is_good(self._running):
            await self._end()
        if self._running:
            try:
                return await self._asked(self._running, names)
            except GitFailed:
                pass
        self._running = await self._start()
        return await self._asked(self._running, names)

    def _is_good(self, running: _Running) -> bool:
        young = asyncio.get_running_loop().time() - running.begun < _LIFE
        return young and running.process.returncode is None and running.place == self._place()

    def _place(self) -> tuple[int, int]:
        try:
            status = self._packs.stat()
        except OSError:
            return 0, 0
        return status.st_dev, status.st_ino

    async def _start(self) -> _Running:
        place = self._place()
        process = await asyncio.create_subprocess_exec(
            "git",
            *_CONFIG,
            _COMMAND,
            "--batch",
            env=dict(self._environment()),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.PIPE,
            limit=_BUFFER,
            start_new_session=True,
        )
        told = asyncio.create_task(read_tail(process.stderr))
        return _Running(process, told, place, asyncio.get_running_loop().time())

    async def _asked(self, running: _Running, names: Sequence[str]) -> dict[str, CachedObject]:
        is_whole = False
        try:
            found = await _answers(running.process, names)
            is_whole = True
        except (EOFError, ValueError) as error:
            await self._end()
            raise GitFailed(_COMMAND, running.told.result().decode(errors="replace") or str(error)) from None
        finally:
            if not is_whole:
                await self._end()
        return found

    async def _end(self) -> None:
        running, self._running = self._running, None
        if running:
            assert running.process.stdout is not None
            # What is left in the pipes is read, or else they would stay open; also when nobody waits for that.
            await asyncio.shield(asyncio.gather(end(running.process), running.process.stdout.read(), running.told))


async def _answers(process: asyncio.subprocess.Process, names: Sequence[str]) -> dict[str, CachedObject]:
    """Raises EOFError, ValueError when it does not answer, or not in its format."""
    assert process.stdin is not None
    assert process.stdout is not None
    # Not waited for: git stops reading until what it has answered is read.
    process.stdin.write("".join(f"{name}\n" for name in names).encode(errors="surrogateescape"))
    found: dict[str, CachedObject] = {}
    size = 0
    for name in names:
        if not (line := await process.stdout.readline()).endswith(b"\n"):
            raise EOFError("it ended")
        if not (head := announced(line)):
            continue
        size += head.size
        if size > STDOUT_LIMIT:
            raise ValueError(f"more than {STDOUT_LIMIT} bytes")
        body = await process.stdout.readexactly(head.size + 1)
        if body[-1:] != b"\n":
            raise ValueError("an object is not as long as git says")
        found[name] = CachedObject(head.kind, head.sha, body[:-1])
    return found
