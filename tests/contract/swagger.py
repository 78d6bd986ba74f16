"""Requests and answers on a real socket, held against an official Swagger 2.0 description."""

import functools
import json
import re
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import parse_qs

from jsonschema import Draft4Validator
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from tests.contract.specs import CONTRACTS, Schema, load, unknown_fields

BY_VALUE = {
    "boolean": re.compile(r"true|false"),
    "integer": re.compile(r"-?\d+"),
    "number": re.compile(r"-?\d+(\.\d+)?"),
}

# Every Kubernetes object has them; Argo CD's description leaves them out.
TYPE_META = (".apiVersion: unknown field", ".kind: unknown field")


@dataclass(frozen=True)
class Operation:
    id: str
    template: str
    path: re.Pattern[str]
    method: str
    parameters: tuple[Schema, ...]
    responses: dict[str, Schema]


@dataclass
class Exchange:
    """One request and what it was answered."""

    method: str
    path: str
    query: dict[str, list[str]]
    headers: dict[str, str]
    body: bytes
    status: int = 0
    answer: bytes = b""
    answered_with: str = ""


@dataclass
class Description:
    """A Swagger 2.0 document, and where it is known to be wrong about its own server.

    extra: query parameters that are read though it omits them. also_answered: statuses that it omits. misdescribed:
    parts of problems that are the document's own. deep: path parameters that may hold slashes.
    """

    name: str
    extra: dict[str, frozenset[str]] = field(default_factory=dict)
    also_answered: dict[str, frozenset[int]] = field(default_factory=dict)
    misdescribed: tuple[str, ...] = ()
    deep: frozenset[str] = frozenset()

    @property
    def present(self) -> bool:
        return (CONTRACTS / self.name).exists()

    @functools.cached_property
    def document(self) -> Schema:
        return load(self.name)

    @functools.cached_property
    def _definitions(self) -> Schema:
        found: Schema = nullable(self.document["definitions"])
        return found

    @functools.cached_property
    def operations(self) -> tuple[Operation, ...]:
        base = self.document.get("basePath", "").rstrip("/")
        found = []
        for template, methods in self.document["paths"].items():
            pattern = re.compile(re.sub(r"\\\{([^/]+?)\\\}", self._segment, re.escape(base + template)))
            for method, described in methods.items():
                if method in ("get", "put", "post", "patch", "delete", "head"):
                    parameters = tuple(self._resolved(p) for p in described.get("parameters", ()))
                    found.append(
                        Operation(
                            described["operationId"], template, pattern, method, parameters, described["responses"]
                        )
                    )
        return tuple(sorted(found, key=lambda o: o.template.count("{")))

    def _segment(self, parameter: re.Match[str]) -> str:
        return ".+" if parameter[1] in self.deep else "[^/]+"

    def operation(self, exchange: Exchange) -> Operation | None:
        fits = (o for o in self.operations if o.method == exchange.method.lower() and o.path.fullmatch(exchange.path))
        return next(fits, None)

    def problems(self, exchange: Exchange) -> list[str]:
        """What the description does not allow in the request, and in the answer when it is a success."""
        operation = self.operation(exchange)
        if operation is None:
            return [f"no operation {exchange.method} {exchange.path}"]
        wrong = [*self._query(operation, exchange), *self._headers(operation, exchange)]
        body = next((p for p in operation.parameters if p["in"] == "body"), None)
        if body is None:
            wrong += ["a body that is not described"] if exchange.body else []
        elif exchange.body or body.get("required"):
            wrong += self._schema(body["schema"], json.loads(exchange.body or b"null"))
        found = [f"{operation.id}: {problem}" for problem in [*wrong, *self._answer(operation, exchange)]]
        return [problem for problem in found if not any(known in problem for known in self.misdescribed)]

    def _query(self, operation: Operation, exchange: Exchange) -> list[str]:
        known = {p["name"]: p for p in operation.parameters if p["in"] == "query"}
        wrong = [
            f"query: {name} is required"
            for name, p in known.items()
            if p.get("required") and name not in exchange.query
        ]
        for name, values in exchange.query.items():
            if name in self.extra.get(operation.id, ()):
                continue
            if name not in known:
                wrong.append(f"query: {name} is not described")
                continue
            described = known[name]
            many = described["type"] == "array"
            if len(values) > 1 and not many:
                wrong.append(f"query: {name} is given more than once")
            pattern = BY_VALUE.get(described["items"]["type"] if many else described["type"])
            wrong += [
                f"query: {name}={v} is no {described['type']}" for v in values if pattern and not pattern.fullmatch(v)
            ]
            if "maximum" in described and int(values[0]) > described["maximum"]:
                wrong.append(f"query: {name}={values[0]} is above {described['maximum']}")
        return wrong

    @staticmethod
    def _headers(operation: Operation, exchange: Exchange) -> list[str]:
        described = {p["name"].lower() for p in operation.parameters if p["in"] == "header"}
        return [f"header: {h} is not described" for h in exchange.headers if h.startswith("x-") and h not in described]

    def _answer(self, operation: Operation, exchange: Exchange) -> list[str]:
        status = str(exchange.status)
        if status not in operation.responses and "default" not in operation.responses:
            known = exchange.status in self.also_answered.get(operation.id, ())
            return [] if known else [f"answered {status}, which is not described"]
        schema = operation.responses.get(status, {}).get("schema")
        if schema is None or "json" not in exchange.answered_with or not exchange.answer:
            return []
        problems = self._schema(schema, json.loads(exchange.answer))
        return [f"answer: {problem}" for problem in problems if not problem.endswith(TYPE_META)]

    def _schema(self, schema: Schema, value: Any) -> list[str]:
        rooted = {**schema, "definitions": self._definitions}
        wrong = [f"{error.json_path}: {error.message}" for error in Draft4Validator(rooted).iter_errors(value)]
        return wrong + [f"{path}: unknown field" for path in unknown_fields(schema, self.document, value, "$")]

    def _resolved(self, parameter: Schema) -> Schema:
        reference = parameter.get("$ref")
        if reference is None:
            return parameter
        found: Schema = self.document["parameters"][reference.rpartition("/")[2]]
        return found


def nullable(value: Any) -> Any:
    """Go writes an absent list, map or free-form object as null; the descriptions do not say so."""
    if isinstance(value, list):
        return [nullable(item) for item in value]
    if not isinstance(value, dict):
        return value
    changed = {key: nullable(item) for key, item in value.items()}
    if changed.get("type") in ("array", "object") and "properties" not in changed:
        changed["type"] = [changed["type"], "null"]
    return changed


@dataclass
class Held:
    """An ASGI app whose every exchange is kept and held against the description."""

    app: ASGIApp
    description: Description
    exchanges: list[Exchange] = field(default_factory=list)
    streams: frozenset[str] = frozenset()

    def problems(self) -> list[str]:
        """None where there is no description: the clients are tested all the same."""
        if not self.description.present:
            return []
        return [problem for exchange in self.exchanges for problem in self.description.problems(exchange)]

    def operations(self) -> set[str]:
        found = (self.description.operation(exchange) for exchange in self.exchanges)
        return {operation.id for operation in found if operation}

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self.app(scope, receive, send)
            return
        query = parse_qs(scope["query_string"].decode(), keep_blank_values=True)
        headers = {key.decode(): value.decode() for key, value in scope["headers"]}
        exchange = Exchange(scope["method"], scope["raw_path"].decode(), query, headers, b"")
        self.exchanges.append(exchange)

        async def received() -> Message:
            message = await receive()
            exchange.body += message.get("body", b"")
            return message

        async def sent(message: Message) -> None:
            if message["type"] == "http.response.start":
                exchange.status = message["status"]
                exchange.answered_with = dict(message["headers"]).get(b"content-type", b"").decode()
            elif not self._streams(exchange):
                exchange.answer += message.get("body", b"")
            await send(message)

        await self.app(scope, received, sent)

    def _streams(self, exchange: Exchange) -> bool:
        if not self.description.present:
            return False
        operation = self.description.operation(exchange)
        return operation is not None and operation.id in self.streams
