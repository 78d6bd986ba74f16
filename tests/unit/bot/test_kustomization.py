"""The edit is a function of (file, entry, image) whose diff is exactly the entry's own line."""

import difflib

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.domain.image import Image
from bot.kustomization import KustomizationError, read_images, set_image

OLD = "sha256:" + "a" * 64
NEW = "sha256:" + "b" * 64
PATH = "apps/my-app/overlays/production/kustomization.yaml"


def pin(text: str, name: str, tag: str = "v2", digest: str = NEW) -> str:
    return set_image(text.encode(), PATH, name, Image("harbor.example.com/apps/" + name, digest, tag)).decode()


def diff(before: str, after: str) -> list[str]:
    lines = difflib.ndiff(before.splitlines(keepends=True), after.splitlines(keepends=True))
    return [line for line in lines if line[0] in "+-"]


def test_the_diff_is_one_line_and_comments_and_line_ends_stay() -> None:
    before = "# by hand\r\nimages:\r\n- name: web\r\n  newTag: 'v1'   # pinned\r\n- name: worker\r\n  newTag: v1\r\n"
    assert diff(before, pin(before, "web")) == ["-   newTag: 'v1'   # pinned\r\n", "+   newTag: 'v2'   # pinned\r\n"]


def test_an_entry_that_pins_the_digest_gets_the_digest() -> None:
    before = f"images:\n  - name: web\n    digest: {OLD}\n"
    assert diff(before, pin(before, "web")) == [f"-     digest: {OLD}\n", f"+     digest: {NEW}\n"]


def test_an_entry_that_pins_both_gets_both() -> None:
    before = f"images:\n  - name: web\n    newTag: v1\n    digest: {OLD}\n"
    assert pin(before, "web") == f"images:\n  - name: web\n    newTag: v2\n    digest: {NEW}\n"


def test_an_image_without_a_tag_is_pinned_by_digest_and_leaves_no_stale_tag() -> None:
    tag_only = "images:\n  - name: web\n    newTag: v1 # here\n"
    assert pin(tag_only, "web", tag="") == f"images:\n  - name: web\n    digest: {NEW} # here\n"
    both = f"images:\n  - name: web\n    newTag: v1\n    digest: {OLD}\n    newName: x\n"
    assert pin(both, "web", tag="") == f"images:\n  - name: web\n    digest: {NEW}\n    newName: x\n"


@pytest.mark.parametrize("tag", ["1.10", "12e3", "2026-11-23", "0x1f", "yes", "null", "1_000", "017"])
def test_a_tag_that_a_yaml_reader_would_take_for_something_else_is_quoted(tag: str) -> None:
    assert f'newTag: "{tag}"\n' in pin("images:\n  - name: web\n    newTag: v1\n", "web", tag=tag)


def test_entries_are_read_with_new_name() -> None:
    text = f"images:\n- name: web\n  newName: r.example.com/apps/web\n  newTag: v1\n- name: job\n  digest: {OLD}\n"
    web, job = read_images(text.encode(), PATH)
    assert (web.repository, web.tag, web.digest) == ("r.example.com/apps/web", "v1", "")
    assert (job.repository, job.tag, job.digest) == ("job", "", OLD)


def test_flow_style_is_edited_in_place() -> None:
    before = "images: [{name: web, newTag: v1}, {name: job, newTag: v1}]  # compact\n"
    assert pin(before, "job") == "images: [{name: web, newTag: v1}, {name: job, newTag: v2}]  # compact\n"


@pytest.mark.parametrize(
    ("text", "sentence"),
    [
        ("resources: [../../base]\n", "has no entry for web under `images:`: add one"),
        ("images:\n- name: web\n", "pins neither `newTag:` nor `digest:`"),
        ("images:\n- name: web\n  newTag: v1\n- name: web\n  newTag: v2\n", "has 2 entries named web"),
        ("images:\n- name: web\n  newTag: &t v1\n", "line 3: `newTag` must be a plain or quoted value"),
        ("images:\n- name: job\n  newTag: &t v1\n- name: web\n  newTag: *t\n", "line 5: `newTag` is an alias"),
        ("images:\n- name: web\n  newTag: |\n    v1\n", "must be a plain or quoted value"),
        ("images: {web: v1}\n", "`images:` must be a list"),
        ("images:\n- web\n", "must be a mapping with `name:`"),
        ("- images\n", "is not a kustomization"),
        ("images: [\n", "is not valid YAML"),
        ("a: 1\n---\nb: 2\n", "is not valid YAML"),
    ],
)
def test_what_cannot_be_edited_is_said_with_the_place_and_the_remedy(text: str, sentence: str) -> None:
    with pytest.raises(KustomizationError) as told:
        pin(text, "web")
    assert sentence in told.value.sentence
    assert PATH in told.value.sentence


def test_a_file_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(KustomizationError, match="not UTF-8"):
        read_images(b"\xff\xfe", PATH)


names = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
comments = st.sampled_from(["", " # note: keep", "   # newTag: v0"])
quotes = st.sampled_from(["'{}'", '"{}"'])


@st.composite
def files(draw: st.DrawFn) -> tuple[str, list[str]]:
    newline = draw(st.sampled_from(["\n", "\r\n"]))
    indent = " " * draw(st.integers(0, 4))
    entries = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    lines = ["# häuser" + draw(comments), "resources:", "  - ../../base", "images:"]
    for name in entries:
        lines.append(f"{indent}- name: {draw(quotes).format(name)}{draw(comments)}")
        lines.append(f"{indent}  newTag: {draw(quotes).format(draw(tags))}{draw(comments)}")
    lines.append("namePrefix: x-" if draw(st.booleans()) else "# end")
    return newline.join(lines) + draw(st.sampled_from([newline, ""])), entries


@given(files(), tags, st.data())
def test_any_file_any_tag_changes_one_line_and_reads_back(
    file: tuple[str, list[str]], tag: str, data: st.DataObject
) -> None:
    text, entries = file
    name = data.draw(st.sampled_from(entries))
    after = pin(text, name, tag=tag)
    assert len(diff(text, after)) in (0, 2)
    assert {i.name: i.tag for i in read_images(after.encode(), PATH)}[name] == tag
    loaded = YAML(typ="safe", pure=True).load(after)
    assert {entry["name"]: entry["newTag"] for entry in loaded["images"]}[name] == tag


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    try:
        read_images(content, PATH)
    except KustomizationError as told:
        assert PATH in told.sentence  # noqa: PT017
