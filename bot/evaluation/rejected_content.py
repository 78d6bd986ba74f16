"""Whether an image is rejected by what it consists of, whatever it is called."""

from collections.abc import Sequence

from bot.domain.errors import Refused
from bot.domain.image import Image
from bot.domain.safety import Rejection
from bot.ports import ImageContents


class RejectedContent:
    """Raises IntegrationError where the registry has to be asked and does not answer, or does not have the image."""

    def __init__(self, contents: ImageContents) -> None:
        self._contents = contents

    async def against(self, app: str, image: Image, known: Sequence[Rejection]) -> Rejection | None:
        """The rejection of the very image if there is one, for the registry need not be there for that."""
        same = [each for each in known if each.digest == image.digest]
        if same or not known:
            return next((each for each in same if each.app == app), next(iter(same), None))
        contents = await self._contents.contents(image)
        for rejection in known:
            if contents & rejection.contents or contents & await self._rejected(app, image.repository, rejection):
                return rejection
        return None

    async def _rejected(self, app: str, repository: str, rejection: Rejection) -> frozenset[str]:
        if rejection.names_files or rejection.app != app:
            return rejection.contents
        try:
            found = await self._contents.contents(Image(repository, rejection.digest))
        except Refused:
            return rejection.contents  # the registry no longer has it
        return rejection.contents | found
