"""The promotion card: one message that a promotion lives in, edited in place from the first question to the end."""

from collections.abc import Mapping
from types import MappingProxyType

from slack_sdk.models.blocks import Block, ButtonElement

from bot.domain.promotion import Kind, Phase, Progress, Promotion, Stage
from bot.ports import Comparison, Rendered
from bot.views import facts, layout, words
from bot.views.ids import Action, ImageValue, PromotionValue
from bot.views.state import State, dry_state, state

LAST_ENVIRONMENT = "production"
REASONS_LIMIT, ROWS_LIMIT = 2500, 1800
ROLLBACK_BUTTONS = 5
NOT_COMPARED: Mapping[str, Comparison] = MappingProxyType({})


def card(
    promotion: Promotion,
    *,
    approvers: str = "",
    last_environment: str = LAST_ENVIRONMENT,
    comparisons: Mapping[str, Comparison] = NOT_COMPARED,
) -> Rendered:
    """`approvers` says who may approve (default: the rule's roles); its mentions of users and groups are live.

    `last_environment` is where a press of Approve asks once more. `comparisons` holds, by app, the source commits that
    the change brings. The last block says where the promotion stands and is the one beside the colour.
    """
    now = state(promotion, approvers)
    blocks = _body(promotion, comparisons)
    return _message(promotion, [*blocks, *layout.actions(_buttons(promotion, last_environment))], now)


def dry_run(promotion: Promotion, *, approvers: str = "") -> Rendered:
    """The card as it would be, without buttons."""
    now = dry_state(promotion, approvers)
    return _message(promotion, _body(promotion, NOT_COMPARED, "🧪 Dry run: "), now)


def _message(promotion: Promotion, blocks: list[Block], now: State) -> Rendered:
    fallback = f"{words.safe(headline(promotion), 300)}: {now.sentence}"
    return layout.rendered(fallback, [*blocks, layout.section(str(now), limit=1500)], now.color)


def headline(promotion: Promotion) -> str:
    """What moves where, as raw text: "my-app → production · v1.4.1 → v1.4.2"."""
    plan = promotion.plan
    apps = plan.app if len(plan.apps) == 1 else words.count(len(plan.apps), "app")
    if len(plan.moves) == 1:
        move = plan.moves[0]
        change = f"{words.plain(move.before.label, 30)} → {words.plain(move.after.label, 30)}"
    else:
        change = words.count(len(plan.moves), "image")
    return f"{words.plain(apps, 45)} → {words.plain(plan.environment, 25)} · {change}"


def icon(promotion: Promotion) -> str:
    return "⏪" if promotion.plan.kind is Kind.ROLLBACK else "🚀"


def _body(promotion: Promotion, comparisons: Mapping[str, Comparison], prefix: str = "") -> list[Block]:
    blocks: list[Block] = [layout.header(f"{prefix or icon(promotion) + ' '}{headline(promotion)}")]
    if promotion.plan.break_glass:
        blocks.append(layout.section("🚨 *Break-glass*: gates are waived for this one, and everyone sees that."))
    if len(promotion.plan.moves) > 1:
        blocks.append(layout.section(*facts.move_lines(promotion), limit=ROWS_LIMIT))
    blocks += layout.fields(facts.fact_fields(promotion, comparisons))
    reasons = [*facts.trouble_lines(promotion), *facts.reason_lines(promotion)]
    if reasons:
        blocks.append(layout.section(*reasons, limit=REASONS_LIMIT))
    blocks.append(layout.context(*facts.decision_lines(promotion), facts.footer(promotion)))
    return blocks


def _buttons(promotion: Promotion, last_environment: str) -> list[ButtonElement | None]:
    if promotion.phase.final:
        return _after(promotion)
    if promotion.stage is Stage.APPROVAL:
        return [_approve(promotion, last_environment), _reject(promotion), _abort(promotion)]
    if promotion.stage is Stage.GATES:
        return [_abort(promotion)]
    return _rollbacks(promotion) if any(one.progress is Progress.FAILED for one in promotion.following) else []


def _after(promotion: Promotion) -> list[ButtonElement | None]:
    if promotion.phase not in (Phase.FAILED, Phase.ERRORED) or promotion.rejection:
        return []
    if promotion.commit:
        return _rollbacks(promotion)
    plan = promotion.plan
    if plan.kind is Kind.ROLLBACK or len(plan.moves) != 1:
        return []
    again = ImageValue(plan.app, plan.environment, plan.moves[0].after.digest)
    return [layout.button("Try again", Action.RETRY, again)]


def _value(promotion: Promotion) -> PromotionValue:
    return PromotionValue(promotion.id, promotion.content_hash)


def _approve(promotion: Promotion, last_environment: str) -> ButtonElement | None:
    environment = promotion.plan.environment
    ask = None
    if environment == last_environment:
        ask = layout.confirm(f"Approve for {environment}?", f"{headline(promotion)}.", "Approve", "Not yet")
    return layout.button("Approve", Action.APPROVE, _value(promotion), style="primary", confirm=ask)


def _reject(promotion: Promotion) -> ButtonElement | None:
    return layout.button("Reject", Action.REJECT, _value(promotion), style="danger")


def _abort(promotion: Promotion) -> ButtonElement | None:
    return layout.button("Abort", Action.ABORT, _value(promotion))


def _rollbacks(promotion: Promotion) -> list[ButtonElement | None]:
    """One button for each app in trouble; back to what its overlay said before, where that is one image."""
    plan = promotion.plan
    failed = {one.application for one in promotion.following if one.progress is Progress.FAILED}
    apps = [app for app in plan.apps if any(m.app == app and m.application in failed for m in plan.moves)]
    buttons: list[ButtonElement | None] = []
    for index, app in enumerate((apps or list(plan.apps))[:ROLLBACK_BUTTONS]):
        before = [move.before for move in plan.moves if move.app == app]
        to = (before[0].digest or before[0].tag) if len(before) == 1 else ""
        label = "Rollback" if len(plan.apps) == 1 else f"Rollback {app}"
        value = ImageValue(app, plan.environment, to)
        buttons.append(layout.button(label, Action.ROLLBACK.numbered(index), value, style="danger"))
    return buttons
