"""The files of a branch at a commit, and what differs between two of them."""

import asyncio
from collections.abc import Iterable, Mapping, Sequence
from contextlib import suppress

from bot.domain.errors import Refused
from bot.domain.overlay import ChangedPath
from bot.ports import MOST_DIFFERENCES
from integrations.git.branch import RemoteBranch
from integrations.git.cache import CacheBroken
from integrations.git.commits import ParentTree, directories, split
from integrations.git.failures import SYSTEM
from integrations.git.objects import TreeEntry, differences, tree_entries
from integrations.git.trees import DIRECTORY, NO_BLOBS, entry_of

_FEW_PATHS = 200
"""so many are looked up one by one; more by listing the whole tree once"""


class BranchFiles(RemoteBranch):
    """Trees are fetched once, blobs when they are read."""

    async def paths(self, at: str) -> Mapping[str, str]:
        async def listing() -> Mapping[str, str]:
            return {entry.path: entry.sha for entry in await self._tree(at) if entry.kind == "blob"}

        return await self._with_cache(listing)

    async def read(self, paths: Iterable[str], at: str) -> Mapping[str, bytes]:
        wanted = tuple(dict.fromkeys(path for path in paths if is_clean(path)))
        return await self._with_cache(lambda: self._read(wanted, at))

    async def versions(self, path: str, commits: Iterable[str]) -> Mapping[str, bytes]:
        shas = tuple(dict.fromkeys(commits)) if is_clean(path) else ()
        return await self._with_cache(lambda: self._versions(path, shas))

    async def differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        """By the objects that the trees name: no blob is fetched, and no setting of the repository has a say."""
        return await self._with_cache(lambda: self._differences(before, after))

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
        shas = await (self._looked_up(missing, at) if len(missing) <= _FEW_PATHS else self._listed(missing, at))
        bodies = await self._blobs(set(shas.values()))
        return found | {path: bodies[sha] for path, sha in shas.items()}

    async def _looked_up(self, paths: Sequence[str], at: str) -> dict[str, str]:
        """The blobs by path, of those that are there."""
        trees = await self._trees(directories(paths), at)
        found: dict[str, str] = {}
        for path in paths:
            directory, name = split(path)
            entry = entry_of(trees[directory].body, name)
            if entry and entry.mode not in NO_BLOBS:
                found[path] = entry.sha.hex()
        return found

    async def _listed(self, paths: Iterable[str], at: str) -> dict[str, str]:
        wanted = set(paths)
        return {
            entry.path: entry.sha for entry in await self._tree(at) if entry.kind == "blob" and entry.path in wanted
        }

    async def _trees(self, directories: Iterable[str], at: str) -> dict[str, ParentTree]:
        """Directories as they are at a commit, with all above them; what is none there is empty. Raises CacheBroken.

        Of one that cannot be read, the directory above says whether it is there.
        """
        await self._require(at)
        names = {directory: f"{at}:{directory}" for directory in sorted(directories, key=len)}
        found = await self._cache.objects(names.values())
        trees: dict[str, ParentTree] = {}
        for directory, name in names.items():
            above, own = split(directory)
            entry = entry_of(trees[above].body, own) if directory else None
            expected = entry.sha.hex() if entry and entry.mode == DIRECTORY else ""
            tree = found.get(name)
            if directory and not expected:
                trees[directory] = ParentTree()
            elif tree and tree.kind == "tree" and (not directory or expected == tree.sha):
                trees[directory] = ParentTree(tree.sha, tree.body)
            else:
                raise CacheBroken(f"the tree of {directory or 'the root'} is missing")
        return trees

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
                await self._cache.add(packed)
                return
        await self._retrying(lambda: self._cache.fetch_blobs(shas))

    async def _bodies(self, names: Iterable[str]) -> dict[str, bytes]:
        return {name: found.body for name, found in (await self._cache.objects(names)).items() if found.kind == "blob"}

    async def _tree(self, at: str) -> tuple[TreeEntry, ...]:
        await self._require(at)
        return tuple(tree_entries(await self._cache.local("ls-tree", "-r", "-z", "--full-tree", at)))

    async def _versions(self, path: str, shas: tuple[str, ...]) -> dict[str, bytes]:
        names = {f"{sha}:{path}": sha for sha in shas}
        found = {names[name]: body for name, body in (await self._bodies(names)).items()}
        missing = [sha for sha in shas if sha not in found]
        looked_up = await asyncio.gather(*(self._looked_up([path], sha) for sha in missing))
        blobs = {sha: there[path] for sha, there in zip(missing, looked_up, strict=True) if path in there}
        bodies = await self._blobs(set(blobs.values()))
        return found | {sha: bodies[blob] for sha, blob in blobs.items()}

    async def _differences(self, before: str, after: str) -> tuple[ChangedPath, ...]:
        await self._require(before)
        await self._require(after)
        options = ("-r", "-z", "--raw", "--no-renames", "--no-ext-diff", "--ignore-submodules=none")
        found = tuple(differences(await self._cache.local("diff-tree", *options, before, after)))
        if len(found) > MOST_DIFFERENCES:
            detail = f"{before[:12]} and {after[:12]} differ in {len(found)} files"
            raise Refused(SYSTEM, "compare two commits", detail)
        return found


def is_clean(path: str) -> bool:
    """A path as git stores it. Others cannot be in a tree, and some mean something else to git's commands."""
    return bool(path) and "\0" not in path and "\n" not in path and not {"", ".", "..", ".git"} & set(path.split("/"))
