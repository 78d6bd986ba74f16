"""The rows of a card about several images: what goes and what does not, and the boxes that are ticked for what goes."""

from collections.abc import Sequence

from slack_sdk.models.blocks import ActionsBlock, Block, ButtonElement, CheckboxesElement, Option, PlainTextObject

from bot.domain.application import SyncStatus
from bot.domain.promotion import Following, GateResult, MissingImage, Move, Progress, Promotion, Stage, VerdictState
from bot.views import layout, words
from bot.views.ids import Action, PromotionValue, ticks_id
from bot.views.layout import context, section
from bot.views.words import bold, code, label, plain, safe, short_ids

MARKS = {VerdictState.PASSED: "✅", VerdictState.BLOCKED: "⛔", VerdictState.WAITING: "⏳"}
ROWS_LIMIT = 1800
BOXES = 10
"""options of one element of checkboxes"""
MOST_BOXES = 20
"""apps that are offered as boxes: a message holds so many characters, and the keyboard can leave out the rest"""
OPTION_VALUE = 150
GATES_NAMED = 3


def rows(promotion: Promotion, *, ticks: bool) -> list[Block]:
    """Nothing for a single image. With `ticks`, the requester may leave apps out while nothing is decided."""
    if len(promotion.plan.moves) + len(promotion.plan.missing) < 2:
        return []
    if ticks and may_be_adjusted(promotion):
        boxes = _boxes(promotion)
        return boxes or [section(*row_lines(promotion), limit=ROWS_LIMIT), _by_keyboard(promotion)]
    return [section(*row_lines(promotion), limit=ROWS_LIMIT)]


def cuts_rows(promotion: Promotion, *, ticks: bool = True) -> bool:
    """Whether a message has no room for all of `rows`."""
    if ticks and len(promotion.plan.apps) > MOST_BOXES:
        return True
    told = row_lines(promotion)
    boxed = ticks and may_be_adjusted(promotion) and bool(_boxes(promotion))
    return not boxed and words.joined(told, ROWS_LIMIT) != "\n".join(told)


def may_be_adjusted(promotion: Promotion) -> bool:
    """While the story listens: before the decision, not while it is busy asking the gates."""
    listening = promotion.stage is Stage.APPROVAL or (promotion.stage is Stage.GATES and bool(promotion.blocked))
    return listening and not promotion.phase.final and len(promotion.plan.apps) > 1


def row_lines(promotion: Promotion) -> list[str]:
    health = {one.application: one for one in promotion.following}
    first = first_of_each_range(promotion.plan.moves)
    moves = [
        _row(promotion, move, health.get(move.application), counted=once)
        for move, once in zip(promotion.plan.moves, first, strict=True)
    ]
    return [*moves, *(_missing_row(promotion, one) for one in promotion.plan.missing)]


def first_of_each_range(moves: Sequence[Move]) -> list[bool]:
    """For each whether no image of the same app before it brings the same source commits: these count once."""
    seen: set[tuple[str, str, str, str]] = set()
    found: list[bool] = []
    for move in moves:
        commits = (move.app, move.source, move.revision_before, move.revision)
        found.append(commits not in seen)
        if all(commits):
            seen.add(commits)
    return found


def every_app(promotion: Promotion, *, cut: bool) -> ButtonElement | None:
    """Opens the list of all apps of a train where not all of them are shown."""
    apps = len(promotion.plan.apps)
    if not cut or apps == 1:
        return None
    return layout.button(f"All {apps} apps", Action.APPS, PromotionValue(promotion.id, ""))


def followed(following: Following) -> str:
    """No ✅ beside Unknown or OutOfSync, and no word of Argo CD's about an image that is not what runs."""
    if trouble := words.TROUBLE.get(following.progress):
        return f"⚠️ {trouble}"
    clean = following.progress is Progress.HEALTHY and following.sync in ("", SyncStatus.SYNCED)
    mark = "✅" if clean else "⚠️" if following.progress.final else "🔄"
    said = " · ".join(safe(word, 40) for word in (following.sync, following.health) if words.clean(word))
    return f"{mark} {said or following.progress.value}"


def _row(promotion: Promotion, move: Move, following: Following | None, *, counted: bool) -> str:
    alone = len(promotion.plan.apps) == 1
    name = _named(promotion, move, alone=alone)
    if move.app in promotion.left_out:
        change = f"{label(move.label_before, 60)} → {label(move.after.label, 60)}".replace("~", "∼")
        return f"• {name} ~{change}~ · left out"
    change = f"{label(move.label_before, 60)} → {bold(short_ids(move.after.label), 60)}"
    marks = [] if alone else [safe(_marks(promotion, move.app), 300)] if _marks(promotion, move.app) else []
    if move.commits > 0 and counted:
        marks.append(words.count(move.commits, "commit"))
    if following:
        marks.append(followed(following))
    return " · ".join([f"• {name} {change}", *marks])


def _named(promotion: Promotion, move: Move, *, alone: bool) -> str:
    """The image on the card of one app; on a train's the app, and the image, too, where an app has several there."""
    if alone:
        return code(move.name, 80)
    several = sum(one.app == move.app for one in promotion.plan.moves) > 1
    return f"{code(move.app, 80)} {safe(move.name.rpartition('/')[2], 60)}" if several else code(move.app, 80)


def _missing_row(promotion: Promotion, one: MissingImage) -> str:
    change = f"{label(one.label_before, 60)} → {label(one.label, 60)}".replace("~", "∼")
    if one.app in promotion.left_out:
        return f"• {code(one.app, 80)} ~{change}~ · left out"
    return f"• {code(one.app, 80)} {change} · ⛔ {safe(one.why, 200)}"


def _marks(promotion: Promotion, app: str) -> str:
    """Raw. What the gates say of one app: each by name while they are few, else those that do not hold first."""
    results = [one for one in promotion.results if one.app == app and one.gate not in promotion.plan.skipped_gates]
    held = [one for one in results if not one.holds]
    named = results if len(results) <= GATES_NAMED else (held or results)[: GATES_NAMED - 1]
    marks = [f"{_mark(one)} {words.title(one.gate)[:40]}" for one in named]
    if passed := sum(one.holds and one.verdict.asked for one in results if one not in named):
        marks.append(f"✅ {passed} more")
    if idle := sum(one.holds and not one.verdict.asked for one in results if one not in named):
        marks.append(f"➖ {idle} not asked")
    if left := sum(not one.holds for one in results if one not in named):
        marks.append(f"⛔ {left} more")
    return ", ".join(marks)


def _mark(result: GateResult) -> str:
    if result.waived:
        return "⚠️"
    return MARKS[result.verdict.state] if result.verdict.asked else "➖"


def _boxes(promotion: Promotion) -> list[Block]:
    """One element for each ten apps; none where a name does not fit into one."""
    apps = promotion.plan.apps
    fitting = all(words.clean(app) == app and 0 < words.width(app) <= OPTION_VALUE for app in apps)
    if not fitting or len(apps) > MOST_BOXES or not words.PROMOTION_ID.fullmatch(promotion.id):
        return []
    groups = [apps[start : start + BOXES] for start in range(0, len(apps), BOXES)]
    return [_group(promotion, group, index) for index, group in enumerate(groups)]


def _group(promotion: Promotion, apps: Sequence[str], index: int) -> Block:
    options = {app: _option(promotion, app) for app in apps}
    ticked = [option for app, option in options.items() if app not in promotion.left_out]
    boxes = CheckboxesElement(
        action_id=Action.ADJUST.numbered(index), options=list(options.values()), initial_options=ticked or None
    )
    # A new id for new content: Slack would keep what each reader ticked, whatever the story made of it (S16).
    return ActionsBlock(elements=[boxes], block_id=ticks_id(promotion.id, promotion.content_hash, index))


def _option(promotion: Promotion, app: str) -> Option:
    plan = promotion.plan
    labels = [(move.label_before, move.after.label) for move in plan.moves if move.app == app]
    labels += [(one.label_before, one.label) for one in plan.missing if one.app == app]
    change = f"{plain(short_ids(labels[0][0]), 18)} → {plain(short_ids(labels[0][1]), 18)}"
    if len(labels) > 1:
        change = words.count(len(labels), "image")
    marks = _marks(promotion, app)
    return Option(
        value=app,
        text=PlainTextObject(text=plain(f"{plain(app, 32)} · {change}", 75), emoji=True),
        description=PlainTextObject(text=plain(marks, 75), emoji=True) if marks else None,
    )


def _by_keyboard(promotion: Promotion) -> Block:
    return context(f"Apps can be left out: {code(f'/adjust {promotion.id} leave out APP…', 150)}")
