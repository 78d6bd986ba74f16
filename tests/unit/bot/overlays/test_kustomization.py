"""The edit is a function of (file, entry, image) whose diff is exactly the entry's own line."""

import difflib
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from bot.domain.image import Image
from bot.overlays.kustomization import KustomizationError, read_images, references, set_image

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
        ("images:\n- name: web\n  newTag: |-\n    v1\n", "must be a plain or quoted value"),
        ("images: {web: v1}\n", "`images:` must be a list"),
        ("images:\n- web\n", "must be a mapping with `name:`"),
        ("- images\n", "is not a kustomization"),
        ("images: [\n", "is not valid YAML"),
        ("a: 1\n---\nb: 2\n", "line 2 is not valid YAML: there is a second document"),
        ("images:\n-\tname: web\n\tnewTag: v1\n", "line 2 is not valid YAML: a tab indents this line: write spaces"),
        (
            "images: &all\n- &one\n  name: web\n  newTag: v1\nmetadata: {annotations: *one}\n",
            "the entry web of `images:` is an alias, or has one",
        ),
        ("images:\n- name: web\n  newTag: v1 # \x07\n", "line 3 is not valid YAML: special characters"),
        ("images:\n- name: web\n  newTag: v1\n  newTag: v2\n", "line 4: `newTag:` is there twice"),
        ("images:\n- name: web\n  newTag: v1\nimages: []\n", "line 4: `images:` is there twice"),
        (
            "metadata: {annotations: &x {name: web, newTag: v1}}\nimages: [*x]\n",
            "the entry web of `images:` is an alias",
        ),
        ("images:\n- name: web\n  newTag:\n", "pins neither `newTag:` nor `digest:`: add"),
        ("images:\n- name: web\n  newTag: ''\n  digest: null\n", "pins neither `newTag:` nor `digest:`: add"),
        ('images:\n- name: web\n  newTag: "v\\\n    1"\n', "must be a plain or quoted value on its own line"),
        ("", "has no entry for web"),
        ("[" * 100_000, "nested too deeply"),
        ("- " * 3000, "nested too deeply"),
        ("#" * 300_000, "larger than 256 KiB"),
    ],
)
def test_what_cannot_be_edited_is_said_with_the_place_and_the_remedy(text: str, sentence: str) -> None:
    with pytest.raises(KustomizationError) as told:
        pin(text, "web")
    assert sentence in told.value.sentence
    assert PATH in told.value.sentence


def test_an_aliased_entry_is_read_all_the_same() -> None:
    assert read_images(b"metadata: {annotations: &x {name: web, newTag: v1}}\nimages: [*x]\n", PATH)[0].tag == "v1"


@pytest.mark.parametrize("nothing", ["''", "null", "~", ""])
def test_a_pin_without_a_value_is_none(nothing: str) -> None:
    """kustomize reads it as if it were not there: so it neither shows nor changes."""
    before = f"images:\n- name: web\n  newTag: v1\n  digest: {nothing}\n"
    assert read_images(before.encode(), PATH)[0].digest == ""
    assert pin(before, "web") == before.replace("v1", "v2")


@pytest.mark.parametrize(
    "before",
    [
        "\ufeffimages:\n- name: web\n  newTag: v1\n",
        "---\nimages:\n- name: web\n  newTag: v1\n...\n",
        "images:\r- name: web\r  newTag: v1\r",
        "# \U0001f680\nimages:\n- name: web # \U0001f680\n  newTag: v1 # \U0001f680",
        "images: &all\n- &one\n  name: web\n  newTag: v1\n",
        "images:\n- name: web\n  newTag:\tv1\t# pinned\n",
        '{\n\t"images": [\n\t\t{"name": "web",\n\t\t"newTag": "v1"}\n\t]\n}\n',
        '{"images":[{"name":"web","newTag":"v1"}]}',
        "images:\n- ? name\n  : web\n  ? newTag\n  : v1\n",
        "images: [{name: web,\n  newTag: v1}, {name: job, newTag: v3}]",
        "images:\n- name: web\n  newName: r.example.com/apps/web\n  newTag: v1 \n  tagSuffix: -x\n",
    ],
)
def test_whatever_way_it_is_written_only_the_value_changes(before: str) -> None:
    assert pin(before, "web") == before.replace("v1", "v2")


def test_a_key_keeps_its_quotes_when_the_digest_takes_its_place() -> None:
    before = '{"images":[{"name":"web","newTag":"v1"}]}'
    assert pin(before, "web", tag="") == before.replace("newTag", "digest").replace("v1", NEW)


def test_a_tag_that_shares_its_line_is_not_taken_out_with_its_neighbours() -> None:
    before = f"images: [{{\n  newTag: v1, digest: {OLD},\n  name: web}}]\n"
    with pytest.raises(KustomizationError, match="`newTag` shares its line"):
        pin(before, "web", tag="")
    alone = f"images: [{{\n  newTag: v1,\n  digest: {OLD},\n  name: web}}]\n"
    assert pin(alone, "web", tag="") == f"images: [{{\n  digest: {NEW},\n  name: web}}]\n"


def test_a_file_that_is_not_utf8_is_refused() -> None:
    with pytest.raises(KustomizationError, match="not UTF-8"):
        read_images(b"\xff\xfe", PATH)


names = st.from_regex(r"[a-z][a-z0-9-]{0,12}", fullmatch=True)
tags = st.from_regex(r"[A-Za-z0-9_][A-Za-z0-9_.-]{0,20}", fullmatch=True)
comments = st.sampled_from(["", " # note: keep", "   # newTag: v0"])
quotes = st.sampled_from(["'{}'", '"{}"'])


@dataclass(frozen=True)
class Written:
    text: str
    entries: tuple[str, ...]
    pins: dict[str, tuple[str, ...]]
    """by entry, the keys that it pins"""


@st.composite
def blocks(draw: st.DrawFn) -> Written:
    newline, indent = draw(st.sampled_from(["\n", "\r\n"])), " " * draw(st.integers(0, 4))
    entries = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    lines = ["# häuser 🚀" + draw(comments), "resources:", "  - ../../base", "images:"]
    pins: dict[str, tuple[str, ...]] = {}
    for name in entries:
        pins[name] = draw(st.sampled_from([("newTag",), ("digest",), ("newTag", "digest"), ("digest", "newTag")]))
        lines.append(f"{indent}- name: {draw(quotes).format(name)}{draw(comments)}")
        if draw(st.booleans()):
            lines.append(f"{indent}  newName: r.example.com/{name}{draw(comments)}")
        for key in pins[name]:
            value = draw(quotes).format(draw(tags)) if key == "newTag" else draw(quotes).format(OLD)
            lines.append(f"{indent}  {key}:{' ' * draw(st.integers(1, 3))}{value}{draw(comments)}")
        if draw(st.booleans()):
            lines.append(draw(st.sampled_from(["", "   ", f"{indent}  # between"])))
    lines.append("namePrefix: x-" if draw(st.booleans()) else "# end")
    start = draw(st.sampled_from(["", "\ufeff", "---\n", "%YAML 1.1\n---\n"]))
    return Written(start + newline.join(lines) + draw(st.sampled_from([newline, ""])), tuple(entries), pins)


@st.composite
def flows(draw: st.DrawFn) -> Written:
    entries = draw(st.lists(names, min_size=1, max_size=4, unique=True))
    between = draw(st.sampled_from([", ", ",\n  ", " ,  "]))
    pins = {name: draw(st.sampled_from([("newTag",), ("digest",), ("digest", "newTag")])) for name in entries}
    values = {"newTag": draw(quotes).format(draw(tags)), "digest": OLD}
    parts = [
        "{" + between.join([f"name: '{name}'", *(f"{key}: {values[key]}" for key in pins[name])]) + "}"
        for name in entries
    ]
    return Written(f"images: [{between.join(parts)}]{draw(comments)}", tuple(entries), pins)


@given(blocks() | flows(), tags, st.data())
def test_any_file_any_tag_changes_its_own_values_and_reads_back(file: Written, tag: str, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(file.entries))
    before = {image.name: image for image in read_images(file.text.encode(), PATH)}
    after = pin(file.text, name, tag=tag)
    found = {image.name: image for image in read_images(after.encode(), PATH)}
    pinned = {"newTag": tag, "digest": NEW}
    assert (found[name].tag, found[name].digest) == tuple(
        pinned[key] if key in file.pins[name] else "" for key in ("newTag", "digest")
    )
    assert {**found, name: before[name]} == before
    old, new = file.text.splitlines(keepends=True), after.splitlines(keepends=True)
    assert len(old) == len(new)
    assert sum(a != b for a, b in zip(old, new, strict=True)) <= len(file.pins[name])
    # What another reader makes of it: numbers and dates would not be strings to it.
    loaded = YAML(typ="safe", pure=True).load(after.removeprefix("\ufeff"))
    entry = next(entry for entry in loaded["images"] if entry["name"] == name)
    assert {key: entry[key] for key in file.pins[name]} == {key: pinned[key] for key in file.pins[name]}


@given(blocks() | flows(), st.data())
def test_an_image_without_a_tag_leaves_only_its_digest(file: Written, data: st.DataObject) -> None:
    name = data.draw(st.sampled_from(file.entries))
    try:
        after = pin(file.text, name, tag="")
    except KustomizationError as told:
        assert "shares its line" in told.sentence  # noqa: PT017
    else:
        found = {image.name: image for image in read_images(after.encode(), PATH)}
        assert (found[name].tag, found[name].digest) == ("", NEW)
        assert len(file.text.splitlines()) - len(after.splitlines()) == (len(file.pins[name]) - 1)


@given(st.binary(max_size=200))
def test_no_bytes_crash_the_reader(content: bytes) -> None:
    try:
        read_images(content, PATH)
    except KustomizationError as told:
        assert PATH in told.sentence  # noqa: PT017


@pytest.mark.parametrize(
    "word",
    [
        "../../base", "./../../base", "settings=../../base", "../production/../../base",
        "././../../base", ".//../../base", "patches/../../../base", "settings=patches/../../../base",
    ],
)  # fmt: skip
def test_what_leads_out_of_the_directory_is_named_however_it_is_written(word: str) -> None:
    content = f"resources: [deployment.yaml, '{word}']\nnamePrefix: a..b\n".encode()
    assert references(content, "apps/web/overlays/production/kustomization.yaml") == ("apps/web/base",)
