"""What an environment can go back to, newest first."""

from slack_sdk.models.blocks import Block

from bot.domain.reply import RollbackChoice, RollbackChoices
from bot.ports import Rendered
from bot.views import words
from bot.views.ids import Action, ImageValue
from bot.views.layout import button, confirm, rendered, rows, section, sentence
from bot.views.words import DAY_AND_TIME, bold, link, moment, safe, short_ids


def rollback_choices(reply: RollbackChoices) -> Rendered:
    where = f"{safe(reply.app, 80)} in {safe(reply.environment, 60)}"
    if not reply.choices:
        return sentence(f"{where} has run nothing else yet, so there is nothing to go back to.")
    committed = bold(short_ids(reply.running.label), 80)
    now = (
        f"{where}: {committed} is committed, {safe(short_ids(reply.runs), 200)}"
        if reply.runs
        else f"{where} runs {committed}"
    )
    text = f"{now}. It can go back to:"
    return rendered(text, [section(text), *rows(_row(reply, one, at) for at, one in enumerate(reply.choices))])


def _row(reply: RollbackChoices, choice: RollbackChoice, index: int) -> Block:
    label = short_ids(choice.image.label)
    to = choice.image.digest or choice.image.tag or choice.commit.sha
    ask = None
    if reply.careful:
        running = short_ids(reply.running.label)
        now = f"{running} (committed; {short_ids(reply.runs)})" if reply.runs else running
        text = words.plain(f"{words.plain(reply.app, 80)} goes back from {now} to {label}.", 290)
        ask = confirm(f"Roll back {reply.environment}?", text, "Roll back", "Not now")
    name = Action.PICK_ROLLBACK.numbered(index)
    pick = button("Roll back", name, ImageValue(reply.app, reply.environment, to), confirm=ask)
    came = f"since {moment(choice.since, DAY_AND_TIME)} by {safe(choice.commit.author.name, 60)}"
    commit = link(choice.commit.url, choice.commit.short, 40)
    return section(
        f"{bold(label)} · {_proof(choice)}\n{came} · {commit} {safe(choice.commit.headline, 120)}", accessory=pick
    )


def _proof(choice: RollbackChoice) -> str:
    if choice.verified:
        return "✅ was Healthy there"
    return "Argo CD synced it there" if choice.synced else "the overlay had it; whether it ran is not on record"
