"""Another system answers whatever it likes: no JSON, other types, half an answer, far too much of it, without end.

Each client reads it, or raises an IntegrationError with a sentence. Nothing
else comes out, and nothing goes on without end.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import httpx
import pytest
import respx
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from bot.domain.errors import IntegrationError
from bot.domain.image import Image
from bot.domain.pipeline import CancelMode
from bot.ports import Rendered
from bot.settings import GitHubSettings, GitSettings, HarborSettings
from integrations.cosign import Cosign
from integrations.git.environment import GitEnvironment
from integrations.git.smart_http import SmartHttp
from integrations.github import GitHub
from integrations.http import HttpPolicy
from integrations.oci import Oci
from integrations.sandbox.serving import serve
from integrations.slack import SlackApi, SlackDirectory, SlackMessenger, SlackModals
from integrations.tekton import Tekton
from tests.contract.overlays import ANA, PATH, change
from tests.contract.pipelines import REQUEST
from tests.unit.integrations.tekton.test_cluster import settings as cluster_settings

HOST = "https://lying.example.com"
QUICK = HttpPolicy(connect=1, read=2, total=4, attempts=1, body_limit=1 << 18, line_limit=1 << 14)
SHA, OTHER = "a" * 40, "b" * 40
DIGEST = "sha256:" + "a" * 64
IMAGE = Image("lying.example.com/apps/my-app", DIGEST, "v1")
WORDS = (
    # GitHub
    "object", "sha", "tree", "truncated", "type", "path", "mode", "content", "encoding", "commit", "author", "message",
    "date", "email", "name", "parents", "number", "html_url", "state", "merged", "mergeable", "head", "base", "ref",
    "repo", "full_name", "data", "errors", "createCommitOnBranch", "oid", "total_commits", "commits", "files",
    "merge_base_commit", "check_runs", "total_count", "status", "conclusion", "statuses", "viewer", "login",
    # OCI
    "mediaType", "config", "layers", "manifests", "digest", "size", "platform", "annotations", "subject", "rootfs",
    "diff_ids", "token", "artifactType", "payload", "critical", "identity", "dev.cosignproject.cosign/signature",
    # Slack
    "ok", "error", "user", "id", "profile", "real_name", "team_id", "usergroups", "users", "handle", "channel", "ts",
    "messages", "metadata", "event_payload", "response_metadata", "next_cursor", "channels", "view", "upload_url",
    # Kubernetes
    "apiVersion", "kind", "spec", "items", "continue", "resourceVersion", "labels", "conditions", "reason", "results",
    "childReferences", "steps", "container", "terminated", "startTime", "completionTime", "pipelineTaskName", "params",
)  # fmt: skip
TELLING = (
    "", "open", "blob", "tree", "commit", "base64", "utf-8", "true", SHA, DIGEST, "2026-01-05T09:00:00Z", "0001-01-01",
    "9999-12-31T23:59:59-23:59", "=====", "application/vnd.oci.image.index.v1+json", "U0ANA", "\ud800", "\x00", "-1",
    "application/vnd.oci.image.manifest.v1+json", "tekton.dev/v1", "PipelineRun", "100644", "160000", "x" * 3000,
)  # fmt: skip
PLAIN = st.one_of(
    st.none(), st.booleans(), st.sampled_from(TELLING), st.text(max_size=4),
    st.sampled_from([0, 1, -1, 2**63, 2**64, -(2**70), 10**400, 1.5, 1e308]),
)  # fmt: skip
SHAPED = st.recursive(
    PLAIN,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.sampled_from(WORDS), inner, max_size=7),
    max_leaves=25,
)


WAYS = ["cut", "twice", "noise", "bytes", "deep", "huge", "number", "page"]


@st.composite
def bodies(draw: st.DrawFn) -> bytes:
    """Mostly JSON of the words that the systems use, and then something is done to it."""
    text = json.dumps(draw(SHAPED)).encode()
    match draw(st.sampled_from(["as it is"] * 6 + WAYS)):
        case "cut":
            return text[: draw(st.integers(0, len(text)))]
        case "twice":
            return text + text
        case "noise":
            return b"\xef\xbb\xbf" + text + draw(st.binary(max_size=5))
        case "bytes":
            return draw(st.binary(max_size=60))
        case "deep":
            return b'{"tree":[' * 5000 + b"1"
        case "huge":
            return json.dumps({"items": ["x" * 1000] * 400}).encode()
        case "number":
            return b'{"number": 1e99999, "id": ' + b"9" * 5000 + b"}"
        case "page":
            return b"<html><title>502 Bad Gateway</title></html>"
        case _:
            return text


STATUS = st.sampled_from([200] * 12 + [201, 204, 206, 301, 400, 401, 403, 404, 409, 412, 422, 429, 500, 502, 503])
HEADERS = st.sampled_from(
    [{}] * 6
    + [
        {"retry-after": "soon"}, {"retry-after": "-5"}, {"retry-after": "9" * 40}, {"link": '<x>; rel="next"'},
        {"link": "<" * 50}, {"content-type": "text/html"}, {"x-ratelimit-remaining": "x", "x-ratelimit-reset": "x"},
        {"www-authenticate": "Bearer"}, {"www-authenticate": 'Bearer realm="//[",service=x'}, {"location": "http://["},
        {"etag": "\x7f"}, {"content-encoding": "gzip"}, {"date": "no day"},
    ]
)  # fmt: skip
ANSWERS = st.lists(st.tuples(STATUS, HEADERS, bodies()), min_size=1, max_size=4)
Answers = list[tuple[int, dict[str, str], bytes]]
Call = Callable[[], Awaitable[object]]
FEW = settings(max_examples=25, deadline=None)


async def read_or_refused(calls: list[Call]) -> None:
    """Each within a few seconds. Raises what is no IntegrationError with a sentence."""
    for call in calls:
        try:
            async with asyncio.timeout(20):
                await call()
        except IntegrationError as error:
            if not (error.system and error.operation and 0 < len(error.detail.strip()) < 2000):
                raise AssertionError("an error without a sentence") from error


def lying(answers: Answers) -> Callable[[httpx.Request], httpx.Response]:
    """Answers in turn, over and over."""
    count = iter(range(10**9))

    def answer(_: httpx.Request) -> httpx.Response:
        status, headers, body = answers[next(count) % len(answers)]
        return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))

    return answer


@pytest.fixture(autouse=True)
def hurried(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.github.pulls.PAUSES", ())
    monkeypatch.setattr("integrations.github.api.MOST_PAGES", 5)
    monkeypatch.setattr("integrations.github.differences.MOST_FOLDERS", 20)
    monkeypatch.setattr("integrations.tekton.objects.MOST_PAGES", 5)


@FEW
@given(ANSWERS)
async def test_github(answers: Answers) -> None:
    with respx.mock(assert_all_called=False) as api:
        api.route(host="lying.example.com").mock(side_effect=lying(answers))
        account = GitHubSettings(api_url=HOST, repository="acme/deploy", token="t0ken")
        async with GitHub(account, policy=QUICK, between_writes=0) as github:
            await read_or_refused(
                [
                    github.head,
                    github.default_branch,
                    lambda: github.paths(SHA),
                    lambda: github.read([PATH], SHA),
                    lambda: github.read([f"{PATH}{n}" for n in range(30)], OTHER),
                    lambda: github.history(PATH, 5),
                    lambda: github.differences(SHA, OTHER),
                    lambda: github.find("Promotion-Id", "p-1", SHA),
                    lambda: github.commit(change(), SHA),
                    github.head,
                    lambda: github.open(change(), "pilothouse/p-1", SHA, "Promote", "x"),
                    lambda: github.opened("pilothouse/p-1"),
                    lambda: github.get(1),
                    lambda: github.merge(1, SHA, "Promote", ANA),
                    lambda: github.close(1, "x"),
                    lambda: github.checks(SHA),
                    lambda: github.compare("https://lying.example.com/acme/my-app", SHA, OTHER),
                ]
            )


@FEW
@given(ANSWERS)
async def test_a_registry(answers: Answers) -> None:
    with respx.mock(assert_all_called=False) as api:
        api.route().mock(side_effect=lying(answers))
        async with Oci(HarborSettings(url=HOST, username="robot", password="s3cret"), QUICK) as oci:
            await read_or_refused(
                [
                    lambda: oci.manifest(IMAGE.repository, "v1"),
                    lambda: oci.manifest(IMAGE.repository, DIGEST),
                    lambda: oci.labels(IMAGE.repository, DIGEST),
                    lambda: oci.referrers(IMAGE.repository, DIGEST),
                    lambda: oci.blob(IMAGE.repository, DIGEST),
                    lambda: Cosign(oci).check(IMAGE, {"ours": "no key"}),
                ]
            )


PKT = st.sampled_from(
    [
        b"0000", b"0001", b"0004", b"0003", b"ffff", b"-001", b"+00a", b"  5 ", b"zzzz", b"000eversion 2\n",
        b"0011ls-refs=unborn", b"000eunpack ok\n", b"0019ok refs/heads/main\n", b"001dng refs/heads/main no\n",
        b"\x01", b"\x02remark", b"0013\x01000eunpack ok", b"003f" + b"a" * 40 + b" refs/heads/main\n", b"# service=",
    ]
)  # fmt: skip
PACKETS = st.lists(PKT, max_size=6).map(b"".join)
GIT_HEADERS = st.sampled_from(
    [
        {"content-type": "application/x-git-upload-pack-advertisement"},
        {"content-type": "application/x-git-receive-pack-advertisement"},
        {},
    ]
)


@FEW
@given(st.lists(st.tuples(STATUS, GIT_HEADERS, PACKETS | bodies()), min_size=1, max_size=4))
async def test_a_git_server(tmp_path_factory: pytest.TempPathFactory, answers: Answers) -> None:
    remote = GitSettings(url=f"{HOST}/deploy.git", branch="main", token="t0ken")
    wire = SmartHttp(remote, GitEnvironment(remote, tmp_path_factory.getbasetemp()), 2)
    with respx.mock(assert_all_called=False) as api:
        api.route().mock(side_effect=lying(answers))
        try:
            assert (await wire.head()) in ("", "a" * 40)
            await read_or_refused([lambda: wire.push(SHA, OTHER, b"PACK"), wire.head])
        finally:
            await wire.aclose()


@asynccontextmanager
async def listening(answers: list[Answers]) -> AsyncIterator[str]:
    """A server on a socket that lies; `answers` is changed between two calls."""

    async def answer(request: Request) -> Response:
        await request.body()
        now = answers[-1]
        status, headers, body = now[len(served) % len(now)]
        served.append(1)
        plain = {name: value for name, value in headers.items() if name != "content-encoding" and value.isprintable()}
        return Response(body, status, {"content-type": "application/json", **plain})

    served: list[int] = []
    methods = ["GET", "POST", "PATCH", "PUT"]
    async with serve(Starlette(routes=[Route("/{path:path}", answer, methods=methods)])) as url:
        yield url


MANY = settings(max_examples=1, deadline=None)
BATCH = st.lists(ANSWERS, min_size=12, max_size=12)
"""drawn together, so that one server lies to all of them"""


@MANY
@given(BATCH)
async def test_slack(batch: list[Answers]) -> None:
    answers = [batch[0]]
    async with listening(answers) as url:
        for now in batch:
            answers.append(now)
            api = SlackApi(lambda: "xoxb-1", f"{url}/api", budget=0.3)
            directory, messenger, modals = SlackDirectory(api), SlackMessenger(api), SlackModals(api)
            try:
                await read_or_refused(
                    [
                        lambda d=directory: d.caller("U0ANA", "T0PILOT"),  # type: ignore[misc]
                        lambda d=directory: d.members("@release-managers"),  # type: ignore[misc]
                        lambda d=directory: d.by_email("ana@example.com"),  # type: ignore[misc]
                        lambda m=messenger: m.post("C0DEPLOY", Rendered("x"), key="card:1"),  # type: ignore[misc]
                        lambda m=messenger: m.whisper("C0DEPLOY", "U0ANA", Rendered("x")),  # type: ignore[misc]
                        lambda m=messenger: m.direct("U0ANA", Rendered("x")),  # type: ignore[misc]
                        lambda m=messenger: m.channel_id("deployments"),  # type: ignore[misc]
                        lambda m=modals: m.open("t1", {"type": "modal"}),  # type: ignore[misc]
                        lambda m=modals: m.publish_home("U0ANA", {"type": "home"}),  # type: ignore[misc]
                    ]
                )
            finally:
                await api.aclose()


@MANY
@given(BATCH)
async def test_kubernetes(tmp_path_factory: pytest.TempPathFactory, batch: list[Answers]) -> None:
    directory: Path = tmp_path_factory.mktemp("cluster")
    answers = [batch[0]]
    async with listening(answers) as url:
        for now in batch:
            answers.append(now)
            async with Tekton(cluster_settings(directory, url), QUICK) as tekton:
                await read_or_refused(
                    [
                        lambda t=tekton: t.get("my-run"),  # type: ignore[misc]
                        lambda t=tekton: t.list("my-app", 5),  # type: ignore[misc]
                        lambda t=tekton: t.start(REQUEST),  # type: ignore[misc]
                        lambda t=tekton: t.retry("my-run", REQUEST),  # type: ignore[misc]
                        lambda t=tekton: t.cancel("my-run", CancelMode.NOW),  # type: ignore[misc]
                        lambda t=tekton: t.logs("my-run", 20),  # type: ignore[misc]
                    ]
                )
