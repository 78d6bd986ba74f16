"""A Slack workspace on a socket, and our clients against it."""

from collections.abc import AsyncIterator

import pytest

from integrations.sandbox.serving import serve
from integrations.sandbox.slack.server import BOT_TOKEN, SlackServer
from integrations.slack import SlackApi, SlackDirectory, SlackMessenger
from integrations.slack.edits import Edits


@pytest.fixture
def workspace() -> SlackServer:
    return SlackServer()


@pytest.fixture
async def api(workspace: SlackServer) -> AsyncIterator[SlackApi]:
    async with serve(workspace.app) as url:
        api = SlackApi(lambda: BOT_TOKEN, f"{url}/api/", budget=3)
        yield api
        await api.aclose()


@pytest.fixture
def directory(api: SlackApi) -> SlackDirectory:
    return SlackDirectory(api)


@pytest.fixture
def messenger(api: SlackApi) -> SlackMessenger:
    return SlackMessenger(api, edits=Edits(0.05))
