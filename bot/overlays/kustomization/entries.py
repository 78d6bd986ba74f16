"""The entries of `images:`, and what kustomize makes of each.

kustomize takes keys in any letter case (encoding/json), the old key `imageTags`, a name as the middle of a regular
expression, and one entry after another, each on what the one before has written. Everything that would mean something
else to it than it says on its own line is refused.
"""

import posixpath
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from bot.domain.image import is_digest
from bot.domain.overlay import OverlayImage
from bot.overlays.kustomization.document import Document, KustomizationError, is_nothing, nodes, other_type, parse

FILE_NAMES = ("kustomization.yaml", "kustomization.yml", "Kustomization")
KEYS = ("name", "newName", "newTag", "digest", "tagSuffix")
ROOT_KEYS = (
    "apiVersion", "kind", "metadata", "openapi", "namePrefix", "nameSuffix", "namespace", "commonLabels", "labels",
    "commonAnnotations", "patchesStrategicMerge", "patchesJson6902", "patches", "images", "imageTags", "replacements",
    "replicas", "vars", "sortOptions", "resources", "components", "crds", "bases", "configMapGenerator",
    "secretGenerator", "helmGlobals", "helmCharts", "helmChartInflationGenerator", "generatorOptions", "configurations",
    "generators", "transformers", "validators", "buildMetadata",
)  # fmt: skip
"""All that kustomize 5.7.1 knows (api/types/kustomization.go): it refuses a file with any other."""
REMEMBERED = 1024
"""files whose entries are kept: gates ask for the same few again and again while a promotion goes on"""
MERGE = "<<"
WORD = r"[A-Za-z0-9_-]+(\.+[A-Za-z0-9_-]+)*"
NAME = re.compile(rf"{WORD}(:[0-9]+(?=/))?(/{WORD})*")
"""An image's name without tag or digest. The dot is all in it that means more in a regular expression: any character.

Only the base can tell that `w.b` matches its `web`: `build` looks there.
"""
TAG_AND_DIGEST = re.compile(r"(?P<tag>[^@:/\s]*)(@(?P<digest>sha256:[0-9a-f]{64}))?", re.ASCII)
IMAGE_FIELD = re.compile(
    r"(^|[./])image\b|\[[^]]*=[^]]*\]$|(^|\.)(spec|template|jobTemplate|podTemplate|(init|ephemeral)?[cC]ontainers(\.[^.]*)?)$"
)
"""A field path that ends in an image, or in what holds one: a replacement copies whole containers as well."""
INLINE = re.compile(r"[\n{]|:\s")
"""What no path holds."""
HARMLESS = re.compile(
    r"""["']?kind["']?:\s+["']?(Label|Annotations|Namespace|Prefix|Suffix|PrefixSuffix|ReplicaCount)Transformer\b"""
)


@dataclass(frozen=True)
class ImageEntry:
    """What an entry makes of the base's image, and the nodes that say so, by key."""

    image: OverlayImage
    node: MappingNode
    list: SequenceNode
    fields: dict[str, tuple[ScalarNode, ScalarNode]]
    """key → the nodes of the key and of its value; what kustomize takes for absent is left out"""

    @property
    def name(self) -> str:
        return self.image.name


@lru_cache(maxsize=REMEMBERED)
def read_images(content: bytes, path: str) -> tuple[OverlayImage, ...]:
    """The entries of `images:`, in order; () when there are none.

    Raises KustomizationError when the file is not a kustomization, or when kustomize reads it in another way than it is
    written; `path` is for that sentence.
    """
    return tuple(entry.image for entry in entries(parse(content, path)))


def references(content: bytes, path: str) -> tuple[str, ...]:
    """What a kustomization file names outside its directory, as paths in the repository: bases, components, patches.

    Any word in it that leads out of the directory counts, `key=../file` too. Raises KustomizationError.
    """
    directory = posixpath.dirname(path)
    words = [node.value for node in nodes(parse(content, path).root) if isinstance(node, ScalarNode)]
    named = [each for word in words if ".." in word for each in (word, word.partition("=")[2])]
    outside = [each for each in map(posixpath.normpath, named) if f"{each}/".startswith("../")]
    return tuple(dict.fromkeys(posixpath.normpath(f"{directory}/{each}") for each in outside))


def entries(document: Document) -> list[ImageEntry]:
    """Raises KustomizationError."""
    root = document.root
    if root is None:
        return []
    if not isinstance(root, MappingNode):
        raise document.refuse(root, "this is not a kustomization: expected a mapping with `images:`.")
    pairs = _keyed(document, root, ROOT_KEYS)
    _check_known(document, root)
    _check_nothing_comes_later(document, pairs)
    images = pairs.get("images")
    if images is None or is_nothing(images):
        return []
    if not isinstance(images, SequenceNode):
        raise document.refuse(images, "`images:` must be a list of entries with `name:`.")
    found = [_entry(document, images, node) for node in images.value]
    _check_apart(document, found)
    return found


def _keyed(document: Document, mapping: MappingNode, known: tuple[str, ...]) -> dict[str, Node]:
    """The values by key. Refuses what kustomize takes for the same key as another, or for one of the known ones."""
    found: dict[str, Node] = {}
    spelled = {key.casefold(): key for key in known}
    for key, value in mapping.value:
        if not isinstance(key, ScalarNode):
            continue
        right = spelled.get(key.value.casefold(), key.value)
        if key.value == MERGE:
            raise document.refuse(key, "a merge key (`<<`) brings values from elsewhere: write them out here.")
        if key.value in found:
            raise document.refuse(key, f"`{key.value}:` is there twice: keep one.")
        if key.value != right:
            raise document.refuse(key, f"kustomize reads `{key.value}:` as `{right}:`: write it like that.")
        found[key.value] = value
    return found


def _check_known(document: Document, root: MappingNode) -> None:
    for key, _ in root.value:
        if not isinstance(key, ScalarNode) or key.value not in ROOT_KEYS:
            raise document.refuse(key, "kustomize knows no such key, and builds nothing of this file: take it out.")


def _check_nothing_comes_later(document: Document, pairs: dict[str, Node]) -> None:
    """What changes images after the entries of `images:` have."""
    old = pairs.get("imageTags")
    if old is not None and not is_nothing(old) and old.value:
        raise document.refuse(old, "kustomize reads `imageTags:` after `images:`: move its entries there.")
    for path in _replaced(pairs.get("replacements")):
        if IMAGE_FIELD.search(path.value):
            raise document.refuse(path, "a replacement writes the image after `images:` has: take it out.")
    for file in _in_files(pairs.get("replacements")):
        raise document.refuse(file, "a replacement in a file of its own may write the image: write it out here.")
    for written in nodes(pairs.get("transformers")):
        if isinstance(written, ScalarNode) and not is_nothing(written) and _may_write_images(written.value):
            raise document.refuse(written, "a transformer may write the image after `images:` has: take it out.")
    # `components:` and `patches:` come before `images:`, which has the last word on what it matches.


def _may_write_images(transformer: str) -> bool:
    """Unless its text shows plainly that it does not. One in a file of its own is not read."""
    if not INLINE.search(transformer):
        return True
    words = transformer.casefold()
    plain = "\\" not in words and "image" not in words and words.count("kind") == 1
    return not (plain and HARMLESS.search(transformer))


def _in_files(replacements: Node | None) -> Iterator[ScalarNode]:
    """The paths of replacements that are written elsewhere."""
    for mapping in nodes(replacements):
        if isinstance(mapping, MappingNode):
            yield from (
                value
                for key, value in mapping.value
                if isinstance(key, ScalarNode) and key.value.casefold() == "path" and isinstance(value, ScalarNode)
            )


def _replaced(replacements: Node | None) -> Iterator[ScalarNode]:
    """The field paths of the targets."""
    for mapping in nodes(replacements):
        if isinstance(mapping, MappingNode):
            for key, value in mapping.value:
                if isinstance(key, ScalarNode) and key.value.casefold() == "fieldpaths":
                    yield from (node for node in nodes(value) if isinstance(node, ScalarNode))


def _entry(document: Document, images: SequenceNode, node: Node) -> ImageEntry:
    if not isinstance(node, MappingNode):
        raise document.refuse(node, "an entry of `images:` must be a mapping with `name:`.")
    _keyed(document, node, KEYS)
    fields: dict[str, tuple[ScalarNode, ScalarNode]] = {}
    for key, value in node.value:
        if not isinstance(key, ScalarNode) or key.value not in KEYS:
            raise document.refuse(key, f"an entry of `images:` has no such key: kustomize knows {', '.join(KEYS)}.")
        if not is_nothing(value):
            fields[key.value] = (key, _string(document, key.value, value))
    if "name" not in fields:
        raise document.refuse(node, "an entry of `images:` has no `name:`.")
    return ImageEntry(_image(document, {key: value for key, (_, value) in fields.items()}), node, images, fields)


def _string(document: Document, key: str, value: Node) -> ScalarNode:
    if not isinstance(value, ScalarNode):
        raise document.refuse(value, f"`{key}` must be a plain or quoted value.")
    if kind := other_type(value):
        raise document.refuse(value, f"to kustomize {value.value} is {kind}, and no string: put it in quotes.")
    return value


def _image(document: Document, fields: dict[str, ScalarNode]) -> OverlayImage:
    for key in ("name", "newName"):
        if key in fields and not NAME.fullmatch(fields[key].value):
            pattern = " (kustomize takes it for a pattern)" if key == "name" else ""
            raise document.refuse(fields[key], f"`{key}` must be an image's name, without tag or digest{pattern}.")
    name, tag, digest = (fields[key].value if key in fields else "" for key in ("name", "newTag", "digest"))
    if digest and not is_digest(digest):
        raise document.refuse(fields["digest"], "`digest` must be sha256: and 64 hexadecimal digits.")
    written = TAG_AND_DIGEST.fullmatch(tag)
    if written is None or (written["digest"] and (digest or not written["tag"])):
        raise document.refuse(fields["newTag"], "`newTag` must be a tag: a digest goes into `digest:`.")
    if "tagSuffix" in fields and not (tag or digest):
        raise document.refuse(fields["tagSuffix"], "`tagSuffix` makes a tag that only the base tells: use `newTag:`.")
    repository = fields["newName"].value if "newName" in fields else name
    return OverlayImage(name, repository, written["tag"], written["digest"] or digest)


def _check_apart(document: Document, found: list[ImageEntry]) -> None:
    """No entry may match what another matches, or what one before it has written."""
    for number, later in enumerate(found):
        pattern = re.compile(later.name)
        for earlier in found[:number]:
            if earlier.name == later.name:
                raise KustomizationError(f"{document.path} has 2 entries named {later.name} under `images:`: keep one.")
            if pattern.fullmatch(earlier.image.repository) or pattern.fullmatch(earlier.name):
                raise document.refuse(
                    later.node,
                    f"this entry matches {earlier.image.repository}, which the entry {earlier.name} is about too: "
                    "keep one.",
                )
            if re.fullmatch(earlier.name, later.name):
                raise document.refuse(later.node, f"the entry {earlier.name} matches {later.name} too: keep one.")
