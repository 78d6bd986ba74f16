"""Whether an Application sees what is committed to the overlay, however its sources are written."""

from dataclasses import replace

import pytest

from bot.domain.source import OverlayBranch, Source, astray, same_repository
from tests.sentences import says

URL = "https://git.example.com/platform/overlays.git"
OURS = OverlayBranch((URL, "https://mirror.example.com/overlays"), "main", default="main")
DIRECTORY = "apps/web/overlays/production"
SOURCE = Source(URL, DIRECTORY, "main")
CHART = Source("https://charts.example.com", revision="1.2.3", chart="web")


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.com/platform/overlays",
        "https://git.example.com/platform/overlays/",
        "https://git.example.com:443/platform/overlays.git/",
        "http://git.example.com/platform/overlays.git",
        "https://GIT.Example.com/Platform/Overlays.git",
        "https://bot:secret@git.example.com/platform/overlays.git",
        "https://git.example.com//platform//overlays.git",
        "git@git.example.com:platform/overlays.git",
        "git.example.com:platform/overlays",
        "git@git.example.com:/platform/overlays.git",
        "ssh://git@git.example.com/platform/overlays.git",
        "ssh://git@git.example.com:7999/platform/overlays.git",
        "git+ssh://git@git.example.com/platform/overlays.git",
        "https://git.example.com/scm/platform/overlays.git",
        "  https://git.example.com/platform/overlays.git ",
        "https://git.example.com/platform/%6Fverlays.git",
    ],
)
def test_one_repository_is_written_in_many_ways(other: str) -> None:
    assert same_repository(URL, other)
    assert same_repository(other, URL)


@pytest.mark.parametrize(
    ("one", "other"),
    [
        ("https://github.com/example/overlays", "ssh://git@ssh.github.com:443/example/overlays.git"),
        ("https://dev.azure.com/org/team/_git/overlays", "git@ssh.dev.azure.com:v3/org/team/overlays"),
        ("https://gitlab.com/a/b/c.git", "git@altssh.gitlab.com:a/b/c.git"),
        ("http://127.0.0.1:8081/deploy.git", "http://127.0.0.1:8081/deploy"),
    ],
)
def test_hosts_have_a_second_name_for_ssh(one: str, other: str) -> None:
    assert same_repository(one, other)


@pytest.mark.parametrize(
    "other",
    [
        "https://git.example.com/platform/overlays-old.git",
        "https://git.example.com/other/overlays.git",
        "https://git.example.com/overlays.git",
        "https://git.example.org/platform/overlays.git",
        "https://git.example.com.evil.test/platform/overlays.git",
        "https://evil.test/git.example.com/platform/overlays.git",
        "git@git.example.com:other/overlays.git",
        "https://git.example.com/platform/overlays.git.git",
        "oci://git.example.com/platform/charts",
        "https://git.example.com",
        "https://[bad/platform/overlays.git",
        "https://git.example.com:x/platform/overlays.git",
        "",
    ],
)
def test_others_are_others(other: str) -> None:
    assert not same_repository(URL, other)
    assert not same_repository(other, URL)


def test_two_ports_of_one_host_are_two_servers() -> None:
    assert not same_repository("http://127.0.0.1:8081/deploy.git", "http://127.0.0.1:8082/deploy.git")
    assert not same_repository("https://git.example.com/deploy.git", "https://git.example.com:8443/deploy.git")


@pytest.mark.parametrize(
    "source",
    [
        SOURCE,
        replace(SOURCE, revision=""),
        replace(SOURCE, revision="HEAD"),
        replace(SOURCE, revision="refs/heads/main"),
        replace(SOURCE, path=f"./{DIRECTORY}/"),
        replace(SOURCE, path=f"/{DIRECTORY}"),
        replace(SOURCE, path="apps/web/base/../overlays/production"),
        replace(SOURCE, repository="git@git.example.com:platform/overlays"),
        replace(SOURCE, repository="ssh://git@mirror.example.com/overlays.git"),
        replace(SOURCE, images=("sidecar=registry.example.com/sidecar:2",)),
    ],
)
def test_whatever_follows_the_overlay_sees_the_commit(source: Source) -> None:
    images = ("web", "registry.example.com/web")
    assert astray([source], OURS, DIRECTORY, images) == ""
    assert astray([CHART, source], OURS, DIRECTORY, images) == ""
    assert astray([source, Source(URL, revision="main")], OURS, DIRECTORY, images) == ""


@pytest.mark.parametrize(
    ("source", "why"),
    [
        (replace(SOURCE, path="apps/web/overlays/staging"), "follows the path apps/web/overlays/staging, not apps/web"),
        (replace(SOURCE, path="apps/web/overlays"), "follows the path"),
        (replace(SOURCE, path=f"{DIRECTORY}/eu"), "follows the path"),
        (replace(SOURCE, path=""), "follows the path /, not"),
        (replace(SOURCE, path=DIRECTORY.upper()), "follows the path"),
        (replace(SOURCE, revision="v1.4.1"), "follows v1.4.1, not the branch main"),
        (replace(SOURCE, revision="refs/tags/main"), "follows refs/tags/main"),
        (replace(SOURCE, revision="release"), "follows release, not the branch main"),
        (replace(SOURCE, revision="Main"), "follows Main, not the branch main"),
        (replace(SOURCE, revision="1.*"), "follows 1.*"),
        (replace(SOURCE, revision="a1b2c3d4" * 5), "is pinned to the commit a1b2c3d, not"),
        (replace(SOURCE, revision="a1b2c3d"), "is pinned to the commit a1b2c3d"),
        (replace(SOURCE, repository="https://git.example.com/platform/fork.git"), "follows another repository (https"),
        (replace(SOURCE, repository=""), "follows another repository (none)"),
        (CHART, "installs the chart web"),
        (replace(SOURCE, chart="web"), "installs the chart web"),
        (replace(SOURCE, plain=True), "kustomize does not run"),
        (replace(SOURCE, images=("registry.example.com/web:v9",)), "overrides the image of the overlay itself"),
        (replace(SOURCE, images=("web=registry.example.com/other:v9",)), "overrides the image"),
        (replace(SOURCE, images=("web@sha256:" + "a" * 64,)), "overrides the image"),
    ],
)
def test_whatever_follows_something_else_is_told(source: Source, why: str) -> None:
    images = ("web", "registry.example.com/web")
    assert why in astray([source], OURS, DIRECTORY, images)
    assert why in astray([source, CHART], OURS, DIRECTORY, images) or source.repository not in OURS.urls


@pytest.mark.parametrize("revision", ["", "HEAD"])
@pytest.mark.parametrize("default", ["", "develop", "Main"])
def test_head_is_not_ours_unless_the_remote_says_so(revision: str, default: str) -> None:
    assert "follows HEAD" in astray([replace(SOURCE, revision=revision)], replace(OURS, default=default), DIRECTORY)


@pytest.mark.parametrize(
    ("sources", "hidden"),
    [
        ([replace(SOURCE, repository="https://elsewhere.example.com/overlays")], True),
        ([CHART, replace(SOURCE, repository="https://elsewhere.example.com/overlays")], True),
        ([SOURCE], False),
        ([SOURCE, replace(SOURCE, repository="https://elsewhere.example.com/values")], False),
        ([replace(SOURCE, path="elsewhere")], False),
        ([CHART], False),
        ([replace(SOURCE, repository="")], False),
        ([], False),
    ],
)
def test_another_url_may_be_the_same_repository(sources: list[Source], hidden: bool) -> None:
    assert OURS.is_hidden_by_its_url(sources) is hidden


def test_of_several_sources_the_nearest_one_is_told() -> None:
    pinned = replace(SOURCE, revision="v1")
    assert "v1" in astray([CHART, pinned], OURS, DIRECTORY)
    assert "staging" in astray([pinned, replace(SOURCE, path="apps/web/overlays/staging")], OURS, DIRECTORY)


def test_no_source_is_not_ours() -> None:
    assert says(astray([], OURS, DIRECTORY), "manifests")
    assert "another repository" in astray([SOURCE], OverlayBranch((), "main"), DIRECTORY)
