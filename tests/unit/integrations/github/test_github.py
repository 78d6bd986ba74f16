"""GitHub's traps: limits, tokens, lost answers, lagging reads, checks, and other people's branches."""

import asyncio
import base64
import itertools
import json
import subprocess
import time
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager, suppress
from datetime import UTC, datetime, timedelta
from functools import partial
from pathlib import Path
from typing import Any

import httpx
import jwt
import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import HeadMoved, IntegrationError, NotFound, Refused, Unavailable
from bot.domain.overlay import Author, Change, ChangedPath, Commit
from bot.settings import GitHubSettings
from integrations.github import GitHub, messages, wire
from integrations.github.api import GitHubApi, graphql_url, web_url
from integrations.github.checks import verdict
from integrations.github.github import repository_of
from integrations.github.objects import blob_sha, tree_sha
from integrations.sandbox.faults import FaultSettings
from integrations.sandbox.github import GitHubServerSettings, Principal, Rules, Throttle
from tests.contract.overlays import ANA, FILES, OTHER, PATH, change
from tests.contract.specs import contract
from tests.contract.test_github import APP, PRIVATE, PUBLIC, QUICK, REPOSITORY, TOKEN, github

URL = "https://api.github.example.com"
REPO = f"{URL}/repos/{REPOSITORY}"
SHA, OTHER_SHA = "a" * 40, "b" * 40


def with_token(**more: Any) -> GitHub:
    settings = GitHubSettings(api_url=URL, repository=REPOSITORY, token=TOKEN)
    return GitHub(settings, policy=QUICK, **{"between_writes": 0, **more})


def ref(sha: str) -> httpx.Response:
    return httpx.Response(200, json={"ref": "refs/heads/main", "object": {"sha": sha, "type": "commit"}})


@pytest.fixture
def api() -> Any:
    with respx.mock(assert_all_called=False) as routes:
        yield routes


# Errors and limits


@pytest.mark.parametrize(
    ("status", "headers", "message", "kind"),
    [
        (401, {}, "Bad credentials", Refused),
        (403, {}, "Resource not accessible by integration", Refused),
        (404, {}, "Not Found", NotFound),
        (422, {}, "Reference does not exist", Refused),
        (500, {}, "oops", Unavailable),
        (503, {}, "oops", Unavailable),
    ],
)
async def test_an_answer_is_told_by_its_kind(
    api: respx.Router, status: int, headers: dict[str, str], message: str, kind: type[IntegrationError]
) -> None:
    """G14."""
    api.get(f"{REPO}/git/ref/heads/main").respond(status, json={"message": message}, headers=headers)
    async with with_token() as client:
        with pytest.raises(kind) as caught:
            await client.head()
    assert isinstance(caught.value, kind)
    assert caught.value.system == "github"
    assert TOKEN not in f"{caught.value!r} {client!r}"


@pytest.mark.parametrize("status", [403, 429])
@pytest.mark.parametrize(
    ("headers", "message", "seconds"),
    [
        ({"retry-after": "77"}, "You have exceeded a secondary rate limit", 77),
        ({"retry-after": "50", "x-ratelimit-remaining": "0", "x-ratelimit-reset": "99999999999"}, "", 50),
        ({"x-ratelimit-remaining": "0", "x-ratelimit-reset": "RESET"}, "API rate limit exceeded", 100),
        ({"x-ratelimit-remaining": "17"}, "You have exceeded a secondary rate limit", 60),
    ],
)
async def test_limits_are_waited_for_as_github_asks_and_nothing_is_sent_meanwhile(
    api: respx.Router, status: int, headers: dict[str, str], message: str, seconds: int
) -> None:
    """G16: 403 as well as 429; `retry-after` before `x-ratelimit-reset` before a minute."""
    headers = {name: value.replace("RESET", str(int(time.time()) + 100)) for name, value in headers.items()}
    route = api.get(f"{REPO}/git/ref/heads/main").respond(status, json={"message": message}, headers=headers)
    async with with_token() as client:
        with pytest.raises(Unavailable) as caught:
            await client.head()
        assert caught.value.retry_after is not None
        assert seconds - 3 <= caught.value.retry_after.total_seconds() <= seconds + 1
        with pytest.raises(Unavailable, match="pause"):
            await client.paths(SHA)
        assert route.call_count == 1


class AnsweringGitHub:
    """Requests to a GitHub that answers as `says` says, by a clock of our own."""

    def __init__(self, routes: respx.Router) -> None:
        self.now = 0.0
        self.says = NAMELESS
        self.route = routes.get(f"{URL}/meta").mock(side_effect=lambda _: self.says)
        self.graphql = routes.post(f"{URL}/graphql").mock(side_effect=lambda _: self.says)
        settings = GitHubSettings(api_url=URL, repository=REPOSITORY, token=TOKEN)
        self.api = GitHubApi(settings, QUICK, between_writes=0, clock=lambda: self.now)

    async def read(self) -> None:
        await self.api.get("read", "/meta")

    async def query(self) -> None:
        await self.api.query("query", "query", {}, wire.GraphQLAnswer)

    async def mutate(self) -> None:
        await self.api.mutate("mutate", "mutation", {})

    async def refused_for(self, ask: Callable[[], Awaitable[None]]) -> int:
        """The pause that a request leads to, in seconds; it is over afterwards."""
        with pytest.raises(Unavailable) as caught:
            await ask()
        assert type(caught.value) is Unavailable
        assert caught.value.retry_after is not None
        seconds = caught.value.retry_after.total_seconds()
        self.now += seconds - 1
        with pytest.raises(Unavailable, match="asked for a pause"):
            await ask()
        self.now += 1
        return round(seconds)


NAMELESS = httpx.Response(403, json={"message": "You have exceeded a secondary rate limit"})
FINE = httpx.Response(200, json={"data": {}})


@pytest.fixture
async def hub(api: respx.Router) -> AsyncIterator[AnsweringGitHub]:
    made = AnsweringGitHub(api)
    yield made
    await made.api.close()


async def test_limits_that_name_no_time_are_waited_for_longer_each_time(hub: AnsweringGitHub) -> None:
    """G16: at least a minute, then exponentially."""
    assert [await hub.refused_for(hub.read) for _ in range(8)] == [60, 120, 240, 480, 960, 1920, 3600, 3600]
    assert hub.route.call_count == 8


@pytest.mark.parametrize("fine", [FINE, httpx.Response(304)], ids=["read", "not modified"])
async def test_after_a_success_a_limit_is_waited_for_as_the_first_one(
    hub: AnsweringGitHub, fine: httpx.Response
) -> None:
    """G16."""
    assert [await hub.refused_for(hub.read) for _ in range(2)] == [60, 120]
    hub.says = fine
    with suppress(Refused):
        await hub.read()
    hub.says = NAMELESS
    assert await hub.refused_for(hub.read) == 60


async def test_a_limit_that_names_its_time_is_waited_for_that_long_however_many_there_were(
    hub: AnsweringGitHub,
) -> None:
    """G16."""
    assert await hub.refused_for(hub.read) == 60
    hub.says = httpx.Response(429, headers={"retry-after": "7"})
    assert [await hub.refused_for(hub.read) for _ in range(2)] == [7, 7]
    hub.says = NAMELESS
    assert await hub.refused_for(hub.read) == 120


async def test_requests_that_meet_one_limit_together_count_as_one(hub: AnsweringGitHub) -> None:
    """G16: and one that was let in before the limit does not end it, nor does a shorter pause of another."""
    answers = [*[NAMELESS] * 3, httpx.Response(429, headers={"retry-after": "50"}), FINE]
    numbers, all_sent = itertools.count(), asyncio.Event()

    async def slow(_: httpx.Request) -> httpx.Response:
        number = next(numbers)
        if number == len(answers) - 1:
            all_sent.set()
        await all_sent.wait()
        await asyncio.sleep(number / 100)
        return answers[number]

    hub.route.mock(side_effect=slow)
    met = await asyncio.gather(*(hub.read() for _ in answers), return_exceptions=True)
    pauses = [error.retry_after for error in met if isinstance(error, Unavailable)]
    assert pauses == [timedelta(seconds=seconds) for seconds in (60, 60, 60, 50)]
    hub.now = 59
    with pytest.raises(Unavailable, match="asked for a pause"):
        await hub.read()
    hub.now = 60
    hub.route.mock(side_effect=lambda _: NAMELESS)
    assert await hub.refused_for(hub.read) == 120


@pytest.mark.parametrize("kind", ["RATE_LIMIT", "RATE_LIMITED"])
async def test_a_limit_of_graphql_is_waited_for_as_its_headers_say(hub: AnsweringGitHub, kind: str) -> None:
    """G3, G16: the headers count with 200 as they do with 403; without them it is a minute, then exponential."""
    limit = {"data": None, "errors": [{"type": kind, "message": "API rate limit exceeded"}]}
    reset = {"x-ratelimit-remaining": "0", "x-ratelimit-reset": str(int(time.time()) + 1500)}
    for ask in (hub.query, hub.mutate):
        hub.says = httpx.Response(200, json=limit, headers=reset)
        assert 1490 < await hub.refused_for(ask) <= 1500
        hub.says = httpx.Response(200, json=limit, headers={"retry-after": "9", **reset})
        assert await hub.refused_for(ask) == 9
        hub.says = httpx.Response(200, json=limit, headers={"x-ratelimit-remaining": "17"})
        assert [await hub.refused_for(ask) for _ in range(3)] == [60, 120, 240]
        hub.says = FINE
        await ask()


async def test_writes_keep_their_distance(api: respx.Router) -> None:
    """G16."""
    at: list[float] = []

    def answer(_: httpx.Request) -> httpx.Response:
        at.append(time.monotonic())
        return created(SHA)

    api.post(f"{URL}/graphql").mock(side_effect=answer)
    async with with_token(between_writes=0.2) as client:
        for _ in range(3):
            await client.commit(change(), SHA)
    assert all(later - earlier > 0.19 for earlier, later in itertools.pairwise(at))


async def test_a_short_limit_is_waited_out_by_a_read_and_told_by_a_write(tmp_path: Path) -> None:
    """G16."""
    async with github(tmp_path) as world:
        head = await world.client.head()
        world.hub.throttle(Throttle(1, retry_after=1))
        with pytest.raises(Unavailable, match="secondary"):
            await world.client.commit(change(), head)
        await asyncio.sleep(1)
        begun = time.monotonic()
        world.hub.throttle(Throttle(1, retry_after=1))
        assert await world.client.head() == head
        assert time.monotonic() - begun >= 1


@pytest.mark.parametrize(
    "body", ["<html>proxy</html>", '{"object": {"sh', '{"object": null}', "[]", "[" * 99_999, "\x00"]
)
async def test_a_malformed_answer_is_refused(api: respx.Router, body: str) -> None:
    api.route().respond(200, text=body)
    async with with_token() as client:
        with pytest.raises(Refused):
            await client.head()
        with pytest.raises(Refused):
            await client.commit(change(), SHA)
        with pytest.raises(Refused):
            await client.paths(SHA)


# The App


@asynccontextmanager
async def as_app(**more: Any) -> AsyncIterator[GitHub]:
    settings = GitHubSettings(
        api_url=URL, repository=REPOSITORY, app_id="7", installation_id="11", **{"private_key": PRIVATE, **more}
    )
    async with GitHub(settings, policy=QUICK, between_writes=0) as client:
        yield client


def grants(api: respx.Router, minutes: float) -> respx.Route:
    numbers = iter(range(100))

    def grant(request: httpx.Request) -> httpx.Response:
        token = request.headers["authorization"].removeprefix("Bearer ")
        claims = jwt.decode(token, PUBLIC, algorithms=["RS256"])
        assert claims["iss"] == "7"
        assert request.headers["x-github-api-version"] == "2022-11-28"
        assert 0 < claims["exp"] - time.time() <= 600
        assert claims["iat"] <= time.time() - 59
        ends = (datetime.now(UTC) + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")
        return httpx.Response(201, json={"token": f"ghs_{next(numbers)}.canary", "expires_at": ends})

    return api.post(f"{URL}/app/installations/11/access_tokens").mock(side_effect=grant)


async def test_an_installation_token_is_kept_until_shortly_before_its_end(api: respx.Router) -> None:
    """G15."""
    granted = grants(api, 60)
    asked = api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(SHA))
    async with as_app() as client:
        for _ in range(3):
            await client.head()
    assert granted.call_count == 1
    assert {call.request.headers["authorization"] for call in asked.calls} == {"Bearer ghs_0.canary"}


async def test_a_token_that_is_nearly_over_is_replaced(api: respx.Router) -> None:
    """G15."""
    granted = grants(api, 4)
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(SHA))
    async with as_app() as client:
        for _ in range(3):
            await client.head()
    assert granted.call_count == 3


async def test_a_token_that_was_refused_is_replaced_once(api: respx.Router) -> None:
    """G15: 401 after its hour."""
    granted = grants(api, 60)
    answers = iter([httpx.Response(401, json={"message": "Bad credentials"}), ref(SHA)])
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: next(answers))
    async with as_app() as client:
        assert await client.head() == SHA
    assert granted.call_count == 2


@pytest.mark.parametrize(
    "key", ["", "not a key", "-----BEGIN RSA PRIVATE KEY-----\ncanary\n-----END RSA PRIVATE KEY-----"]
)
async def test_a_key_that_is_none_is_refused_without_being_shown(api: respx.Router, key: str) -> None:
    async with as_app(private_key=key) as client:
        with pytest.raises(Refused, match="PRIVATE_KEY") as caught:
            await client.head()
    assert "canary" not in f"{caught.value!r}"


async def test_a_key_file_is_read_again_when_it_changes(api: respx.Router, tmp_path: Path) -> None:
    grants(api, 4)
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(SHA))
    file = tmp_path / "key.pem"
    async with as_app(private_key=None, private_key_file=file) as client:
        with pytest.raises(Unavailable, match="cannot be read"):
            await client.head()
        file.write_text("garbage")
        with pytest.raises(Refused):
            await client.head()
        file.write_text(PRIVATE)
        assert await client.head() == SHA


def test_an_app_without_installation_is_told_at_once() -> None:
    with pytest.raises(ValueError, match="INSTALLATION_ID"):
        GitHub(GitHubSettings(app_id="7", private_key=PRIVATE))


# Commits


def created(sha: str) -> httpx.Response:
    data = {"createCommitOnBranch": {"commit": {"oid": sha}, "ref": {"name": "main"}}}
    return httpx.Response(200, json={"data": data})


async def test_a_stale_head_is_told_by_its_type(api: respx.Router) -> None:
    """G2: HTTP 200."""
    sample = json.loads(contract("samples/github.graphql.stale_data.json").read_text())
    api.post(f"{URL}/graphql").respond(200, json=sample)
    async with with_token() as client:
        with pytest.raises(HeadMoved, match="Pull and try again"):
            await client.commit(change(), SHA)


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        ("NOT_FOUND", NotFound),
        ("FORBIDDEN", Refused),
        ("UNPROCESSABLE", Refused),
        ("RATE_LIMITED", Unavailable),
        ("RATE_LIMIT", Unavailable),
        ("", Refused),
    ],
)
async def test_errors_of_graphql_come_with_200(api: respx.Router, kind: str, expected: type[IntegrationError]) -> None:
    """G3."""
    api.post(f"{URL}/graphql").respond(200, json={"data": None, "errors": [{"type": kind, "message": "words"}]})
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(SHA))
    async with with_token() as client:
        with pytest.raises(expected, match="words") as caught:
            await client.commit(change(), SHA)
        assert type(caught.value) is expected


async def test_a_limit_of_graphql_holds_for_every_request(api: respx.Router) -> None:
    """G3, G16: it comes with 200, so only the body tells."""
    api.post(f"{URL}/graphql").respond(200, json={"errors": [{"type": "RATE_LIMIT", "message": "exceeded"}]})
    head = api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(SHA))
    async with with_token() as client:
        with pytest.raises(Unavailable):
            await client.commit(change(), SHA)
        with pytest.raises(Unavailable, match="asked for a pause"):
            await client.head()
    assert not head.called


def commit_json(message: str, parent: str) -> dict[str, Any]:
    person = {"name": "x", "email": "x@example.com", "date": "2026-01-05T09:00:00Z"}
    body = {"message": message, "author": person, "committer": person}
    return {"sha": OTHER_SHA, "commit": body, "parents": [{"sha": parent}], "html_url": "", "author": None}


@pytest.mark.parametrize("status", [502, 504])
async def test_a_commit_whose_answer_was_lost_is_found_at_the_head(api: respx.Router, status: int) -> None:
    """G3."""
    sent = api.post(f"{URL}/graphql").respond(status, text="<html>unicorn</html>")
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(OTHER_SHA))
    message = messages.with_co_author(change().message, ANA)
    api.get(f"{REPO}/commits/{OTHER_SHA}").respond(200, json=commit_json(message, SHA))
    trees(api, {"a": OLD}, {"a": NEW}, b"new\n")
    async with with_token() as client:
        assert (await client.commit(ONE, SHA)).sha == OTHER_SHA
    assert sent.call_count == 1


ONE = Change({"a": b"new\n"}, change().message, ANA)
Entries = dict[str, tuple[str, str]]


def folder(entries: Entries) -> tuple[str, list[dict[str, str]]]:
    """Its sha, and what GitHub lists of it."""
    kinds = {"160000": "commit", "040000": "tree"}
    listed = [
        {"path": path, "mode": mode, "type": kinds.get(mode, "blob"), "sha": sha}
        for path, (mode, sha) in entries.items()
    ]
    return tree_sha(wire.GitHubTreeEntry(**entry) for entry in listed), listed


class Repository:
    """Folders and commits, and what was asked of them."""

    def __init__(self, api: respx.Router) -> None:
        self.folders: dict[str, list[dict[str, str]]] = {}
        self.commits: dict[str, str] = {}
        self.asked: list[str] = []
        api.get(url__regex=rf"{REPO}/git/trees/(?P<sha>\w+)").mock(side_effect=self._tree)
        api.get(url__regex=rf"{REPO}/git/commits/(?P<sha>\w+)").mock(side_effect=self._commit)

    def add(self, entries: Entries) -> str:
        sha, listed = folder(entries)
        self.folders[sha] = listed
        return sha

    def _tree(self, request: httpx.Request, sha: str) -> httpx.Response:
        self.asked.append(sha)
        tree = self.commits.get(sha, sha)
        return httpx.Response(200, json={"sha": tree, "truncated": False, "tree": self.folders[tree]})

    def _commit(self, request: httpx.Request, sha: str) -> httpx.Response:
        return httpx.Response(200, json={"sha": sha, "tree": {"sha": self.commits[sha]}})


def trees(api: respx.Router, before: Entries, after: Entries, body: bytes) -> None:
    """Both commits' root folders, and what the file `a` holds at the newer one."""
    for sha, entries in ((SHA, before), (OTHER_SHA, after)):
        tree, listed = folder(entries)
        api.get(f"{REPO}/git/trees/{sha}").respond(200, json={"sha": tree, "tree": listed, "truncated": False})
        api.get(f"{REPO}/git/commits/{sha}").respond(200, json={"sha": sha, "tree": {"sha": tree}})
    for sha, content in ((SHA, b"old\n"), (OTHER_SHA, body)):
        shown = {"type": "file", "encoding": "base64", "content": base64.b64encode(content).decode()}
        api.get(f"{REPO}/contents/a", params={"ref": sha}).respond(200, json=shown)


OLD, NEW, NEWER = (("100644", blob_sha(body)) for body in (b"old\n", b"new\n", b"newer\n"))


@pytest.mark.parametrize(
    ("after", "body"),
    [
        ({"a": NEW, "b": NEW}, b"new\n"),
        ({"a": NEWER}, b"newer\n"),
        ({"a": ("100755", NEW[1])}, b"new\n"),
        ({"a": ("120000", NEW[1])}, b"new\n"),
        ({"a": NEW, "sub": ("160000", "3" * 40)}, b"new\n"),
        ({"b": NEW}, b"new\n"),
    ],
    ids=["another file", "another content", "executable", "a link", "a submodule", "a rename"],
)
async def test_the_words_of_a_lost_commit_do_not_make_it_ours(api: respx.Router, after: Entries, body: bytes) -> None:
    """G3: the same parent, author and message; another change."""
    api.post(f"{URL}/graphql").respond(502)
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(OTHER_SHA))
    message = messages.with_co_author(ONE.message, ANA)
    api.get(f"{REPO}/commits/{OTHER_SHA}").respond(200, json=commit_json(message, SHA))
    trees(api, {"a": OLD}, after, body)
    async with with_token() as client:
        with pytest.raises(Unavailable):
            await client.commit(ONE, SHA)


async def test_where_nobody_can_tell_whether_a_commit_landed_it_was_not_refused(api: respx.Router) -> None:
    """G3: what is listed is not the folder that the commit names, so nothing says whose it is."""
    api.post(f"{URL}/graphql").respond(502)
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(OTHER_SHA))
    message = messages.with_co_author(ONE.message, ANA)
    api.get(f"{REPO}/commits/{OTHER_SHA}").respond(200, json=commit_json(message, SHA))
    trees(api, {"a": OLD}, {"a": NEW}, b"new\n")
    api.get(f"{REPO}/git/commits/{OTHER_SHA}").respond(200, json={"sha": OTHER_SHA, "tree": {"sha": "f" * 40}})
    async with with_token() as client:
        with pytest.raises(Unavailable):
            await client.commit(ONE, SHA)


@pytest.mark.parametrize(
    "found",
    [commit_json("somebody else's", SHA), commit_json(messages.with_co_author(change().message, ANA), "c" * 40)],
)
async def test_a_commit_of_somebody_else_is_not_taken_for_the_lost_one(
    api: respx.Router, found: dict[str, Any]
) -> None:
    """G3."""
    api.post(f"{URL}/graphql").respond(502)
    api.get(f"{REPO}/git/ref/heads/main").mock(side_effect=lambda _: ref(OTHER_SHA))
    api.get(f"{REPO}/commits/{OTHER_SHA}").respond(200, json=found)
    async with with_token() as client:
        with pytest.raises(Unavailable):
            await client.commit(change(), SHA)


async def test_reads_that_lag_behind_our_own_commit_are_not_believed(tmp_path: Path) -> None:
    """G5."""
    settings = GitHubServerSettings(tokens={TOKEN: Principal("pilothouse-user", 99)}, stale_reads=20)
    async with github(tmp_path, settings, app=False) as world:
        who = GitHubSettings(api_url=world.url, repository=REPOSITORY, token=TOKEN)
        async with GitHub(who, policy=QUICK, between_writes=0) as client:
            first = await client.head()
            commit = await client.commit(change(), first)
            assert await world.client.head() == first
            assert await client.head() == commit.sha
            second = await client.commit(change(b"2\n"), commit.sha)
            assert await client.head() == second.sha


async def test_a_head_that_did_not_move_costs_nothing(tmp_path: Path) -> None:
    """G16: 304."""
    async with github(tmp_path) as world:
        head = await world.client.head()
        authorization = next(iter(world.hub._gate._usage))
        used = world.hub._gate.usage(authorization).used
        for _ in range(5):
            assert await world.client.head() == head
        assert world.hub._gate.usage(authorization).used == used
        pushed = await world.push({OTHER: b"x"})
        assert await world.client.head() == pushed


async def test_the_person_is_a_co_author_and_read_back_as_the_author(tmp_path: Path) -> None:
    """G4."""
    async with github(tmp_path) as world:
        commit = await world.client.commit(change(), await world.client.head())
        read = (await world.git.log(1))[0]
        assert read["author"] == "pilothouse[bot]"
        assert read["message"].endswith("Promotion-Id: p-1\nCo-authored-by: Ana Müller <ana@example.com>")
        assert (await world.client.history("", 1))[0].author == ANA
        assert world.hub.hub.verified == {commit.sha}


texts = st.text(st.characters(codec="utf-8", exclude_categories=["Cc", "Cs", "Zl", "Zp"]), max_size=30)


@given(headline=texts.filter(str.strip), body=st.lists(texts, max_size=4), name=texts, email=texts)
def test_every_message_carries_its_co_author_as_a_trailer(
    headline: str, body: list[str], name: str, email: str
) -> None:
    message = messages.with_co_author("\n\n".join((headline, *body)), Author(name, email))
    commit = Commit(SHA, ANA, message, datetime.now(UTC))
    assert commit.trailer(messages.CO_AUTHOR)
    parts = messages.headline_and_body(message)
    assert "\n" not in parts["headline"]


@pytest.mark.parametrize("path", ["", "/a", "a//b", "../a", ".git/config", "a\nb"])
async def test_a_path_that_github_would_refuse_is_not_sent(api: respx.Router, path: str) -> None:
    """G4."""
    async with with_token() as client:
        with pytest.raises(Refused, match="not files"):
            await client.commit(Change({path: b""}, "m", ANA), SHA)


# Reading


@pytest.mark.parametrize("reads_first", [True, False])
async def test_a_file_that_is_read_by_its_path_is_what_its_folder_names(
    api: respx.Router, *, reads_first: bool
) -> None:
    """A cache shows the file as it was before; whichever is known first, and once more when both are asked again."""
    trees(api, {"a": OLD}, {"a": NEW}, b"old\n")
    async with with_token() as client:
        for _ in range(2):
            reads, differ = partial(client.read, ["a"], OTHER_SHA), partial(client.differences, SHA, OTHER_SHA)
            await (reads() if reads_first else differ())
            with pytest.raises(Refused, match="not what its folder names"):
                await (differ() if reads_first else reads())
        trees(api, {"a": OLD}, {"a": NEW}, b"new\n")
        assert await client.read(["a"], OTHER_SHA) == {"a": b"new\n"}
        assert [one.plain for one in await client.differences(SHA, OTHER_SHA)] == [True]


async def test_a_link_may_be_shown_as_what_it_leads_to(api: respx.Router) -> None:
    """G8."""
    trees(api, {"a": OLD}, {"a": ("120000", "3" * 40)}, b"what it leads to\n")
    async with with_token() as client:
        assert await client.read(["a"], OTHER_SHA) == {"a": b"what it leads to\n"}
        assert [one.plain for one in await client.differences(SHA, OTHER_SHA)] == [False]


async def test_a_file_of_many_megabytes_is_read_raw(api: respx.Router) -> None:
    """G8: from 1 MB on the JSON has no content."""

    def answer(request: httpx.Request) -> httpx.Response:
        if "raw" in request.headers["accept"]:
            return httpx.Response(200, content=b"x" * 2_000_000)
        return httpx.Response(200, json={"type": "file", "encoding": "none", "content": ""})

    api.get(f"{REPO}/contents/big.yaml").mock(side_effect=answer)
    async with with_token() as client:
        assert len((await client.read(["big.yaml"], SHA))["big.yaml"]) == 2_000_000


async def test_a_tree_too_large_for_one_answer_is_walked(api: respx.Router) -> None:
    """G9."""
    trees: dict[str, tuple[bool, list[tuple[str, str, str]]]] = {
        SHA: (False, [("README.md", "blob", "1"), ("apps", "tree", "t1"), ("docs", "tree", "t2")]),
        f"{SHA}r": (True, []),
        "t1": (False, [("a", "tree", "t3"), ("b.yaml", "blob", "2")]),
        "t1r": (True, []),
        "t2r": (False, [("x/y.md", "blob", "3"), ("x", "tree", "t9")]),
        "t3r": (False, [("k.yaml", "blob", "4")]),
    }

    def answer(request: httpx.Request, sha: str) -> httpx.Response:
        truncated, entries = trees[sha + ("r" if "recursive" in request.url.params else "")]
        listed = [{"path": path, "type": kind, "sha": found} for path, kind, found in entries]
        return httpx.Response(200, json={"sha": sha, "truncated": truncated, "tree": listed})

    api.get(url__regex=rf"{REPO}/git/trees/(?P<sha>\w+)").mock(side_effect=answer)
    async with with_token() as client:
        assert sorted(await client.paths(SHA)) == ["README.md", "apps/a/k.yaml", "apps/b.yaml", "docs/x/y.md"]


async def test_folders_that_a_server_invents_without_end_are_not_followed(api: respx.Router) -> None:
    """A comparison reads folder by folder."""
    repository = Repository(api)
    for commit, content in ((SHA, "1" * 40), (OTHER_SHA, "2" * 40)):
        tree = repository.add({"k.yaml": ("100644", content)})
        for _ in range(1100):
            tree = repository.add({"in": ("040000", tree)})
        repository.commits[commit] = tree
    async with with_token() as client:
        with pytest.raises(Refused, match="folders"):
            await client.differences(SHA, OTHER_SHA)
    assert len(repository.asked) <= 2 * 1000 + 1


A, B, C = ("100644", "1" * 40), ("100644", "2" * 40), ("100755", "3" * 40)


@pytest.mark.parametrize("where", ["at the root", "in a folder"])
@pytest.mark.parametrize(
    "listed",
    [{"a": A}, {"a": A, "b": A}, {"a": A, "b": B, "c": C}, {"a": A, "b": ("100755", B[1])}, {"a": A, "c": B}, {}],
    ids=["cut", "another content", "one more", "executable", "another name", "empty"],
)
async def test_a_listing_that_is_not_the_tree_is_refused(api: respx.Router, where: str, listed: Entries) -> None:
    """Identity is content: what a listing leaves out would be merged unseen."""
    repository = Repository(api)
    before, after = repository.add({"a": A}), repository.add({"a": A, "b": B})
    named = {SHA: before, OTHER_SHA: after}
    if where == "in a folder":
        named = {commit: repository.add({"apps": ("040000", tree)}) for commit, tree in named.items()}
    repository.commits = named
    async with with_token() as client:
        found = await client.differences(SHA, OTHER_SHA)
    assert [one.path.rpartition("/")[2] for one in found] == ["b"]
    repository.folders[after] = folder(listed)[1]
    async with with_token() as client:
        with pytest.raises(Refused, match="is not the tree"):
            await client.differences(SHA, OTHER_SHA)


@pytest.mark.parametrize("odd", [{"mode": ""}, {"path": "x/y"}, {"path": ""}, {"sha": "abc"}, {"sha": "z" * 40}])
def test_what_no_tree_holds_has_no_sha(odd: dict[str, str]) -> None:
    with pytest.raises(ValueError, match=r"."):
        tree_sha([wire.GitHubTreeEntry(**{"path": "a", "type": "blob", "sha": "1" * 40, "mode": "100644"} | odd)])


def test_a_trees_sha_is_gits(tmp_path: Path) -> None:
    """A folder sorts as if its name ended in a slash."""
    modes = {"a": "040000", "a.b": "100644", "a-b": "100755", "ab": "120000", "é": "160000", "a0": "040000"}
    kinds = {"040000": "tree", "160000": "commit"}
    lines = [f"{mode} {kinds.get(mode, 'blob')} {'1' * 40}\t{path}\0" for path, mode in modes.items()]
    subprocess.run(["git", "init", "-q", tmp_path], check=True)
    mktree = ["git", "-C", str(tmp_path), "mktree", "-z", "--missing"]
    made = subprocess.run(mktree, input="".join(lines).encode(), check=True, capture_output=True)
    assert folder({path: (mode, "1" * 40) for path, mode in modes.items()})[0] == made.stdout.decode().strip()


async def test_a_blob_that_is_another_one_is_refused(api: respx.Router) -> None:
    body = base64.b64encode(b"other").decode()
    api.get(f"{REPO}/git/blobs/{'1' * 40}").respond(200, json={"content": body, "encoding": "base64"})
    repository = Repository(api)
    paths = {f"f{number}": A for number in range(30)}
    repository.commits[SHA] = repository.add(paths)
    api.post(f"{URL}/graphql").respond(200, json={"data": {"repository": {}}})
    async with with_token() as client:
        with pytest.raises(Refused, match="not what was asked for"):
            await client.read(list(paths), SHA)


async def test_a_folder_that_was_read_is_not_read_again(api: respx.Router) -> None:
    """A sha names its content: what a pull request changes is looked at before and after its merge, at two commits."""
    third = "c" * 40
    repository = Repository(api)
    old, new = repository.add({"k.yaml": A}), repository.add({"k.yaml": B})
    for commit, tree in ((SHA, old), (OTHER_SHA, new), (third, new)):
        repository.commits[commit] = repository.add({"apps": ("040000", tree)})
    async with with_token() as client:
        for after in (OTHER_SHA, third):
            assert await client.differences(SHA, after) == (ChangedPath("apps/k.yaml", plain=True),)
    assert sorted(repository.asked) == sorted([old, new, *repository.commits])


async def test_a_list_that_never_ends_is_refused(api: respx.Router, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("integrations.github.api.MOST_PAGES", 5)
    more = {"link": f'<{URL}/next>; rel="next"'}
    api.get(f"{REPO}/git/ref/heads/main").mock(return_value=ref(SHA))
    route = api.get(f"{REPO}/commits").respond(200, json=[commit_json("x", SHA)] * 100, headers=more)
    async with with_token() as client:
        with pytest.raises(Refused, match="more than 5 pages"):
            await client.history("", 10_000)
    assert route.call_count == 5


async def test_a_commit_that_is_named_after_itself_leads_in_no_circle(api: respx.Router) -> None:
    """The head is looked for behind our own commits."""
    made = {"data": {"createCommitOnBranch": {"commit": {"oid": SHA}, "ref": {"name": "main"}}}}
    api.post(f"{URL}/graphql").respond(200, json=made)
    api.get(f"{REPO}/git/ref/heads/main").mock(return_value=ref(SHA))
    async with with_token() as client:
        await client.commit(ONE, SHA)
        assert await client.head() == SHA


async def test_many_files_take_few_requests_and_unchanged_ones_none(tmp_path: Path) -> None:
    """G16."""
    async with github(tmp_path) as world:
        files = {f"apps/app-{n}/kustomization.yaml": b"# %d \xc3\xa4\r\n" % n for n in range(250)} | {"logo": b"\0\xff"}
        head = await world.push(files)
        assert await world.client.read(files, head) == files
        authorization = next(key for key in world.hub._gate._usage if "ghs_" in key)
        assert world.hub._gate.usage(authorization).used < 10
        used = world.hub._gate.usage(authorization).used
        moved = await world.push({PATH: b"moved\n"})
        assert await world.client.read([*files, PATH], moved) == {**files, PATH: b"moved\n"}
        assert world.hub._gate.usage(authorization).used - used <= 6


# Comparisons


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("https://github.com/example/my-app", "example/my-app"),
        ("https://github.com/example/my-app.git", "example/my-app"),
        ("https://token@github.com/example/my-app/", "example/my-app"),
        ("git@github.com:example/my-app.git", "example/my-app"),
        ("ssh://git@github.com/example/my-app.git", "example/my-app"),
    ],
)
def test_the_repository_of_a_source_url(source: str, expected: str) -> None:
    assert repository_of(source, "https://github.com") == expected


@pytest.mark.parametrize(
    "source", ["", "https://gitlab.com/a/b", "https://github.com/a", "https://github.com/a/b/c", "nonsense"]
)
def test_a_source_that_is_elsewhere_is_not_found(source: str) -> None:
    with pytest.raises(NotFound, match="not a repository at"):
        repository_of(source, "https://github.com")


@pytest.mark.parametrize(
    ("api_url", "graphql", "web"),
    [
        ("https://api.github.com", "https://api.github.com/graphql", "https://github.com"),
        ("https://git.example.com/api/v3", "https://git.example.com/api/graphql", "https://git.example.com"),
        ("https://git.example.com/api/v3/", "https://git.example.com/api/graphql", "https://git.example.com"),
    ],
)
def test_where_graphql_and_people_go(api_url: str, graphql: str, web: str) -> None:
    assert (graphql_url(api_url), web_url(api_url)) == (graphql, web)


@given(st.integers(0, 1500))
async def test_a_comparison_tells_the_newest_commits_first_and_how_many_there_are(total: int) -> None:
    """G9."""
    with respx.mock as api:

        def answer(request: httpx.Request) -> httpx.Response:
            page = int(request.url.params["page"])
            numbers = range((page - 1) * 100, min(page * 100, total))
            commits = [{**commit_json(f"number {n}", SHA), "sha": f"{n:040}"} for n in numbers]
            return httpx.Response(200, json={"total_commits": total, "commits": commits, "html_url": "https://x"})

        api.get(url__startswith=f"{URL}/repos/example/my-app/compare/").mock(side_effect=answer)
        async with with_token() as client:
            told = await client.compare(f"{web_url(URL)}/example/my-app", SHA, OTHER_SHA)
    numbers = [int(commit.sha) for commit in told.commits]
    assert told.total == total
    assert numbers == list(range(total - 1, total - 1 - len(numbers), -1))
    assert len(numbers) >= min(total, 200)


# Checks and pull requests


def status(context: str, state: str) -> wire.CommitStatus:
    return wire.CommitStatus(context=context, state=state)


def run(name: str, conclusion: str | None) -> wire.CheckRun:
    return wire.CheckRun(name=name, status="completed" if conclusion else "in_progress", conclusion=conclusion)


@pytest.mark.parametrize(
    ("statuses", "runs", "required", "expected"),
    [
        ([], [], set(), "success"),
        ([], [], {"ci"}, "pending"),
        ([status("ci", "success")], [], {"ci"}, "success"),
        ([], [run("ci", "success")], {"ci"}, "success"),
        ([], [run("ci", None)], set(), "pending"),
        ([status("ci", "pending")], [run("lint", "success")], set(), "pending"),
        ([status("ci", "error")], [run("lint", None)], set(), "failure"),
        ([status("ci", "success")], [run("lint", "timed_out")], set(), "failure"),
        ([], [run("a", "neutral"), run("b", "skipped")], set(), "success"),
        ([], [run("a", "action_required")], set(), "failure"),
        ([], [run("a", "a-new-conclusion")], set(), "failure"),
        ([status("ci", "a-new-state")], [], {"ci"}, "pending"),
    ],
)
def test_statuses_and_check_runs_count_both(
    statuses: list[wire.CommitStatus], runs: list[wire.CheckRun], required: set[str], expected: str
) -> None:
    """G10."""
    assert verdict(statuses, runs, required) == expected


@pytest.mark.parametrize("classic", [False, True])
async def test_a_required_check_that_nobody_reported_is_pending_and_holds_the_merge(
    tmp_path: Path, classic: bool
) -> None:
    """G10, G11: 405. Whether a ruleset requires it or the older branch protection."""
    settings = GitHubServerSettings(app=APP, rules=Rules(required_checks=("ci",), classic=classic))
    async with github(tmp_path, settings) as world:
        pull = await world.client.open(change(), "promote", await world.client.head(), "Promote", "")
        assert pull.checks == "pending"
        with pytest.raises(Refused, match="ci"):
            await world.client.merge(pull.number, pull.head, "Promote", ANA)
        await world.report(pull.number, "success")
        assert (await world.client.merge(pull.number, pull.head, "Promote", ANA)).state == "merged"


@pytest.mark.parametrize(("statuses", "runs"), [(2, 1), (1, 2), (1000, 1000), (1, 1)])
async def test_a_list_of_checks_that_is_shorter_than_its_count_is_not_green(
    statuses: int, runs: int, api: respx.Router
) -> None:
    """What is left out may be red."""
    for path in ("rules/branches/main", "branches/main"):
        api.get(url__startswith=f"{REPO}/{path}").respond(403, json={"message": "Upgrade to GitHub Pro"})
    good = {"context": "ci", "state": "success"}
    api.get(url__startswith=f"{REPO}/commits/{SHA}/status").respond(
        200, json={"state": "success", "total_count": statuses, "statuses": [good]}
    )
    done = {"name": "lint", "status": "completed", "conclusion": "success"}
    api.get(url__startswith=f"{REPO}/commits/{SHA}/check-runs").respond(
        200, json={"total_count": runs, "check_runs": [done]}
    )
    async with with_token() as client:
        assert await client.checks(SHA) == ("success" if statuses == runs == 1 else "pending")


async def test_a_plan_without_rulesets_requires_nothing_by_them(api: respx.Router) -> None:
    """A private repository of a free account: 403, and it is no limit (G16)."""
    upgrade = {"message": "Upgrade to GitHub Pro or make this repository public to enable this feature."}
    api.get(url__startswith=f"{REPO}/rules/branches/main").respond(403, json=upgrade)
    protection = {"enabled": True, "required_status_checks": {"enforcement_level": "everyone", "contexts": ["ci"]}}
    api.get(f"{REPO}/branches/main").respond(200, json={"protection": protection})
    api.get(url__startswith=f"{REPO}/commits/{SHA}/status").respond(
        200, json={"state": "pending", "total_count": 0, "statuses": []}
    )
    api.get(url__startswith=f"{REPO}/commits/{SHA}/check-runs").respond(200, json={"total_count": 0, "check_runs": []})
    async with with_token() as client:
        assert await client.checks(SHA) == "pending"


@pytest.mark.parametrize(
    ("statuses", "runs", "expected"),
    [
        (0, 0, "success"),
        (1, 0, "success"),
        (0, 1, "success"),
        (2, 0, "pending"),
        (0, 2, "pending"),
        (101, 1, "pending"),
    ],
)
async def test_checks_are_believed_only_when_all_that_are_counted_were_told(
    api: respx.Router, statuses: int, runs: int, expected: str
) -> None:
    """G10, G9: `total_count` says how many there are."""
    api.get(url__startswith=f"{REPO}/rules/branches/main").respond(200, json=[])
    api.get(f"{REPO}/branches/main").respond(200, json={})
    good = {"context": "ci", "state": "success"}
    api.get(url__startswith=f"{REPO}/commits/{SHA}/status").respond(
        200, json={"state": "success", "total_count": statuses, "statuses": [good] if statuses else []}
    )
    run = {"name": "ci", "status": "completed", "conclusion": "success"}
    api.get(url__startswith=f"{REPO}/commits/{SHA}/check-runs").respond(
        200, json={"total_count": runs, "check_runs": [run] if runs else []}
    )
    async with with_token() as client:
        assert await client.checks(SHA) == expected


async def test_a_protected_branch_refuses_a_direct_commit_with_its_reason(tmp_path: Path) -> None:
    """G4."""
    async with github(tmp_path, GitHubServerSettings(app=APP, rules=Rules(pull_request_only=True))) as world:
        with pytest.raises(Refused, match="pull request"):
            await world.client.commit(change(), await world.client.head())


async def test_a_push_by_somebody_else_to_the_branch_holds_the_merge(tmp_path: Path) -> None:
    """G11."""
    async with github(tmp_path) as world:
        pull = await world.client.open(change(), "promote", await world.client.head(), "Promote", "")
        await world.push_to("promote", {OTHER: b"smuggled\n"})
        with pytest.raises(HeadMoved, match="somebody else"):
            await world.client.merge(pull.number, pull.head, "Promote", ANA)
        assert await world.content(OTHER) == FILES[OTHER]


async def test_a_leftover_branch_of_somebody_else_is_not_written_over(tmp_path: Path) -> None:
    """G7: "Reference already exists"."""
    async with github(tmp_path) as world:
        head = await world.client.head()
        await world.git.repository.update_ref("refs/heads/promote", head, "0" * 40)
        await world.push_to("promote", {OTHER: b"theirs\n"})
        with pytest.raises(Refused, match="delete it"):
            await world.client.open(change(), "promote", head, "Promote", "")


async def test_opening_goes_on_where_it_broke_off(tmp_path: Path) -> None:
    """The branch is there, with our commit or without, but no pull request yet."""
    async with github(tmp_path) as world:
        head = await world.client.head()
        await world.git.repository.update_ref("refs/heads/one", head, "0" * 40)
        assert (await world.client.open(change(), "one", head, "One", "")).state == "open"
        await world.client._pulls._branch("two", head)
        from integrations.github.commits import Commits

        await Commits(world.client._api, REPOSITORY, "two").write(change(), head)
        two = await world.client.open(change(), "two", head, "Two", "")
        assert (await world.client.merge(two.number, two.head, "Two", ANA)).state == "merged"


async def test_a_hub_that_comes_back_is_used_again(tmp_path: Path) -> None:
    faults = FaultSettings()
    async with github(tmp_path, faults=faults) as world:
        head = await world.client.head()
        for weather in ("down", "error-500"):
            faults.set({"weather": {"github": weather}})
            with pytest.raises(Unavailable):
                await world.client.head()
        faults.set({"weather": {"github": "fine"}})
        assert await world.client.head() == head


def test_the_secret_is_in_no_representation() -> None:
    client = with_token()
    assert TOKEN not in f"{client!r} {vars(client)!r} {vars(client._api)!r}"
