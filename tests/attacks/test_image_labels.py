"""Whoever may push an image writes its labels, and the bot asks GitHub, with its own token, about what they name: only
for the commits of the repository that they name.
"""

import httpx
import pytest
import respx

from bot.domain.errors import NotFound
from integrations.github.api import web_url
from tests.unit.integrations.github.test_github import OTHER_SHA, SHA, URL, with_token

MINE = f"{web_url(URL)}/example/my-app"
SECRET = "/repos/example/secret/compare/aaaaaaa...bbbbbbb"


@pytest.mark.parametrize(
    "revision",
    [
        "",
        "main",
        "v1.4.2",
        "a" * 6,
        "a" * 65,
        f"x/../../../secret/compare/{SHA}",
        f"{SHA}/../../../../../user",
        f"{SHA}...{SHA}",
        f"{SHA}?page=7",
        f"{SHA}#",
        f"{SHA}%2f..",
        f"somebody:{SHA}",
        f"{SHA} ",
        f"{SHA}\n",
        f"{SHA}\x00",
        "\uff41" * 40,
        "\udcff" * 40,
    ],
)
@pytest.mark.parametrize("old", [True, False])
async def test_what_is_no_commit_is_not_asked_for(revision: str, old: bool) -> None:
    """A branch names another commit tomorrow, and other authors with it."""
    with respx.mock(assert_all_called=False) as api:
        asked = api.route().mock(return_value=httpx.Response(200, json={"total_commits": 0, "commits": []}))
        async with with_token() as client:
            with pytest.raises(NotFound):
                await client.compare(MINE, *((revision, SHA) if old else (SHA, revision)))
        assert not asked.called


@pytest.mark.parametrize(
    "source",
    [
        f"{web_url(URL)}/../user",
        f"{web_url(URL)}/example/..",
        f"{web_url(URL)}/example/.",
        f"{web_url(URL)}/./my-app",
        f"{web_url(URL)}/example/my-app/../secret",
        f"{web_url(URL)}/example%2fmy-app/x",
        f"{web_url(URL)}/example/my-app%3f",
        f"{web_url(URL)}/example/my app",
        f"{web_url(URL)}/example/\uff4dy-app",
        f"{web_url(URL)}.elsewhere.example/example/my-app",
        "https://elsewhere.example/example/my-app",
        "",
    ],
)
async def test_what_is_no_repository_is_not_asked_for(source: str) -> None:
    with respx.mock(assert_all_called=False) as api:
        asked = api.route().mock(return_value=httpx.Response(200, json={"total_commits": 0, "commits": []}))
        async with with_token() as client:
            with pytest.raises(NotFound):
                await client.compare(source, SHA, OTHER_SHA)
        assert not asked.called


@pytest.mark.parametrize("source", [MINE, f"{MINE}.git", f"{web_url(URL)}/an-Owner_1/.github"])
@pytest.mark.parametrize("revision", [SHA, SHA.upper(), "b" * 64, "abcdef1"])
async def test_commits_of_repositories_are(source: str, revision: str) -> None:
    with respx.mock() as api:
        asked = api.get(url__regex=r".*/repos/[^/]+/[^/]+/compare/[0-9a-fA-F.]+\?").mock(
            return_value=httpx.Response(200, json={"total_commits": 0, "commits": [], "html_url": "https://x"})
        )
        async with with_token() as client:
            assert (await client.compare(source, OTHER_SHA, revision)).total == 0
        assert asked.call_count == 1
