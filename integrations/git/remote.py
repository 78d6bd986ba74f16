"""The overlay repository on any git remote."""

import asyncio
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime

from bot.domain.errors import Refused
from bot.domain.overlay import Author, Change, Commit
from integrations.git.cache import CacheBroken
from integrations.git.commits import NotAFile, ParentTree, directories, drafted, pack, split
from integrations.git.environment import REMOTE
from integrations.git.failures import SYSTEM
from integrations.git.files import BranchFiles, is_clean
from integrations.git.log import BranchLog
from integrations.git.trees import DIRECTORY, entry_of


class GitRemote(BranchFiles, BranchLog):
    """OverlaySource and OverlayWriter for any remote: HTTPS with a token, SSH with a key, or a path.

    Work is proportional to what changed, not to the repository: trees are fetched once, blobs when they are read.
    Any number of processes may share `cache_dir`, and it may be deleted at any time.
    """

    async def commit(self, change: Change, expected_head: str) -> Commit:
        """One request over HTTP. After Unavailable it may have landed: `find` its trailer before another try.

        Raises Refused, with the server's reason, when the branch is protected.
        """
        # git reads "\r" at the end of a line of its input as part of the line end; no directory is called so.
        inside = set(directories(change.files))
        if not all(is_clean(path) and "\r/" not in path and path not in inside for path in change.files or ("",)):
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
            self._cache.add(packed),
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


def _listed(directory: str, trees: Mapping[str, ParentTree]) -> str:
    """The sha that the directory above gives; "" when there is no such directory. Raises Refused."""
    above, name = split(directory)
    entry = entry_of(trees[above].body, name)
    if entry and entry.mode != DIRECTORY:
        raise Refused(SYSTEM, "commit", f"{directory} is no directory in the repository: no file can be put below it")
    return entry.sha.hex() if entry else ""
