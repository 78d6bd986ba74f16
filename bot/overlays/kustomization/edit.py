"""Pin one image, touching nothing but its own line.

The edit works on the file's text at the positions that the YAML parser reports, so comments, quotes, indentation and
line ends stay as people wrote them.
"""

import re
from dataclasses import replace

from ruamel.yaml.nodes import ScalarNode

from bot.domain.errors import OverlayDrift
from bot.domain.image import Image
from bot.overlays.kustomization.document import QUOTES, Document, KustomizationError, parse
from bot.overlays.kustomization.entries import ImageEntry, entries

# What every YAML reader, of 1.1 and of 1.2, takes for a string without quotes: a digest, a word, three numbers...
# Anything else (1.10, 12e3, 2026-11-23) may be a number or a date to one of them.
PLAIN_TEXT = re.compile(r"sha256:[0-9a-f]{64}|[A-Za-z][\w.-]*|\d+\.\d+\.\d+[\w.-]*", re.ASCII)
YAML_WORDS = {"y", "n", "yes", "no", "on", "off", "true", "false", "null"}


def set_image(content: bytes, path: str, name: str, image: Image) -> bytes:
    """The file with the entry `name` pinned to `image`: `newTag`, `digest` or both, whichever it pins today.

    An entry that pins a tag is pinned to the digest instead when the image has no tag. Raises KustomizationError when
    the entry is absent, or written so that one line cannot be changed alone (an anchor, an alias, a block scalar), or
    when kustomize reads the file in another way than it is written; OverlayDrift when the result would change anything
    else.
    """
    document = parse(content, path)
    before = entries(document)
    entry = _only(document, before, name)
    text = document.text
    for start, end, new in sorted(_replacements(document, entry, image), reverse=True):
        text = text[:start] + new + text[end:]
    edited = text.encode()
    _check_nothing_else_moved(before, entries(parse(edited, path)), entry, image)
    return edited


def _only(document: Document, found: list[ImageEntry], name: str) -> ImageEntry:
    path = document.path
    entry = next((entry for entry in found if entry.name == name), None)
    if entry is None:
        raise KustomizationError(
            f"{path} has no entry for {name} under `images:`: add one with `- name: {name}` and the `newTag:` it runs "
            "now."
        )
    if document.shared().intersection(map(id, (entry.list, entry.node))):
        raise document.refuse(entry.node, f"the entry {name} of `images:` is an alias, or has one: write it out.")
    return entry


def _replacements(document: Document, entry: ImageEntry, image: Image) -> list[tuple[int, int, str]]:
    pins = {key: entry.fields[key] for key in ("newTag", "digest") if key in entry.fields}
    if not pins:
        raise KustomizationError(
            f"{document.path}: the entry {entry.name} pins neither `newTag:` nor `digest:`: add the one to pin."
        )
    if image.tag:
        wanted = {"newTag": image.tag, "digest": image.digest}
        if entry.image.digest and "digest" not in pins:
            wanted["newTag"] = f"{image.tag}@{image.digest}"
        return [(*_span(document, entry, key), _written(pair[1], wanted[key])) for key, pair in pins.items()]
    if "digest" in pins:
        changes = [(*_span(document, entry, "digest"), _written(pins["digest"][1], image.digest))]
        if "newTag" in pins:
            changes.append((*_line_of(document, pins["newTag"]), ""))
        return changes
    key, value = pins["newTag"]
    quote = key.style if key.style in QUOTES else ""
    renamed = (*_span(document, entry, "newTag", of_key=True), f"{quote}digest{quote}")
    return [renamed, (*_span(document, entry, "newTag"), _written(value, image.digest))]


def _span(document: Document, entry: ImageEntry, key: str, *, of_key: bool = False) -> tuple[int, int]:
    pair = entry.fields[key]
    node = pair[0] if of_key else pair[1]
    start, end = node.start_mark.index, node.end_mark.index
    if not entry.node.start_mark.index <= start < entry.node.end_mark.index:
        raise document.refuse(pair[0], f"`{key}` is an alias: write the value itself.")
    if node.style in ("|", ">") or document.text[start : start + 1] == "&" or "\n" in document.text[start:end]:
        raise document.refuse(node, f"`{key}` must be a plain or quoted value on its own line.")
    return start, end


def _line_of(document: Document, pair: tuple[ScalarNode, ScalarNode]) -> tuple[int, int]:
    key, value = pair
    text = document.text
    start = text.rfind("\n", 0, key.start_mark.index) + 1
    end = text.find("\n", value.end_mark.index) + 1 or len(text)
    after = text[value.end_mark.index : end].strip().removeprefix(",").strip()
    if text[start : key.start_mark.index].strip() or (after and not after.startswith("#")):
        raise document.refuse(
            key,
            "`newTag` shares its line, so it cannot be taken out alone: give it a line of its own, or promote an image "
            "that has a tag.",
        )
    return start, end


def _written(node: ScalarNode, value: str) -> str:
    """`value` in the quotes that the old one had; plain only where every YAML reader takes it for a string."""
    if node.style in ("'", '"'):
        return f"{node.style}{value}{node.style}"
    return value if _is_plainly_text(value) else f'"{value}"'


def _is_plainly_text(value: str) -> bool:
    return bool(PLAIN_TEXT.fullmatch(value)) and value.lower() not in YAML_WORDS


def _check_nothing_else_moved(
    before: list[ImageEntry], after: list[ImageEntry], edited: ImageEntry, image: Image
) -> None:
    pinned = replace(
        edited.image,
        tag=image.tag if edited.image.tag else "",
        digest=image.digest if edited.image.digest or not image.tag else "",
    )
    expected = [pinned if entry is edited else entry.image for entry in before]
    if [entry.image for entry in after] != expected:
        raise OverlayDrift(f"pinning {edited.name} would have changed more than its own line")
