"""Who may ask, how often, and how GitHub says no."""

import time
from pathlib import Path

import httpx
import pytest

from integrations.sandbox.github import Throttle
from tests.unit.integrations.sandbox.github.world import FILE, REPO, World, app_jwt, running


def bearer(token: str) -> dict[str, str]:
    return {"Authorization": f"Bearer {token}"}


async def test_without_a_client_name_everything_is_403(world: World) -> None:
    """G14."""
    refused = await world.http.get(REPO, headers={"User-Agent": ""})
    assert refused.status_code == 403
    assert "User-Agent" in refused.text


async def test_what_may_not_be_seen_is_404_and_what_may_not_be_written_403(world: World) -> None:
    """G14."""
    assert (await world.http.get(REPO, headers=bearer("eve-token"))).status_code == 404
    assert (await world.http.get("/repos/pilothouse/other")).status_code == 404
    assert (await world.http.get(f"{REPO}/")).status_code == 404
    body = {"message": "m", "content": "MQ=="}
    refused = await world.http.put(f"{REPO}/contents/x", json=body, headers=bearer("cy-token"))
    assert refused.status_code == 403
    for headers in ({"Authorization": ""}, bearer("wrong")):
        assert (await world.http.get(REPO, headers=headers)).status_code == 401


@pytest.mark.parametrize(("claim", "value"), [("exp", -5), ("exp", 3600), ("iss", "somebody"), ("iat", 300)], ids=str)
async def test_an_app_token_that_github_would_not_take(world: World, claim: str, value: int | str) -> None:
    """G15: at most ten minutes ahead, issued in the past, by this App. Times are seconds from now."""
    claims = {claim: int(time.time()) + value if isinstance(value, int) else value}
    refused = await world.http.post("/app/installations/5/access_tokens", headers=app_jwt(**claims))
    assert refused.status_code == 401


async def test_installation_tokens(world: World) -> None:
    """G15: good for the API and for git; narrowed where asked; 401 `Bad credentials` after their hour."""
    token = await world.installation_token(permissions={"contents": "read"})
    assert token.startswith("ghs_101_")
    assert (await world.http.get(f"{REPO}/contents/{FILE}", headers=bearer(token))).status_code == 200
    body = {"message": "m", "content": "MQ=="}
    assert (await world.http.put(f"{REPO}/contents/x", json=body, headers=bearer(token))).status_code == 403
    widened = {"permissions": {"administration": "write"}}
    refused = await world.http.post("/app/installations/5/access_tokens", json=widened, headers=app_jwt())
    assert refused.status_code == 422
    assert world.github.access.knows(token)
    world.github.access.expire(token)
    expired = await world.http.get(REPO, headers=bearer(token))
    assert (expired.status_code, expired.json()["message"]) == (401, "Bad credentials")
    assert not world.github.access.knows(token)
    assert (await world.http.get("/app/installations/6", headers=app_jwt())).status_code == 404


async def test_rate_limit_headers_and_conditional_requests(world: World) -> None:
    """G16: a 304 costs nothing, and asking for the limits neither."""
    first = await world.http.get(REPO)
    assert first.headers["x-ratelimit-resource"] == "core"
    used = int(first.headers["x-ratelimit-used"])
    again = await world.http.get(REPO, headers={"If-None-Match": first.headers["etag"]})
    assert again.status_code == 304
    limits = (await world.http.get("/rate_limit")).json()["rate"]
    assert limits["used"] == used == limits["limit"] - limits["remaining"]


async def test_the_primary_limit(tmp_path: Path) -> None:
    """G16."""
    async with running(tmp_path, limit=2) as world:
        answers = [await world.http.get(REPO) for _ in range(3)]
        assert [answer.status_code for answer in answers] == [200, 200, 403]
        assert answers[2].headers["x-ratelimit-remaining"] == "0"
        assert int(answers[2].headers["x-ratelimit-reset"]) > time.time()
        assert (await world.http.get(REPO, headers=bearer("cy-token"))).status_code == 200


async def test_writes_in_a_minute_are_limited(tmp_path: Path) -> None:
    """G16: the secondary limit."""
    async with running(tmp_path, writes_a_minute=1) as world:
        head = await world.git.head()
        statuses = [await world.http.post(f"{REPO}/statuses/{head}", json={"state": "success"}) for _ in range(2)]
        assert [one.status_code for one in statuses] == [201, 403]
        assert statuses[1].headers["retry-after"] == "60"
        assert int(statuses[1].headers["x-ratelimit-remaining"]) > 0


@pytest.mark.parametrize("kind", ["primary", "secondary"])
@pytest.mark.parametrize("status", [403, 429])
async def test_limits_switched_on(world: World, kind: str, status: int) -> None:
    """G16: either status for both kinds."""
    world.github.throttle(Throttle(1, kind, status, 3 if kind == "secondary" else None))
    refused = await world.http.get(REPO)
    assert refused.status_code == status
    assert (refused.headers.get("retry-after") == "3") is (kind == "secondary")
    assert (refused.headers["x-ratelimit-remaining"] == "0") is (kind == "primary")


async def test_pages(world: World) -> None:
    """G9: 30 a page, at most 100, linked."""
    for number in range(4):
        await world.git.commit({f"{number}.txt": b"x"}, f"n{number}", "Bo", "bo@example.com")
    seen, url = [], f"{REPO}/commits?per_page=2"
    while url:
        page = await world.http.get(url)
        seen += [one["commit"]["message"] for one in page.json()]
        url = page.links.get("next", {}).get("url", "")
    assert seen == ["n3", "n2", "n1", "n0", "Seed"]
    first = await world.http.get(f"{REPO}/commits?per_page=2")
    assert set(first.links) == {"next", "last"}
    assert first.links["last"]["url"].endswith("page=3")


async def test_weather(world: World) -> None:
    world.faults.set({"weather": {"github": "error-429"}})
    assert (await world.http.get(REPO)).status_code == 429
    world.faults.set({"weather": {"github": "down"}})
    with pytest.raises(httpx.RemoteProtocolError):
        await world.http.get(REPO)
