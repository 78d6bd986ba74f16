"""Which fields the built-in types have, read from the official client's own models."""

import re
from collections.abc import Iterator
from typing import Any

from kubernetes.aio.client import models

_LIST = re.compile(r"^[Ll]ist\[(.+)\]$")
_MAP = re.compile(r"^[Dd]ict[\[(]str, ?(.+)[\])]$")

_MODELS = {
    "Event": "CoreV1Event",
}


def unknown_fields(obj: dict[str, Any], kind: str) -> list[str]:
    """The paths in `obj` that the built-in `kind` does not have, such as `spec.containers[0].colour`."""
    return list(_unknown(obj, _MODELS.get(kind, f"V1{kind}"), ""))


def _unknown(value: Any, type_name: str, path: str) -> Iterator[str]:
    if match := _LIST.match(type_name):
        for index, item in enumerate(value if isinstance(value, list) else ()):
            yield from _unknown(item, match[1], f"{path}[{index}]")
    elif match := _MAP.match(type_name):
        for key, item in (value if isinstance(value, dict) else {}).items():
            yield from _unknown(item, match[1], f"{path}.{key}" if path else key)
    elif isinstance(value, dict) and (model := getattr(models, type_name, None)) is not None:
        types = {model.attribute_map[name]: kind for name, kind in model.openapi_types.items()}
        for key, item in value.items():
            inner = f"{path}.{key}" if path else key
            if key in types:
                yield from _unknown(item, types[key], inner)
            else:
                yield inner
