"""Messages as the lines that a person reads."""

import html
import re
from collections.abc import Iterable, Mapping
from typing import Any

from bot.ports import Rendered

DATE = re.compile(r"<!date\^\d+\^[^|>]*\|([^>]*)>")
LINK = re.compile(r"<(?:https?:[^|>]*)\|([^>]*)>")
MENTION = re.compile(r"<([@#!][^>]*)>")


def lines(message: Rendered) -> list[str]:
    """Of a message: each block's lines, the last block behind a bar where there is a colour."""
    shown = [line for block in message.blocks for line in of_block(block)]
    if message.color:
        shown[-1] = f"| {shown[-1]}"
    return shown


def view_lines(view: Mapping[str, Any]) -> list[str]:
    return [line for block in view["blocks"] for line in of_block(block)]


def of_block(block: Mapping[str, Any]) -> Iterable[str]:
    match block["type"]:
        case "header":
            yield f"# {block['text']['text']}"
        case "section":
            for field in block.get("fields", []):
                yield read(field["text"]).replace("*", "").replace("\n", ": ")
            if "text" in block:
                *before, last = read(block["text"]["text"]).split("\n")
                yield from before
                yield f"{last} {button(block['accessory'])}" if "accessory" in block else last
        case "context":
            for element in block["elements"]:
                yield f"({read(element['text'])})"
        case "actions":
            if block["elements"][0]["type"] == "checkboxes":
                yield from boxes(block["elements"][0])
            else:
                yield " ".join(button(element) for element in block["elements"])
        case "divider":
            yield "---"
        case "input":
            yield f"{block['label']['text']}{' (optional)' if block.get('optional') else ''}: {entry(block['element'])}"


def entry(element: Mapping[str, Any]) -> str:
    chosen = element.get("initial_option")
    return f"<{element['type']}{' = ' + chosen['text']['text'] if chosen else ''}>"


def boxes(element: Mapping[str, Any]) -> Iterable[str]:
    ticked = {option["value"] for option in element.get("initial_options", [])}
    for option in element["options"]:
        marks = f" ({option['description']['text']})" if "description" in option else ""
        yield f"[{'x' if option['value'] in ticked else ' '}] {option['text']['text']}{marks}"


def button(element: Mapping[str, Any]) -> str:
    asks = "?" if "confirm" in element else ""
    return f"[{element['text']['text']}{asks}]"


def read(mrkdwn: str) -> str:
    for pattern in (DATE, LINK, MENTION):
        mrkdwn = pattern.sub(r"\1", mrkdwn)
    return html.unescape(mrkdwn)
