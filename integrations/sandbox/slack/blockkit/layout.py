"""The blocks: their fields and limits (S19), and the surfaces that each may stand on."""

from typing import Any, Literal

from integrations.sandbox.slack.blockkit import elements as e
from integrations.sandbox.slack.blockkit import fields as f
from integrations.sandbox.slack.blockkit.problems import Check, Problems, Spec
from integrations.sandbox.slack.blockkit.rich_text import RICH_TEXT

Surface = Literal["message", "modal", "home"]

BLOCKS_MAX: dict[Surface, int] = {"message": 50, "modal": 100, "home": 100}
MARKDOWN_MAX = 12_000
TABLE_ROWS_MAX, TABLE_CELLS_MAX = 100, 20
MESSAGE_ONLY = frozenset({"markdown", "table", "file"})
MODAL_ONLY_ELEMENTS = frozenset({"file_input"})


def _block(required: dict[str, Check] | None = None, optional: dict[str, Check] | None = None, *rules: Any) -> Spec:
    return Spec(required or {}, {"block_id": f.block_id, **(optional or {})}, rules)


def _text_or_fields(value: dict[str, Any], at: str, problems: Problems) -> None:
    if not value.get("text") and not value.get("fields"):
        problems.add("must define either `text` or `fields`", at)


def _image_source(value: dict[str, Any], at: str, problems: Problems) -> None:
    if ("image_url" in value) == ("slack_file" in value):
        problems.add("must define either `image_url` or `slack_file`", at)


def _context_element(value: Any, at: str, problems: Problems) -> None:
    if isinstance(value, dict) and value.get("type") == "image":
        e.ELEMENTS["image"](value, at, problems)
    else:
        f.text(3000)(value, at, problems)


def _cell(value: Any, at: str, problems: Problems) -> None:
    kind = value.get("type") if isinstance(value, dict) else None
    if kind == "raw_text":
        Spec({"text": f.string()})(value, at, problems)
    elif kind == "raw_number":
        Spec({"value": f.anything}, {"text": f.string()})(value, at, problems)
    elif kind == "rich_text":
        RICH_TEXT(value, at, problems)
    else:
        problems.add(f"unsupported type: {kind}", f"{at}/type")


def _table_width(value: dict[str, Any], at: str, problems: Problems) -> None:
    rows = value.get("rows")
    if isinstance(rows, list) and len({len(row) for row in rows if isinstance(row, list)}) > 1:
        problems.add("all rows must have the same number of cells", f"{at}/rows")


COLUMN = Spec(optional={"align": f.one_of("left", "center", "right"), "is_wrapped": f.boolean})

BLOCKS: dict[str, Spec] = {
    "section": _block(
        None,
        {
            "text": f.text(3000),
            "fields": f.array(f.text(2000), 1, 10),
            "accessory": e.element(e.IN_SECTION),
            "expand": f.boolean,
        },
        _text_or_fields,
    ),
    "header": _block({"text": f.plain_text(150)}),
    "divider": _block(),
    "image": _block(
        {"alt_text": f.string(2000)},
        {"image_url": f.url, "slack_file": f.anything, "title": f.plain_text(2000)},
        _image_source,
    ),
    "actions": _block({"elements": f.array(e.element(e.IN_ACTIONS), 1, 25)}),
    "context": _block({"elements": f.array(_context_element, 1, 10)}),
    "input": _block(
        {"label": f.plain_text(2000), "element": e.element(e.IN_INPUT)},
        {"hint": f.plain_text(2000), "optional": f.boolean, "dispatch_action": f.boolean},
    ),
    "file": _block({"external_id": f.string(), "source": f.one_of("remote")}),
    "video": _block(
        {"alt_text": f.string(), "title": f.plain_text(200), "thumbnail_url": f.url, "video_url": f.url},
        {
            "title_url": f.url,
            "author_name": f.string(50),
            "description": f.plain_text(200),
            "provider_icon_url": f.url,
            "provider_name": f.string(),
        },
    ),
    "markdown": _block({"text": f.string(MARKDOWN_MAX)}),
    "rich_text": RICH_TEXT,
    "table": _block(
        {"rows": f.array(f.array(_cell, 1, TABLE_CELLS_MAX), 1, TABLE_ROWS_MAX)},
        {"column_settings": f.array(COLUMN, 0, TABLE_CELLS_MAX)},
        _table_width,
    ),
}


def check_blocks(blocks: Any, surface: Surface, problems: Problems, at: str = "/blocks") -> None:
    """All that S19 says about a list of blocks on one surface; `problems` receives what is wrong."""
    if not isinstance(blocks, list):
        problems.add("must provide an array", at)
        return
    if len(blocks) > BLOCKS_MAX[surface]:
        problems.add(f"no more than {BLOCKS_MAX[surface]} items allowed", at)
    for index, block in enumerate(blocks):
        _check_block(block, surface, problems, f"{at}/{index}")
    _check_together(blocks, problems, at)


def _check_block(block: Any, surface: Surface, problems: Problems, at: str) -> None:
    if not isinstance(block, dict):
        problems.add("must provide an object", at)
        return
    kind = block.get("type")
    if not isinstance(kind, str) or kind not in BLOCKS or (kind in MESSAGE_ONLY and surface != "message"):
        problems.add(f"unsupported type: {kind}", f"{at}/type")
        return
    BLOCKS[kind](block, at, problems)
    element = block.get("element")
    if surface != "modal" and isinstance(element, dict) and element.get("type") in MODAL_ONLY_ELEMENTS:
        problems.add(f"unsupported type: {element['type']}", f"{at}/element/type")


def _check_together(blocks: list[Any], problems: Problems, at: str) -> None:
    """Ids are unique within the message or view; markdown and tables are counted over all blocks (S19)."""
    seen_blocks: set[str] = set()
    seen_actions: set[str] = set()
    whole = [block for block in blocks if isinstance(block, dict)]
    for index, block in enumerate(whole):
        _unique(block.get("block_id"), "block_id", seen_blocks, problems, f"{at}/{index}/block_id")
        for element in elements_of(block):
            _unique(element.get("action_id"), "action_id", seen_actions, problems, f"{at}/{index}")
    markdown = sum(len(str(block.get("text", ""))) for block in whole if block.get("type") == "markdown")
    if markdown > MARKDOWN_MAX:
        problems.add(f"markdown blocks together must be less than {MARKDOWN_MAX + 1} characters", at)
    if sum(block.get("type") == "table" for block in whole) > 1:
        problems.add("only_one_table_allowed", at)


def _unique(value: Any, name: str, seen: set[str], problems: Problems, at: str) -> None:
    if not isinstance(value, str):
        return
    if value in seen:
        problems.add(f'`{name}` "{value}" already exists for another element', at)
    seen.add(value)


def elements_of(block: dict[str, Any]) -> list[dict[str, Any]]:
    """The interactive elements of one block, in reading order."""
    parts = [block.get("accessory"), block.get("element")]
    if block.get("type") == "actions" and isinstance(block.get("elements"), list):
        parts += block["elements"]
    return [part for part in parts if isinstance(part, dict) and part.get("type") != "image"]
