"""Lists: pages (H8), `q` and `sort` (H9)."""

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

from starlette.requests import Request
from starlette.responses import Response

from .errors import bad_request, unprocessable
from .json_response import HarborJson

Item = dict[str, Any]
T = TypeVar("T")
Reader = Callable[[T], Any]


def number(request: Request, name: str, default: int, maximum: int = 2**31) -> int:
    """Raises HarborError 422."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not re.fullmatch(r"-?\d+", text):
        raise unprocessable(f'parsing {name} query value "{text}" failed: expected an integer')
    value = int(text)
    if value < 1:
        raise unprocessable(f"validation failure list:\n{name} in query should be greater than or equal to 1")
    if value > maximum:
        raise unprocessable(f"validation failure list:\n{name} in query should be less than or equal to {maximum}")
    return value


def switch(request: Request, name: str, default: bool = False) -> bool:
    text = request.query_params.get(name)
    if text is None:
        return default
    if text.lower() not in ("true", "false", "1", "0", "t", "f"):
        raise unprocessable(f'validation failure list:\n{name} in query must be of type boolean: "{text}"')
    return text.lower() in ("true", "1", "t")


def page(request: Request, items: Sequence[T], render: Callable[[T], Item]) -> Response:
    """One page, with X-Total-Count and a Link whose query is not escaped again (H8)."""
    current, size = number(request, "page", 1), number(request, "page_size", 10, 100)
    shown = items[(current - 1) * size : current * size]
    response = HarborJson([render(item) for item in shown])
    response.headers["X-Total-Count"] = str(len(items))
    links = []
    if current > 1:
        links.append(_link(request, current - 1, size, "prev"))
    if current * size < len(items):
        links.append(_link(request, current + 1, size, "next"))
    if links:
        response.headers["Link"] = " , ".join(links)
    return response


def _link(request: Request, target: int, size: int, relation: str) -> str:
    others = [(k, v) for k, v in request.query_params.multi_items() if k not in ("page", "page_size")]
    query = "&".join(f"{key}={value}" for key, value in [*others, ("page", target), ("page_size", size)])
    return f'<{request.url.path}?{query}>; rel="{relation}"'


def select(request: Request, items: Sequence[T], fields: Mapping[str, Reader[T]]) -> list[T]:
    """What `q` leaves of `items`, in the order that `sort` names. Raises HarborError 400 for what cannot be read."""
    found = list(items)
    for name, test in _conditions(request.query_params.get("q", "")):
        reader = fields.get(name)
        if reader is None:
            continue
        found = [item for item in found if test(reader(item))]
    for name in reversed([n for n in request.query_params.get("sort", "").split(",") if n]):
        reader = fields.get(name.lstrip("-"))
        if reader is not None:
            found.sort(key=reader, reverse=name.startswith("-"))
    return found


def _conditions(query: str) -> list[tuple[str, Callable[[Any], bool]]]:
    found = []
    for part in filter(None, re.split(r",(?![^\[({]*[\])}])", query)):
        name, equals, value = part.partition("=")
        if not equals:
            raise bad_request(f"invalid query string: the query string must contain '=': {part}")
        found.append((name.strip(), _test(value)))
    return found


def _test(value: str) -> Callable[[Any], bool]:
    if value == "*":
        return bool
    if value == "nil":
        return lambda present: not present
    if value.startswith("~"):
        return lambda present: any(value[1:] in text for text in _texts(present))
    if value[:1] == "[" and value[-1:] == "]":
        low, _, high = value[1:-1].partition("~")
        return lambda present: (not low or str(present) >= low) and (not high or str(present) <= high)
    if value[:1] == "{" and value[-1:] == "}":
        any_of = set(_words(value))
        return lambda present: bool(any_of & set(_texts(present)))
    if value[:1] == "(" and value[-1:] == ")":
        all_of = set(_words(value))
        return lambda present: all_of <= set(_texts(present))
    return lambda present: value in _texts(present)


def _words(value: str) -> list[str]:
    return [word.strip("\"'") for word in value[1:-1].split()]


def _texts(value: Any) -> list[str]:
    return [str(item) for item in value] if isinstance(value, list) else [str(value)]
