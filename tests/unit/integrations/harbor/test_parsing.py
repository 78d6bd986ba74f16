"""Whatever Harbor sends is read or refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused
from integrations.harbor import convert, wire
from integrations.harbor.policy import project_policy, without_allowed
from integrations.http.answer import decode

values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=8) | st.just("0001-01-01T00:00:00.000Z"),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=8), inner, max_size=3),
    max_leaves=8,
)
KNOWN = ["digest", "tags", "name", "push_time", "scan_overview", "summary", "scan_status", "extra_attrs", "config"]
KNOWN += ["Labels", "references", "vulnerabilities", "cve_allowlist", "items", "expires_at", "metadata", "errors"]
shaped = st.recursive(values, lambda inner: st.dictionaries(st.sampled_from(KNOWN), inner, max_size=6), max_leaves=20)


@pytest.mark.parametrize(
    "model",
    [
        wire.HarborArtifact,
        list[wire.Tag],
        wire.Project,
        wire.Allowlist,
        dict[str, wire.Report | None],
        wire.HarborErrorBody,
    ],
)
@given(st.one_of(shaped.map(lambda value: json.dumps(value).encode()), st.binary(max_size=50)))
def test_whatever_comes_is_read_or_refused(model: type[Any], body: bytes) -> None:
    try:
        found = decode(body, model, "Harbor", "read")
        if isinstance(found, wire.HarborArtifact):
            convert.scan(found)
            convert.attached(found)
            convert.artifact(found, "apps/my-app", "read", portal="https://harbor.example.com")
        elif isinstance(found, wire.Project):
            project_policy(found)
            without_allowed([], found.cve_allowlist)
    except Refused:
        pass


@pytest.mark.parametrize(
    ("repository", "portal", "project", "page"),
    [
        ("h.example.com/apps/my-app", "https://h.example.com", 7, "/harbor/projects/7/repositories/my-app/"),
        (
            "h.example.com/apps/team/my-app",
            "https://h.example.com",
            7,
            "/harbor/projects/7/repositories/team%2Fmy-app/",
        ),
        ("h.example.com/apps/my-app", "https://h.example.com", None, None),
        ("h.example.com/apps/my-app", "", 7, None),
    ],
)
def test_where_people_look_at_an_image(repository: str, portal: str, project: int | None, page: str | None) -> None:
    digest = f"sha256:{'1' * 64}"
    found = wire.HarborArtifact(digest, project)
    told = convert.artifact(found, repository, "read", portal=portal).page
    assert told == (f"{portal}{page}artifacts-tab/artifacts/{digest}" if page else "")


def test_the_year_one_is_no_time() -> None:
    found = decode(b'{"digest":"x","push_time":"0001-01-01T00:00:00.000Z"}', wire.HarborArtifact, "Harbor", "read")
    assert convert.moment(found.push_time) is None


def test_counts_of_a_word_that_is_new_are_unknown() -> None:
    entry = {"scan_status": "Success", "summary": {"total": 3, "fixable": 0, "summary": {"Dire": 1, "Strange": 2}}}
    body = json.dumps({"digest": "x", "scan_overview": {"any": entry}})
    scan = convert.scan(decode(body, wire.HarborArtifact, "Harbor", "read"))
    assert {severity.value: count for severity, count in scan.counts.items()} == {"Unknown": 3}
