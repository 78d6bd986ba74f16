"""Scans over REST: start, stop, log, and the list of what was found."""

from functools import partial

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from . import scan_results, views
from .context import Context
from .errors import bad_request, not_found, precondition, unprocessable
from .json_response import HarborJson


def routes(context: Context) -> list[Route]:
    one = "/projects/{project}/repositories/{repository}/artifacts/{reference}"
    table = [
        (one + "/scan", start, "POST"),
        (one + "/scan/stop", stop, "POST"),
        (one + "/scan/{report}/log", log, "GET"),
        (one + "/additions/vulnerabilities", vulnerabilities, "GET"),
    ]
    return [Route(path, partial(handler, context), methods=[method]) for path, handler, method in table]


async def start(context: Context, request: Request) -> Response:
    """H14: 202 without a body; 409 while one runs; 412 without a scanner; 400 for what cannot be scanned."""
    project, repository, artifact = context.artifact(request, "scan:create")
    await _check_type(request)
    if context.scanner.away:  # H26
        raise bad_request(
            "the configured scanner Trivy does not support scanning artifact with mime type "
            f"{artifact.manifest.media_type}"
        )
    if not project.scanner_enabled:
        raise precondition("no available scanner for project")
    if artifact.subject:
        raise bad_request(f"the configured scanner Trivy does not support scanning artifact with type {artifact.kind}")
    for part in repository.platforms(artifact) or [artifact]:
        context.scanner.start(repository.name, part)
    return Response(status_code=202)


async def stop(context: Context, request: Request) -> Response:
    _, repository, artifact = context.artifact(request, "scan:stop")
    await _check_type(request)
    context.scanner.stop(repository.name, artifact)
    return Response(status_code=202)


async def _check_type(request: Request) -> None:
    if not await request.body():
        return
    try:
        body = await request.json()
    except ValueError as error:
        raise bad_request(f"parsing body body failed: {error}") from error
    kind = body.get("scan_type", "vulnerability") if isinstance(body, dict) else None
    if kind not in ("vulnerability", "sbom"):
        raise unprocessable("scan_type in body should be one of [vulnerability sbom]")


async def log(context: Context, request: Request) -> Response:
    _, _, artifact = context.artifact(request, "scan:read")
    report = artifact.report
    if report is None or report.id != request.path_params["report"]:
        raise not_found(f"report {request.path_params['report']}")
    found = f"{views.second(report.start)} [INFO] [/pkg/scan/job.go]: Report {report.id}: {report.status}\n"
    return PlainTextResponse(found)


async def vulnerabilities(context: Context, request: Request) -> Response:
    """H13: `{}` when there is no finished report of an accepted type."""
    _, repository, artifact = context.artifact(request, "artifact-addition:read")
    mime = views.accepted_report_type(request.headers.get("x-accept-vulnerabilities", views.REPORT_TYPE))
    report = scan_results.merged(repository, artifact)
    if not mime or report is None or report.status != "Success":
        return HarborJson({})
    return HarborJson({mime: views.vulnerability_report(report)})
