"""The overlay repository on any git remote."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Self, TypeVar

from tenacity import AsyncRetrying, retry_if_exception_type, stop_after_attempt, stop_after_delay
from tenacity.wait import wait_random_exponential

from bot.domain.errors import NotFound, Refused, Unavailable
from bot.domain.overlay import Author, Change, ChangedPath, Commit
from bot.ports import MOST_DIFFERENCES
from bot.settings import GitSettings
from integrations.git.cache import BranchCache, CacheBroken, Patience
from integrations.git.commits import NotAFile, ParentTree, directories, drafted, pack, split
from integrations.git.environment import REMOTE, GitEnvironment
from integrations.git.failures import SYSTEM, last_words
from integrations.git.objects import (
    LOG_FORMAT,
    CachedObject,
    TreeEntry,
    contents,
    differences,
    is_sha,
    logged,
    tree_entries,
)
from integrations.git.smart_http import SmartHttp
from integrations.git.trees import DIRECTORY, entry_of

T = TypeVar("T")

_FEW_PATHS = 200
"""so many are looked up one by one; more by listing the whole tree once"""
_SYMBOLIC = "ref: refs/heads/"
"""before the branch that HEAD names, in what `ls-remote --symref` prints"""
_ATTEMPTS = 3
_DEEPER = (1_000, 10_000, 100_000)
"""commits fetched at each step further back into history"""


class GitRemote:
    """OverlaySource and OverlayWriter for any remote: HTTPS with a token, SSH with a key, or a path.

    Work is proportional to what changed, not to the repository: trees are fetched once, blobs when they are read.
    Any number of processes may share `cache_dir`, and it may be deleted at any time.
    """

    def __init__(self, settings: GitSettings, cache_dir: Path, patience: Patience | None = None) -> None:
        self._settings = settings
        self._patience = patience or Patience()
        self._cache = BranchCache(settings, cache_dir, self._patience)
        self._branch = f"refs/heads/{settings.branch}"
        self._present: set[str] = set()
        self._fetching = asyncio.Lock()
        self._wire = smart_http(settings, self._cache.environment, self._patience.answer)
        self._overtaken = False
        """whether the last push came too late: then every round trip before the next one counts"""

    async def aclose(self) -> None:
        if self._wire:
            await self._wire.aclose()

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(self, *_: object) -> None:
        await self.aclose()

    async def head(self) -> str:
        """Asks the remote each time (one process); fetches only what is new."""
        return await self._with_cache(self._head)

    async def default_branch(self) -> str:
        async def asked() -> bytes:
            return await self._ask("ask for the default branch", "ls-remote", "--symref", REMOTE, "HEAD")

        for line in (await self._with_cache(asked)).decode(errors="replace").splitlines():
            target, _, name = line.partition("\t")
            if name == "HEAD" and target.startswith(_SYMBOLIC):
                return target.removeprefix(_SYMBOLIC)
        return ""

    async def paths(self, at: str) -> tuple[str, ...]:
        async def listing() -> tuple[str, ...]:
            return tuple(entry.path for entry in await self._tree(at) if entry.kind == "blob")

        return await self._with_cache(listing)

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        wanted = tuple(dict.fromkeys(path for path in paths if _is_clean(path)))
        return await self._with_cache(lambda: self._read(wanted, at))

    async def history(self, path: str, limit: int, at: str = "") -> tuple[Commit, ...]:
        """Looks at most about 100,000 commits back; each step further back is fetched once."""
        return await self._with_cache(lambda: self._history(path, limit, at))

    async def versions(self, path: str, commits: Iterable[str]) -> Mapping[str, bytes]:
        shas = tuple(dict.fromkeys(commits)) if _is_clean(path) else ()
        return await self._with_cache(lambda: self._versions(path, shas))

    async def differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        """By the objects that the trees name: no blob is fetched, and no setting of the repository has a say."""
        return await self._with_cache(lambda: self._differences(before, after))

    async def find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        """`since` "" looks through all of history, as `history` does."""
        return await self._with_cache(lambda: self._find(trailer, value, since))

    async def commit(self, change: Change, expected_head: str) -> Commit:
        """One request over HTTP. After Unavailable it may have landed: `find` its trailer before another try.

        Raises Refused, with the server's reason, when the branch is protected.
        """
        # git reads "\r" at the end of a line of its input as part of the line end; no directory is called so.
        inside = set(directories(change.files))
        if not all(_is_clean(path) and "\r/" not in path and path not in inside for path in change.files or ("",)):
            raise Refused(SYSTEM, "commit", f"not files to write: {sorted(change.files)}")
        return await self._with_cache(lambda: self._commit(change, expected_head))

    async def verify_push(self) -> None:
        """Whether the remote lets us push to it, without pushing: it is asked for, and nothing is sent.

        A rule that protects the branch shows only at a real push. Raises Unavailable, Refused, NotFound.
        """

        async def dry_run() -> bytes:
            head = await self._head()
            return await self._ask("try a push", "push", "--dry-run", "--porcelain", REMOTE, f"{head}:{self._branch}")

        await self._with_cache(dry_run)

    async def _head(self) -> str:
        if self._overtaken:
            return await self._newest()
        if self._wire and (sha := await self._wire.head()):
            await self._require(sha)
            await self._tidy()
            return sha
        listing = await self._ask("ask for the head", "ls-remote", REMOTE, self._branch)
        for line in listing.decode().splitlines():
            sha, _, ref = line.partition("\t")
            if ref == self._branch:
                await self._require(sha)
                await self._tidy()
                return sha
        detail = f"the remote shows no branch {self._settings.branch}: push a commit to it, or fix PILOTHOUSE_GIT__URL"
        raise NotFound(SYSTEM, "ask for the head", detail)

    async def _newest(self) -> str:
        """The head by way of fetching it: one round trip less than asking for it first, when it is sure to be new."""
        self._overtaken = False  # if this fails, the other way says better why
        async with self._fetching:
            await self._retrying(self._cache.fetch)
        sha = (await self._cache.local("rev-parse", "--verify", self._cache.tracking)).decode().strip()
        self._present.add(sha)
        return sha

    async def _read(self, paths: tuple[str, ...], at: str) -> dict[str, bytes]:
        await self._require(at)
        found: dict[str, bytes] = {}
        if len(paths) <= _FEW_PATHS:
            names = {f"{at}:{path}": path for path in paths}
            found = {names[name]: body for name, body in (await self._bodies(names)).items()}
        missing = [path for path in paths if path not in found]
        if not missing:
            return found
        # "Missing" says either that there is no such file, or that its blob was not fetched yet.
        entries = await self._tree(at, *missing) if len(missing) <= _FEW_PATHS else await self._tree(at)
        wanted = set(missing)
        shas = {entry.path: entry.sha for entry in entries if entry.kind == "blob" and entry.path in wanted}
        bodies = await self._blobs(set(shas.values()))
        return found | {path: bodies[sha] for path, sha in shas.items()}

    async def _blobs(self, shas: set[str]) -> dict[str, bytes]:
        bodies = await self._bodies(shas)
        if unfetched := shas - bodies.keys():
            await self._fetch_blobs(sorted(unfetched))
            bodies |= await self._bodies(unfetched)
        if shas - bodies.keys():
            raise CacheBroken("blobs are missing after they were fetched")
        return bodies

    async def _fetch_blobs(self, shas: list[str]) -> None:
        """In one request where the remote can be asked directly; git's own program takes two."""
        packed = await self._wire.objects(shas) if self._wire and len(shas) <= _FEW_PATHS else b""
        if packed:
            with suppress(CacheBroken):  # not a pack, or not a whole one
                await self._cache.local("index-pack", "--stdin", "--promisor", stdin=packed)
                return
        await self._retrying(lambda: self._cache.fetch_blobs(shas))

    async def _bodies(self, names: Iterable[str]) -> dict[str, bytes]:
        return {name: found.body for name, found in (await self._contents(names)).items() if found.kind == "blob"}

    async def _contents(self, names: Iterable[str]) -> dict[str, CachedObject]:
        asked = tuple(names)
        if not asked:
            return {}
        stdin = "".join(f"{name}\n" for name in asked).encode(errors="surrogateescape")
        output = await self._cache.local("cat-file", "--batch", stdin=stdin)
        return {name: found for name, found in contents(output, asked) if found}

    async def _tree(self, at: str, *paths: str) -> tuple[TreeEntry, ...]:
        await self._require(at)
        scope = ("--", *paths) if paths else ()
        recursive = () if paths else ("-r",)
        return tuple(tree_entries(await self._cache.local("ls-tree", *recursive, "-z", "--full-tree", at, *scope)))

    async def _versions(self, path: str, shas: tuple[str, ...]) -> dict[str, bytes]:
        names = {f"{sha}:{path}": sha for sha in shas}
        found = {names[name]: body for name, body in (await self._bodies(names)).items()}
        missing = [sha for sha in shas if sha not in found]
        trees = await asyncio.gather(*(self._tree(sha, path) for sha in missing))
        blobs = {
            sha: entry.sha for sha, tree in zip(missing, trees, strict=True) for entry in tree if entry.kind == "blob"
        }
        bodies = await self._blobs(set(blobs.values()))
        return found | {sha: bodies[blob] for sha, blob in blobs.items()}

    async def _history(self, path: str, limit: int, at: str) -> tuple[Commit, ...]:
        head = at or await self._head()
        await self._require(head)
        scope = ("--", path) if path else ()
        found: tuple[Commit, ...] = ()
        boundary: frozenset[str] = frozenset()
        for deeper in (0, *_DEEPER):
            if deeper:
                await self._deepen(deeper, boundary)
            boundary = self._cache.boundary()
            # One more for each boundary commit: those are left out, for they only look as if they touched the path.
            found = tuple(
                commit
                for commit in await self._log(f"--max-count={limit + len(boundary)}", head, *scope)
                if commit.sha not in boundary or not path
            )[:limit]
            if len(found) == limit or not boundary:
                break
        self._present |= {commit.sha for commit in found}
        return found

    async def _differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        await self._require(before)
        await self._require(after)
        options = ("-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
        found = tuple(differences(await self._cache.local("diff-tree", *options, before, after)))
        if len(found) > MOST_DIFFERENCES:
            detail = f"{before[:12]} and {after[:12]} differ in {len(found)} files"
            raise Refused(SYSTEM, "compare two commits", detail)
        return found

    async def _find(self, trailer: str, value: str, since: str) -> tuple[Commit, ...]:
        head = await self._head()
        if since == head:
            return ()
        if since:
            await self._reach(since, head)
        elif self._cache.boundary():
            await self._deepen_while(lambda: asyncio.sleep(0, bool(self._cache.boundary())))
        newer = (head, f"^{since}") if since else (head,)
        grep = ("--fixed-strings", f"--grep={trailer}: {value}", "--regexp-ignore-case")
        ours = Author(self._settings.committer_name, self._settings.committer_email)
        return tuple(
            commit
            for commit, committer in await self._logged(*grep, *newer)
            if committer == ours and commit.trailer(trailer) == value
        )

    async def _reach(self, since: str, head: str) -> None:
        """Fetch history back to `since`, which a new cache does not hold; all of it if the branch has left it."""
        await self._require(since)

        async def apart() -> bool:
            if not self._cache.boundary():
                return False
            return not await self._log("--max-count=1", "--ancestry-path", head, f"^{since}")

        await self._deepen_while(apart)

    async def _deepen_while(self, lacking: Callable[[], Awaitable[bool]]) -> None:
        for deeper in _DEEPER:
            seen = self._cache.boundary()
            if not await lacking():
                return
            await self._deepen(deeper, seen)

    async def _log(self, *arguments: str) -> tuple[Commit, ...]:
        return tuple(commit for commit, _ in await self._logged(*arguments))

    async def _logged(self, *arguments: str) -> tuple[tuple[Commit, Author], ...]:
        output = await self._cache.local("log", "-z", LOG_FORMAT, "--no-show-signature", *arguments)
        return tuple(logged(output, self._settings.commit_url))

    async def _commit(self, change: Change, expected_head: str) -> Commit:
        at = datetime.now(UTC).replace(microsecond=0)
        committer = Author(self._settings.committer_name, self._settings.committer_email)
        trees = await self._trees(directories(change.files), expected_head)
        try:
            new = drafted(change, expected_head, committer, at, trees)
        except NotAFile as error:
            path, kind = error.args
            raise Refused(SYSTEM, "commit", f"{path} is {kind} in the repository: write a plain file there") from None
        sha = new[-1].sha
        await self._land(sha, expected_head, pack(new))
        url = self._settings.commit_url.replace("{sha}", sha)
        return Commit(sha, change.author, change.message.strip("\n"), at, url, (expected_head,))

    async def _trees(self, directories: Iterable[str], at: str) -> dict[str, ParentTree]:
        """The directories as they are at a commit; what is not there yet is empty. Raises Refused, CacheBroken."""
        await self._require(at)
        names = {directory: f"{at}:{directory}" for directory in sorted(directories, key=len)}
        found = await self._contents(names.values())
        trees: dict[str, ParentTree] = {}
        for directory, name in names.items():
            expected = _listed(directory, trees) if directory else None
            tree = found.get(name)
            if directory and not expected:
                trees[directory] = ParentTree()
            elif tree and (not expected or expected == tree.sha):
                trees[directory] = ParentTree(tree.sha, tree.body)
            else:
                raise CacheBroken(f"the tree of {directory or 'the root'} is missing")
        return trees

    async def _land(self, sha: str, expected_head: str, packed: bytes) -> None:
        """Pushes; the cache takes the commit in meanwhile, and needs it only where git is to push it."""
        self._overtaken = True
        pushed, stored = await asyncio.gather(
            self._short_push(expected_head, sha, packed),
            self._cache.local("index-pack", "--stdin", "--fix-thin", stdin=packed),
            return_exceptions=True,
        )
        if isinstance(pushed, BaseException):
            raise pushed
        if not pushed:
            if isinstance(stored, BaseException):
                raise stored
            await self._push(sha, expected_head)
        if not isinstance(stored, BaseException):
            self._present.add(sha)
        self._overtaken = False

    async def _short_push(self, old: str, new: str, packed: bytes) -> bool:
        return await self._wire.push(old, new, packed) if self._wire else False

    async def _push(self, sha: str, expected_head: str) -> None:
        """Moves the branch from `expected_head` to its child `sha`, or not at all: the server compares and swaps."""
        lease = f"--force-with-lease={self._branch}:{expected_head}"
        await self._cache.remote("push", "push", "--porcelain", "--no-verify", lease, REMOTE, f"{sha}:{self._branch}")

    async def _require(self, at: str) -> None:
        """Make sure that the commit is in the cache. Raises NotFound."""
        if at in self._present:
            return
        if not is_sha(at):
            raise NotFound(SYSTEM, "read a commit", f"{at[:80]!r} is not a commit's full sha")
        async with self._fetching:
            if at not in self._present and not await self._holds(at):
                await self._retrying(self._cache.fetch)
                if not await self._holds(at):
                    await self._retrying(lambda: self._cache.fetch_commit(at))
        self._present.add(at)

    async def _tidy(self) -> None:
        """Now and then, which takes a second or two: better while looking than while committing."""
        if self._cache.cluttered:
            self._present.clear()
            await self._retrying(self._cache.fetch)

    async def _holds(self, sha: str) -> bool:
        output = await self._cache.local("cat-file", "--batch-check=%(objecttype)", stdin=f"{sha}\n".encode())
        return output.strip() == b"commit"

    async def _ask(self, operation: str, *arguments: str) -> bytes:
        return await self._retrying(lambda: self._cache.remote(operation, *arguments))

    async def _retrying(self, work: Callable[[], Awaitable[T]]) -> T:
        retrying = AsyncRetrying(
            retry=retry_if_exception_type(Unavailable),
            wait=wait_random_exponential(multiplier=0.2, max=2),
            stop=stop_after_attempt(3) | stop_after_delay(self._patience.answer),
            reraise=True,
        )

        # A nested coroutine function: tenacity does not await what a lambda returns.
        async def attempt() -> T:
            return await work()

        return await retrying(attempt)

    async def _deepen(self, commits: int, seen: frozenset[str]) -> None:
        """Unless somebody has done so since the boundary was `seen`."""
        async with self._fetching:
            if self._cache.boundary() == seen:
                await self._retrying(lambda: self._cache.deepen(commits))

    async def _with_cache(self, work: Callable[[], Awaitable[T]]) -> T:
        """`work`, and again on a new cache if the present one turns out to be damaged, or is deleted meanwhile."""
        for left in reversed(range(_ATTEMPTS)):
            cache = await self._cache.create()
            try:
                return await work()
            except CacheBroken as broken:
                self._present.clear()
                if not left:
                    detail = f"git fails, on a new cache too: {last_words(broken.told)}"
                    raise Unavailable(SYSTEM, "use the cache", detail) from None
                await self._cache.rebuild(cache)
        raise AssertionError("unreachable: the last attempt returns or raises")


def smart_http(settings: GitSettings, environment: GitEnvironment, seconds: float) -> SmartHttp | None:
    """None where the remote is reached otherwise, or where git must say what is wrong with the settings."""
    if not environment.url.startswith(("https://", "http://")):
        return None
    try:
        return SmartHttp(settings, environment, seconds)
    except (ValueError, OSError):
        return None


def _listed(directory: str, trees: Mapping[str, ParentTree]) -> str:
    """The sha that the directory above gives; "" when there is no such directory. Raises Refused."""
    above, name = split(directory)
    entry = entry_of(trees[above].body, name)
    if entry and entry.mode != DIRECTORY:
        raise Refused(SYSTEM, "commit", f"{directory} is no directory in the repository: no file can be put below it")
    return entry.sha.hex() if entry else ""


def _is_clean(path: str) -> bool:
    """A path as git stores it. Others cannot be in a tree, and some mean something else to git's commands."""
    return bool(path) and "\0" not in path and "\n" not in path and not {"", ".", "..", ".git"} & set(path.split("/"))
