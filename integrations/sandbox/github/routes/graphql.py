"""`POST /graphql`: errors are HTTP 200 with a `type` (G2, G3)."""

from typing import TYPE_CHECKING, Any

from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route

from integrations.sandbox.github.hub import JSON, Hub
from integrations.sandbox.github.web import body

if TYPE_CHECKING:
    from graphql import GraphQLError


class GraphQLRoutes:
    def __init__(self, hub: Hub) -> None:
        self._hub = hub

    def routes(self) -> list[Route]:
        return [Route("/graphql", self.execute, methods=["POST"])]

    async def execute(self, request: Request) -> Response:
        # The library takes 0.15 seconds to load, and few ask anything here.
        from graphql import graphql

        from integrations.sandbox.github.graphql_root import Root
        from integrations.sandbox.github.graphql_schema import served_schema

        self._hub.base = str(request.base_url).rstrip("/")
        _, principal = self._hub.access.principal(request)
        asked = await body(request, "Query", "query")
        result = await graphql(
            served_schema(),
            str(asked["query"]),
            root_value=Root(self._hub, principal),
            variable_values=asked.get("variables") or {},
            operation_name=asked.get("operationName"),
        )
        answer: JSON = {} if result.data is None else {"data": result.data}
        if result.errors:
            answer["errors"] = [_error(error) for error in result.errors]
        return JSONResponse(answer)


def _error(error: "GraphQLError") -> dict[str, Any]:
    """GitHub puts `type` beside the message."""
    shape: dict[str, Any] = dict(error.formatted)
    extensions = shape.pop("extensions", {})
    return {"type": extensions["type"], **shape} if "type" in extensions else shape
