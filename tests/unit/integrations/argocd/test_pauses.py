"""Work on very many Applications lets others have their turn."""

import asyncio

from integrations.argocd.pauses import PAUSE_EVERY, with_pauses


async def test_others_have_their_turn_after_each_piece() -> None:
    done, seen_by_others = 0, set()

    async def others() -> None:
        while True:
            seen_by_others.add(done)
            await asyncio.sleep(0)

    task = asyncio.create_task(others())
    async for item in with_pauses(range(1, 10 * PAUSE_EVERY + 1)):
        done = item
    task.cancel()
    assert done == 10 * PAUSE_EVERY
    assert {count * PAUSE_EVERY for count in range(1, 11)} <= seen_by_others
