"""Who has a base, a component or a patch rename what `images:` should change: the promotion is refused, not committed.

It would be committed, approved and told, and nothing would run another image. The real kustomize is the judge: where a
build shows the new image, nothing may be refused.
"""

from pathlib import Path
from typing import Any

import pytest
import yaml
from hypothesis import event, given, settings
from hypothesis import strategies as st

from bot.domain.image import Image
from bot.domain.overlay import Author
from bot.domain.promotion import Phase
from bot.overlays.built_images import BuiltImages
from bot.overlays.kustomization import KustomizationError, read_images, set_image
from bot.settings import GitSettings
from integrations.git import GitRemote
from tests import kustomize
from tests.fakes.bare import BareRepository
from tests.fakes.overlays import MemoryOverlays
from tests.fakes.world import HARBOR, POLICY, CoreWorld, core_world
from tests.kustomize import Trees
from tests.sentences import says
from tests.unit.bot.promotions.test_pull_requests import PULL_REQUESTS

OVERLAY = "apps/a/overlays/prod"
PATH = f"{OVERLAY}/kustomization.yaml"
BASE, PART = "apps/a/base", "apps/a/part"
TAG = "promoted"
APIS = {"Deployment": "apps/v1", "CronJob": "batch/v1", "Pod": "v1", "Rollout": "argoproj.io/v1alpha1"}
WAYS = {
    "Deployment": ("spec", "template", "spec"),
    "CronJob": ("spec", "jobTemplate", "spec", "template", "spec"),
    "Pod": ("spec",),
    "Rollout": ("spec", "template", "spec"),
}


@pytest.fixture(scope="module")
def oracle(tmp_path_factory: pytest.TempPathFactory) -> Trees:
    return Trees(kustomize.program(), tmp_path_factory.mktemp("trees") / "tree")


def dump(value: Any) -> bytes:
    return yaml.safe_dump(value, sort_keys=False).encode()


def workload(containers: Any, kind: str = "Deployment", name: str = "web", **more: Any) -> dict[str, Any]:
    inner: Any = {"containers": containers, **more}
    for key in reversed(WAYS[kind]):
        inner = {key: inner}
    return {"apiVersion": APIS[kind], "kind": kind, "metadata": {"name": name}, **inner}


def strategic(*containers: dict[str, Any], **more: Any) -> str:
    return dump(workload(list(containers), **more)).decode()


def tree(
    overlay: dict[str, Any], base: dict[str, Any] | None = None, image: str = "web:v0", **files: Any
) -> dict[str, bytes]:
    """An overlay over a base with one Deployment; `files` by name, in the overlay's directory (but `component`)."""
    entries = {"images": [{"name": "web", "newTag": "v1"}]}
    made = {
        f"{BASE}/web.yaml": dump(workload([{"name": "main", "image": image}])),
        f"{BASE}/kustomization.yaml": dump({"resources": ["web.yaml"], **(base or {})}),
        PATH: dump({"resources": ["../../base"], **overlay, **({} if "images" in overlay else entries)}),
    }
    for name, content in files.items():
        path = f"{PART}/kustomization.yaml" if name == "component" else f"{OVERLAY}/{name}.yaml"
        made[path] = content if isinstance(content, bytes) else dump(content)
    return made


async def refusal(files: dict[str, bytes], name: str = "web") -> str:
    overlays = MemoryOverlays(dict(files))
    try:
        await BuiltImages(overlays).check([(PATH, name)], await overlays.head())
    except KustomizationError as error:
        return error.sentence
    return ""


def promoted(files: dict[str, bytes], tag: str = TAG) -> dict[str, bytes]:
    (entry,) = read_images(files[PATH], PATH)
    image = Image(entry.repository, "sha256:" + "c" * 64, tag)
    return {**files, PATH: set_image(files[PATH], PATH, entry.name, image)}


def shows(words: set[str], tag: str = TAG) -> bool:
    return any(word.endswith(f":{tag}") for word in words)


MAIN = {"name": "main", "image": "other/web:v0"}
TO = {"kind": "Deployment", "name": "web"}
SET = "- {op: replace, path: /spec/template/spec/containers/0/image, value: 'other/web:v0'}\n"
COMPONENT = {"kind": "Component", "apiVersion": "kustomize.config.k8s.io/v1alpha1"}
RENAMED = [{"name": "web", "newName": "other/web"}]
KINDS = {
    "the base renames it": tree({}, {"images": RENAMED}),
    "the base never had it": tree({}, image="other/web:v0"),
    "the base has another registry's": tree({}, image="registry.example.com/web"),
    "the base has a longer name": tree({}, image="webs:v0"),
    "a base of the base renames it": tree({}) | {
        f"{BASE}/kustomization.yaml": dump({"resources": ["../mid"]}),
        "apps/a/mid/kustomization.yml": dump({"resources": ["../deep/"], "images": RENAMED}),
        "apps/a/deep/Kustomization": dump({"resources": ["./it.yaml"]}),
        "apps/a/deep/it.yaml": dump(workload([{"name": "main", "image": "web"}])),
    },
    "a base under the old key": tree({"resources": [], "bases": ["../../base"]}, {"images": RENAMED}),
    "a component renames it": tree({"components": ["../../part"]}, component={**COMPONENT, "images": RENAMED}),
    "a component patches it": tree(
        {"components": ["../../part"]}, component={**COMPONENT, "patches": [{"patch": strategic(MAIN)}]}
    ),
    "a component of the base renames it": tree(
        {}, {"components": ["../part"]}, component={**COMPONENT, "images": RENAMED}
    ),
    "a patch written out": tree({"patches": [{"patch": strategic(MAIN)}]}),
    "a patch in a file": tree({"patches": [{"path": "p.yaml"}]}, p=strategic(MAIN).encode()),
    "a patch with a target": tree({"patches": [{"patch": strategic(MAIN, name="any"), "target": TO}]}),
    "a patch of every Deployment": tree({"patches": [{"patch": SET, "target": {"kind": "Deployment"}}]}),
    "a strategic patch under the old key": tree({"patchesStrategicMerge": [strategic(MAIN)]}),
    "a strategic patch in a file": tree({"patchesStrategicMerge": ["p.yaml"]}, p=strategic(MAIN).encode()),
    "a JSON patch": tree({"patches": [{"patch": SET, "target": TO}]}),
    "a JSON patch in JSON": tree(
        {"patches": [{"path": "p.yaml", "target": TO}]},
        p=b'[{"op": "add", "path": "/spec/template/spec/containers/0/image", "value": "other/web"}]',
    ),
    "a JSON patch under the old key": tree({"patchesJson6902": [{"patch": SET, "target": TO}]}),
    "a JSON patch takes the container away": tree(
        {"patches": [{"target": TO, "patch": "- {op: add, path: /spec/template/spec/containers/-, value: {name: x, "
                      "image: x}}\n- {op: remove, path: /spec/template/spec/containers/0}\n"}]}
    ),
    "a JSON patch of all containers": tree(
        {"patches": [{"target": TO, "patch": "- {op: replace, path: /spec/template/spec/containers, value: [{name: x, "
                      "image: x}]}\n"}]}
    ),
    "a patch of the base": tree({}, {"patches": [{"patch": strategic(MAIN)}]}),
    "a sidecar beside a renamed image": tree(
        {"patches": [{"patch": strategic({"name": "side", "image": "side"})}]}, {"images": RENAMED}
    ),
    "a list of resources": tree({}) | {
        f"{BASE}/web.yaml": dump({"apiVersion": "v1", "kind": "List", "items": [workload([MAIN])]})
    },
    "a digest in the base": tree({}, image="other/web@sha256:" + "a" * 64),
    "a port": tree({}, image="localhost:5000/web:v0"),
    "another kind, of a CRD": tree({}) | {f"{BASE}/web.yaml": dump(workload([MAIN], kind="Rollout"))},
}  # fmt: skip


@pytest.mark.parametrize("files", KINDS.values(), ids=KINDS)
async def test_an_entry_that_changes_nothing_is_refused_before_the_commit(files: dict[str, bytes]) -> None:
    sentence = await refusal(files)
    assert sentence.startswith(f"The entry web of `images:` in {PATH} changes nothing")
    assert sentence.endswith("Put the name that they have into the entry.")


FINE = {
    "as it is": tree({}),
    "a name with a tag and a digest": tree({}, image="web:v0@sha256:" + "a" * 64),
    "the base renames to it": tree({}, {"images": [{"name": "other", "newName": "web"}]}, image="other"),
    "a patch puts it there": tree({"patches": [{"patch": strategic({"name": "main", "image": "web"})}]}, image="o"),
    "a patch adds a container that has it": tree(
        {"patches": [{"patch": strategic({"name": "side", "image": "web"})}]}, image="other"
    ),
    "a patch of another Deployment": tree(
        {"patches": [{"patch": SET, "target": {"kind": "Deployment", "name": "other"}}]}
    ),
    "a patch of a kind": tree({"patches": [{"patch": SET, "target": {"kind": "StatefulSet"}}]}),
    "a patch of some": tree({"patches": [{"patch": SET, "target": {"labelSelector": "a=b"}}]}),
    "a component puts it there": tree(
        {"components": ["../../part"]},
        image="other",
        component={**COMPONENT, "images": [{"name": "other", "newName": "web"}]},
    ),
    "an initContainer": tree({}) | {
        f"{BASE}/web.yaml": dump(workload([MAIN], initContainers=[{"name": "i", "image": "web"}]))
    },
    "an image volume": tree({}) | {
        f"{BASE}/web.yaml": dump(workload([MAIN], volumes=[{"name": "v", "image": {"reference": "web:v0"}}]))
    },
    "one of two Deployments": tree({}, {"resources": ["web.yaml", "job.yaml"]}, image="other") | {
        f"{BASE}/job.yaml": dump(workload([{"name": "main", "image": "web"}], name="job"))
    },
    "containers deep in a resource of its own": tree({}) | {
        f"{BASE}/web.yaml": dump({"apiVersion": "x/v1", "kind": "X", "metadata": {"name": "x"},
                                  "spec": {"steps": [{"containers": [{"image": "web"}]}]}})
    },
    "a dot that means any letter": tree({"images": [{"name": "web", "newTag": "v1"}]}, image="web") | {
        f"{BASE}/kustomization.yaml": dump({"resources": ["web.yaml"], "images": [{"name": "w.b", "newTag": "v0"}]})
    },
    "a prefix": tree({"patches": [{"patch": SET, "target": {"kind": "Deployment", "name": "webs"}}]},
                     {"namePrefix": "a-"}),
    "the image twice, one renamed": tree({"patches": [{"patch": SET, "target": TO}]}) | {
        f"{BASE}/web.yaml": dump(workload([{"name": "main", "image": "web"}, {"name": "two", "image": "web"}]))
    },
    "a patch inserts before what the next one changes": tree(
        {"patches": [{"target": TO, "patch": "- {op: add, path: /spec/template/spec/containers/0, value: {name: x, "
                      "image: x}}\n" + SET}]}
    ),
    "a strategic patch puts a container before it": tree(
        {"patches": [{"patch": strategic({"name": "side", "image": "side"})}, {"patch": SET, "target": TO}]}
    ),
    "labels that write an image": tree({}, {"labels": [{"pairs": {"reference": "web"}, "fields": [
        {"path": "spec/template/spec/volumes[]/image", "create": True}]}]}) | {
        f"{BASE}/web.yaml": dump(workload([MAIN], volumes=[{"name": "v", "image": {"pullPolicy": "Always"}}]))
    },
    "a replacement of the base": tree({}, {"replacements": [{
        "source": {"kind": "Deployment", "name": "web", "fieldPath": "metadata.name"},
        "targets": [{"select": {"kind": "Deployment"},
                     "fieldPaths": ["spec.template.spec.containers.[name=main].image"]}]}]}, image="other"),
    "a transformer of the base": tree({}, {"transformers": [
        dump({"apiVersion": "builtin", "kind": "ImageTagTransformer", "metadata": {"name": "it"},
              "imageTag": {"name": "other", "newName": "web"},
              "fieldSpecs": [{"path": "spec/template/spec/containers[]/image"}]}).decode()]}, image="other"),
    "images of a configuration's field": tree({"configurations": ["conf.yaml"]}, conf={
        "images": [{"path": "spec/engine", "kind": "X"}]}) | {
        f"{BASE}/web.yaml": b"apiVersion: x/v1\nkind: X\nmetadata: {name: x}\nspec: {engine: 'web:v0'}\n---\n"
        + dump(workload([MAIN]))},
    "an anchor": tree({}) | {f"{BASE}/web.yaml": dump(workload([MAIN])).replace(
        b"image: other/web:v0", b"image: &i web\n        workingDir: *i")},
    "the patch of a copied value": tree({"patches": [{"target": TO, "patch":
        "- {op: add, path: /metadata/annotations, value: {a: web}}\n"
        "- {op: copy, from: /metadata/annotations/a, path: /spec/template/spec/containers/0/image}\n"}]}, image="o"),
}  # fmt: skip


@pytest.mark.parametrize("files", FINE.values(), ids=FINE)
async def test_an_overlay_that_kustomize_builds_rightly_passes(files: dict[str, bytes]) -> None:
    assert not await refusal(files)


def test_these_are_what_they_say_to_kustomize(oracle: Trees) -> None:
    """All of them in one build, each in a namespace of its own."""
    every = {f"{TAG}-{number}": files for number, files in enumerate([*KINDS.values(), *FINE.values()])}
    together = {f"{tag}/{path}": body for tag, files in every.items() for path, body in promoted(files, tag).items()}
    for tag in every:
        together[f"{tag}/kustomization.yaml"] = dump({"resources": [OVERLAY], "namespace": tag})
    words = oracle.words(together | {"all/kustomization.yaml": dump({"resources": [f"../{t}" for t in every]})}, "all")
    assert words is not None
    expected = [False] * len(KINDS) + [True] * len(FINE)
    assert [shows(words, tag) for tag in every] == expected


LOOK_ALIKES = {
    "the base has it instead": tree({"images": [{"name": "r.io/web", "newTag": "v1"}]}, image="r-io/web:v0"),
    "the base has both": tree({"images": [{"name": "r.io/web", "newTag": "v1"}]}) | {
        f"{BASE}/web.yaml": dump(workload([{"name": "a", "image": "r.io/web"}, {"name": "b", "image": "rxio/web"}]))
    },
    "a patch brings it": tree(
        {"images": [{"name": "r.io/web", "newTag": "v1"}],
         "patches": [{"patch": strategic({"name": "main", "image": "r-io/web"})}]},
        image="r.io/web",
    ),
}  # fmt: skip


@pytest.mark.parametrize("files", LOOK_ALIKES.values(), ids=LOOK_ALIKES)
async def test_an_entry_that_changes_the_image_of_another_registry_is_refused(
    oracle: Trees, files: dict[str, bytes]
) -> None:
    """It would be scanned and approved as one image, and another would run."""
    words = oracle.words(promoted(files), OVERLAY)
    assert words
    assert any(word.endswith(f"io/web:{TAG}") and not word.startswith("r.io/") for word in words)
    assert says(await refusal(files, "r.io/web"), "dots", "any character")


async def test_a_new_name_leaves_no_look_alike_under_its_own() -> None:
    entry = {"name": "r.io/web", "newName": "ours.io/web", "newTag": "v1"}
    assert not await refusal(tree({"images": [entry]}, image="r-io/web"), "r.io/web")


UNTOLD = {
    "a base in another repository": {"resources": ["https://example.com/base?ref=v1"]},
    "a base that is not there": {"resources": ["../../elsewhere"]},
    "a chart": {"helmCharts": [{"name": "web", "repo": "https://example.com"}]},
    "a generator": {"generators": ["g.yaml"]},
    "nothing": {"resources": []},
    "no container": {"resources": ["it.yaml"]},
    "a component": {**COMPONENT},
}


@pytest.mark.parametrize("overlay", UNTOLD.values(), ids=UNTOLD)
async def test_what_cannot_be_told_is_left_to_the_follower(overlay: dict[str, Any]) -> None:
    config = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "it"}}
    assert not await refusal(tree(overlay, image="other", it=config))


def app_base(image: str) -> dict[str, bytes]:
    return {
        "apps/my-app/base/kustomization.yaml": b"resources: [web.yaml]\n",
        "apps/my-app/base/web.yaml": dump(workload([{"name": "main", "image": image}])),
    }


OURS, OTHER = f"{HARBOR}/my-app:v0", "elsewhere.example.com/my-app:v0"


async def test_nobody_is_asked_about_an_image_that_would_not_run(world: CoreWorld) -> None:
    world.overlays.push(app_base(OTHER))
    with pytest.raises(
        KustomizationError, match=r"changes nothing: .* They have elsewhere.example.com/my-app, by a base"
    ):
        await world.deploy("ana")
    assert not world.cards.shown


@pytest.mark.parametrize("way", ["a commit", "a pull request"])
async def test_a_base_that_is_renamed_while_people_are_asked_is_noticed_before_the_commit(
    tmp_path: Path, way: str
) -> None:
    async with core_world(tmp_path, PULL_REQUESTS if way == "a pull request" else POLICY) as world:
        world.overlays.push(app_base(OURS))
        asked = await world.deploy("ana")
        world.overlays.push(app_base(OTHER), "Rename it", Author("Eve", "eve@example.com"))
        await world.approve("bo", asked)
        ended = await world.now(asked)
        assert ended.phase is Phase.FAILED
        assert "changes nothing" in ended.outcome
        assert not world.promotion_commits()
        assert not world.overlays._branches


@pytest.mark.parametrize("image", [OURS, "other/web"])
async def test_a_base_that_fits_and_other_files_of_an_app_are_no_hindrance(world: CoreWorld, image: str) -> None:
    world.overlays.push(app_base(OURS))
    asked = await world.deploy("ana")
    world.overlays.push({"apps/my-app/base/more.yaml": dump(workload([{"name": "x", "image": image}]))})
    await world.approve("bo", asked)
    assert (await world.now(asked)).phase is Phase.SUCCEEDED


def link(path: str, to: str) -> str:
    return f"M 120000 inline {path}\ndata {len(to)}\n{to}\n"


ODD = {
    "plain files": ("", ""),
    "a link to a directory": (BASE, link(BASE, "hidden")),
    "a link to a file": (f"{BASE}/web.yaml", link(f"{BASE}/web.yaml", "../hidden/web.yaml")),
    "a link to a kustomization": (
        f"{BASE}/kustomization.yaml",
        link(f"{BASE}/kustomization.yaml", "../hidden/kustomization.yaml"),
    ),
    "a submodule": (BASE, f"M 160000 {'1' * 40} {BASE}\n"),
}


@pytest.mark.parametrize("kind", ODD)
async def test_a_real_repository_is_read_and_what_its_links_lead_to_is_not_guessed(tmp_path: Path, kind: str) -> None:
    repository, (place, odd) = BareRepository(tmp_path / "served.git"), ODD[kind]
    files = tree({}, image="other/web")
    hidden = {path.replace(BASE, "apps/a/hidden"): body for path, body in files.items() if path.startswith(BASE)}
    kept = {path: body for path, body in files.items() if not place or not path.startswith(place)}
    repository.commit({**kept, **hidden}, more=odd)
    settings = GitSettings(url=repository.url)
    async with GitRemote(settings, tmp_path / "cache") as remote:
        check = BuiltImages(remote).check([(PATH, "web")], await remote.head())
        if odd:
            await check
        else:
            with pytest.raises(KustomizationError, match="They have other/web"):
                await check


NAMES = st.sampled_from(["web", "web", "job", "other/web", "r.io/web"])
IMAGES = st.builds("{}{}".format, NAMES, st.sampled_from(["", ":v0", "@sha256:" + "a" * 64]))
CONTAINER = st.sampled_from(["main", "main", "side"])
WHO = st.sampled_from(["web", "web", "job"])
KIND = st.sampled_from(["Deployment", "Deployment", "Deployment", "CronJob", "Pod", "Rollout"])


@st.composite
def container(draw: st.DrawFn) -> dict[str, Any]:
    found: dict[str, Any] = {"name": draw(CONTAINER)}
    if draw(st.booleans()):
        found["image"] = draw(IMAGES)
    more: dict[str, Any] = draw(
        st.sampled_from([{}, {}, {}, {"$patch": "delete"}, {"image": None}, {"env": [{"name": "A", "value": "web"}]}])
    )
    return found | more


@st.composite
def merged(draw: st.DrawFn) -> dict[str, Any]:
    containers = draw(st.lists(container(), max_size=2, unique_by=lambda each: each["name"]))
    part = workload(containers, draw(KIND), draw(WHO))
    more: dict[str, Any] = draw(
        st.sampled_from(
            [
                {},
                {},
                {"spec": {"replicas": 2}},
                {"spec": {"template": {"spec": {"$patch": "replace", "containers": containers}}}},
                {"$patch": "delete"},
                {"spec": {"template": None}},
            ]
        )
    )
    return part | more


@st.composite
def operation(draw: st.DrawFn, kind: str) -> dict[str, Any]:
    list_ = "/" + "/".join((*WAYS[kind], "containers"))
    number = draw(st.sampled_from(["0", "0", "1", "-"]))
    where = draw(st.sampled_from([f"/{number}/image", f"/{number}/image", f"/{number}", ""]))
    verb = draw(st.sampled_from(["replace", "replace", "add", "remove", "test"]))
    one = {"name": draw(st.sampled_from(["new", "newer"])), "image": draw(IMAGES)}
    value = draw(IMAGES) if where.endswith("image") else one if where else [one]
    beside = {"op": "add", "path": draw(st.sampled_from(["/metadata/labels", "/spec/replicas"])), "value": {"a": "web"}}
    return draw(st.sampled_from([{"op": verb, "path": list_ + where, "value": value}] * 3 + [beside]))


@st.composite
def selector(draw: st.DrawFn, kind: str) -> dict[str, str]:
    names = draw(st.sampled_from([{}, {"name": "web"}, {"name": "web"}, {"name": "w.*"}, {"name": "p-web"}]))
    more = draw(st.sampled_from([{}, {}, {}, {"namespace": "ns"}, {"group": "apps"}, {"labelSelector": "a=b"}]))
    return {"kind": kind, **names, **more}


@st.composite
def layer(draw: st.DrawFn, *, name: str, component: bool = False, top: bool = False) -> dict[str, bytes]:
    """The files of one directory, but for its resources: patches in all the ways, images, names."""
    files: dict[str, bytes] = {}
    body: dict[str, Any] = {**COMPONENT} if component else {}
    for number in range(draw(st.sampled_from([0, 1, 1, 2]))):
        kind = draw(KIND)
        if draw(st.booleans()):
            text, target = dump(draw(merged())), draw(st.sampled_from([None, None, draw(selector(kind))]))
        else:
            text, target = dump(draw(st.lists(operation(kind), min_size=1, max_size=2))), draw(selector(kind))
        old = {"patchesStrategicMerge": target is None, "patchesJson6902": text.startswith(b"- ")}
        key = draw(st.sampled_from(["patches", "patches", *(each for each, may in old.items() if may)]))
        if key == "patchesStrategicMerge":
            body.setdefault(key, []).append(text.decode())
            continue
        if draw(st.booleans()):
            files[f"{name}{number}.yaml"] = text
            patch: dict[str, Any] = {"path": f"{name}{number}.yaml"}
        else:
            patch = {"patch": text.decode()}
        body.setdefault(key, []).append(patch | ({"target": target} if target is not None else {}))
    renamed = st.fixed_dictionaries({"name": NAMES, "newName": NAMES})
    if top:
        body["images"] = [{"name": "web", "newTag": "v1"}]
    elif draw(st.booleans()):
        body["images"] = draw(st.lists(renamed, max_size=2, unique_by=lambda each: each["name"]))
    more: list[dict[str, Any]] = [{}, {}, {}, {"namePrefix": "p-"}, {"nameSuffix": "-s"}, {"namespace": "ns"}]
    body |= draw(st.sampled_from([*more, {"commonLabels": {"a": "b"}}, {"labels": [{"pairs": {"a": "b"}}]}]))
    return files | {"kustomization.yaml": dump(body)}


@st.composite
def trees(draw: st.DrawFn) -> dict[str, bytes]:
    listed = draw(st.lists(st.tuples(KIND, WHO, IMAGES, IMAGES), min_size=1, max_size=2, unique_by=lambda e: e[:2]))
    resources = [
        workload([{"name": "main", "image": one}, {"name": "side", "image": two}], kind, name)
        for kind, name, one, two in listed
    ]
    part = draw(st.booleans())
    drawn = {
        BASE: draw(layer(name="b")),
        OVERLAY: draw(layer(name="o", top=True)),
        **({PART: draw(layer(name="c", component=True))} if part else {}),
    }
    owner = draw(st.sampled_from([BASE, OVERLAY]))
    lists = {BASE: "resources: [all.yaml]\n", OVERLAY: "resources: [../../base]\n", PART: ""}
    if part:
        lists[owner] += "components: [../part]\n" if owner == BASE else "components: [../../part]\n"
    files = {f"{directory}/{name}": body for directory, each in drawn.items() for name, body in each.items()}
    for directory in drawn:
        files[f"{directory}/kustomization.yaml"] += lists[directory].encode()
    return files | {f"{BASE}/all.yaml": yaml.safe_dump_all(resources, sort_keys=False).encode()}


@settings(max_examples=20)
@given(files=trees())
async def test_nothing_that_kustomize_builds_rightly_is_ever_refused(oracle: Trees, files: dict[str, bytes]) -> None:
    refused = bool(await refusal(files))
    words = oracle.words(promoted(files), OVERLAY)
    event(f"kustomize: {words and shows(words)}, refused: {refused}")
    assert not (refused and words and shows(words))
