"""Locks, freezes and rejected images: what is answered about them, and what their channels are told."""

from slack_sdk.models.blocks import Block, ButtonElement

from bot.domain.caller import Person
from bot.domain.reply import Delegated, FreezeCalled, Holds, ImageRejected, LockHeld, LockTaken
from bot.domain.safety import ClosedWindow, Delegation, Freeze, Lock, Rejection, Review
from bot.domain.sentence import capital, listed
from bot.ports import Rendered
from bot.views import words
from bot.views.ids import Action, LockValue
from bot.views.layout import actions, button, confirm, context, header, rendered, rows, section, sentence
from bot.views.words import DAY_AND_TIME, bold, code, mention, moment, safe

EXEMPT = 5
"""apps that are named"""


def place(app: str, environment: str) -> str:
    """ "my-app in production", "all of production"."""
    where = bold(environment, 80)
    return f"{bold(app, 120)} in {where}" if app else f"all of {where}"


def typed(app: str, environment: str) -> str:
    """As one types it."""
    return " ".join(word for word in (app, environment) if word)


def lock_taken(reply: LockTaken) -> Rendered:
    lock = reply.lock
    what = f"🔒 You hold {place(lock.app, lock.environment)}{_until(lock)}{_because(lock.reason)}."
    if reply.stolen_from:
        what += f" It belonged to {mention(reply.stolen_from.owner)}, who gets a message."
    endless = "" if lock.expires_at else "It has no end. "
    hint = f"{endless}Release it with {code(f'/unlock {_typed(lock)}')}."
    return rendered(what, [section(what), context(hint + _builds(reply.builds))])


def lock_held(reply: LockHeld) -> Rendered:
    todo = "It is not yours: confirm to release it." if reply.release else "Wait until it is free, or take it over."
    said = f"{_held(reply.lock)} {todo}"
    shown: list[Block] = [section(said), *actions([_take_over(reply), _wait(reply.lock)])]
    return rendered(said, shown)


def _take_over(reply: LockHeld) -> ButtonElement | None:
    lock, since = reply.lock, reply.lock.since.isoformat()
    text = f"{lock.owner.name} holds it: {lock.reason.rstrip('.') or 'no reason given'}. They get a message."
    if reply.release:
        value = LockValue(lock.app, lock.environment, since)
        ask = confirm("Release the lock?", text, "Release it", "Never mind")
        return button("Release it anyway", Action.LOCK_BREAK, value, style="danger", confirm=ask)
    value = LockValue(lock.app, lock.environment, since, reply.until, reply.reason)
    ask = confirm("Take over the lock?", text, "Take it over", "Never mind")
    return button("Take it over", Action.LOCK_STEAL, value, style="danger", confirm=ask)


def _wait(lock: Lock) -> ButtonElement | None:
    return button("Notify me when it is free", Action.LOCK_WAIT, LockValue(lock.app, lock.environment))


def holds(reply: Holds) -> Rendered:
    parts = [
        ("🔒 Locked", "locked", [_lock_line(lock) for lock in reply.locks]),
        ("❄️ Frozen", "frozen", [*map(_freeze_line, reply.freezes), *map(_closed_line, reply.closed)]),
        ("🚫 Rejected images", "rejected", [_rejection_line(rejection) for rejection in reply.rejections]),
        ("👀 Waiting for a review", "waiting for a review", [_review_line(review) for review in reply.reviews]),
    ]
    shown: list[Block] = []
    for title, _, lines in parts:
        if lines:
            shown += [header(title), *rows((section(line) for line in lines), spare_blocks=40, budget=2200)]
    if not shown:
        return sentence("Nothing is locked, frozen or rejected.")
    counted = ", ".join(f"{len(lines)} {how}" for _, how, lines in parts if lines)
    return rendered(f"Holding promotions back: {counted}", shown)


def freeze_called(reply: FreezeCalled) -> Rendered:
    freeze = reply.freeze
    what = f"❄️ {capital(place(freeze.app, freeze.environment))} is frozen until {_at(freeze)}{_because(freeze.reason)}."
    end = code(f"/unfreeze {typed(freeze.app, freeze.environment)}")
    hint = f"It ends automatically then, or earlier with {end}."
    if longer := reply.longer:
        both = (longer.app, longer.environment) == (freeze.app, freeze.environment)
        hint = f"{_longer(longer).strip()} {end} ends {'both' if both else 'yours'}."
    return rendered(what, [section(what), context(hint + _exempt(freeze) + _builds(reply.builds))])


def image_rejected(reply: ImageRejected) -> Rendered:
    first = reply.rejections[0]
    what = (
        f"🚫 {bold(first.app)} {bold(first.tag or first.digest[:19])} is rejected everywhere{_because(first.reason)}."
    )
    if reply.runs_in:
        what += f" It is already committed in {words.named(reply.runs_in)}, and stays there until you roll it back."
    hint = f"Undo this with {code(f'/unreject {first.app}@{first.tag or first.digest}')}."
    return rendered(what, [section(what), context(hint)])


def delegated(reply: Delegated) -> Rendered:
    one = reply.delegation
    what = f"{mention(one.delegate)} stands in for you until {moment(one.until, DAY_AND_TIME)}."
    hint = f"They approve with your roles, but never what you requested. {code('/delegate off')} ends it."
    return rendered(what, [section(what), context(hint)])


def locked(lock: Lock, stolen_from: Lock | None) -> Rendered:
    taken = f", taken over from {mention(stolen_from.owner)}" if stolen_from else ""
    return sentence(
        f"🔒 {capital(place(lock.app, lock.environment))} is locked by {mention(lock.owner)}"
        f"{_until(lock) or ', with no end'}{taken}"
        f"{_because(lock.reason)}."
    )


def unlocked(lock: Lock, by: Person | None, still: Lock | None = None) -> Rendered:
    """`by` None: it has expired. `still`: what else holds it."""
    name = capital(place(lock.app, lock.environment))
    if still:
        gone = (
            f"{mention(by)} unlocked {place(lock.app, lock.environment)}"
            if by
            else f"The lock on {place(lock.app, lock.environment)} has expired"
        )
        return sentence(f"🔓 {gone}. {_still(still)}")
    how = f"is unlocked by {mention(by)}" if by else f"is free again: the lock of {mention(lock.owner)} has expired"
    return sentence(f"🔓 {name} {how}.")


def _still(lock: Lock) -> str:
    name = capital(place(lock.app, lock.environment))
    return f"{name} is still locked by {mention(lock.owner)}{_because(lock.reason)}."


def lock_lost(lock: Lock, by: Person, *, stolen: bool) -> Rendered:
    """To whoever held it."""
    verb = "has taken over" if stolen else "has released"
    return sentence(f"🔓 {mention(by)} {verb} your lock on {place(lock.app, lock.environment)}.")


def lock_free(lock: Lock, still: Lock | None = None) -> Rendered:
    """To whoever asked to be told; `still`: what else holds it."""
    if still:
        return sentence(f"🔓 The lock that you waited for is gone, but it is not free. {_still(still)}")
    return sentence(f"🔓 {capital(place(lock.app, lock.environment))} is free: {code(f'/lock {_typed(lock)} WHY')}.")


def lock_ending(lock: Lock) -> Rendered:
    """To the owner: it ends soon, or has no end."""
    again = code(f"/lock {_typed(lock)} --for 2h WHY")
    release = code(f"/unlock {_typed(lock)}")
    name = place(lock.app, lock.environment)
    if lock.expires_at:
        return sentence(
            f"⏰ Your lock on {name} ends {moment(lock.expires_at, DAY_AND_TIME)}. To keep it longer: {again}."
        )
    since = moment(lock.since, DAY_AND_TIME)
    return sentence(f"⏰ You have held {name} since {since}{_because(lock.reason)}. If you are done: {release}.")


def lock_ends(lock: Lock) -> Rendered:
    """To channels, what its owner hears."""
    name, owner = place(lock.app, lock.environment), mention(lock.owner)
    if lock.expires_at:
        return sentence(f"⏰ The lock on {name} by {owner} ends {moment(lock.expires_at, DAY_AND_TIME)}.")
    return sentence(f"⏰ {owner} has held {name} since {moment(lock.since, DAY_AND_TIME)}{_because(lock.reason)}.")


def frozen(freeze: Freeze, longer: Freeze | None = None) -> Rendered:
    """`longer`: another one that holds the place for longer."""
    name = capital(place(freeze.app, freeze.environment))
    return sentence(
        f"❄️ {name} is frozen by {mention(freeze.by)} until {_at(freeze)}{_because(freeze.reason)}.{_exempt(freeze)}"
        f"{_longer(longer) if longer else ''}"
    )


def _longer(freeze: Freeze) -> str:
    name = capital(place(freeze.app, freeze.environment))
    return f" {name} stays frozen until {_at(freeze)}, as {mention(freeze.by)} asked before."


def unfrozen(freeze: Freeze, by: Person | None, still: Freeze | None = None) -> Rendered:
    """`by` None: its time is over. `still`: what else freezes the place; what policy or a lock holds is not told of."""
    name = place(freeze.app, freeze.environment)
    over = f"{mention(by)} ended the freeze of {name}." if by else f"The freeze of {name} is over."
    if still is None:
        return sentence(f"🌤️ {over}")
    return sentence(
        f"❄️ {over} {capital(place(still.app, still.environment))} is still frozen by {mention(still.by)} until "
        f"{_at(still)}."
    )


def rejected(rejection: Rejection, runs_in: tuple[str, ...]) -> Rendered:
    what = f"{bold(rejection.app)} {bold(rejection.tag or rejection.digest[:19])}"
    runs = f" It is already committed in {words.named(runs_in)}." if runs_in else ""
    return sentence(f"🚫 {mention(rejection.by)} rejected {what}{_because(rejection.reason)}.{runs}")


def cleared(rejection: Rejection, by: Person, others: tuple[Rejection, ...] = ()) -> Rendered:
    """`others`: of the same image, for other apps, whose names are not everybody's to know."""
    what = f"{bold(rejection.app)} {bold(rejection.tag or rejection.digest[:19])}"
    if others:
        still = f"{mention(others[0].by)} still rejects the same image for another app, so nobody can promote it"
        return sentence(f"🚫 {mention(by)} took back the rejection of {what}. {still}.")
    return sentence(f"✅ {mention(by)} took back the rejection of {what}: it may be promoted again.")


def review_owed(review: Review, approvers: str) -> Rendered:
    ask = f" {words.with_mentions(approvers, 600)}:" if approvers else ""
    since = moment(review.opened_at, DAY_AND_TIME)
    return sentence(
        f"👀 The break-glass of {mention(review.by)} on {_apps(review)} in {bold(review.environment)} "
        f"({since}{_because(review.reason)}) still needs a review.{ask} "
        f"{code(f'/review {review.promotion_id} WHAT YOU FOUND')}{_against(review)}"
    )


def _against(review: Review) -> str:
    """What the skipped gates would have said: it is what the review is for."""
    if not review.against:
        return ""
    return f"\n⛔ The skipped gates would have said no: {safe('; '.join(review.against), 900)}"


def reviewed(review: Review) -> Rendered:
    by = mention(review.closed_by) if review.closed_by else "somebody"
    what = f"{_apps(review)} in {bold(review.environment)}"
    note = f": {safe(review.note, 600)}" if words.clean(review.note) else ""
    return sentence(f"👀 {by} has reviewed the break-glass of {mention(review.by)} on {what}{note}")


def stand_in(delegation: Delegation) -> Rendered:
    """To the delegate."""
    until = moment(delegation.until, DAY_AND_TIME)
    return sentence(
        f"🪑 You stand in for {mention(delegation.absent)} until {until}: you can approve with their roles."
    )


def stand_in_over(delegation: Delegation) -> Rendered:
    """To who was the delegate, when time or somebody ended it."""
    return sentence(
        f"🪑 You no longer stand in for {mention(delegation.absent)}: you approve with your own roles again."
    )


def delegation_begun(delegation: Delegation) -> Rendered:
    """To channels."""
    stands = f"{mention(delegation.delegate)} stands in for {mention(delegation.absent)}"
    return sentence(f"🪑 {stands} until {moment(delegation.until, DAY_AND_TIME)}, and can approve in their place.")


def delegation_over(delegation: Delegation) -> Rendered:
    """To channels, when time or somebody ended it."""
    return sentence(f"🪑 {mention(delegation.delegate)} no longer stands in for {mention(delegation.absent)}.")


def _held(lock: Lock) -> str:
    since = moment(lock.since, DAY_AND_TIME)
    name = capital(place(lock.app, lock.environment))
    return f"🔒 {name} is locked by {mention(lock.owner)} (since {since}){_until(lock)}{_because(lock.reason)}."


def _lock_line(lock: Lock) -> str:
    since = moment(lock.since, DAY_AND_TIME)
    by = f"{capital(place(lock.app, lock.environment))} · {mention(lock.owner)}"
    return f"{by} since {since}{_until(lock)}{_because(lock.reason)}"


def _freeze_line(freeze: Freeze) -> str:
    by = f"{capital(place(freeze.app, freeze.environment))} · {mention(freeze.by)}"
    return f"{by} until {_at(freeze)}{_because(freeze.reason)}{_exempt(freeze)}"


def _closed_line(window: ClosedWindow) -> str:
    return f"{capital(place(window.app, window.environment))} · {closed(window)}"


def closed(window: ClosedWindow, reason: int = 400) -> str:
    """By the policy's windows, until when and why, and for whom not; `reason`: characters of it."""
    opens = f"until {moment(window.opens, DAY_AND_TIME)}" if window.opens else "with no open window in sight"
    how = "by policy" if window.denied else "by policy, outside its open windows,"
    roles = [f"the role {code(role, 60)}" for role in window.exempt_roles]
    names = [safe(app, 60) for app in window.exempt_apps[:EXEMPT]]
    if more := window.exempt_apps[EXEMPT:]:
        names.append(words.count(len(more), "more app"))
    exempt = f" Exempt: {listed([*names, *roles])}." if names or roles else ""
    return f"{how} {opens}{_because(window.reason, reason)}.{exempt}"


def _rejection_line(rejection: Rejection) -> str:
    name = f"{bold(rejection.app)} {bold(rejection.tag or rejection.digest[:19])}"
    return f"{name} · {mention(rejection.by)} {moment(rejection.at, DAY_AND_TIME)}{_because(rejection.reason)}"


def held_rows(reply: Holds) -> list[Block]:
    """Locks, freezes and closed windows; not the rejected images and the reviews."""
    lines = [f"🔒 {_lock_line(lock)}" for lock in reply.locks]
    lines += [f"❄️ {line}" for line in (*map(_freeze_line, reply.freezes), *map(_closed_line, reply.closed))]
    return [section(line) for line in lines]


def review_row(review: Review) -> Block:
    how = code(f"/review {review.promotion_id} WHAT YOU FOUND")
    return section(f"{_review_line(review)}\n{how}")


def _apps(review: Review) -> str:
    return safe(", ".join(review.apps), 120)


def _review_line(review: Review) -> str:
    what = f"{_apps(review)} in {bold(review.environment)} · {mention(review.by)}"
    return f"{what} {moment(review.opened_at, DAY_AND_TIME)}{_because(review.reason)} · {code(review.promotion_id)}"


def _until(lock: Lock) -> str:
    return f" until {moment(lock.expires_at, DAY_AND_TIME)}" if lock.expires_at else ""


def _at(freeze: Freeze) -> str:
    return moment(freeze.until, DAY_AND_TIME)


def _because(reason: str, limit: int = 400) -> str:
    return f": {safe(reason.rstrip('.'), limit)}" if words.clean(reason) else ""


def _exempt(freeze: Freeze) -> str:
    return f" Exempt: {words.named(freeze.exempt_apps)}." if freeze.exempt_apps else ""


def _builds(told: str) -> str:
    return f" {safe(told, 300)}" if told else ""


def _typed(lock: Lock) -> str:
    return typed(lock.app, lock.environment)
