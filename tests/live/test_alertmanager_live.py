"""A real Alertmanager. Reads only."""

import pytest

from bot.settings import Settings
from integrations.alertmanager import Alertmanager
from tests.live.environment import needed

pytestmark = pytest.mark.live


async def test_alerts_are_filtered_by_their_labels() -> None:
    needed("PILOTHOUSE_ALERTMANAGER__URL")
    async with Alertmanager(Settings().alertmanager) as alertmanager:
        everything = await alertmanager.firing({})
        for alert in everything[:1]:
            assert alert in await alertmanager.firing({"alertname": alert.name})
        assert await alertmanager.firing({"alertname": "pilothouse live test that does not exist"}) == ()
