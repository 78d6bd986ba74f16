"""Names in URLs, and lists to their end."""

from urllib.parse import unquote

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused
from bot.domain.image import is_digest
from integrations.harbor.names import repository_name
from integrations.harbor.paging import pages

part = st.text(st.sampled_from("abz019-_."), min_size=1, max_size=8)


@given(part, st.lists(part, min_size=1, max_size=4))
def test_a_name_survives_the_servers_two_decodings(project: str, parts: list[str]) -> None:
    """H1: once by the router, which must not see a slash in it, and once by the handler."""
    name = repository_name(f"harbor.example.com/{project}/{'/'.join(parts)}")
    segments = name.artifact("v1").split("/")
    assert segments[:5] == ["", "api", "v2.0", "projects", segments[4]]
    assert len(segments) == 9
    routed = unquote(segments[6])
    assert "/" not in routed or len(parts) == 1
    assert (unquote(segments[4]), unquote(routed)) == (project, "/".join(parts))


def test_a_slash_is_encoded_twice() -> None:
    """H1."""
    assert repository_name("harbor.example.com/apps/a/b").path.endswith("/repositories/a%252Fb")


@pytest.mark.parametrize(
    ("repository", "project", "name"),
    [
        ("harbor.example.com/apps/my-app", "apps", "my-app"),
        ("localhost/apps/my-app", "apps", "my-app"),
        ("harbor:5000/apps/team/my-app", "apps", "team/my-app"),
        ("apps/my-app", "apps", "my-app"),
    ],
)
def test_the_host_is_no_part_of_the_name(repository: str, project: str, name: str) -> None:
    found = repository_name(repository)
    assert (found.project, found.name) == (project, name)


@pytest.mark.parametrize("repository", ["", "nginx", "harbor.example.com/nginx", "harbor.example.com/apps/"])
def test_what_cannot_be_in_harbor_is_refused(repository: str) -> None:
    with pytest.raises(Refused, match="expected HOST/PROJECT/NAME"):
        repository_name(repository)


@given(st.text(max_size=80))
def test_any_text_is_a_name_or_refused(text: str) -> None:
    try:
        found = repository_name(text)
    except Refused:
        return
    assert found.project
    assert found.name
    assert not is_digest(found.name)


@given(st.integers(0, 35), st.integers(1, 10))
async def test_lists_are_read_to_their_end(total: int, size: int) -> None:
    """H8: from page 1, until a page is not full."""
    asked: list[int] = []

    async def read(number: int) -> list[int]:
        asked.append(number)
        return list(range(total))[(number - 1) * size : number * size]

    assert [item async for item in pages(read, lambda item: item, size)] == list(range(total))
    assert asked == list(range(1, total // size + 2))


@given(st.lists(st.integers(0, 3), max_size=6), st.integers(2, 5))
async def test_what_is_pushed_meanwhile_is_not_told_twice_and_hides_nothing(pushes: list[int], size: int) -> None:
    """New ones come first and shift the rest to later pages."""
    listed = list(range(20))
    fresh = iter(range(100, 200))
    script = iter(pushes)

    async def read(number: int) -> list[int]:
        page = listed[(number - 1) * size : number * size]
        listed[:0] = [next(fresh) for _ in range(next(script, 0))]
        return page

    found = [item async for item in pages(read, lambda item: item, size)]
    assert len(found) == len(set(found))
    assert set(range(20)) <= set(found)
