"""Signatures that cosign has made, looked up in a registry and verified with the keys that the policy trusts."""

import asyncio
from collections.abc import Mapping
from importlib import import_module
from typing import TYPE_CHECKING

from bot.domain.image import Image
from bot.domain.signature import SignatureCheck

if TYPE_CHECKING:
    from integrations.cosign.check import RegistryContents, SignatureSearch

__all__ = ["Cosign"]


class Cosign:
    """The port Signatures, over any registry.

    The libraries of keys take 9 MiB: they are imported when the first image is asked about, and most policies ask for
    no signature.
    """

    def __init__(self, registry: "RegistryContents") -> None:
        self._registry = registry
        self._search: SignatureSearch | None = None

    async def check(self, image: Image, keys: Mapping[str, str], *, own_repository: bool = False) -> SignatureCheck:
        """Raises Refused for a key that is not a PEM public key."""
        if self._search is None:
            module = await asyncio.to_thread(import_module, f"{__name__}.check")
            self._search = self._search or module.SignatureSearch(self._registry)
        return await self._search.check(image, keys, own_repository=own_repository)
