"""`/dora [my-app] [prod] [--since 90d]`: how often, how fast and how well is delivered."""

import asyncio

from bot.command import command
from bot.deliveries.branch_observer import OBSERVER
from bot.deliveries.dora import LONGEST, LOOK_BACK, DeploymentRecord, deployed, figures, together
from bot.domain.caller import Caller, Permission
from bot.domain.duration import parse_duration
from bot.domain.environment import careful_ones
from bot.domain.intent import Intent, ShowDora
from bot.domain.reply import DoraPlace, DoraReport, Reply, Topic
from bot.grammar import IN, Slots, Words
from bot.overlays.catalog import Catalog
from bot.policy import Policy, visible
from bot.ports import Clock
from bot.store.deliveries import DeliveryStore

USUALLY = "90d"
MOST_APPS = 50


def parse(words: Words) -> Intent:
    since = words.after("--since", "since") or USUALLY
    try:
        ago = parse_duration(since)
    except ValueError as error:
        words.refuse(f"{error}.")
    if ago > LONGEST:
        words.refuse("`--since` goes back ten years at most.")
    words.keyword("all")
    place = words.place(Slots(apps=MOST_APPS), to=IN)
    return ShowDora(context=words.context, apps=place.apps, environment=place.environment, since=since)


@command(
    "dora",
    usage="/dora [APP…|all] [ENV] [--since 90d]",
    allow=Permission.VIEW,
    parse=parse,
    topic=Topic.OPERATE,
    examples=("/dora my-app prod --since 30d",),
)
async def dora(
    ask: ShowDora, caller: Caller, policy: Policy, catalog: Catalog, record: DeliveryStore, clock: Clock
) -> Reply:
    """Deployment frequency, lead time, change failure rate and time to restore, from the delivery record.

    Without ENV: production and the last environment, each with its own figures. Promotions, the pipeline and changes by
    hand all count. How each figure is counted is written in docs/deliveries.md.
    """
    environments = (ask.environment,) if ask.environment else careful_ones(catalog.environments)
    now = clock.now()
    since = now - parse_duration(ask.since)
    # Not on the event loop: the whole record is folded.
    within = policy.deliveries.fixed_within
    found = await asyncio.to_thread(DeploymentRecord.of, await record.of(since=since - LOOK_BACK), within)
    known = await record.known_since(OBSERVER)
    places: list[DoraPlace] = []
    for environment in environments:
        apps = visible(policy, caller, ask.apps or deployed(found, environment, since), environment)
        parts = await asyncio.to_thread(figures, found, environment, since, now, apps, known) if apps else ()
        places.append(DoraPlace(environment, parts, together(parts)))
    return DoraReport(tuple(places), since, known, together([part for place in places for part in place.parts]), within)
