"""`.../repositories/{repository}/artifacts`: what is pushed, its tags, labels, accessories."""

from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from . import scan_results, views
from .context import Context
from .errors import bad_request, conflict, not_found
from .json_response import HarborJson
from .model import Artifact, Project, StoredRepository
from .queries import Reader, page, select, switch

Json = dict[str, Any]

_FIELDS: dict[str, Reader[Artifact]] = {
    "id": lambda a: a.id,
    "digest": lambda a: a.digest,
    "tags": lambda a: [tag.name for tag in a.tags],
    "push_time": lambda a: views.moment(a.pushed),
    "pull_time": lambda a: views.moment(a.pulled),
    "labels": lambda a: [label.id for label in a.labels],
    "type": lambda a: "IMAGE" if not a.subject else "SIGNATURE.COSIGN",
    "media_type": lambda a: a.manifest.document.get("config", {}).get("mediaType", ""),
}


def routes(context: Context) -> list[Route]:
    base = "/projects/{project}/repositories/{repository}/artifacts"
    one = base + "/{reference}"
    table = [
        (base, list_artifacts, "GET"),
        (one, get_artifact, "GET"),
        (one, delete_artifact, "DELETE"),
        (one + "/tags", list_tags, "GET"),
        (one + "/tags", create_tag, "POST"),
        (one + "/tags/{tag}", delete_tag, "DELETE"),
        (one + "/labels", add_label, "POST"),
        (one + "/labels/{label:int}", remove_label, "DELETE"),
        (one + "/accessories", list_accessories, "GET"),
    ]
    return [Route(path, partial(handler, context), methods=[method]) for path, handler, method in table]


async def list_artifacts(context: Context, request: Request) -> Response:
    project, repository = context.repository(request, "artifact:list")
    found = sorted(repository.images(), key=lambda a: a.pushed, reverse=True)
    return page(request, select(request, found, _FIELDS), lambda a: _shown(context, request, a, repository, project))


async def get_artifact(context: Context, request: Request) -> Response:
    project, repository, artifact = context.artifact(request)
    return HarborJson(_shown(context, request, artifact, repository, project))


def _shown(
    context: Context, request: Request, artifact: Artifact, repository: StoredRepository, project: Project
) -> Json:
    """H10: tags by default, the rest when asked. `with_signature` does nothing."""
    shown = views.artifact(artifact, repository, project.id)
    if switch(request, "with_tag", default=True):
        shown["tags"] = [views.tag(tag, artifact, repository.id) for tag in artifact.tags] or None
    if switch(request, "with_label"):
        shown["labels"] = [views.label(label) for label in artifact.labels] or None
    if switch(request, "with_accessory"):
        attached = repository.accessories(artifact.digest)
        shown["accessories"] = [views.accessory(a, artifact, repository.name) for a in attached] or None
    mime = views.accepted_report_type(request.headers.get("x-accept-vulnerabilities", ""))
    if switch(request, "with_scan_overview") and mime and not context.scanner.away:  # H26
        summary = scan_results.summary(repository, artifact)
        if summary is not None:
            shown["scan_overview"] = {mime: summary}
    return shown


async def delete_artifact(context: Context, request: Request) -> Response:
    _, repository, artifact = context.artifact(request, "artifact:delete")
    context.scanner.forget(artifact)
    repository.artifacts = [a for a in repository.artifacts if a is not artifact and a.subject != artifact.digest]
    return Response()


async def list_tags(context: Context, request: Request) -> Response:
    _, repository, artifact = context.artifact(request, "tag:list")
    found = select(request, artifact.tags, {"name": lambda tag: tag.name, "id": lambda tag: tag.id})
    return page(request, found, lambda tag: views.tag(tag, artifact, repository.id))


async def create_tag(context: Context, request: Request) -> Response:
    _, repository, artifact = context.artifact(request, "tag:create")
    name = (await _object(request)).get("name", "")
    if not name:
        raise bad_request("the name of the tag is required")
    if any(tag.name == name for tag in artifact.tags):
        raise conflict(f"tag {name} already exists")
    context.inventory.tag(repository, artifact, name, context.clock.now())
    return Response(status_code=201, headers={"Location": f"{request.url.path}/{name}"})


async def delete_tag(context: Context, request: Request) -> Response:
    _, _, artifact = context.artifact(request, "tag:delete")
    name = request.path_params["tag"]
    kept = [tag for tag in artifact.tags if tag.name != name]
    if len(kept) == len(artifact.tags):
        raise not_found(f"tag {name}")
    artifact.tags = kept
    return Response()


async def add_label(context: Context, request: Request) -> Response:
    _, _, artifact = context.artifact(request, "artifact-label:create")
    label = context.inventory.labels.get((await _object(request)).get("id", 0))
    if label is None:
        raise not_found("label")
    if label in artifact.labels:
        raise conflict(f"label {label.id} is already added to the artifact")
    artifact.labels.append(label)
    return Response()


async def remove_label(context: Context, request: Request) -> Response:
    _, _, artifact = context.artifact(request, "artifact-label:delete")
    label = context.inventory.labels.get(request.path_params["label"])
    if label is None or label not in artifact.labels:
        raise not_found("label")
    artifact.labels.remove(label)
    return Response()


async def list_accessories(context: Context, request: Request) -> Response:
    _, repository, artifact = context.artifact(request, "accessory:list")
    fields: dict[str, Reader[Artifact]] = {**_FIELDS, "type": lambda a: a.kind}
    found = select(request, repository.accessories(artifact.digest), fields)
    return page(request, found, lambda a: views.accessory(a, artifact, repository.name))


async def _object(request: Request) -> Json:
    try:
        found = await request.json()
    except ValueError as error:
        raise bad_request(f"parsing body body failed: {error}") from error
    if not isinstance(found, dict):
        raise bad_request("parsing body body failed: expected an object")
    return found
