"""The Slack stand-in against the archived description (S28) and the payloads of Slack's own SDKs (S26)."""

import json
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import parse_qs

import aiohttp
import httpx
import pytest
from slack_sdk.web.async_client import AsyncWebClient

from integrations.sandbox.serving import serve
from integrations.sandbox.slack.blockkit.surfaces import view_definition
from integrations.sandbox.slack.delivery import Answer, SlackDelivery
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import APP_TOKEN, BOT_TOKEN, SlackServer
from tests.contract.specs import contract, load

Json = dict[str, Any]
SPEC = "slack.web.openapi2.json"

# What the description has and the stand-in does not: no part of Pilothouse calls them.
NOT_SPOKEN = {"chat.scheduleMessage", "pins.add"}
# Sample keys of Enterprise Grid, of an older format, or that only shared and moved channels have.
NOT_HERE = {"enterprise_id", "enterprise_name", "authed_users"}


class App:
    """Acknowledges everything, and remembers it."""

    def __init__(self) -> None:
        self.received: list[SlackDelivery] = []

    async def deliver(self, delivery: SlackDelivery) -> Answer:
        self.received.append(delivery)
        return Answer(True)

    @property
    def last(self) -> Json:
        return self.received[-1].payload


@pytest.fixture
async def slack() -> AsyncIterator[SlackServer]:
    slack = SlackServer(commands=["/hello-world"], limits=RateLimits(enabled=False))
    slack.config.bot_scopes += ("team:read",)
    slack.public_url = "http://slack.invalid"
    yield slack
    await slack.aclose()


@pytest.fixture
async def client(slack: SlackServer) -> AsyncIterator[AsyncWebClient]:
    """The SDK's client, with the stand-in on a socket."""
    async with serve(slack.app) as url:
        slack.public_url = url
        yield AsyncWebClient(BOT_TOKEN, base_url=f"{url}/api/")


def operations() -> list[tuple[str, str, Json]]:
    """Method, HTTP verb and operation of the description; nothing where it is absent."""
    try:
        paths = load(SPEC)["paths"]
    except pytest.skip.Exception:
        return []
    return [(path[1:], verb, operation) for path, verbs in paths.items() for verb, operation in verbs.items()]


OPERATIONS = [pytest.param(*operation, id=operation[0]) for operation in operations() if operation[0] not in NOT_SPOKEN]


async def call(slack: SlackServer, method: str, arguments: Json, as_json: bool = False) -> Json:
    headers = {"Authorization": f"Bearer {BOT_TOKEN}"}
    body: Json = {"json": arguments} if as_json else {"data": {name: str(value) for name, value in arguments.items()}}
    async with httpx.AsyncClient(transport=httpx.ASGITransport(slack.app), base_url=slack.public_url) as http:
        response = await http.post(f"/api/{method}", headers=headers, **body)
    assert response.status_code == 200
    answer = response.json()
    assert isinstance(answer, dict)
    return answer


async def good_arguments(slack: SlackServer, method: str) -> Json:
    """Arguments that make each method of the description succeed."""
    app = App()
    slack.transport = app
    ts = slack.message("ana", "deployments", "hello")["ts"]
    headers = {"channel": "C0DEPLOY", "text": "card"}
    mine = (await call(slack, "chat.postMessage", headers))["ts"]
    await call(slack, "reactions.add", {"channel": "C0DEPLOY", "timestamp": ts, "name": "eyes"})
    button = {"type": "button", "action_id": "go", "text": {"type": "plain_text", "text": "Go"}}
    actions = {"type": "actions", "elements": [button]}
    modal = {"type": "modal", "title": {"type": "plain_text", "text": "x"}, "blocks": [actions]}
    await slack.command("ana", "deployments", "/hello-world")
    trigger = app.last["trigger_id"]
    view_id = ""
    if method in {"views.push", "views.update"}:
        view_id = (await call(slack, "views.open", {"trigger_id": trigger, "view": json.dumps(modal)}))["view"]["id"]
        await slack.act_in_view(view_id, "ana", "go")
        trigger = app.last["trigger_id"]
    home = {"type": "home", "blocks": []}
    return {
        "chat.postMessage": headers,
        "chat.update": {**headers, "ts": mine},
        "chat.delete": {"channel": "C0DEPLOY", "ts": mine},
        "chat.postEphemeral": {**headers, "user": "U0ANA"},
        "chat.getPermalink": {"channel": "C0DEPLOY", "message_ts": ts},
        "views.open": {"trigger_id": trigger, "view": json.dumps(modal)},
        "views.push": {"trigger_id": trigger, "view": json.dumps(modal)},
        "views.update": {"view_id": view_id, "view": json.dumps(modal)},
        "views.publish": {"user_id": "U0ANA", "view": json.dumps(home)},
        "users.info": {"user": "U0ANA"},
        "users.lookupByEmail": {"email": "ana@example.com"},
        "usergroups.users.list": {"usergroup": "S0RELEASE"},
        "conversations.info": {"channel": "C0DEPLOY"},
        "conversations.open": {"users": "U0ANA"},
        "conversations.members": {"channel": "C0DEPLOY"},
        "conversations.replies": {"channel": "C0DEPLOY", "ts": ts},
        "reactions.add": {"channel": "C0DEPLOY", "timestamp": ts, "name": "tada"},
        "reactions.remove": {"channel": "C0DEPLOY", "timestamp": ts, "name": "eyes"},
    }.get(method, {})


@pytest.mark.parametrize(("method", "verb", "operation"), OPERATIONS)
async def test_request_forms_of_the_description_are_taken(
    slack: SlackServer, method: str, verb: str, operation: Json
) -> None:
    """S28: every argument used here is one that the description names, and each required one is needed."""
    arguments = await good_arguments(slack, method)
    named = {parameter["name"]: parameter for parameter in operation["parameters"]}
    assert set(arguments) <= set(named)
    assert (await call(slack, method, arguments))["ok"]
    for name in arguments:
        if named[name].get("required"):
            left = {key: value for key, value in (await good_arguments(slack, method)).items() if key != name}
            assert not (await call(slack, method, left))["ok"], f"{method} went without {name}"


@pytest.mark.parametrize(("method", "verb", "operation"), OPERATIONS)
async def test_json_is_taken_where_the_description_says_so(
    slack: SlackServer, method: str, verb: str, operation: Json
) -> None:
    """S28: elsewhere the arguments of a JSON body are not seen."""
    arguments = await good_arguments(slack, method)
    if not arguments:
        return
    takes_json = "application/json" in operation["consumes"]
    assert (await call(slack, method, arguments, as_json=True))["ok"] is takes_json


@pytest.mark.parametrize(("method", "verb", "operation"), OPERATIONS)
async def test_scope_of_the_description_is_needed(slack: SlackServer, method: str, verb: str, operation: Json) -> None:
    """The description's `chat:write:bot` is today's `chat:write`."""
    arguments = await good_arguments(slack, method)
    (security,) = operation["security"]
    accepted = {scope.replace("chat:write:bot", "chat:write") for scope in security["slackAuth"]}
    slack.config.bot_scopes = ()
    answer = await call(slack, method, arguments)
    if accepted == {"none"}:
        assert answer["ok"]
    else:
        assert (answer["error"], answer["needed"] in accepted) == ("missing_scope", True)


def described_errors(method: str) -> set[str]:
    for name, _, operation in operations():
        if name == method:
            error = operation["responses"]["default"]["schema"]["properties"]["error"]
            return {"ratelimited" if code == "rate_limited" else code for code in error.get("enum", [])}
    raise AssertionError(f"{method} is not described")


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("chat.postMessage", {"channel": "C0NONE", "text": "x"}),
        ("chat.postMessage", {"channel": "C0DEPLOY"}),
        ("chat.postMessage", {"channel": "C0DEPLOY", "attachments": json.dumps([{"text": "x"}] * 101)}),
        ("chat.update", {"channel": "C0DEPLOY", "ts": "1.2", "text": "x"}),
        ("chat.update", {"channel": "C0NONE", "ts": "1.2", "text": "x"}),
        ("chat.delete", {"channel": "C0DEPLOY", "ts": "1.2"}),
        ("chat.postEphemeral", {"channel": "C0DEPLOY", "user": "U0GUS", "text": "x"}),
        ("chat.getPermalink", {"channel": "C0DEPLOY", "message_ts": "1.2"}),
        ("users.info", {"user": "U0NONE"}),
        ("users.lookupByEmail", {"email": "nobody@example.com"}),
        ("conversations.info", {"channel": "C0NONE"}),
        ("conversations.open", {"users": "U0NONE"}),
        ("conversations.open", {}),
        ("conversations.members", {"channel": "C0DEPLOY", "cursor": "%%"}),
        ("conversations.replies", {"channel": "C0DEPLOY", "ts": "1.2"}),
        ("reactions.add", {"channel": "C0DEPLOY", "timestamp": "1.2", "name": "eyes"}),
        ("reactions.add", {"channel": "C0DEPLOY", "timestamp": "1.2", "name": "no such name"}),
    ],
)
async def test_error_names_are_slacks_own(slack: SlackServer, method: str, arguments: Json) -> None:
    contract(SPEC)
    assert (await call(slack, method, arguments))["error"] in described_errors(method)


def sample(name: str) -> Any:
    text = contract(f"samples/slack.{name}").read_text()
    return json.loads(text)


def unknown_keys(ours: Any, theirs: Any, at: str = "$") -> list[str]:
    """Keys that we send and the sample does not have."""
    if isinstance(ours, list) and isinstance(theirs, list) and theirs:
        return [problem for part in ours for problem in unknown_keys(part, theirs[0], f"{at}[]")]
    if not isinstance(ours, dict) or not isinstance(theirs, dict) or not theirs:
        return []
    unknown = [f"{at}.{key}" for key in ours if key not in theirs]
    return unknown + [p for key in ours if key in theirs for p in unknown_keys(ours[key], theirs[key], f"{at}.{key}")]


def missing_keys(ours: Any, theirs: Any, at: str = "$") -> list[str]:
    """Keys that the sample has and we do not send."""
    if isinstance(ours, list) and isinstance(theirs, list) and ours and theirs:
        return missing_keys(ours[0], theirs[0], f"{at}[]")
    if not isinstance(ours, dict) or not isinstance(theirs, dict):
        return []
    missing = [f"{at}.{key}" for key in theirs if key not in ours and key not in NOT_HERE]
    return missing + [p for key in theirs if key in ours for p in missing_keys(ours[key], theirs[key], f"{at}.{key}")]


@pytest.mark.parametrize(
    ("method", "arguments"),
    [
        ("auth.test", {}),
        ("chat.postEphemeral", {"channel": "C0DEPLOY", "user": "U0ANA", "text": "x"}),
        ("conversations.info", {"channel": "C0DEPLOY", "include_num_members": True}),
        ("users.info", {"user": "U0ANA"}),
        ("users.info", {"user": "U0PILOTHOUSE"}),
        ("users.lookupByEmail", {"email": "ana@example.com"}),
        ("usergroups.list", {"include_users": True, "include_count": True}),
        ("usergroups.users.list", {"usergroup": "S0RELEASE"}),
        ("files.getUploadURLExternal", {"filename": "a.log", "length": 1}),
    ],
)
async def test_replies_have_the_shape_of_the_samples(slack: SlackServer, method: str, arguments: Json) -> None:
    """S26."""
    reply = await call(slack, method, arguments)
    assert reply["ok"]
    assert unknown_keys(reply, sample(f"api.{method}.shape.json")) == []


async def test_connection_and_upload_have_the_shape_of_the_samples(slack: SlackServer, client: AsyncWebClient) -> None:
    """S26, S9."""
    opened = await client.apps_connections_open(app_token=APP_TOKEN)
    assert unknown_keys(opened.data, sample("api.apps.connections.open.shape.json")) == []
    done: Any = (await client.files_upload_v2(filename="a.log", content="x", channel="C0DEPLOY")).data
    done.pop("file")
    assert unknown_keys(done, sample("api.files.completeUploadExternal.shape.json")) == []


def frames() -> dict[str, Json]:
    """The first frame of each type."""
    text = contract("samples/slack.socket-mode.frames.ndjson").read_text()
    return {frame["type"]: frame for frame in reversed([json.loads(line) for line in text.splitlines()])}


async def test_frames_have_the_shape_of_the_samples(slack: SlackServer, client: AsyncWebClient) -> None:
    """S21-S23: hello, an envelope of each kind, disconnect."""
    samples = frames()
    slack.config.events = frozenset({"app_mention"})
    url = str((await client.apps_connections_open(app_token=APP_TOKEN))["url"])
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert missing_keys(await socket.receive_json(), samples["hello"]) == []
        slack.mention("ana", "deployments", "hello")
        event = await socket.receive_json()
        await socket.send_json({"envelope_id": event["envelope_id"]})
        assert missing_keys(event, samples["events_api"]) == []
        await slack.refresh_connections("warning")
        left = missing_keys(await socket.receive_json(), samples["disconnect"])
        assert left == ["$.num_connections", "$.connection_info"]  # the warning of a refresh carries neither


async def test_command_has_the_fields_of_the_sample(slack: SlackServer) -> None:
    """S13."""
    app = App()
    slack.transport = app
    form = parse_qs(contract("samples/slack.slash_command.form.txt").read_text().strip())
    await slack.command("ana", "deployments", "/hello-world Hi")
    assert set(form) - NOT_HERE <= set(app.last)
    assert (app.last["command"], app.last["text"]) == (form["command"][0], form["text"][0])


async def test_interactions_have_the_fields_of_the_samples(slack: SlackServer, client: AsyncWebClient) -> None:
    """S16, S17: block_actions of an ephemeral message, view_submission and view_closed."""
    app = App()
    slack.transport = app
    button = sample("block_actions.message.json")["actions"][0]
    element = {name: button[name] for name in ("type", "text", "action_id", "value")}
    blocks = [{"type": "actions", "block_id": button["block_id"], "elements": [element]}]
    sent = await client.chat_postEphemeral(channel="C0DEPLOY", user="U0ANA", text="x", blocks=blocks)
    await slack.act("ana", "deployments", str(sent["message_ts"]), button["action_id"])
    assert missing_keys(app.last, sample("block_actions.message.json")) == []
    definition = sample("view_submission.json")["view"]
    wanted = ("type", "blocks", "private_metadata", "callback_id", "title", "close", "submit")
    view: Json = {**{name: definition[name] for name in wanted}, "notify_on_close": True}
    for end in ("submit", "close"):
        await slack.command("ana", "deployments", "/hello-world")
        opened = (await client.views_open(trigger_id=app.last["trigger_id"], view=view))["view"]
        if end == "submit":
            await slack.submit_view(opened["id"], "ana", {"hspI": "test"})
            assert missing_keys(app.last, sample("view_submission.json")) == []
            assert app.last["view"]["state"] == definition["state"]
        else:
            await slack.close_view(opened["id"], "ana")
            assert missing_keys(app.last, sample("view_closed.json")) == ["$.response_urls"]


async def test_message_event_has_the_fields_of_the_sample(slack: SlackServer, client: AsyncWebClient) -> None:
    app = App()
    slack.transport = app
    slack.config.events = frozenset({"message.channels", "app_home_opened", "app_mention"})
    await slack.open_home("ana")
    assert unknown_keys(app.last["event"], sample("event.app_home_opened.shape.json")["event"]) == []
    slack.message("ana", "deployments", "Hello World!")
    for _ in range(20):
        if app.last["event"]["type"] == "message":
            break
        await client.api_test()
    assert missing_keys(app.last, sample("event.message.json")) == []
    assert app.last["event"]["text"] == sample("event.message.json")["event"]["text"]


@pytest.mark.parametrize("name", ["modal.001", "modal.004", "home.001"])
def test_sample_views_are_valid(name: str) -> None:
    view = sample(f"view.{name}.json")
    assert view_definition(view, view["type"])["blocks"]
