"""Every method and argument that the client sends to Slack, against Slack's own description (S27, S28)."""

import json
import re
from collections.abc import Awaitable, Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from bot.domain.errors import NotFound
from bot.ports import FileUpload, Posted, Rendered
from integrations.slack import SlackApi, SlackDirectory, SlackMessenger, SlackModals, probe
from integrations.slack.edits import Edits
from integrations.slack.probe import is_in
from integrations.slack.socket_mode import address
from tests.contract.specs import CONTRACTS

NEWER = {
    "apps.connections.open": "Socket Mode (S21) is newer than the description",
    "conversations.history": "left out of the description, with the arguments of conversations.replies",
    "files.getUploadURLExternal": "upload v2 (S9) is newer than the description (S28)",
    "files.completeUploadExternal": "upload v2 (S9) is newer than the description (S28)",
}
"""method → why it is not described"""
NEWER_ARGUMENTS = {
    ("chat.postMessage", "metadata"): "message metadata (S18) is newer",
    ("chat.update", "metadata"): "message metadata (S18) is newer",
    ("conversations.replies", "include_all_metadata"): "message metadata (S18) is newer",
}
_METHOD = re.compile(r'"((?:api|apps|auth|chat|conversations|files|usergroups|users|views)\.[A-Za-z.]+)"')
NOTE = Rendered("note", ({"type": "section", "text": {"type": "mrkdwn", "text": "note"}},), "00ff00")
ANSWERS: Mapping[str, Mapping[str, Any]] = {
    "chat.postMessage": {"ts": "1.2", "channel": "C0DEPLOY"},
    "chat.getPermalink": {"permalink": "https://example.slack.com/archives/C0DEPLOY/p12"},
    "conversations.open": {"channel": {"id": "D0ANA"}},
    "conversations.list": {"channels": [{"id": "C0DEPLOY", "name": "deployments"}]},
    "conversations.info": {"channel": {"is_member": True}},
    "conversations.history": {"messages": []},
    "conversations.replies": {"messages": []},
    "views.open": {"view": {"id": "V1"}},
    "usergroups.list": {"usergroups": [{"id": "S0ENG", "handle": "engineers"}]},
    "usergroups.users.list": {"users": ["U0ANA"]},
    "users.info": {"user": {"id": "U0ANA", "team_id": "T1", "profile": {"email": "ana@example.com"}}},
    "users.lookupByEmail": {"user": {"id": "U0ANA", "team_id": "T1", "profile": {"email": "ana@example.com"}}},
    "auth.test": {"team_id": "T1", "user_id": "U0BOT"},
    "apps.connections.open": {"url": "wss://example.com/"},
    "files.getUploadURLExternal": {"upload_url": "https://files.example.com/", "file_id": "F1"},
}


class Recorder(SlackApi):
    """The client, with what goes on the wire kept instead of sent."""

    def __init__(self) -> None:
        super().__init__(lambda: "xoxb-test")
        self.sent: list[tuple[str, frozenset[str]]] = []

    async def answer(self, method: str, arguments: Mapping[str, Any], **_: Any) -> tuple[Any, Mapping[str, str]]:
        self.sent.append((method, frozenset(arguments)))
        return ANSWERS.get(method, {}), {}

    async def _send(self, url: str, content: bytes) -> None:
        assert url, content


async def everything(api: Recorder) -> None:
    """Whatever the bot ever asks of Slack."""
    messenger, modals, directory = SlackMessenger(api, edits=Edits(0)), SlackModals(api), SlackDirectory(api)
    view = {"type": "modal"}
    calls: list[Callable[[], Awaitable[Any]]] = [
        lambda: messenger.post("#deployments", NOTE, key="card:1"),
        lambda: messenger.post("C0DEPLOY", NOTE, thread="1.1", broadcast=True, key="note:1"),
        lambda: messenger.update(Posted("C0DEPLOY", "1.2"), NOTE),
        lambda: messenger.permalink(Posted("C0DEPLOY", "1.2")),
        lambda: messenger.remove(Posted("C0DEPLOY", "1.2")),
        lambda: messenger.whisper("C0DEPLOY", "U0ANA", NOTE),
        lambda: messenger.direct("U0ANA", NOTE),
        lambda: messenger.upload("C0DEPLOY", FileUpload("run.log", b"x", "The log", "A log", "Here"), "1.1"),
        lambda: modals.open("1.2.3", view),
        lambda: modals.update("V1", view),
        lambda: modals.publish_home("U0ANA", {"type": "home"}),
        lambda: directory.caller("U0ANA", "T1"),
        lambda: directory.members("engineers"),
        lambda: directory.by_email("ana@example.com"),
        lambda: probe(api),
        lambda: is_in(api, "C0DEPLOY"),
        lambda: address(api),
    ]
    for call in calls:
        try:
            await call()
        except NotFound as error:  # pragma: no cover
            pytest.fail(str(error))


@pytest.fixture
def described() -> dict[str, set[str]]:
    """Method → its arguments."""
    file = CONTRACTS / "slack.web.openapi2.json"
    if not file.exists():
        pytest.skip(f"{file.name} is not here: the contract data are beside the repository")
    paths = json.loads(file.read_text())["paths"]
    return {
        path.removeprefix("/"): {one["name"] for call in calls.values() for one in call.get("parameters", ())}
        for path, calls in paths.items()
    }


async def test_every_method_and_argument_is_described(described: dict[str, set[str]]) -> None:
    """S27, S28."""
    api = Recorder()
    await everything(api)
    strange = {
        f"{method}({argument})"
        for method, arguments in api.sent
        if method not in NEWER
        for argument in arguments - described.get(method, set())
        if (method, argument) not in NEWER_ARGUMENTS
    }
    assert not strange
    assert {method for method, _ in api.sent} <= described.keys() | NEWER.keys()


async def test_what_is_called_newer_is_used_and_not_described(described: dict[str, set[str]]) -> None:
    api = Recorder()
    await everything(api)
    assert not NEWER.keys() & described.keys()
    assert {method for method, _ in api.sent} >= NEWER.keys()


async def test_links_in_messages_are_not_unfurled() -> None:
    api = Recorder()
    await everything(api)
    posts = [arguments for method, arguments in api.sent if method == "chat.postMessage"]
    assert all({"unfurl_links", "unfurl_media"} <= arguments for arguments in posts)


async def test_every_method_that_the_client_names_is_among_them() -> None:
    """A new call is held against the description, too: nobody must remember to list it here."""
    api = Recorder()
    await everything(api)
    named = {
        method
        for file in sorted((Path(__file__).parents[2] / "integrations" / "slack").rglob("*.py"))
        for method in _METHOD.findall(file.read_text())
    }
    assert named == {method for method, _ in api.sent}
