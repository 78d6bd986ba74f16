"""What can be pressed on a promotion's card: nothing that the story would not hear."""

from collections.abc import Container
from dataclasses import replace

from slack_sdk.models.blocks import ButtonElement

from bot.domain.approval import approved
from bot.domain.promotion import Kind, Phase, Progress, Promotion, Stage, VerdictState
from bot.domain.queueing import is_closed
from bot.views import layout, words
from bot.views.ids import OPEN, Action, ImageValue, PromotionValue, WishValue

ROLLBACK_BUTTONS = 5
Buttons = list[ButtonElement | None]


def buttons(promotion: Promotion, headline: str, careful: Container[str]) -> Buttons:
    """`careful`: the environments in which a press of Approve asks once more."""
    if promotion.phase.final:
        return _after(promotion)
    if promotion.stage is Stage.APPROVAL and approved(promotion):
        return []
    if promotion.stage is Stage.APPROVAL:
        return [*decide(promotion, headline, careful), _abort(promotion)]
    if promotion.stage is Stage.GATES:
        ready = [_subscribe(promotion)] if _waits(promotion) else []
        return [*ready, *_remedies(promotion), _abort(promotion)]
    return _rollbacks(promotion) if any(one.progress is Progress.FAILED for one in promotion.following) else []


def decide(promotion: Promotion, headline: str, careful: Container[str]) -> Buttons:
    """A yes and a no, bound to what is shown beside them."""
    return [_approve(promotion, headline, careful), _reject(promotion)]


def _after(promotion: Promotion) -> Buttons:
    """What helps where it failed; then the ways back and the places to look."""
    return [*_again(promotion), *_ways_back(promotion), _commit(promotion), _history(promotion)]


def _ways_back(promotion: Promotion) -> Buttons:
    """For what succeeded: what there is to go back to, for each of a few apps. Nothing starts by this press."""
    apps = promotion.apps
    if promotion.phase is not Phase.SUCCEEDED or promotion.plan.kind is Kind.ROLLBACK or len(apps) > ROLLBACK_BUTTONS:
        return []
    return [
        layout.button(
            "Roll back …" if len(apps) == 1 else f"Roll back {app} …",
            Action.WAYS_BACK.numbered(index),
            ImageValue(app, promotion.plan.environment),
        )
        for index, app in enumerate(apps)
    ]


def _commit(promotion: Promotion) -> ButtonElement | None:
    return _link("Commit", promotion.commit.url if promotion.commit else "", "promotion.commit")


def _link(label: str, url: str, action_id: str) -> ButtonElement | None:
    """Opens a page. None where there is no address."""
    return ButtonElement(text=label, url=url, action_id=action_id) if words.web_address(url) else None


def _history(promotion: Promotion) -> ButtonElement | None:
    """Of the one app that it is about."""
    apps = promotion.plan.apps
    if len(apps) != 1:
        return None
    return layout.button("History", Action.HISTORY, ImageValue(apps[0], promotion.plan.environment))


def _again(promotion: Promotion) -> Buttons:
    if promotion.phase not in (Phase.FAILED, Phase.ERRORED) or promotion.rejection or promotion.successor:
        return []
    if promotion.commit:
        return _rollbacks(promotion)
    wish = _same_again(promotion)
    if wish is None:
        return []
    later = [
        layout.button("Deploy when it opens", Action.AGAIN.numbered(1), replace(wish, start=OPEN)),
        layout.button("Notify me when ready", Action.NOTIFY, wish),
    ]
    later = later if is_closed(promotion) else []
    return [*later, layout.button("Try again", Action.AGAIN, wish), *_remedies(promotion)]


def _same_again(promotion: Promotion) -> WishValue | None:
    """What was to go, without what was left out. One image by its digest; several by what names all of them: where they
    come from, or their one tag.
    """
    environment, source = promotion.plan.environment, promotion.plan.source
    moves, apps = promotion.moves, promotion.apps
    tags = {move.after.tag for move in moves}
    if promotion.plan.kind is Kind.ROLLBACK or not moves:
        return None
    if len(moves) == len(apps) == 1:
        return WishValue("deploy", apps[0], environment, moves[0].after.digest)
    if source:
        # An app skips the source only where nobody named one: so nobody names it now.
        gone = [one for one in promotion.plan.missing if one.app in apps]
        skipping = any(move.origin for move in moves) or any(one.origin for one in gone)
        return WishValue("promote", "/".join(apps), environment, source="" if skipping else source)
    if len(apps) == 1 and len(tags) == 1 and "" not in tags:
        return WishValue("deploy", apps[0], environment, tags.pop())
    return None


def _remedies(promotion: Promotion) -> Buttons:
    """What helps a gate that says no, where a command does: each as if it were typed, with its own permission."""
    moves = promotion.moves
    if len(moves) != 1:
        return []
    stopped = {result.gate for result in promotion.blocked if result.verdict.state is VerdictState.BLOCKED}
    image = ImageValue(moves[0].app, promotion.plan.environment, moves[0].after.digest)
    shown: Buttons = []
    if "scan" in stopped:
        shown.append(layout.button("Rescan", Action.RESCAN, image))
    if stopped & {"scan", "signature"}:
        shown.append(layout.button("Rebuild", Action.REBUILD, ImageValue(moves[0].app, promotion.plan.environment)))
        shown.append(_link("Open in Harbor", moves[0].page, "image.page"))
    return shown


def _waits(promotion: Promotion) -> bool:
    return any(result.verdict.state is VerdictState.WAITING for result in promotion.blocked)


def _value(promotion: Promotion) -> PromotionValue:
    return PromotionValue(promotion.id, promotion.content_hash)


def _approve(promotion: Promotion, headline: str, careful: Container[str]) -> ButtonElement | None:
    environment = promotion.plan.environment
    ask = None
    if promotion.plan.kind is not Kind.ROLLBACK and any(move.older for move in promotion.moves):
        about = f"{headline}. It is older than what {environment} has now."
        ask = layout.confirm(f"Approve an older image for {environment}?", about, "Approve the older one", "Not yet")
    elif environment in careful:
        what = f"the rollback of {environment}" if promotion.plan.kind is Kind.ROLLBACK else f"for {environment}"
        ask = layout.confirm(f"Approve {what}?", f"{headline}.", "Approve", "Not yet")
    return layout.button("Approve", Action.APPROVE, _value(promotion), style="primary", confirm=ask)


def _reject(promotion: Promotion) -> ButtonElement | None:
    return layout.button("Reject", Action.REJECT, _value(promotion), style="danger")


def _abort(promotion: Promotion) -> ButtonElement | None:
    return layout.button("Abort", Action.ABORT, _value(promotion))


def _subscribe(promotion: Promotion) -> ButtonElement | None:
    return layout.button("Notify me when ready", Action.SUBSCRIBE, _value(promotion))


def _rollbacks(promotion: Promotion) -> Buttons:
    """One button for each app in trouble; back to its newest image that was Healthy there.

    None for what got another image by now: that is not ours to take back.
    """
    gone = {one.application for one in promotion.following if one.progress is Progress.SUPERSEDED}
    moves = [move for move in promotion.moves if move.application not in gone]
    apps = tuple(dict.fromkeys(move.app for move in moves))
    failed = {one.application for one in promotion.following if one.progress is Progress.FAILED}
    sick = [app for app in apps if any(move.app == app and move.application in failed for move in moves)]
    shown: Buttons = []
    for index, app in enumerate((sick or list(apps))[:ROLLBACK_BUTTONS]):
        label = "Roll back" if len(promotion.apps) == 1 else f"Roll back {app}"
        value = ImageValue(app, promotion.plan.environment)
        shown.append(layout.button(label, Action.ROLLBACK.numbered(index), value, style="danger"))
    return shown
