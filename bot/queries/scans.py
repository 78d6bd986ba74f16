"""What is known of an image's vulnerabilities, next to those of the image that it would replace."""

import asyncio

from bot.domain.environment import Environment
from bot.domain.errors import IntegrationError, NotFound, Refused, UnknownName, UserError
from bot.domain.image import Artifact, Image, is_digest
from bot.domain.overlay import OverlayImage
from bot.domain.reply import ScanReport
from bot.domain.scan import Severity, Vulnerability
from bot.domain.sentence import quoted
from bot.gates.scan import ScanGate, ScanOptions
from bot.overlays.catalog import Catalog
from bot.policy import Policy
from bot.ports import Registry
from bot.promotions.unknown_image import unknown_image

Found = tuple[Vulnerability, ...]


class Scans:
    """Raises UnknownName for an image that the registry does not have."""

    def __init__(self, catalog: Catalog, registry: Registry, policy: Policy) -> None:
        self._catalog = catalog
        self._registry = registry
        self._policy = policy

    async def artifacts(
        self, app: str, environment: str, reference: str
    ) -> tuple[tuple[Artifact, ...], tuple[str, ...]]:
        """Every image of an app by tag or digest ("" = what the environment's overlay pins), and a sentence for each
        that there is not. Raises when there is none at all.
        """
        pinned = await self._catalog.images(app, environment)
        if not pinned:
            raise UnknownName(f"{app} pins no image in {environment}: add one under `images:` of its kustomization.")
        wanted = dict.fromkeys((each.repository, reference or each.digest or each.tag) for each in pinned)
        looked = await asyncio.gather(*(self._artifact(app, environment, *each, named=reference) for each in wanted))
        found = tuple(each for each in looked if isinstance(each, Artifact))
        refused = [each for each in looked if isinstance(each, Refused)]
        if refused and not found:
            raise refused[0]
        missing = [each.sentence for each in looked if isinstance(each, UnknownName)]
        missing += [
            each.advice.sentence if each.advice else f"{each.system} refuses to {each.operation}." for each in refused
        ]
        if not found:
            raise UnknownName(" ".join(missing))
        # A digest is of one image: that it is none of the others needs no saying.
        return found, () if is_digest(reference) else tuple(missing)

    async def report(self, app: str, environment: str, artifact: Artifact) -> ScanReport:
        """Everything is asked at once; an image that cannot be compared with is left out."""
        ahead = self._ahead(environment)
        scan, found, others = await asyncio.gather(
            self._registry.scan(artifact.image),
            self._vulnerabilities(artifact.image),
            asyncio.gather(*(self._running(app, artifact.image, each) for each in ahead)),
        )
        running = zip(ahead, others, strict=True)
        where, against = next(((e.name, i) for e, i in running if i and i.digest != artifact.image.digest), ("", None))
        known = await self._known(against) if found is not None else None
        fixed, added = _change(known, found)
        return ScanReport(
            app,
            artifact,
            scan,
            found,
            threshold=self._threshold(app, ahead[1].name if len(ahead) > 1 else environment),
            against=against if known is not None else None,
            against_in=where,
            fixed=fixed,
            added=added,
        )

    async def _artifact(
        self, app: str, environment: str, repository: str, wanted: str, *, named: str
    ) -> Artifact | UnknownName | Refused:
        """One image, or why there is none: it must not hide the app's other images."""
        if not wanted:
            return UnknownName(
                f"{app} pins neither a tag nor a digest of {repository} in {environment}: name an image with `@`."
            )
        try:
            return await self._registry.artifact(repository, wanted)
        except NotFound:
            if named:
                return await unknown_image(self._registry, named, [repository])
            return UnknownName(
                f"{environment} pins {quoted(wanted)} of {repository}, and the registry does not have it: it was never "
                "pushed, or was deleted."
            )
        except Refused as error:
            return error

    def _ahead(self, environment: str) -> list[Environment]:
        """The environment and those behind it: where the image would replace another."""
        order = self._catalog.environment(environment).order
        return [each for each in self._catalog.environments if each.order >= order]

    async def _vulnerabilities(self, image: Image) -> Found | None:
        try:
            return await self._registry.vulnerabilities(image)
        except NotFound:
            return None  # never scanned, which is not the same as nothing found

    async def _running(self, app: str, image: Image, environment: Environment) -> Image | None:
        try:
            pinned = await self._catalog.images(app, environment.name)
            same = _same_repository(pinned, image)
            return (await self._registry.artifact(same.repository, same.digest or same.tag)).image if same else None
        except (IntegrationError, UserError):  # it cannot be read there, perhaps: a comparison is a help
            return None

    async def _known(self, image: Image | None) -> Found | None:
        if image is None:
            return None
        try:
            return await self._registry.vulnerabilities(image)
        except IntegrationError:
            return None

    def _threshold(self, app: str, environment: str) -> Severity | None:
        options = self._policy.rules(app, environment).gates().get(ScanGate.name)
        return None if options is None else ScanOptions.model_validate(options).threshold


def _same_repository(pinned: tuple[OverlayImage, ...], image: Image) -> OverlayImage | None:
    return next((each for each in pinned if each.repository == image.repository and (each.digest or each.tag)), None)


def _change(before: Found | None, after: Found | None) -> tuple[Found, Found]:
    """What is fixed and what is added; nothing where one of the two is not known."""
    if before is None or after is None:
        return (), ()
    return _minus(before, after), _minus(after, before)


def _minus(those: Found, these: Found) -> Found:
    known = {(each.id, each.package) for each in these}
    return tuple(each for each in those if (each.id, each.package) not in known)
