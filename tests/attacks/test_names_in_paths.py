"""A name from outside (an image's label, an argument, an annotation) that is a step in a path → asked is what was
meant, or nothing.
"""

from typing import Any

import httpx
import pytest
import respx

from bot.domain.errors import IntegrationError, NotFound, Refused
from bot.settings import GitHubSettings
from integrations.github import GitHub
from integrations.harbor.names import repository_name
from integrations.http import Connection, HttpPolicy
from integrations.oci.names import repository_path
from integrations.tekton.cluster import Apis

URL = "https://system.example.com"
QUICK = HttpPolicy(connect=0.5, read=0.5, total=3, attempts=1)
STEPS = (".", "..", "../x", "x/../../y", "%2e%2e", "%2E%2E/x", "%252e%252e", "x%2F..%2Fy", "x%252F..", "a//b", "./x")


@pytest.mark.parametrize("step", STEPS)
@respx.mock
async def test_no_piece_of_a_path_leads_elsewhere(step: str) -> None:
    route = respx.route().respond(200, json={})
    async with Connection("system", URL, policy=QUICK) as connection:
        with pytest.raises(Refused, match="would lead elsewhere"):
            await connection.request("read", "GET", f"/api/v1/things/{step}/parts")
        with pytest.raises(Refused, match="would lead elsewhere"):
            async with connection.stream("watch", f"/api/v1/things/{step}/parts"):
                raise AssertionError(step)
    assert not route.called


@pytest.mark.parametrize(
    "path", ["", "/", "/a", "/a/", "/a/..b/c...d", "/a/x%252Fy", "/a?q=../b", f"{URL}/a//b", "/a/é%20b", "/v2/"]
)
@respx.mock
async def test_every_other_is_asked_for(path: str) -> None:
    respx.route().respond(200, json={})
    async with Connection("system", URL, policy=QUICK) as connection:
        assert (await connection.request("read", "GET", path)).status == 200


@pytest.mark.parametrize("name", ["apps/..", "a/../x", "apps/a/../../b", "%2e%2e/x", "apps//x"])
@respx.mock
async def test_a_registry_is_asked_for_no_other_repository(name: str) -> None:
    respx.route().respond(200, json={})
    async with Connection("system", URL, policy=QUICK) as connection:
        for path in (f"{repository_path(name)}/tags/list", repository_name(f"h.example.com/{name}").path):
            with pytest.raises(IntegrationError):
                await connection.request("read", "GET", path)


@pytest.mark.parametrize(
    ("source", "before", "after"),
    [
        ("acme/app", "..", "../../../../user"),
        ("acme/app", "1/../../../../orgs", "x"),
        ("acme/app", "a?page=1#", "b"),
        ("../user", "a", "b"),
        ("%2e%2e/user", "a", "b"),
        ("acme/..", "a", "b"),
    ],
)
@respx.mock
async def test_the_labels_of_an_image_ask_github_for_a_comparison_or_nothing(
    source: str, before: str, after: str
) -> None:
    asked: list[str] = []

    def answer(request: httpx.Request) -> httpx.Response:
        asked.append(request.url.raw_path.decode())
        return httpx.Response(404, json={"message": "Not Found"})

    respx.route().mock(side_effect=answer)
    settings = GitHubSettings(api_url="https://api.github.com", repository="acme/deploy", token="t0ken")
    async with GitHub(settings, policy=QUICK) as github:
        with pytest.raises((NotFound, Refused)):
            await github.compare(f"https://github.com/{source}", before, after)
    for path in asked:
        names = path.partition("?")[0].split("/")
        assert (names[:5], len(names)) == (["", "repos", "acme", "app", "compare"], 6)


class Client:
    """As the package's, and nothing may be sent."""

    async def param_serialize(self, **_: Any) -> Any:
        raise AssertionError("it is sent")


@pytest.mark.parametrize("name", ["", ".", "..", "%2e%2e", "a/b", "../secrets", "a%2F..%2Fb"])
async def test_a_run_of_such_a_name_is_not_asked_for(name: str) -> None:
    pieces = ("apis", "tekton.dev", "v1", "namespaces", "ci", "pipelineruns", name)
    with pytest.raises(Refused, match="would lead elsewhere"):
        await Apis(Client()).ask("GET", pieces)
