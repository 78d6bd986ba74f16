"""The registry API, /v2/, with its token service (H24, C5)."""

from functools import partial

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from . import pull_policy, views
from .content import INDEX
from .context import Context
from .errors import HarborError, not_found
from .json_response import HarborJson
from .model import Artifact, Project, StoredRepository

SERVICE = "harbor-registry"


def routes(context: Context) -> list[Route]:
    table = [
        ("/service/token", token),
        ("/v2/", base),
        ("/v2/{repository:path}/manifests/{reference}", manifest),
        ("/v2/{repository:path}/blobs/{digest}", blob),
        ("/v2/{repository:path}/referrers/{digest}", referrers),
        ("/v2/{repository:path}/tags/list", tags),
    ]
    return [Route(path, partial(handler, context), methods=["GET", "HEAD"]) for path, handler in table]


async def token(context: Context, request: Request) -> Response:
    """Anyone gets a token; it is good for what its owner may (H4)."""
    value = context.accounts.token(context.caller(request))
    issued = views.second(context.clock.now())
    return JSONResponse({"token": value, "access_token": value, "expires_in": 1800, "issued_at": issued})


async def base(context: Context, request: Request) -> Response:
    _authenticated(context, request, "")
    return JSONResponse({}, headers={"Docker-Distribution-Api-Version": "registry/2.0"})


async def manifest(context: Context, request: Request) -> Response:
    project, repository = _repository(context, request)
    artifact = repository.find(request.path_params["reference"])
    if artifact is None:
        raise _absent(repository, request.path_params["reference"])
    if request.method == "GET":
        pull_policy.check(context, project, repository, artifact)
        artifact.pulled = context.clock.now()
        repository.pulls += 1
    found = artifact.manifest
    headers = {"Docker-Content-Digest": found.digest, "Docker-Distribution-Api-Version": "registry/2.0"}
    return Response(found.data, headers=headers, media_type=found.media_type)


async def blob(context: Context, request: Request) -> Response:
    _, repository = _repository(context, request)
    digest = request.path_params["digest"]
    data = context.inventory.blob(repository.name, digest)
    return Response(data, headers={"Docker-Content-Digest": digest}, media_type="application/octet-stream")


async def referrers(context: Context, request: Request) -> Response:
    """C5: an absent subject is an empty index, not a 404; a filter that was applied is named in a header."""
    _, repository = _repository(context, request)
    subject, wanted = request.path_params["digest"], request.query_params.get("artifactType", "")
    found = [_descriptor(a) for a in repository.artifacts if a.manifest.subject == subject]
    if wanted:
        found = [descriptor for descriptor in found if descriptor["artifactType"] == wanted]
    index = {"schemaVersion": 2, "mediaType": INDEX, "manifests": found}
    response = JSONResponse(index, media_type=INDEX)
    response.headers["X-Total-Count"] = str(len(found))
    if wanted:
        response.headers["OCI-Filters-Applied"] = "artifactType"
    return response


def _descriptor(artifact: Artifact) -> dict[str, object]:
    document = artifact.manifest.document
    descriptor: dict[str, object] = {
        "mediaType": artifact.manifest.media_type,
        "digest": artifact.digest,
        "size": len(artifact.manifest.data),
        "artifactType": document.get("artifactType") or document["config"]["mediaType"],
    }
    if annotations := document.get("annotations"):
        descriptor["annotations"] = annotations
    return descriptor


async def tags(context: Context, request: Request) -> Response:
    _, repository = _repository(context, request)
    names = sorted(tag.name for artifact in repository.artifacts for tag in artifact.tags)
    return HarborJson({"name": repository.name, "tags": names})


def _repository(context: Context, request: Request) -> tuple[Project, StoredRepository]:
    name = request.path_params["repository"]
    _authenticated(context, request, f"repository:{name}:pull")
    project = context.inventory.projects.get(name.partition("/")[0])
    caller = context.caller(request)
    if project is None or not context.allowed(caller, project, "repository:pull"):
        raise _challenge(request, f"repository:{name}:pull")
    return context.inventory.repository(name)


def _authenticated(context: Context, request: Request, scope: str) -> None:
    """H24: without Authorization even a public project is challenged. `/v2/` itself wants somebody."""
    if not request.headers.get("authorization"):
        raise _challenge(request, scope)
    if not scope and not context.caller(request).name:
        raise _challenge(request, scope)


def _challenge(request: Request, scope: str) -> HarborError:
    realm = f"{request.url.scheme}://{request.headers.get('host', 'localhost')}/service/token"
    value = f'Bearer realm="{realm}",service="{SERVICE}"'
    if scope:
        value += f',scope="{scope}"'
    return HarborError(401, "UNAUTHORIZED", "unauthorized to access repository", {"Www-Authenticate": value})


def _absent(repository: StoredRepository, reference: str) -> HarborError:
    joiner = "@" if reference.startswith("sha256:") else ":"
    return not_found(f"artifact {repository.name}{joiner}{reference}")
