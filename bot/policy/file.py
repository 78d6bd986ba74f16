"""Read pilothouse.yaml, and say of every mistake where it is and how to fix it."""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import YAMLError

from bot.domain.errors import PolicyError
from bot.policy.contradictions import Place, contradictions
from bot.policy.model import Policy
from bot.policy.parts import PolicyPart
from bot.runtime.spelling import nearest

Check = Callable[[Policy], Iterable[tuple[Place, str]]]
"""Mistakes, each with its place in the file."""


def load(path: Path, further: Check | None = None) -> Policy:
    """Raises PolicyError, one line per mistake, each with the line it is on.

    `further` is what to look for that the policy cannot know alone.
    """
    try:
        text = path.read_text()
    except (OSError, UnicodeDecodeError) as error:
        raise PolicyError(
            f"{path.name} cannot be read: {error}. Name the policy file in PILOTHOUSE_POLICY_FILE."
        ) from error
    return parse(text, path.name, further)


def parse(text: str, name: str = "pilothouse.yaml", further: Check | None = None) -> Policy:
    """The policy that a file's text describes. Raises PolicyError."""
    try:
        document = YAML(typ="rt").load(text)
    except YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        where = f"{name}:{mark.line + 1}" if mark else name
        raise PolicyError(f"{where}: not valid YAML: {getattr(error, 'problem', None) or error}") from error
    document = CommentedMap() if document is None else document
    if not isinstance(document, CommentedMap):
        raise PolicyError(f"{name}:1: expected a mapping with environments, roles and bindings")
    try:
        policy = Policy.model_validate(_plain(document))
    except ValidationError as error:
        raise PolicyError("\n".join(_mistake(name, document, e) for e in error.errors())) from error
    found = [*contradictions(policy), *(further(policy) if further else ())]
    if mistakes := _located(name, document, found):
        raise PolicyError("\n".join(mistakes))
    return policy


def lines(path: Path, found: Iterable[tuple[Place, str]]) -> list[str]:
    """What was found in a policy that could be read, each with the line it is on."""
    return _located(path.name, YAML(typ="rt").load(path.read_text()), found)


def _located(name: str, document: Any, found: Iterable[tuple[Place, str]]) -> list[str]:
    return [f"{name}:{line_of(document, place)}: {what}" for place, what in found]


def line_of(document: Any, place: tuple[str | int, ...]) -> int:
    """The line (from 1) of the deepest part of `place` that is really in the file."""
    line = 1
    node = document
    for step in place:
        try:
            if isinstance(node, CommentedMap) and step in node:
                line = node.lc.key(step)[0] + 1
            elif isinstance(node, CommentedSeq) and isinstance(step, int) and step < len(node):
                line = node.lc.item(step)[0] + 1
            else:
                break
        except KeyError:
            break
        node = node[step]
    return line


def _plain(value: Any) -> Any:
    if isinstance(value, dict):
        return {str(key): _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return tuple(_plain(item) for item in value)
    return value


def _mistake(name: str, document: Any, error: Any) -> str:
    place = tuple(error["loc"])
    where = f"{name}:{line_of(document, place)}: {'.'.join(str(step) for step in place)}"
    if error["type"] == "extra_forbidden":
        return f"{where}: unknown key.{nearest(str(place[-1]), KNOWN_KEYS)}"
    if error["type"] == "missing":
        return f"{where}: is missing"
    return f"{where}: {error['msg'].removeprefix('Value error, ')}"


def _keys_of(part: type[PolicyPart]) -> set[str]:
    own = {field.alias or key for key, field in part.model_fields.items()}
    return own.union(*(_keys_of(child) for child in part.__subclasses__()))


KNOWN_KEYS = _keys_of(PolicyPart)
