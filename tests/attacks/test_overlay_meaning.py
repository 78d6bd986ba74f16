"""Who writes an overlay that looks like one thing and means another: refused, or read and edited as kustomize does.

The real kustomize is the judge: of every file that is not refused, each image of the base must become what we read,
and an edit must move its own image and no other.
"""

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from bot.domain.image import Image
from bot.domain.overlay import OverlayImage
from bot.overlays.kustomization import KustomizationError, read_images, set_image
from tests import kustomize
from tests.kustomize import Kustomize

OLD = "sha256:" + "a" * 64
NEW = "sha256:" + "c" * 64
NAMES = ("web", "job", "r.example.com/web", "localhost:5000/web", "webs")
BASE = tuple(f"{name}:orig" for name in NAMES)


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Kustomize:
    return Kustomize(kustomize.program(), tmp_path_factory.mktemp("kustomize"), BASE)


def told(base: str, read: tuple[OverlayImage, ...]) -> str:
    """What becomes of an image of the base, as far as reading tells: what an entry does not pin stays."""
    name, colon, tag = base.rpartition(":")
    for entry in read:
        if entry.name == name:
            pins = (f":{entry.tag}" if entry.tag else "") + (f"@{entry.digest}" if entry.digest else "")
            return entry.repository + (pins or colon + tag)
    return base


def judge(oracle: Kustomize, text: str, *, tag: str = "v9.9.9") -> str:
    """ "refused", "void" (kustomize refuses it, so nothing runs it) or "read"; raises where we and kustomize differ."""
    try:
        read = read_images(text.encode(), kustomize.PATH)
    except KustomizationError:
        return "refused"
    before = oracle.build(text.encode())
    if before is None:
        return "void"
    assert {base: told(base, read) for base in BASE} == before
    for entry in read:
        image = Image(entry.repository, NEW, tag)
        try:
            edited = set_image(text.encode(), kustomize.PATH, entry.name, image)
        except KustomizationError:
            continue
        after = oracle.build(edited)
        moved = {base: told(base, read_images(edited, kustomize.PATH)) for base in BASE}
        assert after == moved
        mine = f"{entry.name}:orig"
        others = {base: image for base, image in before.items() if base != mine}
        assert {base: image for base, image in after.items() if base != mine} == others
        if mine in before:
            assert after[mine].endswith((f":{tag}", f"@{NEW}") if tag else f"@{NEW}")
            assert ("@" in after[mine]) >= ("@" in before[mine]), "a pin by digest is lost"
    return "read"


KINDS = {
    "a merge key takes the tag from another entry": "- &a\n  name: web\n  newTag: v1\n- <<: *a\n  name: job\n",
    "a merge key in a list": "- &a\n  name: web\n  newTag: v1\n- <<: [*a]\n  name: job\n",
    "a merge key brings another repository": "- &a {name: web, newName: evil.io/web, newTag: v1}\n"
    "- <<: *a\n  name: job\n",
    "a merge key of an anchor inside": "- <<: &d {newTag: v1}\n  name: web\n",
    "an entry is the same as another": "- &a {name: web, newTag: v1}\n- *a\n",
    "a tag is an alias": "- {name: web, newTag: &t v1}\n- {name: job, newTag: *t}\n",
    "a key in another case": "- name: web\n  NewName: evil.example.com/web\n  newTag: v1\n",
    "the digest in another case": f"- name: web\n  newTag: v1\n  Digest: {OLD}\n",
    "a key twice, in two cases": "- name: web\n  newTag: v0\n  newtag: v1\n",
    "a key with the long s": "- name: web\n  newTag: v1\n  dige\u017ft: " + OLD + "\n",
    "a key twice": "- name: web\n  newTag: v0\n  newTag: v1\n",
    "a number for a tag": "- name: web\n  newTag: 1.10\n",
    "a hexadecimal number": "- name: web\n  newTag: 0x1F\n",
    "a number with underscores": "- name: web\n  newTag: 1_0\n",
    "an octal number": "- name: web\n  newTag: 0o17\n",
    "a commit that looks like a number": "- name: web\n  newTag: 12e4\n",
    "a boolean": "- name: web\n  newTag: yes\n",
    "a boolean of one letter": "- name: web\n  newTag: N\n",
    "infinity": "- name: web\n  newTag: .inf\n",
    "a tag of YAML": "- name: web\n  newTag: !!binary djE=\n",
    "a string that looks like null": "- name: web\n  newTag: !!str null\n",
    "a tag behind an anchor": "- name: web\n  newTag: &x # here\n    !!binary djE=\n",
    "a list for a tag": "- name: web\n  newTag: [v1]\n",
    "an unknown key": "- name: web\n  newTag: v1\n  tag: v2\n",
    "two entries for one image": "- {name: web, newTag: v1}\n- {name: web, newTag: v2}\n",
    "a dead second entry": "- {name: web, newName: x.example.com/a, newTag: v1}\n- {name: web, newTag: v2}\n",
    "a chain": "- {name: web, newName: r.example.com/web, newTag: v1}\n- {name: r.example.com/web, newTag: v2}\n",
    "a suffix": "- {name: web, tagSuffix: -x}\n",
    "a chain of suffixes": "- {name: web, newTag: v1}\n- {name: web, tagSuffix: -x}\n",
    "a chain by pattern": "- {name: web, newName: r-example.com/web, newTag: v1}\n"
    "- {name: r.example.com/web, newTag: v3}\n",
    "a regular expression": "- {name: web, newTag: v1}\n- {name: w.b, newTag: v2}\n",
    "a pattern before": "- {name: w.b, newTag: v2}\n- {name: web, newTag: v1}\n",
    "a pattern of everything": "- {name: '.*', newTag: v2}\n",
    "an alternative": "- {name: web|job, newTag: v2}\n",
    "an optional letter": "- {name: 'webs?', newTag: v2}\n",
    "an escape": "- {name: 'we\\w', newTag: v2}\n",
    "a name with its tag": "- {name: 'web:orig', newTag: v2}\n",
    "a new name with a tag": "- {name: web, newName: 'evil.example.com/web:v3'}\n",
    "a new name with a digest": f"- {{name: web, newName: 'evil.example.com/web@{OLD}'}}\n",
    "a tag with two digests": f"- {{name: web, newTag: 'v1@{OLD}', digest: '{NEW}'}}\n",
    "a tag with half a digest": "- {name: web, newTag: 'v1@sha256:abc'}\n",
    "a tag with a port": "- {name: web, newTag: 'v1:v2'}\n",
    "a digest that is none": "- {name: web, digest: latest}\n",
    "a digest of another kind": f"- {{name: web, digest: '{OLD.upper()}'}}\n",
}


@pytest.mark.parametrize("entries", KINDS.values(), ids=KINDS)
def test_an_entry_that_means_more_than_it_says_is_refused(entries: str) -> None:
    with pytest.raises(KustomizationError, match=r"overlay/kustomization.yaml( line \d+: | has 2 entries).*\.$"):
        edit_all(f"resources: [../base]\nimages:\n{entries}")


def edit_all(text: str) -> list[bytes]:
    """The file with each of its entries pinned to something new."""
    found = read_images(text.encode(), kustomize.PATH)
    return [set_image(text.encode(), kustomize.PATH, each.name, Image(each.repository, NEW, "v9")) for each in found]


FILES = {
    "images in another case": "resources: [../base]\nImages:\n- {name: web, newTag: v1}\n",
    "images twice, in two cases": "resources: [../base]\nimages:\n- {name: web, newTag: v1}\n"
    "IMAGES:\n- {name: web, newTag: v2}\n",
    "images with the long s": "resources: [../base]\nimage\u017f:\n- {name: web, newTag: v1}\n",
    "the old key": "resources: [../base]\nimages:\n- {name: web, newTag: v1}\nimageTags:\n- {name: web, newTag: v2}\n",
    "the old key in another case": "resources: [../base]\nImagetags:\n- {name: web, newTag: v2}\n",
    "a merge of the whole file": "resources: [../base]\n<<: {images: [{name: web, newTag: v1}]}\n",
    "a comment that ends early": "resources: [../base]\n# pinned\u2028images: [{name: web, newTag: v1}]\n",
    "a comment that ends early, with NEL": "resources: [../base]\n# pinned\x85images: [{name: web, newTag: v1}]\n",
    "a second document": "resources: [../base]\n---\nimages: [{name: web, newTag: v1}]\n",
    "a replacement of the image": "resources: [../base]\nimages: [{name: web, newTag: v1}]\nreplacements:\n"
    "- source: {kind: Pod, fieldPath: metadata.name}\n  targets:\n  - select: {kind: Pod}\n"
    "    fieldPaths: ['spec.containers.[name=c0].image']\n",
    **{
        f"a replacement of {what}": "resources: [../base]\nimages: [{name: web, newTag: v1}]\nreplacements:\n"
        f"- source: {{kind: Pod, fieldPath: '{path}'}}\n  targets:\n  - select: {{kind: Pod}}\n"
        f"    fieldPaths: ['{path}']\n"
        for what, path in {
            "a whole container": "spec.containers.0",
            "a whole container, by its name": "spec.containers.[name=c0]",
            "a container whose name has a dot": "spec.initContainers.[name=c.0]",
            "every container": "spec.containers.*",
            "all containers at once": "spec.template.spec.containers",
            "the Pod's template": "spec.template",
            "everything": "spec",
        }.items()
    },
    "a transformer of images in one line": "resources: [../base]\nimages: [{name: web, newTag: v1}]\ntransformers:\n"
    '- \'{"apiVersion": "builtin", "kind": "ImageTagTransformer", "metadata": {"name": "it"}, '
    '"imageTag": {"name": "web", "newTag": "v2"}}\'\n',
    "a transformer of images in escapes": "resources: [../base]\nimages: [{name: web, newTag: v1}]\ntransformers:\n"
    '- |-\n  apiVersion: builtin\n  kind: "\\x49m\\x61geTagTransformer"\n  metadata: {name: it}\n'
    '  "im\\x61geTag": {name: web, newTag: v2}\n',
    "a transformer that is a patch of a container": "resources: [../base]\nimages: [{name: web, newTag: v1}]\n"
    "transformers:\n- |-\n  apiVersion: builtin\n  kind: PatchTransformer\n  metadata: {name: it}\n"
    "  path: a.yaml\n  target: {kind: Pod}\n",
    "a transformer that is a replacement": "resources: [../base]\nimages: [{name: web, newTag: v1}]\n"
    "transformers:\n- |-\n  apiVersion: builtin\n  kind: ReplacementTransformer\n  metadata: {name: it}\n"
    "  replacements:\n  - source: {kind: Pod, fieldPath: spec.containers.1}\n"
    "    targets: [{select: {kind: Pod}, fieldPaths: [spec.containers.0]}]\n",
    "a transformer that says that it is another": "resources: [../base]\nimages: [{name: web, newTag: v1}]\n"
    "transformers:\n- |-\n  apiVersion: builtin\n  kind: !!binary SW1hZ2VUYWdUcmFuc2Zvcm1lcg==\n"
    "  metadata: {name: it, labels: {kind: LabelTransformer}}\n",
    **{
        f"a key that kustomize does not know: {key}": f"images: [{{name: web, newTag: v1}}]\n{key}: 1\n"
        for key in ("image", "x-common", "imagesTransformer", "Images2", "tags", "'? '", "1", "null", "newTag")
    },
    "a key in another case": "Resources: [../base]\nimages: [{name: web, newTag: v1}]\n",
    "a transformer in a file": "resources: [../base]\nimages: [{name: web, newTag: v1}]\ntransformers: [it.yaml]\n",
    "a transformer in a directory": "resources: [../base]\nimages: [{name: web, newTag: v1}]\ntransformers: [../it]\n",
    "a replacement in a file": "resources: [../base]\nimages: [{name: web, newTag: v1}]\n"
    "replacements: [{path: it.yaml}]\n",
    "a replacement in a file, in another case": "resources: [../base]\nimages: [{name: web, newTag: v1}]\n"
    "replacements: [{Path: it.yaml}]\n",
    "a transformer of images": "resources: [../base]\nimages: [{name: web, newTag: v1}]\ntransformers:\n- |-\n"
    "  apiVersion: builtin\n  kind: ImageTagTransformer\n  metadata: {name: it}\n"
    "  imageTag: {name: web, newTag: v2}\n",
}


@pytest.mark.parametrize("text", FILES.values(), ids=FILES)
def test_a_file_that_means_more_than_its_images_is_refused(text: str) -> None:
    with pytest.raises(KustomizationError, match=kustomize.PATH):
        read_images(text.encode(), kustomize.PATH)


LATER = {
    "a replacement of a label": "replacements:\n- source: {kind: Pod, fieldPath: metadata.name}\n  targets:\n"
    "  - select: {kind: Pod}\n    fieldPaths: ['metadata.labels.a']\n    options: {create: true}\n",
    "a replacement beside the image": "replacements:\n- source: {kind: Pod, fieldPath: metadata.name}\n  targets:\n"
    "  - select: {kind: Pod}\n    fieldPaths: ['spec.containers.[name=c0].workingDir']\n    options: {create: true}\n",
    "a transformer of labels": "transformers:\n- |-\n  apiVersion: builtin\n  kind: LabelTransformer\n"
    "  metadata: {name: it}\n  labels: {a: b}\n  fieldSpecs: [{path: metadata/labels, create: true}]\n",
}


@pytest.mark.parametrize("later", LATER.values(), ids=LATER)
def test_what_comes_after_images_and_touches_none_is_read_and_edited(oracle: Kustomize, later: str) -> None:
    text = f"resources: [../base]\nimages:\n- {{name: web, newTag: v1}}\n{later}"
    assert judge(oracle, text) == "read"
    assert edit_all(text)


HARMLESS = {
    "a tab before a comment": "- name: web\n  newTag: v1\t# pinned\n",
    "a tab after the colon": "- name: web\n  newTag:\tv1\n",
    "tabs in flow style": "- {\n\t\tname: web,\n\t\tnewTag:\tv1\t}\n",
    "a date for a tag": "- name: web\n  newTag: 2026-11-23\n",
    "a commit that no float can hold": "- name: web\n  newTag: 12e4567\n",
    "a tag and its digest in one": f"- name: web\n  newTag: v1@{OLD}\n",
    "the same in quotes and flow style": f"- {{name: web, newTag: 'v1@{OLD}'}}\n",
    "a suffix that a tag hides": "- {name: web, newTag: v1, tagSuffix: -x}\n",
    "a port": "- {name: 'localhost:5000/web', newTag: v1}\n",
    "a new name that an earlier entry has matched": "- {name: r.example.com/web, newTag: v2}\n"
    "- {name: web, newName: r.example.com/web, newTag: v1}\n",
    "two images in one repository": "- {name: web, newName: x, newTag: v1}\n- {name: job, newName: x, newTag: v2}\n",
    "one name within another": "- {name: web, newTag: v1}\n- {name: webs, newTag: v2}\n",
    "nulls": "- {name: web, newTag: v1, digest: ~, newName: null, tagSuffix: ''}\n",
    "an anchor that nobody uses": "- &a\n  name: web\n  newTag: v1\n",
    "an anchor used twice": "- &a {name: web, newTag: v1}\n- &a {name: job, newTag: v1}\n",
    "a new name that is an alias": "- {name: &n web, newTag: v1}\n- {name: job, newName: *n, newTag: v2}\n",
    "an empty old key": "- {name: web, newTag: v1}\nimageTags: []\n",
}


@pytest.mark.parametrize("entries", HARMLESS.values(), ids=HARMLESS)
def test_what_kustomize_takes_as_it_looks_is_read_and_edited(oracle: Kustomize, entries: str) -> None:
    text = f"resources: [../base]\nimages:\n{entries}"
    assert judge(oracle, text) == "read"
    assert edit_all(text)


WORDS = (
    "v1", "'v1'", '"v1"', "1.10", "'1.10'", "1.2.3", "0x1F", "017", "089", "1_000", "12e3", "12e4567", "1e+9", ".5",
    "-1", "yes", "No", "y", "true", "null", "~", "''", "", "2026-11-23", "2026-11-23T10:00:00Z", ".inf", ".NaN", "+1",
    "&t v1", "*t", "!!str 1.10", "!!binary djE=", "! v1", "|-\n      v1", ">-\n      v1", "v1\t", "\tv1", "v1 # note",
    "v1#note", f"v1@{OLD}", f"'v1@{OLD}'", OLD, "[v1]", "{a: b}", "-x", "<<", "web", "v1\u00e9", "0b11", "0o7", "1.",
    "9" * 25, "_1", "1:30", "=", "v1:", "'v''1'", '"v\\x31"',
)  # fmt: skip
SPELLINGS = {
    "name": ("name", "name", "name", "Name", "'name'", "? name\n   "),
    "newName": ("newName", "newName", "newname", "NewName", '"newName"'),
    "newTag": ("newTag", "newTag", "newTag", "newtag", "NEWTAG", "'newTag'", "&k newTag"),
    "digest": ("digest", "digest", "Digest", "dige\u017ft"),
    "tagSuffix": ("tagSuffix", "TagSuffix"),
    "<<": ("<<", "'<<'"),
    "other": ("tag", "x"),
}
NAMED = (*NAMES, "'web'", ".*", "web|job", "web:orig", "&n web", "*n", "123", "r-example.com/web", "we[b]", "")
VALUES = {
    "name": st.sampled_from(NAMED),
    "newName": st.sampled_from((*NAMED, "x.example.com/web", f"x@{OLD}")),
    "newTag": st.sampled_from(WORDS),
    "digest": st.sampled_from((OLD, f"'{OLD}'", f"&t {OLD}", "*t", "null", "latest", "")),
    "tagSuffix": st.sampled_from(("-x", "''", "1")),
    "<<": st.sampled_from(("*a", "[*a]", "{newTag: v7}", "&a {newTag: v7}")),
    "other": st.just("v1"),
}


@st.composite
def written_entries(draw: st.DrawFn) -> str:
    keys = draw(st.lists(st.sampled_from(["newName", "newTag", "newTag", "digest", "tagSuffix", "<<"]), max_size=3))
    keys.insert(draw(st.integers(0, len(keys))), "name")
    plain = draw(st.sampled_from([True, True, False]))  # most files are of the usual sort, with one oddity
    pairs = [(key if plain else draw(st.sampled_from(SPELLINGS[key])), draw(VALUES[key])) for key in keys]
    anchor = draw(st.sampled_from(["", "", "", "&a ", "!!map "]))
    if draw(st.booleans()):
        gap = draw(st.sampled_from([" ", " ", "\t", "\n    ", "\n\t"]))
        return f"- {anchor}{{{f',{gap}'.join(f'{key}: {value}' for key, value in pairs)}}}"
    indent = draw(st.sampled_from(["  ", "  ", "   "]))
    space = draw(st.sampled_from([" ", " ", "  ", "\t"]))
    lines = [f"{key}:{space}{value}" for key, value in pairs]
    first = f"- {anchor}\n{indent}" if anchor else "-" + indent[1:]
    return first + f"\n{indent}".join(lines)


@st.composite
def overlays(draw: st.DrawFn) -> str:
    entries = draw(st.lists(written_entries() | st.just("- *a"), max_size=4))
    key = draw(st.sampled_from(["images"] * 6 + ["Images", "imageTags", "'images'", "images: &all", "? images\n"]))
    block = key + ":\n" + "".join(entry + "\n" for entry in entries)
    more = draw(
        st.lists(
            st.sampled_from(
                [
                    "imageTags:\n- name: web\n  newTag: v3\n",
                    "imageTags: []\n",
                    "IMAGES:\n- {name: job, newTag: v3}\n",
                    "commonAnnotations: {a: *t}\n",
                    "commonAnnotations: *a\n",
                    "commonAnnotations: &a {name: web, newTag: v8}\n",
                    "# a comment\n",
                    "# a comment\u2028images: [{name: web, newTag: v5}]\n",
                    "images: []\n",
                    "image: []\n",
                    "x-common: &a {newTag: v7}\n",
                    "Resources: [../base]\n",
                    "transformers: [it.yaml]\n",
                    "transformers: [labels.yaml]\n",
                    "transformers:\n",
                    "replacements: [{path: replaced.yaml}]\n",
                    "replacements: []\n",
                    "patches: [{path: patch.yaml}]\n",
                    "namePrefix: a-\n",
                    "---\n",
                    "\ufeff",
                ]
            ),
            max_size=2,
        )
    )
    parts = draw(st.permutations([block, "resources:\n- ../base\n", *more]))
    newline = draw(st.sampled_from(["\n", "\n", "\r\n", "\r"]))
    start = draw(st.sampled_from(["", "", "", "\ufeff", "---\n", "%YAML 1.1\n---\n", "\t\n", " \n"]))
    return (start + "".join(parts)).replace("\n", newline)


@given(overlays(), st.sampled_from(["v9.9.9", "1.10", ""]))
@example("resources: [../base]\nimages:\n- &a {name: web, newTag: v1}\ncommonAnnotations: *a\n", "v9")
def test_any_overlay_is_refused_or_means_to_us_what_it_means_to_kustomize(
    oracle: Kustomize, text: str, tag: str
) -> None:
    judge(oracle, text, tag=tag)


SEEDS = (
    "resources:\n- ../base\nimages:\n- name: web\n  newTag: v1\n- name: job\n  newName: x.io/job\n  newTag: v2\n",
    f"resources: [../base]\nimages: [{{name: web, newTag: v1, digest: {OLD}}}, {{name: job, newTag: 'v2'}}]\n",
    f'{{"resources":["../base"],"images":[{{"name":"web","newTag":"v1@{OLD}"}}]}}',
)


# No dot: that `w.b` matches `web` of the base is not to be seen in the overlay.
PIECES = ("", *"\t\n\r #:-,[]{}&*!|>'\"%@`?~\\<=aN1\x85\u2028\ufeff", ": ", "- ", "&a ", "*a")


@st.composite
def damaged(draw: st.DrawFn) -> str:
    """A good file in which somebody has put a few characters somewhere."""
    text = draw(st.sampled_from(SEEDS))
    first = text.index("images") + len("images")
    for _ in range(draw(st.integers(1, 3))):
        at = draw(st.integers(first, len(text)))
        cut = draw(st.sampled_from([0, 0, 1, 2]))
        put = draw(st.sampled_from(PIECES))
        text = text[:at] + put + text[at + cut :]
    return text


@given(damaged())
def test_a_damaged_overlay_is_refused_or_means_to_us_what_it_means_to_kustomize(oracle: Kustomize, text: str) -> None:
    judge(oracle, text)
