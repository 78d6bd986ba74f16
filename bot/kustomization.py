"""The images of a kustomization file: read them, and pin one, touching nothing but its own line.

The edit works on the file's text at the positions that the YAML parser reports, so comments, quotes, indentation and
line ends stay as people wrote them.
"""

import itertools
import re
from dataclasses import dataclass, replace

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode
from ruamel.yaml.reader import ReaderError

from bot.domain.errors import OverlayDrift, UserError
from bot.domain.image import Image
from bot.domain.overlay import OverlayImage

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")

# What every YAML reader, of 1.1 and of 1.2, takes for a string without quotes: a digest, a word, three numbers...
# Anything else (1.10, 12e3, 2026-11-23) may be a number or a date to one of them.
PLAIN_TEXT = re.compile(r"sha256:[0-9a-f]{64}|[A-Za-z][\w.-]*|\d+\.\d+\.\d+[\w.-]*", re.ASCII)
YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}
# Parsing holds the event loop up: a second for each 50 KiB of images.
LARGEST = 256 * 1024
"""bytes"""
DEEPEST = 100


class KustomizationError(UserError):
    """The file cannot be read or edited; the sentence says where and what to do."""


def read_images(content: bytes, path: str) -> tuple[OverlayImage, ...]:
    """The entries of `images:`, in order; () when there are none.

    Raises KustomizationError when the file is not a kustomization; `path` is for that sentence.
    """
    return tuple(entry.image for entry in _entries(_decode(content, path), path))


def set_image(content: bytes, path: str, name: str, image: Image) -> bytes:
    """The file with the entry `name` pinned to `image`: `newTag`, `digest` or both, whichever it pins today.

    An entry that pins a tag is pinned to the digest instead when the image has no tag. Raises KustomizationError when
    the entry is absent, doubled, or written so that one line cannot be changed alone (an anchor, an alias, a block
    scalar); OverlayDrift when the result would change anything else.
    """
    text = _decode(content, path)
    before = _entries(text, path)
    entry = _only(before, name, path)
    edited = text
    for start, end, new in sorted(_replacements(text, entry, image, path), reverse=True):
        edited = edited[:start] + new + edited[end:]
    _check_nothing_else_moved(before, _entries(edited, path), entry, image)
    return edited.encode()


@dataclass(frozen=True)
class _Entry:
    image: OverlayImage
    fields: dict[str, tuple[ScalarNode, ScalarNode]]
    """key → the nodes of the key and of its value"""
    start: int
    end: int
    aliased: bool
    """written elsewhere in the file, and perhaps used there as well"""


def _decode(content: bytes, path: str) -> str:
    if len(content) > LARGEST:
        raise KustomizationError(f"{path} is larger than {LARGEST // 1024} KiB: it is no kustomization.")
    try:
        return content.decode()
    except UnicodeDecodeError as error:
        raise KustomizationError(f"{path} is not UTF-8 text (byte {error.start}): save it as UTF-8.") from error


def _entries(text: str, path: str) -> list[_Entry]:
    root = _composed(text, path)
    if root is None:
        return []
    if not isinstance(root, MappingNode):
        raise KustomizationError(f"{path} is not a kustomization: expected a mapping with `images:`.")
    _check_once(root, path)
    key, images = next((pair for pair in root.value if pair[0].value == "images"), (root, None))
    if images is None or (isinstance(images, ScalarNode) and _is_nothing(images)):
        return []
    if not isinstance(images, SequenceNode):
        raise KustomizationError(f"{_at(path, images)}: `images:` must be a list of entries with `name:`.")
    return [_entry(node, path, aliased=node.start_mark.index < key.start_mark.index) for node in images.value]


def _composed(text: str, path: str) -> Node | None:
    if _flow_depth(text) > DEEPEST:
        raise KustomizationError(f"{path} is nested too deeply to be a kustomization.")
    try:
        root: Node | None = YAML(typ="rt").compose(text)
    except MarkedYAMLError as error:
        where = f"{path} line {error.problem_mark.line + 1}" if error.problem_mark else path
        raise KustomizationError(f"{where} is not valid YAML: {_problem(error)}.") from error
    except ReaderError as error:
        line = text.count("\n", 0, error.position) + 1
        raise KustomizationError(f"{path} line {line} is not valid YAML: {error.reason}.") from error
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
        return "a tab separates words here: write spaces"
    return problem


def _check_once(mapping: MappingNode, path: str) -> None:
    """kustomize refuses a key that is there twice; and which of the two would we change?"""
    seen: set[str] = set()
    for key, _ in mapping.value:
        if not isinstance(key, ScalarNode):
            continue
        if key.value in seen:
            raise KustomizationError(f"{_at(path, key)}: `{key.value}:` is there twice: keep one.")
        seen.add(key.value)


def _entry(node: Node, path: str, *, aliased: bool) -> _Entry:
    if not isinstance(node, MappingNode):
        raise KustomizationError(f"{_at(path, node)}: an entry of `images:` must be a mapping with `name:`.")
    _check_once(node, path)
    fields: dict[str, tuple[ScalarNode, ScalarNode]] = {}
    for key, value in node.value:
        if isinstance(key, ScalarNode) and isinstance(value, ScalarNode) and not _is_nothing(value):
            fields[key.value] = (key, value)
    if "name" not in fields:
        raise KustomizationError(f"{_at(path, node)}: an entry of `images:` has no `name:`.")
    said: dict[str, str] = {key: value.value for key, (_, value) in fields.items()}
    image = OverlayImage(
        name=said["name"],
        repository=said.get("newName", said["name"]),
        tag=said.get("newTag", ""),
        digest=said.get("digest", ""),
    )
    return _Entry(image, fields, node.start_mark.index, node.end_mark.index, aliased)


def _is_nothing(value: ScalarNode) -> bool:
    """Whether kustomize reads it as if the key were absent."""
    return not value.value or (value.style not in ("'", '"') and value.value.lower() in ("null", "~"))


def _only(entries: list[_Entry], name: str, path: str) -> _Entry:
    found = [entry for entry in entries if entry.image.name == name]
    if len(found) == 1 and not found[0].aliased:
        return found[0]
    if len(found) == 1:
        raise KustomizationError(f"{path}: the entry {name} of `images:` is an alias: write the entry itself.")
    if found:
        raise KustomizationError(f"{path} has {len(found)} entries named {name} under `images:`: keep one.")
    raise KustomizationError(
        f"{path} has no entry for {name} under `images:`: add one with `- name: {name}` and the `newTag:` it runs now."
    )


def _replacements(text: str, entry: _Entry, image: Image, path: str) -> list[tuple[int, int, str]]:
    pins = {key: entry.fields[key] for key in ("newTag", "digest") if key in entry.fields}
    if not pins:
        raise KustomizationError(
            f"{path}: the entry {entry.image.name} pins neither `newTag:` nor `digest:`: add the one to pin."
        )
    if image.tag:
        wanted = {"newTag": image.tag, "digest": image.digest}
        return [(*_span(text, entry, key, path), _written(pins[key][1], wanted[key])) for key in pins]
    if "digest" in pins:
        changes = [(*_span(text, entry, "digest", path), _written(pins["digest"][1], image.digest))]
        if "newTag" in pins:
            changes.append((*_line_of(text, pins["newTag"], path), ""))
        return changes
    key, value = pins["newTag"]
    start, end = _span(text, entry, "newTag", path)
    quote = key.style if key.style in ("'", '"') else ""
    renamed = (key.start_mark.index, key.end_mark.index, f"{quote}digest{quote}")
    return [renamed, (start, end, _written(value, image.digest))]


def _span(text: str, entry: _Entry, key: str, path: str) -> tuple[int, int]:
    value = entry.fields[key][1]
    start, end = value.start_mark.index, value.end_mark.index
    if not entry.start <= start < entry.end:
        raise KustomizationError(f"{_at(path, entry.fields[key][0])}: `{key}` is an alias: write the value itself.")
    if value.style in ("|", ">") or text[start : start + 1] in ("&", "!") or "\n" in text[start:end]:
        raise KustomizationError(f"{_at(path, value)}: `{key}` must be a plain or quoted value on its own line.")
    return start, end


def _line_of(text: str, pair: tuple[ScalarNode, ScalarNode], path: str) -> tuple[int, int]:
    key, value = pair
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    end = text.find("\n", value.end_mark.index) + 1 or len(text)
    after = text[value.end_mark.index : end].strip().removeprefix(",").strip()
    if text[start : key.start_mark.index].strip() or (after and not after.startswith("#")):
        raise KustomizationError(
            f"{_at(path, key)}: `newTag` shares its line, so it cannot be taken out alone: give it a line of its own, "
            "or promote an image that has a tag."
        )
    return start, end


def _written(node: ScalarNode, value: str) -> str:
    """`value` in the quotes that the old one had; plain only where every YAML reader takes it for a string."""
    if node.style in ("'", '"'):
        return f"{node.style}{value}{node.style}"
    return value if _is_plainly_text(value) else f'"{value}"'


def _is_plainly_text(value: str) -> bool:
    return bool(PLAIN_TEXT.fullmatch(value)) and value.lower() not in YAML_WORDS


def _check_nothing_else_moved(before: list[_Entry], after: list[_Entry], edited: _Entry, image: Image) -> None:
    pinned = replace(
        edited.image,
        tag=image.tag if edited.image.tag else "",
        digest=image.digest if edited.image.digest or not image.tag else "",
    )
    expected = [pinned if entry is edited else entry.image for entry in before]
    if [entry.image for entry in after] != expected:
        raise OverlayDrift(f"pinning {edited.image.name} would have changed more than its own line")


def _at(path: str, node: Node) -> str:
    return f"{path} line {node.start_mark.line + 1}"
