"""Whatever is written down is of the time that the core's one clock tells, years from the machine's own."""

import re
from datetime import UTC, datetime, timedelta

import commands
from bot.command import CommandRegistry
from bot.domain.intent import (
    AwaitLock,
    CallFreeze,
    CloseReview,
    Context,
    Deploy,
    Intent,
    NameDelegate,
    RejectImage,
    TakeLock,
)
from bot.store.schema import metadata
from tests.fakes.world import CoreWorld

THEN = datetime(2031, 3, 4, 9, tzinfo=UTC)
NOW = re.compile(f"{datetime.now(UTC) - timedelta(days=1):%Y}-|{datetime.now(UTC):%Y}-")
COMMITTED = re.compile(r'"message": ?"[^"]*", ?"at": ?"[^"]*"')
SECONDS = datetime.now(UTC).timestamp()


async def test_every_moment_that_is_written_down_is_the_clocks(world: CoreWorld) -> None:
    world.engine.now = THEN
    runner = CommandRegistry.load(commands).bind(world.core.offered)

    async def do(who: str, kind: type[Intent], **words: str) -> None:
        world._requests += 1
        context = Context(f"r{world._requests}", "C0GENERAL", "corr-1", "T0PILOT")
        await runner.run(kind(context=context, **words), await world.person(who))

    place = {"app": "my-app", "environment": "production"}
    await world.approve("bo", await world.deploy())
    glass = Deploy(
        context=world.context(),
        app="my-app",
        environment="production",
        image="v1.4.3",
        break_glass=True,
        reason="it is down",
    )
    broken = await world.service.start(await world.shown(glass, "dee"), await world.person("dee"))
    await world.engine.settle()
    await do("mia", CloseReview, promotion=broken.id, note="we looked at it together")
    await do("bo", TakeLock, **place, until="2h", reason="a migration")
    await do("mia", AwaitLock, **place)
    await do("bo", NameDelegate, to="U0MIA", until="2h")
    await do("mia", CallFreeze, **place, until="2h", reason="holidays")
    await do("mia", RejectImage, app="my-app", image="v1.4.0", reason="it leaks")
    await world.core.safety.housekeeping.tidy()
    assert await _of_the_machine(world) == set()


async def _of_the_machine(world: CoreWorld) -> set[str]:
    """Columns that hold a moment of this year, beside those that say when a commit was made, which git says."""
    found = set()
    async with world.database.reading() as connection:
        for table in metadata.sorted_tables:
            for row in (await connection.execute(table.select())).mappings():
                for name, value in row.items():
                    text = COMMITTED.sub("", str(value))
                    soon = isinstance(value, float) and abs(value - SECONDS) < 86400
                    if soon or NOW.search(text):
                        found.add(f"{table.name}.{name}: {text if soon else NOW.split(text)[0][-40:]}")
    return found
