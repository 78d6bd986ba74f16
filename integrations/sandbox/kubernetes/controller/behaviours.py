"""How the platform's own tasks behave: how long they take, what they write, what they result in.

A task is known by the name of its Task, or by its name in the pipeline. Unknown tasks take a moment, echo their
scripts, and succeed.
"""

from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from integrations.sandbox.kubernetes.tekton.references import Value

from .hooks import Build, Checkout, Hooks, ManifestUpdate, Signing

Object = dict[str, Any]


@dataclass(frozen=True)
class TaskContext:
    """What a task sees: its parameters, and the name of the run that it belongs to."""

    params: Mapping[str, Value]
    run: str
    hooks: Hooks

    def text(self, *names: str) -> str:
        """The first of these parameters that has a text."""
        found = (self.params.get(name) for name in names)
        return next((value for value in found if isinstance(value, str) and value), "")


@dataclass(frozen=True)
class Finish:
    """The end of a task: its results (T6) and its last lines."""

    results: Mapping[str, str] = field(default_factory=dict)
    lines: Sequence[str] = ()


async def _nothing(_: TaskContext) -> Finish:
    return Finish()


@dataclass(frozen=True)
class Behaviour:
    """`seconds`: of the whole task, in the world's time. `lines`: what its main step writes; `failure`: instead of the
    rest, when it is made to fail. `main_step`: the step that does the work, the last one when it is empty."""

    seconds: float = 0.5
    lines: Callable[[TaskContext], Sequence[str]] = lambda _: ()
    failure: Callable[[TaskContext], Sequence[str]] = lambda _: ("Error: the step was made to fail by the sandbox",)
    finish: Callable[[TaskContext], Awaitable[Finish]] = _nothing
    exit_code: int = 1
    main_step: str = ""


def _clone_lines(task: TaskContext) -> list[str]:
    return [f"Cloning {task.text('url')}", f"Fetching {task.text('revision') or 'main'} without blobs"]


def _clone_failure(task: TaskContext) -> list[str]:
    url = task.text("url")
    return [f"fatal: unable to access '{url}/': Could not resolve host", "fatal: could not read from remote repository"]


async def _clone(task: TaskContext) -> Finish:
    url = task.text("url")
    source = await task.hooks.on_fetch(Checkout(url, task.text("revision") or "main", task.run))
    results = {"commit": source.commit, "url": url, "version": source.version}
    return Finish(results, [f"Checked out {source.commit} ({source.version}) of {url}"])


_TESTS = (
    "============================= test session starts ==============================",
    "platform linux -- Python 3.13.5, pytest-8.4.2, pluggy-1.6.0",
    "rootdir: /workspace/source",
    "collected 42 items",
    "",
    "tests/test_api.py ................                                       [ 38%]",
    "tests/test_checkout.py ............                                      [ 66%]",
    "tests/test_orders.py ..............                                      [100%]",
    "",
    "============================== 42 passed in 1.87s ==============================",
)
_FAILED_TESTS = (
    *_TESTS[:6],
    "tests/test_checkout.py .....F......                                      [ 66%]",
    _TESTS[7],
    "",
    "=================================== FAILURES ===================================",
    "_______________________ test_discount_is_applied_once __________________________",
    "",
    "    def test_discount_is_applied_once():",
    "        cart = Cart(items=[Item(price=1000)], discount=Discount(percent=10))",
    "        cart.checkout()",
    ">       assert cart.total == 900",
    "E       assert 810 == 900",
    "E        +  where 810 = Cart(...).total",
    "",
    "tests/test_checkout.py:57: AssertionError",
    "=========================== short test summary info ============================",
    "FAILED tests/test_checkout.py::test_discount_is_applied_once - assert 810 == 900",
    "========================= 1 failed, 41 passed in 1.92s =========================",
)


def _build_lines(task: TaskContext) -> list[str]:
    return [
        "STEP 1/6: FROM docker.io/library/python:3.13.5-slim-bookworm",
        "STEP 2/6: WORKDIR /srv",
        "STEP 3/6: COPY requirements.txt .",
        "STEP 4/6: RUN pip install --no-cache-dir --require-hashes -r requirements.txt",
        "--> Using cache 5f2c8d0a9b41",
        "STEP 5/6: COPY src/ src/",
        'STEP 6/6: ENTRYPOINT ["python", "-m", "src.main"]',
        f"COMMIT {task.text('image')}",
        "Copying blob sha256:2a1f7c5e",
        "Copying config sha256:8c0b1d77",
    ]


def _build_failure(task: TaskContext) -> list[str]:
    return [
        *_build_lines(task)[:4],
        "ERROR: Could not find a version that satisfies the requirement left-pad==9.9.9",
        "ERROR: No matching distribution found for left-pad==9.9.9",
        "Error: building at STEP \"RUN pip install -r requirements.txt\": exit status 1",
    ]  # fmt: skip


def _split(image: str) -> tuple[str, str]:
    """Repository and tag; a port in the registry's host is no tag."""
    repository, colon, tag = image.rpartition(":")
    return (repository, tag) if colon and "/" not in tag else (image, "")


async def _build(task: TaskContext) -> Finish:
    repository, tag = _split(task.text("image", "IMAGE"))
    commit = task.text("commit", "revision")
    tag = tag or task.text("tag") or commit[:12] or "latest"
    image = f"{repository}:{tag}"
    source_url = task.text("source-url", "url", "repo-url")
    digest = await task.hooks.on_image_built(Build(image, repository, tag, commit, source_url, task.run))
    results = {"image": image, "repository": repository, "digest": digest, "tag": tag}
    return Finish(results, [f"Pushed {image}@{digest}"])


async def _sign(task: TaskContext) -> Finish:
    repository, digest = task.text("repository", "image"), task.text("digest")
    await task.hooks.on_sign(Signing(_split(repository)[0], digest))
    return Finish({}, [f"Verification for {repository}@{digest} --", "The signature was verified with the public key"])


def _update_failure(task: TaskContext) -> list[str]:
    app = _split(task.text("image"))[0].rpartition("/")[2]
    return [
        f"The manifest repository has no apps/{app}/overlays/development/kustomization.yaml: create the overlay, "
        "then run the pipeline again."
    ]


async def _update_manifest(task: TaskContext) -> Finish:
    image = task.text("image")
    repository, tag = _split(image)
    app, environment = repository.rpartition("/")[2], task.text("environment") or "development"
    update = ManifestUpdate(
        app,
        environment,
        image,
        repository,
        tag,
        task.text("digest"),
        task.text("commit"),
        task.text("run") or task.run,
        task.text("hold-url"),
    )
    written = await task.hooks.on_update_manifest(update)
    said = (
        f"Not written: {written.held}" if written.held else f"{written.commit[:7]} Deploy {app} {tag} to {environment}"
    )
    return Finish({"commit": written.commit, "held": written.held}, [said])


_CLONE = Behaviour(1.2, _clone_lines, _clone_failure, _clone, exit_code=128)
_TEST = Behaviour(2.4, lambda _: _TESTS, lambda _: _FAILED_TESTS)
_BUILD = Behaviour(2.4, _build_lines, _build_failure, _build)
_SIGN = Behaviour(
    1.0,
    lambda task: [f"Signing {task.text('repository')}@{task.text('digest')}", "Pushing signature"],
    lambda _: ["Error: signing: getting signer: reading key: decrypt: encrypted: decryption failed"],
    _sign,
)
_UPDATE = Behaviour(0.6, lambda task: [f"Cloning {task.text('repository-url')}"], _update_failure, _update_manifest)

BEHAVIOURS: Mapping[str, Behaviour] = {
    "git-clone": _CLONE,
    "fetch-source": _CLONE,
    "run-tests": _TEST,
    "build-and-push": _BUILD,
    "build-push": _BUILD,
    "sign-image": _SIGN,
    "update-manifest": _UPDATE,
}


def behaviour(task: str, pipeline_task: str, table: Mapping[str, Behaviour] = BEHAVIOURS) -> Behaviour:
    return table.get(task) or table.get(pipeline_task) or Behaviour()
