"""Doctor examines a whole world on real sockets: nothing to complain of, then one thing broken at a time."""

import json
import socket
import time
from pathlib import Path

import pytest
import respx
import sqlalchemy as sa
import yaml
from cryptography.hazmat.primitives import serialization
from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from bot.doctor import CheckOutcome, as_json
from bot.doctor.finding import Wrong
from bot.doctor.overlays import granted
from bot.settings import Settings
from bot.store.database import Database
from integrations.sandbox.argocd.access import Account
from integrations.sandbox.serving import serve
from tests.sentences import says
from tests.unit.bot.doctor.conftest import DoctorHarness
from tests.unit.deploy.manifests import DEPLOY
from tests.unit.integrations.sandbox.github.world import TOKENS, private_key
from tests.unit.integrations.sandbox.github.world import running as running_github

pytestmark = pytest.mark.asyncio(loop_scope="module")

NOWHERE = "http://127.0.0.1:1"


async def test_nothing_is_wrong_with_the_sandbox(harness: DoctorHarness) -> None:
    found = await harness.examined()
    assert {f.outcome for f in found.values()} == {CheckOutcome.GOOD, CheckOutcome.SKIPPED}, found
    assert [name for name, f in found.items() if f.outcome is CheckOutcome.SKIPPED] == ["Alertmanager: reachable"]
    assert not any(f.fix for f in found.values())
    assert says(found["Argo CD: applications"].detail, "12", "read", "sync")
    systems = {"policy", "database", "Slack", "git", "Argo CD", "Harbor", "Kubernetes", "webhooks", "clock"}
    assert systems <= {f.system for f in found.values()}


async def test_it_leaves_nothing_behind(harness: DoctorHarness) -> None:
    """S24: the connection that it opens for a moment is gone again."""
    before = (await harness.world.git.log(50), harness.world.kubernetes.store.objects("tekton.dev", "pipelineruns"))
    await harness.examined()
    assert before == (
        await harness.world.git.log(50),
        harness.world.kubernetes.store.objects("tekton.dev", "pipelineruns"),
    )
    assert not harness.world.slack.connections
    database = Database(harness.environment["PILOTHOUSE_DATABASE_URL"])
    async with database.engine.connect() as connection:
        tables = await connection.run_sync(lambda sync: sa.inspect(sync).get_table_names())
    await database.close()
    assert "pilothouse_doctor" not in tables


BROKEN: dict[str, tuple[dict[str, str], str, str]] = {
    "Slack's URL": (
        {"slack__api_url": f"{NOWHERE}/api/"},
        "Slack: bot token",
        "PILOTHOUSE_SLACK__API_URL",
    ),
    "bot token": (
        {"slack__bot_token": "xoxb-wrong-token"},
        "Slack: bot token",
        "PILOTHOUSE_SLACK__BOT_TOKEN",
    ),
    "no bot token": ({"slack__bot_token": ""}, "Slack: bot token", "PILOTHOUSE_SLACK__BOT_TOKEN"),
    "app token": ({"slack__app_token": "xapp-wrong-token"}, "Slack: Socket Mode", "connections:write"),
    "bot token as app token": ({"slack__app_token": "xoxb-wrong"}, "Slack: Socket Mode", "connections:write"),
    "no app token": ({"slack__app_token": ""}, "Slack: Socket Mode", "connections:write"),
    "no signing secret": (
        {"slack__mode": "http", "slack__signing_secret": ""},
        "Slack: signing secret",
        "PILOTHOUSE_SLACK__SIGNING_SECRET",
    ),
    "Argo CD's URL": (
        {"argocd__url": NOWHERE},
        "Argo CD: reachable",
        "PILOTHOUSE_ARGOCD__",
    ),
    "a word for Argo CD's URL": ({"argocd__url": "argocd"}, "Argo CD: reachable", "PILOTHOUSE_ARGOCD__URL"),
    "no URL of Argo CD": (
        {"argocd__url": ""},
        "Argo CD: reachable",
        "PILOTHOUSE_ARGOCD__URL",
    ),
    "Argo CD's token": (
        {"argocd__token": "wrong-token"},
        "Argo CD: token",
        "argocd proj role create-token",
    ),
    "Harbor's URL": ({"harbor__url": NOWHERE}, "Harbor: reachable", "PILOTHOUSE_HARBOR__"),
    "a word for Harbor's URL": ({"harbor__url": "ftp://harbor"}, "Harbor: reachable", "PILOTHOUSE_HARBOR__URL"),
    "no URL of Harbor": ({"harbor__url": ""}, "Harbor: reachable", "PILOTHOUSE_HARBOR__URL"),
    "no robot": ({"harbor__username": ""}, "Harbor: login", "PILOTHOUSE_HARBOR__USERNAME"),
    "Harbor's password": ({"harbor__password": "wrong-password"}, "Harbor: login", "PILOTHOUSE_HARBOR__PASSWORD"),
    "no probe": ({"harbor__probe": ""}, "Harbor: login", "PILOTHOUSE_HARBOR__PROBE"),
    "git's URL": (
        {"git__url": f"{NOWHERE}/deploy.git"},
        "git: read access",
        "PILOTHOUSE_GIT__URL",
    ),
    "no repository": (
        {"git__url": ""},
        "git: read access",
        "PILOTHOUSE_GITHUB__REPOSITORY",
    ),
    "git's token": (
        {"git__token": "wrong-token"},
        "git: read access",
        "",
    ),
    "git's branch": (
        {"git__branch": "trunk"},
        "git: read access",
        "PILOTHOUSE_GIT__BRANCH",
    ),
    "data directory": ({"data_dir": "/dev/null/pilothouse"}, "git: read access", "PILOTHOUSE_DATA_DIR"),
    "kubeconfig": (
        {"kubernetes__kubeconfig": "nowhere.yaml"},
        "Kubernetes: reachable",
        "PILOTHOUSE_KUBERNETES__KUBECONFIG",
    ),
    "namespace": (
        {"kubernetes__namespace": "elsewhere"},
        "Kubernetes: permissions",
        "deploy/bot/base/rbac.yaml",
    ),
    "file of the bot token": (
        {"slack__bot_token": "", "slack__bot_token_file": "/nowhere"},
        "Slack: bot token",
        "_FILE",
    ),
    "GitHub's address": (
        {"github__repository": "example/overlays", "github__token": "ghp_wrong-token", "github__api_url": NOWHERE},
        "GitHub: read access",
        "PILOTHOUSE_GITHUB__",
    ),
    "policy file": ({"policy_file": "nowhere.yaml"}, "policy: file", "pilothouse init"),
    "Alertmanager": ({"alertmanager__url": NOWHERE}, "Alertmanager: reachable", "PILOTHOUSE_ALERTMANAGER__URL"),
    "kind of database": (
        {"database_url": "mysql://root@127.0.0.1/x"},
        "database: connection",
        "PILOTHOUSE_DATABASE_URL",
    ),
    "database's place": (
        {"database_url": "sqlite:////nowhere/at/all.db"},
        "database: connection",
        "PILOTHOUSE_DATABASE_URL",
    ),
}


@pytest.mark.parametrize("name", BROKEN)
async def test_what_is_broken_is_one_finding_with_its_fix(harness: DoctorHarness, name: str) -> None:
    settings, expected, fix = BROKEN[name]
    wrong = await harness.wrong(**settings)
    assert list(wrong) == [expected], wrong
    assert all(finding.detail and finding.fix for finding in wrong.values()), wrong
    assert not any(raw in wrong[expected].detail for raw in ("Errno", "Error", "fatal:"))
    assert fix in " ".join(finding.fix for finding in wrong.values())
    told = as_json(list(wrong.values()))
    secrets = [value for key, value in settings.items() if key.endswith(("token", "password", "secret")) and value]
    assert not any(secret in told for secret in secrets)


@pytest.mark.parametrize(
    ("setting", "subject"), [({"url": NOWHERE}, "reachable"), ({"token": "wrong-token"}, "token")], ids=str
)
async def test_each_argo_cd_has_a_finding_of_its_own(
    harness: DoctorHarness, setting: dict[str, str], subject: str
) -> None:
    """One that fails does not hide another one with the same fault: each has its own URL and token."""
    [(name, value)] = setting.items()
    usual = {key: harness.environment[f"PILOTHOUSE_ARGOCD__{key.upper()}"] for key in ("url", "token")}
    instances = {f"argocd_instances__{where}": usual | setting for where in ("east", "west")}
    named = {f"{where}__{key}": word for where, own in instances.items() for key, word in own.items()}
    wrong = await harness.wrong(**{f"argocd__{name}": value}, **named)
    assert list(wrong) == [f"Argo CD: {subject}", f"Argo CD east: {subject}", f"Argo CD west: {subject}"]
    prefixes = ("PILOTHOUSE_ARGOCD__", "PILOTHOUSE_ARGOCD_INSTANCES__EAST__", "PILOTHOUSE_ARGOCD_INSTANCES__WEST__")
    assert all(prefix in finding.fix for prefix, finding in zip(prefixes, wrong.values(), strict=True))


async def test_a_missing_scope_is_named_with_what_does_not_work_without_it(
    harness: DoctorHarness, monkeypatch: pytest.MonkeyPatch
) -> None:
    config = harness.world.slack.config
    monkeypatch.setattr(config, "bot_scopes", tuple(set(config.bot_scopes) - {"files:write"}))
    wrong = await harness.wrong()
    assert set(wrong) == {"Slack: scopes"}
    assert says(wrong["Slack: scopes"].detail, "missing", "files:write", "/dora")
    assert "install it again" in wrong["Slack: scopes"].fix


async def test_each_verb_is_asked_of_the_cluster(harness: DoctorHarness) -> None:
    role = next(yaml.safe_load_all((DEPLOY / "bot/base/rbac.yaml").read_text()))
    less = json.loads(json.dumps(role))
    less["rules"][0]["verbs"].remove("patch")
    harness.world.kubernetes.load([less])
    try:
        wrong = await harness.wrong()
    finally:
        harness.world.kubernetes.load([role])
    assert {name: f.detail for name, f in wrong.items()} == {
        "Kubernetes: permissions": "may not patch pipelineruns in ci"
    }


@pytest.mark.parametrize(
    ("days", "outcome", "told"),
    [(30, CheckOutcome.GOOD, "expires in 29 days"), (3, CheckOutcome.WRONG, "expires in 2 days")],
)
async def test_the_end_of_argo_cds_token_is_told_in_time(
    harness: DoctorHarness, days: int, outcome: CheckOutcome, told: str
) -> None:
    """A1: nobody renews it."""
    token = harness.world.argocd.access.mint("proj:apps:pilothouse", days * 86_400 - 60)
    found = (await harness.examined(argocd__token=token))["Argo CD: token"]
    assert (found.outcome, told in found.detail) == (outcome, True), found


async def test_the_projects_role_of_the_platform_is_enough(harness: DoctorHarness) -> None:
    """What deploy/platform/argocd grants is all that is asked for."""
    token = harness.world.argocd.access.mint("proj:apps:pilothouse", 90 * 86_400)
    assert not await harness.wrong(argocd__token=token)


async def test_applications_that_follow_something_else_are_found_out(harness: DoctorHarness) -> None:
    wrong = await harness.wrong(git__aliases='["https://git.example.com/another.git"]')
    assert set(wrong) == {"Argo CD: applications"}
    assert says(
        wrong["Argo CD: applications"].detail, "ledger-development", "another repository", "https://github.com/"
    )
    assert "PILOTHOUSE_GIT__ALIASES" in wrong["Argo CD: applications"].fix


async def test_a_token_that_may_not_sync_is_found_out(harness: DoctorHarness) -> None:
    harness.world.argocd.access.add(Account("reader", (("applications", "get", "apps/*"),)))
    wrong = await harness.wrong(argocd__token=harness.world.argocd.access.mint("reader"))
    assert set(wrong) == {"Argo CD: applications"}
    assert "may not sync ledger-development" in wrong["Argo CD: applications"].detail


async def test_what_the_policy_names_must_be_there(harness: DoctorHarness) -> None:
    policy = harness.policy(
        "bindings: [{role: engineer, groups: ['@engineers', '@ghosts']}]\n"
        "channels: {default: '#deployments', routes: [{channel: '#no-such-channel'}]}\n"
        "argocd: {application: '{environment}-of-{app}'}\n"
    )
    wrong = await harness.wrong(policy_file=policy)
    assert set(wrong) == {"policy: people", "policy: channels", "Argo CD: applications"}
    assert "Slack has no user group @ghosts" in wrong["policy: people"].detail
    assert "it takes an approval" in wrong["policy: people"].detail
    assert wrong["policy: channels"].detail == "no channel #no-such-channel"
    assert "no Application development-of-ledger" in wrong["Argo CD: applications"].detail
    assert "and 7 more" in wrong["Argo CD: applications"].detail


async def test_argo_cds_own_namespace_in_a_name_is_told_with_the_remedy(harness: DoctorHarness) -> None:
    """A11: the stream names what is there without it, so nothing would be heard of it."""
    policy = harness.policy("bindings: []\nargocd: {application: 'argocd/{app}-{environment}'}\n")
    wrong = await harness.wrong(policy_file=policy)
    found = wrong["Argo CD: applications"]
    assert says(found.detail, "own namespace", "argocd/ledger-development")
    assert "Leave the namespace out" in found.fix


async def test_mistakes_of_the_policy_are_told_with_their_lines(harness: DoctorHarness) -> None:
    wrong = await harness.wrong(policy_file=harness.policy("bindings: []\nchanels: {}\n"))
    assert set(wrong) == {"policy: file"}
    assert "other.yaml:2" in wrong["policy: file"].detail


async def test_a_path_without_overlays_is_told(harness: DoctorHarness) -> None:
    policy = harness.policy("overlays: {path: 'deploy/{app}/{environment}'}\n")
    assert set(await harness.wrong(policy_file=policy)) == {"git: apps"}


async def test_a_bot_that_was_not_invited_is_told(harness: DoctorHarness, monkeypatch: pytest.MonkeyPatch) -> None:
    workspace = harness.world.slack._core.workspace
    channel = next(c for c in workspace.channels.values() if c.id == "C0INC")
    monkeypatch.setattr(channel, "members", ["U0ANA"])
    policy = harness.policy("channels: {default: '#incidents'}\n")
    wrong = await harness.wrong(policy_file=policy)
    assert wrong["policy: channels"].detail == "the bot is not in #incidents"
    assert "/invite @pilothouse" in wrong["policy: channels"].fix


class ReadOnly:
    """A git host that lets everybody fetch and nobody push."""

    def __init__(self, app: ASGIApp) -> None:
        self._app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "http" and b"git-receive-pack" in scope["query_string"]:
            await PlainTextResponse("You may not push here.", 403)(scope, receive, send)
            return
        await self._app(scope, receive, send)


async def test_a_git_token_that_may_only_read_is_found_out_without_a_push(harness: DoctorHarness) -> None:
    async with serve(ReadOnly(harness.world.git.app)) as url:
        wrong = await harness.wrong(git__url=f"{url}/deploy.git")
    assert set(wrong) == {"git: write access"}
    assert "write access" in wrong["git: write access"].detail


async def test_github_by_app_is_asked_for_its_permissions(harness: DoctorHarness, tmp_path: Path) -> None:
    """G15."""
    pem = private_key().private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    )
    async with running_github(tmp_path) as github:
        found = await harness.examined(
            github__api_url=github.url,
            github__repository="pilothouse/deploy",
            github__app_id="101",
            github__installation_id="5",
            github__private_key=pem.decode(),
        )
        other = await harness.wrong(
            github__api_url=github.url, github__repository="pilothouse/other", github__token=next(iter(TOKENS))
        )
    assert found["GitHub: read access"].outcome is CheckOutcome.GOOD, found
    assert found["GitHub: write access"].detail == "contents"
    assert found["clock: GitHub"].outcome is CheckOutcome.GOOD
    assert {"GitHub: read access"} <= set(other)


@respx.mock
async def test_a_github_token_that_may_only_read_is_found_out(harness: DoctorHarness) -> None:
    respx.get("https://api.github.com/repos/example/overlays").respond(json={"permissions": {"pull": True}})
    with harness.spoiled(github__repository="example/overlays", github__token="ghp_canary"):
        settings = Settings()
    with pytest.raises(Wrong, match="contents: write"):
        await granted(settings, None)


async def test_a_database_of_a_newer_version_is_not_touched(harness: DoctorHarness, tmp_path: Path) -> None:
    url = f"sqlite:///{tmp_path}/new.db"
    assert (await harness.examined(database_url=url))["database: tables"].outcome is CheckOutcome.SKIPPED
    assert not (tmp_path / "new.db").exists()
    database = Database(url)
    async with database.begin() as connection:
        await connection.execute(sa.text("CREATE TABLE alembic_version (version_num VARCHAR(32))"))
        await connection.execute(sa.text("INSERT INTO alembic_version VALUES ('9999')"))
    await database.close()
    wrong = await harness.wrong(database_url=url)
    assert says(wrong["database: tables"].detail, "newer Pilothouse", "9999")


@pytest.mark.parametrize(
    ("fault", "word"),
    [
        ({"harbor_denies": ["scan:create"]}, "scan:create"),
        ({"harbor_denies": ["artifact-addition:read"]}, "artifact-addition:read"),
        ({"harbor_denies": ["artifact:list"]}, "artifact:list"),
        ({"harbor_denies": ["scan:create", "artifact:list"]}, "artifact:list"),
        ({"harbor_read_only": True}, "read-only mode"),
        ({"scanner_away": True}, "scanner does not answer"),
    ],
)
async def test_what_gates_need_of_harbor_is_tried(harness: DoctorHarness, fault: dict[str, object], word: str) -> None:
    """H26, H28."""
    faults = harness.world.faults
    before = faults.now
    faults.set(fault)
    try:
        wrong = await harness.wrong()
    finally:
        faults.now = before
    assert word in wrong["Harbor: permissions"].detail
    assert wrong["Harbor: permissions"].fix


async def test_a_database_that_cannot_be_written_is_told(harness: DoctorHarness, tmp_path: Path) -> None:
    (tmp_path / "directory.db").mkdir()
    assert "database: connection" in await harness.wrong(database_url=f"sqlite:///{tmp_path}/directory.db")


async def test_upstreams_that_do_not_answer_cost_a_bounded_wait(harness: DoctorHarness) -> None:
    """Silent servers: they take the connection and never say a word."""
    with socket.socket() as silent:
        silent.bind(("127.0.0.1", 0))
        silent.listen(50)
        url = f"http://127.0.0.1:{silent.getsockname()[1]}"
        began = time.monotonic()
        found = await harness.examined(
            seconds=8.0,  # what answers has so long, on a busy machine too
            argocd__url=url, harbor__url=url, slack__api_url=f"{url}/api/", git__url=f"{url}/deploy.git",
        )  # fmt: skip
    # All at once, so not much longer than the one that waits longest; one after another it would be two minutes.
    assert time.monotonic() - began < 60
    assert found["Harbor: reachable"].detail == "no answer within 8 seconds"
    assert found["Kubernetes: permissions"].outcome is CheckOutcome.GOOD
    assert found["database: writable"].outcome is CheckOutcome.GOOD
