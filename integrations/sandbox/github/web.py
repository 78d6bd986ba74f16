"""Bodies, pages and conditional answers, the same on every route."""

import hashlib
import json
from typing import Any

from starlette.requests import Request
from starlette.responses import Response

from integrations.sandbox.github.errors import GitHubError, invalid

JSON = dict[str, Any]

PER_PAGE, MOST_PER_PAGE = 30, 100


async def body(request: Request, resource: str, *required: str) -> JSON:
    """The JSON object of a request. Raises GitHubError 400, or 422 for a missing field."""
    raw = await request.body()
    try:
        value = json.loads(raw or b"{}")
    except ValueError as error:
        raise GitHubError(400, "Problems parsing JSON") from error
    if not isinstance(value, dict):
        raise GitHubError(400, "Body should be a JSON object")
    for field in required:
        if value.get(field) is None:
            raise invalid(resource, field, "missing_field")
    return value


def answer(request: Request, value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    """JSON with an ETag; 304 when the caller has it already (G16)."""
    content = json.dumps(value).encode()
    etag = f'W/"{hashlib.sha256(content).hexdigest()}"'
    extra = {"ETag": etag, "X-GitHub-Media-Type": "github.v3; format=json", **(headers or {})}
    if request.method == "GET" and status == 200 and request.headers.get("if-none-match") == etag:
        return Response(status_code=304, headers=extra)
    return Response(content, status, extra, media_type="application/json")


def paging(request: Request) -> tuple[int, int]:
    """(page from 1, entries a page): 30 by default, at most 100 (G9)."""
    query = request.query_params
    try:
        page, size = int(query.get("page") or 1), int(query.get("per_page") or PER_PAGE)
    except ValueError:
        page, size = 1, PER_PAGE
    return max(page, 1), min(max(size, 1), MOST_PER_PAGE)


def page_headers(request: Request, total: int) -> dict[str, str]:
    """The `Link` header of one page of `total` entries."""
    page, size = paging(request)
    last = max(-(-total // size), 1)
    targets = {"prev": page - 1, "next": page + 1, "last": last, "first": 1}
    if page <= 1:
        targets.pop("prev")
        targets.pop("first")
    if page >= last:
        targets.pop("next", None)
        targets.pop("last", None)
    links = [f'<{request.url.include_query_params(page=number)}>; rel="{rel}"' for rel, number in targets.items()]
    return {"Link": ", ".join(links)} if links else {}


def paged(request: Request, items: list[Any], wrap: str = "") -> Response:
    """One page of a list; `wrap` names the field of an answer of the form {total_count, …}."""
    page, size = paging(request)
    chosen = items[(page - 1) * size : page * size]
    value = {"total_count": len(items), wrap: chosen} if wrap else chosen
    return answer(request, value, headers=page_headers(request, len(items)))
