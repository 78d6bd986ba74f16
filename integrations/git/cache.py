"""The bare repository in which what was fetched is kept. It may be deleted or damaged at any moment.

It holds the trees of the newest commits and the blobs that were asked for: shallow (history is fetched further back
on demand) and without blobs. Reading needs no lock: git's files are written whole and never change.
"""

import asyncio
import hashlib
import os
import shutil
import ssl
import uuid
from collections.abc import AsyncIterator, Iterable, Iterator
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path

from bot.domain.errors import Unavailable
from bot.settings import GitSettings
from integrations.git.environment import REMOTE, GitEnvironment
from integrations.git.failures import SYSTEM, last_words, remote_failure
from integrations.git.lock import locked
from integrations.git.objects import CachedObject, contents
from integrations.git.packs import New, keep, unpacked, whole
from integrations.git.process import GitFailed, GitTimedOut, run_git
from integrations.git.reader import ObjectReader

_FIRST_COMMITS = 100
"""fetched of a branch that is new to us: what gates ask of its past is mostly there, and it takes no request more"""
_MANY_PACKS = 150
_MANY_NAMES = 200
"""so many are read by a process of their own, or else who reads one file would wait for who reads all of them"""


@dataclass(frozen=True)
class Patience:
    """Seconds. `answer` bounds one question or push; `fetch` a first fetch of everything; `local` work on our disk."""

    answer: float = 20
    fetch: float = 120
    local: float = 60


class CacheBroken(Exception):
    """git cannot work with the cache directory; `told` says what it said."""

    def __init__(self, told: str) -> None:
        super().__init__(told)
        self.told = told


class BranchCache:
    """The cache of one branch of one remote, below `directory`, shared with every process that uses the same."""

    def __init__(self, settings: GitSettings, directory: Path, patience: Patience) -> None:
        self._settings = settings
        self._patience = patience
        name = hashlib.sha256(f"{settings.url}\n{settings.branch}".encode()).hexdigest()[:16]
        self.path = directory.absolute() / f"{name}.git"
        self._lock_file = self.path.with_suffix(".lock")
        self._authorities = self.path.with_suffix(".pem") if settings.ca_bundle else None
        self.environment = GitEnvironment(settings, self.path, self._authorities)
        self.tracking = f"refs/remotes/{REMOTE}/{settings.branch}"
        self._packs = self.path / "objects" / "pack"
        self._head = self.path / "HEAD"
        self._reader = ObjectReader(self.environment.local, self._packs, patience.local)
        self._swept = False

    async def aclose(self) -> None:
        await self._reader.end()

    async def objects(self, names: Iterable[str]) -> dict[str, CachedObject]:
        """What is here, by sha or `COMMIT:PATH`. Raises CacheBroken, Unavailable."""
        # git takes "\r" at the end of a line of its input for a part of the line's end.
        asked = tuple(name for name in names if "\n" not in name and not name.endswith("\r"))
        if len(asked) > _MANY_NAMES:
            stdin = "".join(f"{name}\n" for name in asked).encode(errors="surrogateescape")
            output = await self.local("cat-file", "--batch", stdin=stdin)
            return {name: found for name, found in contents(output, asked) if found}
        with self._told():
            return await self._reader.read(asked) if asked else {}

    async def local(self, *arguments: str, stdin: bytes = b"") -> bytes:
        """A command that needs no network. Raises CacheBroken, Unavailable."""
        with self._told():
            return await run_git(
                *arguments, environment=self.environment.local(), stdin=stdin, timeout=self._patience.local
            )

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Raises what has failed without the network as CacheBroken, Unavailable."""
        try:
            yield
        except GitTimedOut as failed:
            raise Unavailable(SYSTEM, failed.command, failed.stderr) from None
        except GitFailed as failed:
            raise CacheBroken(self.environment.scrub(failed.stderr)) from None

    async def remote(self, operation: str, *arguments: str, stdin: bytes = b"", seconds: float | None = None) -> bytes:
        """A command that talks to the remote. Raises Unavailable, Refused, NotFound; CacheBroken for anything else."""
        try:
            environment = await asyncio.to_thread(self._reachable)
            return await run_git(
                *arguments, environment=environment, stdin=stdin, timeout=seconds or self._patience.answer
            )
        except GitFailed as failed:
            told = self.environment.scrub(f"{failed.stdout}\n{failed.stderr}")
            if f"not a git repository: '{self.path}'" in told or "bad shallow line" in told:
                raise CacheBroken(told) from None
            raise remote_failure(operation, failed, told) or CacheBroken(told) from None

    async def create(self) -> int:
        """Make sure that the cache is there; which one it is, to say which one was broken."""
        if not self._swept or not self._is_there():
            async with self._alone():
                await asyncio.to_thread(self._sweep)
                if not self._is_there():
                    await self._initialise()
        return self._identity()

    def _sweep(self) -> None:
        """Removes what a process left that was killed while it made or removed a cache: here nobody does so now."""
        for left in self.path.parent.glob(f"{self.path.name}.{'[0-9a-f]' * 32}"):
            shutil.rmtree(left, ignore_errors=True)
        self._swept = True

    async def rebuild(self, broken: int) -> None:
        """Throw the cache `broken` away, unless somebody has done so already; the next fetch fills the new one."""
        async with self._alone():
            if self._identity() == broken or not self._is_there():
                await self._reader.end()
                # Moved first and removed last: a new directory may get the identity of one that is gone.
                gone = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}")
                try:
                    with suppress(OSError):
                        await asyncio.to_thread(self.path.rename, gone)
                    await self._initialise()
                finally:  # or else a disk that it has filled stays full
                    await asyncio.to_thread(shutil.rmtree, gone, ignore_errors=True)

    async def fetch(self) -> None:
        """The branch as it is now: from nothing its newest commits only, else whatever is new."""
        async with self._alone():
            depth = () if (self.path / self.tracking).exists() else (f"--depth={_FIRST_COMMITS}",)
            branch = f"+refs/heads/{self._settings.branch}:{self.tracking}"
            await self._fetch("fetch", *depth, REMOTE, branch, seconds=self._patience.fetch)
            if self.cluttered:
                await self._tidy()

    async def fetch_commit(self, sha: str) -> None:
        """One commit, though perhaps no branch leads to it by now."""
        async with self._alone():
            await self._fetch(f"fetch {sha[:12]}", "--depth=1", REMOTE, sha, seconds=self._patience.fetch)

    async def fetch_blobs(self, shas: Iterable[str]) -> None:
        """All of them in one round trip."""
        stdin = "".join(f"{sha}\n" for sha in shas).encode()
        async with self._alone():
            await self._fetch(
                "fetch files", "--no-write-fetch-head", "--stdin", REMOTE, stdin=stdin, seconds=self._patience.fetch,
                config=("-c", "fetch.negotiationAlgorithm=noop"),
            )  # fmt: skip

    async def add(self, packed: bytes) -> None:
        """What did not come by git's own fetch. Raises CacheBroken where it is no pack, or not a whole one."""
        try:
            objects = await asyncio.to_thread(unpacked, packed)
        except ValueError:
            await self._index(packed)
        else:
            await self.store(objects)

    async def _index(self, packed: bytes) -> None:
        """By git. Beside a repack it is kept, as in `keep`."""
        told = await self.local("index-pack", "--stdin", "--fix-thin", "--promisor", "--keep", stdin=packed)
        name = told.decode().split()[-1]
        (self._packs / f"pack-{name}.keep").unlink(missing_ok=True)

    async def store(self, objects: Iterable[New]) -> None:
        """Whole objects: git has nothing to work out, and is not asked. Raises CacheBroken."""
        try:
            await asyncio.to_thread(lambda: keep(whole(objects), self._packs))
        except OSError as error:
            raise CacheBroken(f"a pack cannot be written: {error.strerror}") from error

    async def deepen(self, commits: int) -> None:
        """So many commits further back; all of them where the remote does not find the way back from our boundary.

        git tells by the commits' dates what a boundary is reached from. Where clocks were apart it may find nothing,
        and answers as if there were no more.
        """
        async with self._alone():
            branch = f"+refs/heads/{self._settings.branch}:{self.tracking}"
            before = self.boundary()
            await self._fetch("fetch history", f"--deepen={commits}", REMOTE, branch, seconds=self._patience.fetch)
            if before and self.boundary() == before:
                await self._fetch("fetch all history", "--unshallow", REMOTE, branch, seconds=self._patience.fetch)

    def boundary(self) -> frozenset[str]:
        """The commits whose parents were not fetched; to git they look as if they had made every file."""
        try:
            return frozenset((self.path / "shallow").read_text().split())
        except FileNotFoundError:
            return frozenset()

    async def _fetch(
        self, operation: str, *arguments: str, stdin: bytes = b"", seconds: float, config: tuple[str, ...] = ()
    ) -> None:
        options = ("--quiet", "--no-tags", "--no-recurse-submodules", "--filter=blob:none")
        await self.remote(operation, *config, "fetch", *options, *arguments, stdin=stdin, seconds=seconds)

    @asynccontextmanager
    async def _alone(self) -> AsyncIterator[None]:
        async with AsyncExitStack() as held:
            try:
                await held.enter_async_context(locked(self._lock_file, self._patience.fetch))
            except TimeoutError:
                detail = f"another process has held {self._lock_file.name} for {self._patience.fetch:g} seconds"
                raise Unavailable(SYSTEM, "lock the cache", detail) from None
            except OSError as error:
                raise unusable(str(error.strerror)) from error
            yield

    def _identity(self) -> int:
        try:
            return self.path.stat().st_ino
        except FileNotFoundError:
            return 0

    def _is_there(self) -> bool:
        return self._head.exists()

    async def _initialise(self) -> None:
        """Under another name first: nobody ever sees half a repository."""
        for last in (False, False, True):
            new = self.path.with_name(f"{self.path.name}.{uuid.uuid4().hex}")
            environment = self.environment.local() | {"GIT_DIR": str(new)}
            try:
                await run_git("init", "--quiet", "--bare", "--template=", environment=environment)
                await asyncio.to_thread(new.rename, self.path)
            except (GitFailed, OSError) as error:
                await asyncio.to_thread(shutil.rmtree, new, ignore_errors=True)
                if self._is_there():
                    return  # somebody else was first, on a lock file that was deleted meanwhile
                if last:
                    told = last_words(error.stderr) if isinstance(error, GitFailed) else str(error.strerror)
                    raise unusable(told) from error
            else:
                return

    @property
    def cluttered(self) -> bool:
        """Each fetch and each commit leaves a pack; many of them slow every look-up down. `fetch` tidies up."""
        try:
            with os.scandir(self._packs) as files:
                return sum(file.name.endswith(".pack") for file in files) > _MANY_PACKS
        except FileNotFoundError:
            return False

    async def _tidy(self) -> None:
        """One pack of all packs. No bitmap, which git makes in a bare repository: it cannot where parts are missing."""
        repack = ("repack", "-a", "-d", "-q", "--no-write-bitmap-index")
        try:
            await run_git(*repack, environment=self.environment.remote(), timeout=self._patience.fetch)
        except GitFailed as failed:
            raise CacheBroken(self.environment.scrub(failed.stderr)) from None
        await self._reader.end()  # or else it holds on to the packs that are gone

    def _reachable(self) -> dict[str, str]:
        """The environment to talk to the remote with. Raises Unavailable when a mounted file cannot be read."""
        try:
            if self._authorities and self._settings.ca_bundle:
                write_authorities(self._settings.ca_bundle, self._authorities)
            return self.environment.remote()
        except OSError as error:
            detail = f"{error.filename or 'a file'} cannot be read: {error.strerror}"
            raise Unavailable(SYSTEM, "read the credentials", detail) from error


def unusable(told: str) -> Unavailable:
    return Unavailable(SYSTEM, "use the cache", f"PILOTHOUSE_DATA_DIR cannot be used: {told}")


def write_authorities(extra: Path, merged: Path) -> None:
    """curl reads one file of authorities, instead of the system's: so both go into one."""
    if merged.exists() and merged.stat().st_mtime_ns >= extra.stat().st_mtime_ns:
        return
    system = ssl.get_default_verify_paths().cafile
    trusted = Path(system).read_text() if system else ""
    merged.parent.mkdir(parents=True, exist_ok=True)
    unfinished = merged.with_name(f"{merged.name}.{uuid.uuid4().hex}")
    unfinished.write_text(f"{trusted}\n{extra.read_text()}")
    unfinished.rename(merged)
