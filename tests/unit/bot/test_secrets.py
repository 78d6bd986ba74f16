"""Every secret of the settings is a canary, every upstream is hostile and repeats it: nobody may hear it sing."""

import asyncio
import base64
import json
import logging
import os
import sys
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.doctor import as_json, examine
from bot.domain.errors import Refused, Unavailable
from bot.settings import Group, Settings
from integrations.sandbox.ports import free_port
from integrations.sandbox.serving import serve
from integrations.sandbox.slack.limits import RateLimits
from integrations.sandbox.slack.server import SlackServer
from tests.canary import CANARY
from tests.waiting import until

POLICY = """\
bindings:
  - {role: admin, groups: ["@engineers", "@platform-admins"]}
channels: {default: C0DEPLOY}
"""
TYPED = (
    "/deploy my-app prod", "/deploy my-app staging --dry-run", "/status", "/status my-app", "/scan my-app",
    "/pipeline run my-app", "/pipeline list my-app", "/pipeline logs my-app-1", "/rollback my-app prod", "/deploy",
)  # fmt: skip


def canaries() -> dict[str, str]:
    """A value for every secret that there is a setting for, by its variable."""
    found = {}
    for group, field in Settings.model_fields.items():
        kind = field.annotation
        if isinstance(kind, type) and issubclass(kind, Group):
            for name in kind.model_fields:
                if f"{name}_file" in kind.model_fields:
                    found[f"PILOTHOUSE_{group}__{name}".upper()] = f"{CANARY}-{group}-{name}".replace("_", "-")
    found["PILOTHOUSE_SLACK__BOT_TOKEN"] = f"xoxb-{CANARY}-bot"
    found["PILOTHOUSE_SLACK__APP_TOKEN"] = f"xapp-{CANARY}-app"
    return found


def songs(environment: Mapping[str, str]) -> list[str]:
    """The secrets as they are, and as basic authentication writes them."""
    users = ("git", "robot$pilothouse", "x-access-token", "tekton")
    plain = [value for value in environment.values() if CANARY in value]
    encoded = [base64.b64encode(f"{user}:{value}".encode()).decode() for user in users for value in plain]
    return [CANARY, *plain, *encoded]


def assert_silent(where: str, text: str, heard: Iterable[str]) -> None:
    for song in heard:
        at = text.find(song)
        assert at < 0, f"{where} shows a secret: …{text[max(0, at - 200) : at + 80]!r}"


class Hostile:
    """Fails in every way that there is, and says all that it was told while it does."""

    def __init__(self) -> None:
        self.asked = 0
        self.heard: set[str] = set()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        request = Request(scope, receive)
        told = {**request.headers, "url": str(request.url), "body": (await request.body()).decode(errors="replace")}
        self.heard |= {value for value in told.values() if value}
        self.asked += 1
        await self._answer(json.dumps(told))(scope, receive, send)

    def _answer(self, told: str) -> ASGIApp:
        wrapped = {"message": told, "error": told, "errors": [{"code": "X", "message": told}], "code": 7, "ok": False}
        match self.asked % 7:
            case 0:
                return Response(json.dumps(wrapped), 403, media_type="application/json")
            case 1:
                return Response(told, 500, media_type="text/plain")
            case 2:
                return Response(f"<html>{told}</html>", 200, media_type="text/html")
            case 3:
                return Response(json.dumps(wrapped), 401, {"WWW-Authenticate": 'Basic realm="x"'}, "application/json")
            case 4:
                return Response(json.dumps(wrapped)[:-40], 200, media_type="application/json")
            case 5:
                return Response("", 302, {"Location": f"http://127.0.0.1:1/{len(told)}"})
        return Response(json.dumps([told]), 422, media_type="application/json")


def environment(directory: Path, url: str, slack: str, port: int = 0) -> dict[str, str]:
    policy = directory / "pilothouse.yaml"
    policy.write_text(POLICY)
    kubeconfig = directory / "kubeconfig.yaml"
    named = {"name": "x"}
    kubeconfig.write_text(
        json.dumps(
            {
                "apiVersion": "v1",
                "kind": "Config",
                "current-context": "x",
                "clusters": [{**named, "cluster": {"server": url}}],
                "users": [{**named, "user": {"token": f"{CANARY}-kubernetes"}}],
                "contexts": [{**named, "context": {"cluster": "x", "user": "x"}}],
            }
        )
    )
    return {
        **canaries(),
        "PILOTHOUSE_POLICY_FILE": str(policy),
        "PILOTHOUSE_DATABASE_URL": f"sqlite:///{directory / 'pilothouse.db'}",
        "PILOTHOUSE_DATA_DIR": str(directory / "cache"),
        "PILOTHOUSE_HOST": "127.0.0.1",
        "PILOTHOUSE_PORT": str(port),
        "PILOTHOUSE_LOG_LEVEL": "debug",
        "PILOTHOUSE_SLACK__API_URL": f"{slack}/api/",
        "PILOTHOUSE_ARGOCD__URL": url,
        "PILOTHOUSE_HARBOR__URL": url,
        "PILOTHOUSE_HARBOR__USERNAME": "robot$pilothouse",
        "PILOTHOUSE_HARBOR__PROBE": "apps/my-app",
        "PILOTHOUSE_KUBERNETES__KUBECONFIG": str(kubeconfig),
        "PILOTHOUSE_GIT__URL": f"{url}/deploy.git",
        "PILOTHOUSE_ALERTMANAGER__URL": url,
        "PILOTHOUSE_GITHUB__API_URL": url,
        "PILOTHOUSE_GITHUB__PRIVATE_KEY": "",
    }


def loaded(variables: Mapping[str, str], monkeypatch: pytest.MonkeyPatch) -> Settings:
    with monkeypatch.context() as patched:
        for name, value in variables.items():
            if value:
                patched.setenv(name, value)
        return Settings()


def test_every_secret_has_its_canary_and_no_repr_shows_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    variables = {**canaries(), "PILOTHOUSE_DATABASE_URL": f"postgresql://bot:{CANARY}-database@127.0.0.1/x"}
    settings = loaded(variables, monkeypatch)
    known = settings.secrets()
    assert len(known) == len(variables)
    assert all(CANARY in secret for secret in known)
    groups = [getattr(settings, name) for name in Settings.model_fields]
    credentials = [
        group.credential(name)
        for group in groups
        if isinstance(group, Group)
        for name in type(group).model_fields
        if f"{name}_file" in type(group).model_fields
    ]
    for shown in (
        repr(settings),
        str(settings),
        settings.model_dump_json(exclude={"database_url"}),
        repr([group for group in groups if isinstance(group, Group)]),
        repr(credentials),
    ):
        assert_silent("a repr", shown, [CANARY])


@pytest.mark.parametrize("github", [False, True], ids=["git", "GitHub"])
async def test_doctor_is_silent_whatever_the_upstreams_answer(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture, github: bool
) -> None:
    caplog.set_level(logging.INFO)  # what libraries say at DEBUG, the bot never shows
    hostile = Hostile()
    async with serve(hostile) as url:
        variables = environment(tmp_path, url, url)
        if github:
            variables["PILOTHOUSE_GITHUB__REPOSITORY"] = "example/overlays"
        for _ in range(3):
            findings = await examine(loaded(variables, monkeypatch), 1.5)
            assert_silent("doctor", as_json(findings), songs(variables))
    assert any(CANARY in heard for heard in hostile.heard)
    assert_silent("the log", caplog.text, songs(variables))
    assert {f.system for f in findings if f.outcome == "wrong"} >= {"Slack", "Argo CD", "Harbor", "Kubernetes"}


async def test_a_key_that_is_not_understood_is_not_shown(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A GitHub App's key, broken and whole."""
    pem = rsa.generate_private_key(public_exponent=65537, key_size=2048).private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    inner = pem.decode().splitlines()[3]
    async with serve(Hostile()) as url:
        variables = environment(tmp_path, url, url)
        variables |= {
            "PILOTHOUSE_GITHUB__TOKEN": "",
            "PILOTHOUSE_GITHUB__APP_ID": "1",
            "PILOTHOUSE_GITHUB__INSTALLATION_ID": "2",
            "PILOTHOUSE_GITHUB__REPOSITORY": "example/overlays",
        }
        for key in (pem.decode(), pem.decode().replace("A", "_", 20), f"{CANARY}-no-key-at-all"):
            variables["PILOTHOUSE_GITHUB__PRIVATE_KEY"] = key
            found = as_json(await examine(loaded(variables, monkeypatch), 1.5))
            assert_silent("doctor", found, [*songs(variables), inner])


@asynccontextmanager
async def bot(variables: Mapping[str, str], log: Path) -> AsyncIterator[asyncio.subprocess.Process]:
    plain = {name: value for name, value in os.environ.items() if not name.startswith("PILOTHOUSE_")}
    with log.open("wb") as out:
        process = await asyncio.create_subprocess_exec(
            sys.executable, "-m", "bot", "run", env={**plain, **variables}, stdout=out, stderr=out
        )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.terminate()
        async with asyncio.timeout(30):
            await process.wait()


async def test_the_whole_bot_is_silent_whatever_the_upstreams_answer(tmp_path: Path) -> None:
    """Its log at level debug, what people see in Slack, its answers to webhooks, and what it writes to disk."""
    secrets = canaries()
    slack = SlackServer(
        bot_token=secrets["PILOTHOUSE_SLACK__BOT_TOKEN"],
        app_token=secrets["PILOTHOUSE_SLACK__APP_TOKEN"],
        signing_secret=secrets["PILOTHOUSE_SLACK__SIGNING_SECRET"],
        commands=("/deploy", "/status", "/scan", "/pipeline", "/rollback"),
        limits=RateLimits(enabled=False),
    )
    hostile = Hostile()
    async with serve(hostile) as url, serve(slack.app) as slack_url:
        slack.public_url = slack_url
        port = free_port()
        variables = environment(tmp_path, url, slack_url, port)
        log = tmp_path / "bot.log"
        async with bot(variables, log) as process:
            await until(lambda: slack.connections or process.returncode is not None, 30)
            assert process.returncode is None, log.read_text()
            for text in TYPED:
                await slack.command("ana", "deployments", text)
            said = await webhooks(f"http://127.0.0.1:{port}", secrets)
            said += await probes(f"http://127.0.0.1:{port}")
            await until(lambda: len(slack.messages("deployments", "ana")) >= len(TYPED) - 2, 60)
        await slack.aclose()
        seen = json.dumps([slack.messages(channel, "ana") for channel in ("deployments", "general")])
    heard = songs(variables)
    assert hostile.asked > len(TYPED)
    assert any(CANARY in words for words in hostile.heard)
    lines = log.read_text()
    assert len(lines.splitlines()) > len(TYPED), lines
    assert_silent("the log", lines, heard)
    assert_silent("Slack", seen, heard)
    assert_silent("the HTTP port", said, heard)
    for file in written(tmp_path):
        assert_silent(file.name, file.read_bytes().decode("latin-1"), heard)


async def webhooks(url: str, secrets: Mapping[str, str]) -> str:
    """Everything that the receivers answer, to the right secrets and to wrong ones, to sense and to nonsense."""
    said = ""
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        for sender, name in (("harbor", "HARBOR_TOKEN"), ("alertmanager", "ALERTMANAGER_TOKEN")):
            secret = secrets[f"PILOTHOUSE_WEBHOOKS__{name}"]
            for shown in (secret, f"Bearer {secret}", f"Bearer {secret}x", ""):
                for body in (b"{}", b"[", json.dumps({"type": secret, "alerts": secret}).encode()):
                    answer = await http.post(
                        f"/webhooks/{sender}", content=body, headers={"Authorization": shown} if shown else {}
                    )
                    assert answer.status_code < 500
                    said += answer.text
    return said


async def probes(url: str) -> str:
    async with httpx.AsyncClient(base_url=url, trust_env=False) as http:
        return "".join([(await http.get(path)).text for path in ("/livez", "/readyz", "/metrics", "/nowhere")])


def written(directory: Path) -> list[Path]:
    """Every file but the one that holds a secret by its nature."""
    return [path for path in directory.rglob("*") if path.is_file() and path.name != "kubeconfig.yaml"]


def test_errors_have_room_for_no_credential() -> None:
    """What clients raise names the system, the operation and a detail; it is what they were given, and no more."""
    for error in (Refused("git", "push", "no"), Unavailable("git", "push", "later")):
        assert set(vars(error)) <= {"system", "operation", "detail", "retry_after"}
