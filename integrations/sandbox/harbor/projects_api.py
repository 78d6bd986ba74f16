"""Projects, their metadata and repositories; labels, robots; what the whole system says of itself."""

import secrets
from functools import partial
from typing import Any

from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route

from . import views
from .accounts import Robot
from .context import Context
from .errors import bad_request, conflict, not_found
from .json_response import HarborJson
from .queries import page, select

Json = dict[str, Any]


def routes(context: Context) -> list[Route]:
    table = [
        ("/ping", ping, "GET"),
        ("/health", health, "GET"),
        ("/systeminfo", system_info, "GET"),
        ("/system/CVEAllowlist", system_allowlist, "GET"),
        ("/projects", list_projects, "GET"),
        ("/projects/{project}", get_project, "GET"),
        ("/projects/{project}/metadatas/", get_metadata, "GET"),
        ("/projects/{project}/metadatas/{name}", get_one_metadata, "GET"),
        ("/projects/{project}/metadatas/{name}", put_metadata, "PUT"),
        ("/projects/{project}/scanner", get_scanner, "GET"),
        ("/projects/{project}/repositories", list_repositories, "GET"),
        ("/projects/{project}/repositories/{repository}", get_repository, "GET"),
        ("/repositories", list_all_repositories, "GET"),
        ("/labels", list_labels, "GET"),
        ("/robots", list_robots, "GET"),
        ("/robots", create_robot, "POST"),
    ]
    return [Route(path, partial(handler, context), methods=[method]) for path, handler, method in table]


async def ping(context: Context, request: Request) -> Response:  # noqa: ARG001
    return PlainTextResponse("Pong")


async def health(context: Context, request: Request) -> Response:  # noqa: ARG001
    names = ("core", "database", "jobservice", "portal", "redis", "registry", "registryctl", "trivy")
    return HarborJson({"status": "healthy", "components": [{"name": n, "status": "healthy"} for n in names]})


async def system_info(context: Context, request: Request) -> Response:
    shown: Json = {"auth_mode": "db_auth", "primary_auth_mode": False, "self_registration": False}
    if context.caller(request).name:
        # Only who is logged in may know.
        shown |= {
            "harbor_version": context.version,
            "external_url": f"https://{context.registry_host}",
            "registry_url": context.registry_host,
            "project_creation_restriction": "adminonly",
            "has_ca_root": False,
            "read_only": bool(context.faults and context.faults.now.harbor_read_only),
            "notification_enable": True,
            "registry_storage_provider_name": "filesystem",
            "current_time": views.moment(context.clock.now()),
        }
    return HarborJson(shown)


async def system_allowlist(context: Context, request: Request) -> Response:
    if not context.caller(request).name:
        context.require_admin(request)
    now = views.moment(context.clock.now())
    items = [{"cve_id": cve} for cve in context.inventory.system_allowlist]
    return HarborJson({"id": 1, "project_id": 0, "items": items, "creation_time": now, "update_time": now})


async def list_projects(context: Context, request: Request) -> Response:
    caller = context.caller(request)
    found = [p for p in context.inventory.projects.values() if context.allowed(caller, p, "project:read")]
    if name := request.query_params.get("name"):
        found = [project for project in found if name in project.name]
    selected = select(request, found, {"name": lambda p: p.name, "project_id": lambda p: p.id})
    return page(request, selected, lambda p: views.project(p, context.metadata(p)))


async def get_project(context: Context, request: Request) -> Response:
    project = context.project(request)
    return HarborJson(views.project(project, context.metadata(project)))


async def get_metadata(context: Context, request: Request) -> Response:
    return HarborJson(context.project(request).metadata)


async def get_one_metadata(context: Context, request: Request) -> Response:
    metadata, name = context.project(request).metadata, request.path_params["name"]
    if name not in metadata:
        raise not_found(f"project metadata {name}")
    return HarborJson({name: metadata[name]})


async def put_metadata(context: Context, request: Request) -> Response:
    """H16: exactly one key, and its value is a string."""
    project, name = context.project(request, "metadata:update"), request.path_params["name"]
    body = await _object(request)
    if list(body) != [name] or not isinstance(body[name], str):
        raise bad_request("only allow set/update one metadata each time")
    project.metadata[name] = body[name]
    return Response()


async def get_scanner(context: Context, request: Request) -> Response:
    project = context.project(request)
    scanner = {
        "uuid": "5f62c830-f996-11e9-957f-0242c0a89008",
        "name": "Trivy",
        "description": "The Trivy scanner adapter",
        "url": "http://trivy-adapter:8080",
        "disabled": not project.scanner_enabled,
        "is_default": True,
        "health": "healthy",
        "auth": "",
        "access_credential": "",
        "skip_certVerify": False,
        "use_internal_addr": True,
        "adapter": "Trivy",
        "vendor": "Aqua Security",
        "version": "v0.66.0",
        "create_time": views.moment(project.created),
        "update_time": views.moment(project.created),
        "capabilities": {"support_vulnerability": True, "support_sbom": True},
    }
    return HarborJson(scanner)


async def list_repositories(context: Context, request: Request) -> Response:
    project = context.project(request, "repository:list")
    found = select(request, list(project.repositories.values()), {"name": lambda r: r.name, "id": lambda r: r.id})
    return page(request, found, lambda r: views.repository(r, project.id))


async def get_repository(context: Context, request: Request) -> Response:
    project, repository = context.repository(request)
    return HarborJson(views.repository(repository, project.id))


async def list_all_repositories(context: Context, request: Request) -> Response:
    caller = context.caller(request)
    found = [(p, r) for p, r in context.inventory.repositories() if context.allowed(caller, p, "project:read")]
    selected = select(request, found, {"name": lambda pair: pair[1].name, "id": lambda pair: pair[1].id})
    return page(request, selected, lambda pair: views.repository(pair[1], pair[0].id))


async def list_labels(context: Context, request: Request) -> Response:
    if not context.caller(request).name:
        context.require_admin(request)
    found = list(context.inventory.labels.values())
    if name := request.query_params.get("name"):
        found = [label for label in found if name in label.name]
    return page(request, select(request, found, {"name": lambda label: label.name}), views.label)


async def list_robots(context: Context, request: Request) -> Response:
    context.require_admin(request)
    robots = list(context.accounts.robots.values())
    return page(request, select(request, robots, {"name": lambda robot: robot.name}), _robot)


def _robot(robot: Robot) -> Json:
    return {
        "id": robot.id,
        "name": robot.name,
        "level": robot.level,
        "duration": -1,
        "expires_at": robot.expires_at,
        "disable": robot.disabled,
        "editable": True,
        "creation_time": views.moment(robot.created),
        "update_time": views.moment(robot.created),
        "permissions": [
            {"kind": "project", "namespace": name, "access": [{"resource": "repository", "action": "pull"}]}
            for name in sorted(robot.projects) or ["*"]
        ],
    }


async def create_robot(context: Context, request: Request) -> Response:
    """H3: the full name and the secret, once."""
    context.require_admin(request)
    body = await _object(request)
    name, permissions = body.get("name", ""), body.get("permissions") or []
    if not name or not permissions or not (body.get("duration", 0) == -1 or body.get("duration", 0) > 0):
        raise bad_request("bad request: name, permissions and a duration of -1 or more than 0 days are required")
    full = f"robot${name}" if body.get("level") == "system" else f"robot${permissions[0].get('namespace')}+{name}"
    if full in context.accounts.robots:
        raise conflict(f"robot account {full} already exists")
    projects = frozenset(p["namespace"] for p in permissions if p.get("namespace") not in (None, "*", "/"))
    robot = context.accounts.add(full, secrets.token_urlsafe(24), context.clock.now(), projects)
    robot.permissions = frozenset(f"{a['resource']}:{a['action']}" for p in permissions for a in p.get("access") or ())
    if body["duration"] > 0:
        robot.expires_at = int(context.clock.now().timestamp()) + 86400 * int(body["duration"])
    shown = {
        "id": robot.id, "name": robot.name, "secret": robot.secret, "creation_time": views.moment(robot.created),
        "expires_at": robot.expires_at,
    }  # fmt: skip
    return HarborJson(shown, 201, headers={"Location": f"/api/v2.0/robots/{robot.id}"})


async def _object(request: Request) -> Json:
    try:
        found = await request.json()
    except ValueError as error:
        raise bad_request(f"parsing body body failed: {error}") from error
    if not isinstance(found, dict):
        raise bad_request("parsing body body failed: expected an object")
    return found
