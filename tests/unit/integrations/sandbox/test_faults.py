"""The weather of one of Slack's methods: the others answer as before."""

import pytest

from bot.domain.errors import Unavailable
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.server import BOT_TOKEN, SlackServer
from integrations.slack import SlackApi


async def test_one_method_of_slack_has_its_own_weather() -> None:
    settings = FaultSettings()
    settings.set({"weather": {"slack:chat.postMessage": "error-429"}})
    async with serve(SlackServer(faults=settings).app) as url:
        api = SlackApi(lambda: BOT_TOKEN, f"{url}/api/", budget=1.5)
        with pytest.raises(Unavailable) as limited:
            await api.write("chat.postMessage", channel="C0DEPLOY", text="hello")
        assert limited.value.retry_after is not None
        assert (await api.read("conversations.info", channel="C0DEPLOY"))["ok"]
        await api.aclose()
    settings.set({"weather": {"slack:chat.postMessage": "fine"}})
    assert "slack:chat.postMessage" not in settings.now.weather


@pytest.mark.parametrize("place", ["slack:", "harbor:projects", "moon", ":chat.update"])
def test_what_has_no_weather_is_refused(place: str) -> None:
    with pytest.raises(ValueError, match="not known"):
        FaultSettings().set({"weather": {place: "down"}})
