"""A kustomization file as a tree of YAML nodes, each with its place in the text.

kustomize reads YAML with go-yaml (by way of sigs.k8s.io/yaml): where our parser and that one could disagree about what
the text says, the file is refused.
"""

import functools
import itertools
import math
import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError
from ruamel.yaml.scanner import Scanner

from bot.domain.errors import UserError

# Parsing holds the event loop up: a second for each 50 KiB of images.
LARGEST = 256 * 1024
"""bytes"""
REMEMBERED, REMEMBERED_SIZE = 8, 16 * 1024
"""documents, and bytes of each"""
DEEPEST = 100
OTHER_BREAKS = re.compile("[\x85\u2028\u2029]|(?<!^)\ufeff")
"""End a line, or begin a document, to one of the two parsers only: a comment to one is content to the other."""
QUOTES = ("'", '"')
BOOLEANS = frozenset(
    case(word)
    for word in ("y", "yes", "true", "on", "n", "no", "false", "off")
    for case in (str.lower, str.capitalize, str.upper)
)
NULLS = ("", "~", "null", "Null", "NULL")
FLOAT = re.compile(r"[-+]?(\.[0-9]+|[0-9]+(\.[0-9]*)?)([eE][-+]?[0-9]+)?", re.ASCII)
INTEGER = re.compile(r"[-+]?0([xX][0-9a-fA-F]+|[oO][0-7]+|[bB][01]+)", re.ASCII)


class KustomizationError(UserError):
    """The file cannot be read or edited; the sentence says where and what to do."""


@dataclass(frozen=True)
class Document:
    """`root` is None for a file that says nothing."""

    text: str
    path: str
    root: Node | None

    def at(self, node: Node) -> str:
        """Where it is, for people."""
        return f"{self.path} line {node.start_mark.line + 1}"

    def refuse(self, node: Node, problem: str) -> KustomizationError:
        return KustomizationError(f"{self.at(node)}: {problem}")

    def shared(self) -> frozenset[int]:
        """`id` of every node that is written once and used in several places."""
        uses = Counter(id(child) for parent in nodes(self.root) for child in children(parent))
        return frozenset(node for node, count in uses.items() if count > 1)


def parse(content: bytes, path: str) -> Document:
    """Raises KustomizationError; `path` is for its sentence. Nobody changes the nodes: who asks again may get them."""
    return _remembered(content, path) if len(content) <= REMEMBERED_SIZE else _parsed(content, path)


def _parsed(content: bytes, path: str) -> Document:
    text = _decoded(content, path)
    if strange := OTHER_BREAKS.search(text):
        line = text.count("\n", 0, strange.start()) + 1
        raise KustomizationError(
            f"{path} line {line} has an invisible character (U+{ord(strange[0]):04X}) that YAML readers take for "
            "different things: take it out."
        )
    return Document(text, path, _composed(text, path))


_remembered = functools.lru_cache(REMEMBERED)(_parsed)
"""A commit looks at the same file before, while and after it is edited."""


def children(node: Node) -> Iterator[Node]:
    if isinstance(node, MappingNode):
        for pair in node.value:
            yield from pair
    elif isinstance(node, SequenceNode):
        yield from node.value


def nodes(root: Node | None) -> Iterator[Node]:
    """Every node once, however often it is used."""
    seen: set[int] = set()
    waiting = [root] if root is not None else []
    while waiting:
        node = waiting.pop()
        if id(node) not in seen:
            seen.add(id(node))
            yield node
            waiting.extend(children(node))


def is_nothing(node: Node) -> bool:
    """Whether kustomize reads it as if the key were absent."""
    return isinstance(node, ScalarNode) and (not node.value or (node.style is None and node.value in NULLS))


def other_type(node: ScalarNode) -> str:
    """What go-yaml takes an unquoted value for, "" where it is a string: dates are."""
    return "" if node.style is not None else plain_type(node.value)


def plain_type(value: str) -> str:
    if value in BOOLEANS:
        return "a boolean"
    plain = value.replace("_", "")
    if value[:1] not in "0123456789+-.":
        return ""
    if value.lower().lstrip("+-") in (".nan", ".inf"):
        return "a number"
    if FLOAT.fullmatch(plain):
        return "" if math.isinf(float(plain)) else "a number"
    return "a number" if INTEGER.fullmatch(plain) and -(2**63) <= int(plain, 0) < 2**64 else ""


class _Tagged(Exception):
    """At a line (from 0)."""


class _Scanner(Scanner):
    """Tabs separate words wherever go-yaml lets them: not where a key of a block could begin. Raises _Tagged."""

    def fetch_tag(self) -> None:
        raise _Tagged(self.reader.line)

    def scan_to_next_token(self) -> None:
        reader = self.reader
        while True:
            super().scan_to_next_token()
            if reader.peek() != "\t" or self.allow_simple_key:
                return
            while reader.peek() in " \t":
                reader.forward()


def _decoded(content: bytes, path: str) -> str:
    if len(content) > LARGEST:
        raise KustomizationError(f"{path} is larger than {LARGEST // 1024} KiB: it is not a kustomization.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise KustomizationError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error


def _composed(text: str, path: str) -> Node | None:
    if _flow_depth(text) > DEEPEST:
        raise KustomizationError(f"{path} is nested too deeply to be a kustomization.")
    yaml = YAML(typ="safe", pure=True)
    yaml.Scanner = _Scanner
    yaml.composer.warn_double_anchors = False
    try:
        root: Node | None = yaml.compose(text)
    except MarkedYAMLError as error:
        where = f"{path} line {error.problem_mark.line + 1}" if error.problem_mark else path
        raise KustomizationError(f"{where} is not valid YAML: {_problem(error)}.") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise KustomizationError(f"{path} line {line} is not valid YAML: {error.reason}.") from error
    except _Tagged as error:
        raise KustomizationError(
            f"{path} line {error.args[0] + 1}: a tag (`!`) makes something else of a value: write the value without it."
        ) from error
    except RecursionError as error:
        raise KustomizationError(f"{path} is nested too deeply to be a kustomization.") from error
    return root


def _flow_depth(text: str) -> int:
    """How deeply brackets are nested, also in comments and quotes: the parser takes quadratic time for them."""
    depths = itertools.accumulate(1 if bracket in "[{" else -1 for bracket in re.findall(r"[][{}]", text))
    return max(depths, default=0)


def _problem(error: MarkedYAMLError) -> str:
    problem = error.problem or "it cannot be read"
    if "another document" in problem:
        return "there is a second document after `---`, and a kustomization is one: take it out"
    if "\\t" in problem:
        return "a tab indents this line: write spaces"
    return problem
