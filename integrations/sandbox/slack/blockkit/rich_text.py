"""rich_text blocks: sections, lists, quotes and preformatted text of styled inline elements."""

from typing import Any

from integrations.sandbox.slack.blockkit import fields as f
from integrations.sandbox.slack.blockkit.problems import Check, Problems, Spec

STYLE = Spec(
    optional=dict.fromkeys(
        ("bold", "italic", "strike", "code", "underline", "highlight", "client_highlight", "unlink"), f.boolean
    )
)
INLINE: dict[str, Spec] = {
    "text": Spec({"text": f.string()}, {"style": STYLE}),
    "link": Spec({"url": f.string(f.URL_MAX)}, {"text": f.string(), "unsafe": f.boolean, "style": STYLE}),
    "user": Spec({"user_id": f.string()}, {"style": STYLE}),
    "usergroup": Spec({"usergroup_id": f.string()}, {"style": STYLE}),
    "channel": Spec({"channel_id": f.string()}, {"style": STYLE}),
    "team": Spec({"team_id": f.string()}, {"style": STYLE}),
    "emoji": Spec({"name": f.string()}, {"unicode": f.string(), "url": f.url, "skin_tone": f.anything, "style": STYLE}),
    "broadcast": Spec({"range": f.one_of("here", "channel", "everyone")}, {"style": STYLE}),
    "date": Spec(
        {"timestamp": f.integer(0, 99_999_999_999), "format": f.string()},
        {"url": f.url, "fallback": f.string(), "style": STYLE},
    ),
    "color": Spec({"value": f.pattern(r"#[0-9A-Fa-f]{6}", "a colour as #RRGGBB")}, {"style": STYLE}),
}


def _typed(kinds: dict[str, Spec]) -> Check:
    def check(value: Any, at: str, problems: Problems) -> None:
        kind = value.get("type") if isinstance(value, dict) else None
        if not isinstance(kind, str) or kind not in kinds:
            problems.add(f"unsupported type: {kind}", f"{at}/type")
            return
        kinds[kind](value, at, problems)

    return check


INLINES = f.array(_typed(INLINE))
SECTION = Spec({"elements": INLINES})
BORDER = f.integer(0, 1)
PARTS: dict[str, Spec] = {
    "rich_text_section": SECTION,
    "rich_text_quote": Spec({"elements": INLINES}, {"border": BORDER}),
    "rich_text_preformatted": Spec({"elements": INLINES}, {"border": BORDER, "language": f.string()}),
    "rich_text_list": Spec(
        {"style": f.one_of("bullet", "ordered"), "elements": f.array(_typed({"rich_text_section": SECTION}))},
        {"indent": f.integer(0, 8), "offset": f.integer(0, 10_000), "border": BORDER},
    ),
}

RICH_TEXT = Spec({"elements": f.array(_typed(PARTS), 1)}, {"block_id": f.block_id})
