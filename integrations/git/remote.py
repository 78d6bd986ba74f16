"""The overlay repository on any git remote."""

import asyncio
from collections.abc import Mapping, Sequence
from datetime import UTC, datetime

from bot.domain.errors import Refused
from bot.domain.overlay import Author, Change, Commit
from integrations.git.commits import NotAFile, ParentTree, directories, drafted, split
from integrations.git.environment import REMOTE
from integrations.git.failures import SYSTEM
from integrations.git.files import BranchFiles, is_clean
from integrations.git.log import BranchLog
from integrations.git.packs import New, thin
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
        _refuse_other_kinds(trees)
        try:
            new = drafted(change, expected_head, committer, at, trees)
        except NotAFile as error:
            path, kind = error.args
            raise Refused(SYSTEM, "commit", f"{path} is {kind} in the repository: write a plain file there") from None
        sha = new[-1].sha
        await self._land(new, expected_head)
        url = self._settings.commit_url.replace("{sha}", sha)
        return Commit(sha, change.author, change.message.strip("\n"), at, url, (expected_head,))

    async def _land(self, new: Sequence[New], expected_head: str) -> None:
        """Pushes; the cache takes the commit in meanwhile, and needs it only where git is to push it."""
        self._overtaken = True
        sha = new[-1].sha
        pushed, stored = await asyncio.gather(
            self._short_push(expected_head, sha, thin(new)),
            self._cache.store(new),
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


def _refuse_other_kinds(trees: Mapping[str, ParentTree]) -> None:
    """Raises Refused where something else than a directory is in the place of one."""
    for directory in filter(None, trees):
        above, name = split(directory)
        entry = entry_of(trees[above].body, name)
        if entry and entry.mode != DIRECTORY:
            detail = f"{directory} is not a directory in the repository: no file can be put below it"
            raise Refused(SYSTEM, "commit", detail)
