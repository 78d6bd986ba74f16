"""Will Harbor hand the image out? Its projects have rules for that, whatever the API says of an image (H17, H30)."""

from bot.domain.errors import NotFound
from bot.domain.image import Image
from integrations.harbor.client import Harbor
from integrations.oci import Oci, PullRefused


class HarborPulls:
    """The port Pulls. The pull is tried, for only Harbor knows how it applies its rules.

    That is done where the project has such rules or is a proxy's cache only: Harbor counts each as a pull.
    """

    def __init__(self, harbor: Harbor, oci: Oci) -> None:
        self._harbor = harbor
        self._oci = oci

    async def refusal(self, image: Image) -> str:
        policy = await self._harbor.project_policy(image.repository)
        if not (policy.restricts_pulls or policy.proxy_cache):
            return ""
        try:
            await self._pull(image.repository, image.digest)
        except PullRefused as error:
            return error.words
        except NotFound:
            return "it has no such image" + (", nor has the registry behind the cache" if policy.proxy_cache else "")
        return ""

    async def _pull(self, repository: str, digest: str) -> None:
        """As a cluster does: an index, and then the image of its platform, to which the rules apply by itself."""
        manifest = await self._oci.manifest(repository, digest)
        for child in manifest.manifests or ():
            if child.platform is None or child.platform.os != "unknown":
                await self._pull(repository, child.digest)
