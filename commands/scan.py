"""`/scan my-app`: what is known of an image's vulnerabilities, and what promoting it would change."""

import asyncio

from bot.catalog import Catalog
from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import NotFound, Refused, UnknownName
from bot.domain.image import Artifact, is_digest
from bot.domain.intent import Intent, ShowScan
from bot.domain.reply import Reply, ScanReports
from bot.grammar import IN, Slots, Words
from bot.policy import Policy, authorize
from bot.ports import Registry
from bot.registry import command
from bot.workflow.scans import Scans


def parse(words: Words) -> Intent:
    rescan = words.flag("rescan")
    place = words.place(Slots(), image=True, to=IN)
    if not place.app:
        return words.pick(place, also_given=rescan)
    return ShowScan(
        context=words.context, app=place.app, environment=place.environment, image=place.image, rescan=rescan
    )


@command("scan", usage="/scan APP [ENV] [@TAG|@DIGEST] [--rescan]", allow=Permission.VIEW, parse=parse)
async def scan(
    ask: ShowScan, caller: Caller, policy: Policy, catalog: Catalog, registry: Registry, scans: Scans
) -> Reply:
    """The vulnerabilities of an image: what an environment runs, or the image that you name.

    Without ENV: the first environment. It says what gets fixed and what is new compared with the image that this one
    would replace, there or in the next environment that runs another. `--rescan` starts a new scan.
    Of an app with several images it tells each.
    """
    environment = ask.environment or catalog.environments[0].name
    found, missing = await _artifacts(ask, environment, catalog, registry)
    if ask.rescan:
        authorize(policy, caller, Permission.PROMOTE, Target(ask.app, environment))
        await asyncio.gather(*(registry.start_scan(each.image) for each in found))
    reports = await asyncio.gather(*(scans.report(ask.app, environment, each) for each in found))
    return reports[0] if len(reports) == 1 and not missing else ScanReports(ask.app, tuple(reports), missing)


async def _artifacts(
    ask: ShowScan, environment: str, catalog: Catalog, registry: Registry
) -> tuple[list[Artifact], tuple[str, ...]]:
    """Every image of the app there is, and a sentence for each that there is not. Raises when there is none at all."""
    pinned = await catalog.images(ask.app, environment)
    if not pinned:
        raise UnknownName(f"{ask.app} pins no image in {environment}: add one under `images:` of its kustomization.")
    wanted = dict.fromkeys((each.repository, ask.image or each.digest or each.tag) for each in pinned)
    looked = await asyncio.gather(*(_artifact(ask.app, environment, *each, registry) for each in wanted))
    found = [each for each in looked if isinstance(each, Artifact)]
    refused = [each for each in looked if isinstance(each, Refused)]
    if refused and not found:
        raise refused[0]
    missing = [each.sentence for each in looked if isinstance(each, UnknownName)]
    missing += [f"{each.system} refuses to {each.operation}." for each in refused]
    if not found:
        raise UnknownName(" ".join(missing))
    # A digest is of one image: that it is none of the others needs no saying.
    return found, () if is_digest(ask.image) else tuple(missing)


async def _artifact(
    app: str, environment: str, repository: str, wanted: str, registry: Registry
) -> Artifact | UnknownName | Refused:
    """One image, or why there is none: it must not hide the app's other images."""
    if not wanted:
        return UnknownName(
            f"{app} pins neither a tag nor a digest of {repository} in {environment}: name an image with `@`."
        )
    try:
        return await registry.artifact(repository, wanted)
    except NotFound:
        return UnknownName(f"The registry has no image `{wanted}` in {repository}: it was never pushed, or is deleted.")
    except Refused as error:
        return error
