"""What the pipeline's tasks do to the rest of the world: commits are fetched, images pushed, overlays written."""

import asyncio
import hashlib
import posixpath
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

import httpx
from cryptography.hazmat.primitives.asymmetric import ec

from integrations.sandbox.git import GitServer
from integrations.sandbox.harbor import HarborServer
from integrations.sandbox.kubernetes.controller.hooks import (
    Build,
    Checkout,
    Hooks,
    ManifestUpdate,
    Signing,
    Source,
    Written,
)

TRIES, PAUSE = 40, 0.5
"""seconds between two questions whether an overlay is held: all of them outlast a restart"""


@dataclass(frozen=True)
class InCluster:
    """What the pods of the pipeline reach and know: the one service that they ask has this address here."""

    service: str
    token: str

    async def held(self, update: ManifestUpdate) -> str:
        """Why the overlay is held back, "" when it is not; as the Task's script asks. Raises TimeoutError."""
        if not update.hold_url:
            return ""
        question = {
            "app": update.app,
            "environment": update.environment,
            "image": update.image,
            "digest": update.digest,
            "run": update.run,
        }
        url = f"{self.service}{urlsplit(update.hold_url).path}"
        async with httpx.AsyncClient(trust_env=False, headers={"Authorization": f"Bearer {self.token}"}) as http:
            for _ in range(TRIES):
                try:
                    answer = await http.get(url, params=question)
                except httpx.HTTPError:
                    answer = httpx.Response(503)
                word, _, why = answer.text.partition("\n")
                if answer.status_code == 200 and word in ("free", "held"):
                    return why.strip() if word == "held" else ""
                await asyncio.sleep(PAUSE)
        raise TimeoutError(
            f"Pilothouse does not say whether {update.app} in {update.environment} is held, so nothing is written."
        )


class Builds:
    """The effects of pipeline runs. `key` signs every image that is built."""

    def __init__(
        self, git: GitServer, harbor: HarborServer, key: ec.EllipticCurvePrivateKey, cluster: InCluster
    ) -> None:
        self._git = git
        self._harbor = harbor
        self._key = key
        self._cluster = cluster

    def hooks(self) -> Hooks:
        return Hooks(self._fetch, self._push, self._sign, self._write)

    async def _fetch(self, checkout: Checkout) -> Source:
        """A branch has a new commit each time; a named commit is itself."""
        app = posixpath.basename(checkout.url).removesuffix(".git")
        if re.fullmatch(r"[0-9a-f]{40}", checkout.revision):
            commit = checkout.revision
        else:
            seed = f"{checkout.url} {checkout.run} {secrets.token_hex(4)}"
            commit = hashlib.sha1(seed.encode(), usedforsecurity=False).hexdigest()
        return Source(commit, self._next_version(app))

    async def _push(self, build: Build) -> str:
        repository = build.repository.partition("/")[2]
        return self._harbor.push(repository, [build.tag], build.commit, build.source_url, version=build.tag)

    async def _sign(self, signing: Signing) -> None:
        self._harbor.sign(signing.repository.partition("/")[2], signing.digest, self._key)

    async def _write(self, update: ManifestUpdate) -> Written:
        """The pipeline's last task. Raises LookupError when the overlay has no line for the image."""
        path = f"apps/{update.app}/overlays/{update.environment}/kustomization.yaml"
        content = await self._git.read(path)
        if content is None:
            raise LookupError(f"{path} does not exist in the manifest repository")
        edited = pinned(content.decode(), update)
        if held := await self._cluster.held(update):
            return Written(held=held)
        message = f"{update.app}: build {update.tag} in {update.environment}\n\nPipeline-Run: {update.run}\n"
        author = ("ci-pipeline", "ci-pipeline@example.com")
        return Written(await self._git.commit({path: edited.encode()}, message, *author))

    def _next_version(self, app: str) -> str:
        """The newest tag with its last number one higher."""
        tags = [tag for row in self._harbor.snapshot() if row["repository"] == f"apps/{app}" for tag in row["tags"]]
        newest = max((tag for tag in tags if _numbers(tag)), key=_numbers, default="v0.0.0")
        head, last = re.split(r"(\d+)$", newest)[:2]
        return f"{head}{int(last) + 1}"


def pinned(text: str, update: ManifestUpdate) -> str:
    """The kustomization with the entry of the image's repository on the new tag or digest."""
    entry = re.compile(
        rf"""((?:name|newName):\s*['"]?{re.escape(update.repository)}['"]?\s*\n(?:\s*#.*\n)*\s*)(newTag|digest):\s*(['"]?)[^\s'"#]+"""
    )
    value = {"newTag": update.tag, "digest": update.digest}
    edited, count = entry.subn(lambda m: f"{m[1]}{m[2]}: {m[3]}{value[m[2]]}", text, count=1)
    if not count:
        raise LookupError(f"no entry of `images:` pins {update.repository}")
    return edited


def _numbers(tag: str) -> tuple[int, ...]:
    return tuple(int(number) for number in re.findall(r"\d+", tag)) if re.fullmatch(r"v?[\d.]+", tag) else ()
