"""What git says an application should be."""

from collections.abc import Mapping
from typing import Any

from integrations.sandbox.argocd.kustomize import BuildError, build
from integrations.sandbox.argocd.transformers import namespace as set_namespace
from integrations.sandbox.git import GitServer

Manifest = dict[str, Any]
MOST_BUILT = 5000


class ComparisonFailed(Exception):
    """The target state cannot be had; the message is the application's ComparisonError (A18)."""


class Desired:
    """Reads the repository; every blob and every built directory is read once."""

    def __init__(self, git: GitServer) -> None:
        self._git = git
        self._blobs: dict[str, bytes] = {}
        self._files: tuple[str, dict[str, bytes]] = ("", {})
        self._built: dict[tuple[str, str, str], list[Manifest]] = {}
        self._resolved: dict[str, str] = {}
        """what revisions mean until the next push: thousands ask, each by a process of git"""
        git.on_push(lambda _: self._forget())

    async def revision(self, wanted: str) -> str:
        """The commit that a target revision means. Raises ComparisonFailed."""
        known = self._resolved
        if wanted not in known:
            sha = await self._git.repository.resolve(wanted if wanted not in {"", "HEAD"} else "refs/heads/main")
            if sha is None:
                raise ComparisonFailed(f"unable to resolve '{wanted}' to a commit SHA")
            known[wanted] = sha
        return known[wanted]

    def _forget(self) -> None:
        """By a new dictionary: whoever asks git at this moment keeps the answer for nobody else."""
        self._resolved = {}

    async def paths(self) -> list[str]:
        """Every file of the default branch, for generators."""
        return list(await self._git.tree("main"))

    async def manifests(self, application: Mapping[str, Any], source: Mapping[str, Any], sha: str) -> list[Manifest]:
        """Rendered for the application's destination. Raises ComparisonFailed."""
        namespace = application["spec"]["destination"].get("namespace", "")
        key = (sha, source.get("path", "."), namespace)
        if key not in self._built:
            try:
                manifests = build(key[1], await self._at(sha))
            except BuildError as error:
                detail = "Failed to load target state: failed to generate manifest for source 1 of 1: rpc error: "
                raise ComparisonFailed(f"{detail}code = Unknown desc = {error}") from error
            set_namespace([one for one in manifests if not one["metadata"].get("namespace")], namespace)
            if len(self._built) > MOST_BUILT:
                self._built.clear()
            self._built[key] = manifests
        return self._built[key]

    async def _at(self, sha: str) -> dict[str, bytes]:
        if self._files[0] != sha:
            tree = await self._git.tree(sha)
            self._blobs |= await self._git.repository.blobs(blob for blob in tree.values() if blob not in self._blobs)
            self._files = (sha, {path: self._blobs[blob] for path, blob in tree.items()})
        return self._files[1]
