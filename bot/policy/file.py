"""Read pilothouse.yaml, and say of every mistake where it is and how to fix it."""

import re
from collections.abc import Callable, Iterable
from functools import lru_cache
from operator import itemgetter
from pathlib import Path
from typing import Any

from pydantic import ValidationError
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.constructor import DuplicateKeyError
from ruamel.yaml.error import YAMLError

from bot.domain.errors import PolicyError
from bot.policy.contradictions import contradictions
from bot.policy.model import Policy
from bot.policy.remainder import hides_others, place_before, without
from bot.runtime.mistakes import Place, mistakes

Check = Callable[[Policy], Iterable[tuple[Place, str]]]
"""Mistakes, each with its place in the file."""


def load(path: Path, further: Check | None = None) -> Policy:
    """Raises PolicyError, one line per mistake, each with the line it is on.

    `further` is what to look for that the policy cannot know alone.
    """
    return parse(_text(path), path.name, further)


def _text(path: Path) -> str:
    try:
        return path.read_text()
    except FileNotFoundError as error:
        raise PolicyError(
            f"There is no policy file {path}. `pilothouse init` writes one; PILOTHOUSE_POLICY_FILE says where it is."
        ) from error
    except OSError as error:
        raise PolicyError(f"The policy file {path} cannot be read: {error.strerror}.") from error
    except UnicodeDecodeError as error:
        raise PolicyError(f"The policy file {path} is not text: save it as UTF-8.") from error


def parse(text: str, name: str = "pilothouse.yaml", further: Check | None = None) -> Policy:
    """The policy that a file's text describes. Raises PolicyError."""
    try:
        document = _read(text)
    except YAMLError as error:
        raise PolicyError(_unreadable(name, error)) from error
    document = CommentedMap() if document is None else document
    if not isinstance(document, CommentedMap):
        raise PolicyError(f"{name}:1: expected a mapping with environments, roles and bindings")
    plain = _plain(document)
    try:
        policy = Policy.model_validate(plain)
    except ValidationError as error:
        wrong = mistakes(error, Policy)
        found = [(place, f"{'.'.join(map(str, place))}: {what}") for place, what in wrong]
        found += _in_the_rest(plain, {place for place, _ in wrong}, further)
        raise PolicyError("\n".join(_located(name, document, found))) from error
    if found := _names_mistaken(policy, further):
        raise PolicyError("\n".join(_located(name, document, found)))
    return policy


def _names_mistaken(policy: Policy, further: Check | None) -> list[tuple[Place, str]]:
    return [*contradictions(policy), *(further(policy) if further else ())]


def _in_the_rest(plain: Any, wrong: set[Place], further: Check | None) -> list[tuple[Place, str]]:
    """The mistakes beside these, as far as these do not make others look like some."""
    if any(map(hides_others, wrong)):
        return []
    try:
        policy = Policy.model_validate(without(plain, wrong))
    except ValidationError:
        return []
    return [(place_before(place, plain, wrong), what) for place, what in _names_mistaken(policy, further)]


@lru_cache(maxsize=32)
def _read(text: str) -> Any:
    """What is read is never changed here, so the same text is read once. Raises YAMLError."""
    return YAML(typ="rt").load(text)


def _unreadable(name: str, error: YAMLError) -> str:
    mark, problem = getattr(error, "problem_mark", None), getattr(error, "problem", None) or str(error)
    where = f"{name}:{mark.line + 1}" if mark else name
    if isinstance(error, DuplicateKeyError):
        key = re.search(r'duplicate key "(.*?)" with', problem)
        return f"{where}: the key {f'`{key[1]}`' if key else problem} is there twice: keep one"
    if r"'\t'" in problem:
        return f"{where}: not valid YAML: a line begins with a tab: indent with spaces"
    return f"{where}: not valid YAML: {problem}"


def lines(path: Path, found: Iterable[tuple[Place, str]]) -> list[str]:
    """What was found in a policy that could be read, each with the line it is on."""
    return _located(path.name, _read(path.read_text()), found)


def _located(name: str, document: Any, found: Iterable[tuple[Place, str]]) -> list[str]:
    """In the order of the lines."""
    numbered = sorted(((line_of(document, place), what) for place, what in found), key=itemgetter(0))
    return [f"{name}:{line}: {what}" for line, what in numbered]


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
