"""`/scan my-app`: what is known of an image's vulnerabilities, and what promoting it would change."""

import asyncio
from dataclasses import replace

from bot.command import command
from bot.domain.caller import Caller, Permission, Target
from bot.domain.form import CommandForm, Filled, FormField, Input
from bot.domain.intent import Context, Intent, ShowScan
from bot.domain.reply import Reply, ScanReports, Topic
from bot.grammar import IN, Slots, Words
from bot.overlays.catalog import Catalog
from bot.policy import Policy, authorize
from bot.ports import Registry
from bot.queries.scans import Scans


def parse(words: Words) -> Intent:
    rescan = words.flag("rescan")
    place = words.place(Slots(), image=True, to=IN)
    if not place.app:
        return words.pick(place, also_given=rescan)
    return ShowScan(
        context=words.context, app=place.app, environment=place.environment, image=place.image, rescan=rescan
    )


def read(filled: Filled, context: Context) -> ShowScan:
    return ShowScan(
        context=context, app=filled[Input.APP], environment=filled[Input.ENVIRONMENT], image=filled[Input.IMAGE]
    )


FORM = CommandForm(
    "Scan",
    (
        FormField(Input.APP, needed=True),
        FormField(Input.ENVIRONMENT),
        FormField(Input.IMAGE, hint="Leave empty for what is committed for the environment."),
    ),
    read,
)


@command(
    "scan",
    usage="/scan APP [ENV] [@TAG|@DIGEST] [--rescan]",
    allow=Permission.VIEW,
    parse=parse,
    form=FORM,
    topic=Topic.DAILY,
    examples=("/scan my-app prod", "/scan my-app@v1.4.2"),
)
async def scan(
    ask: ShowScan, caller: Caller, policy: Policy, catalog: Catalog, registry: Registry, scans: Scans
) -> Reply:
    """The vulnerabilities of an image: what an environment runs, or the image that you name.

    Without ENV: the first environment. It says what gets fixed and what is new compared with the image that this one
    would replace, there or in the next environment that runs another. `--rescan` starts a new scan.
    For an app with several images it shows each one.
    """
    environment = ask.environment or catalog.environments[0].name
    found, missing = await scans.artifacts(ask.app, environment, ask.image)
    if ask.rescan:
        authorize(policy, caller, Permission.PROMOTE, Target(ask.app, environment))
        await asyncio.gather(*(registry.start_scan(each.image) for each in found))
    reports = await asyncio.gather(*(scans.report(ask.app, environment, each) for each in found))
    if not ask.image:
        reports = [replace(report, pinned_in=environment) for report in reports]
    return reports[0] if len(reports) == 1 and not missing else ScanReports(ask.app, tuple(reports), missing)
