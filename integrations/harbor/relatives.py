"""Other manifests around the same image: what a container runs is the config and the files, whatever names them."""

import asyncio
import hashlib

from bot.domain.image import Image
from integrations.harbor.client import Harbor
from integrations.http.answer import decode
from integrations.kept import Kept
from integrations.oci import Oci, PullRefused
from integrations.oci.wire import IMAGE_CONFIGS, Rootfs

KEPT = 5000
AT_ONCE = 8


class HarborContents:
    """The port ImageContents: the digests of all manifests, of the images' configs, and what stands for their files.

    Two images with the same config are the same image: another manifest may only name or compress its layers in
    another way. Two with the same files, in the same order of layers, differ in labels, environment or entry point.
    """

    def __init__(self, harbor: Harbor, oci: Oci) -> None:
        self._harbor = harbor
        self._oci = oci
        self._kept: Kept[tuple[str, ...]] = Kept(KEPT)
        self._slots = asyncio.Semaphore(AT_ONCE)

    async def contents(self, image: Image) -> frozenset[str]:
        digests = await self._harbor.contents(image)
        found = await asyncio.gather(*(self._relatives(image.repository, digest) for digest in sorted(digests)))
        return digests.union(*found)

    async def _relatives(self, repository: str, digest: str) -> tuple[str, ...]:
        """Of one manifest; () for an index, for what is no image, and for what the project's rules let nobody pull."""
        known = self._kept.get(digest)
        if known is None:
            async with self._slots:
                try:
                    known = await self._read(repository, digest)
                except PullRefused:
                    return ()  # not kept: the rules may change
            self._kept.keep(digest, known)
        return known

    async def _read(self, repository: str, digest: str) -> tuple[str, ...]:
        manifest = await self._oci.manifest(repository, digest)
        config = manifest.config
        if config is None or config.media_type not in IMAGE_CONFIGS:
            return ()
        operation = f"read the config of {repository}@{digest[:19]}"
        rootfs = decode(await self._oci.blob(repository, config.digest), Rootfs, "OCI registry", operation).rootfs
        files = rootfs.diff_ids if rootfs else ()
        return (config.digest, *((stands_for(files),) if files else ()))


def stands_for(files: tuple[str, ...]) -> str:
    """`files`: the digests of the layers as they are unpacked, in order."""
    return "files:" + hashlib.sha256("\n".join(files).encode()).hexdigest()
