"""What a commit of ours says. Everything that people, tags and files named is one line in it, and only words. Pure."""

import re

from bot.domain.caller import Person
from bot.domain.overlay import Author
from bot.domain.promotion import Kind, Promotion

LONGEST = 500
"""characters of a name or reason"""

_MENTION = re.compile(r"(?<![A-Za-z0-9])@(?=[A-Za-z0-9])")
_NUMBER = re.compile(r"#(?=\d)|\bGH-(?=\d)|/(?:issues|pull|discussions|commit)/(?=\w)", re.IGNORECASE)


def message(promotion: Promotion) -> str:
    """Headline, why, and trailers that say who, what and from where."""
    plan = promotion.plan
    body = [f"- {inert(m.app)}: {inert(m.label_before)} -> {inert(m.after.label)}" for m in promotion.moves]
    if plan.reason:
        # Behind words with a blank between them, what looks like a trailer is none.
        body.append(f"\nThe reason given: {inert(plan.reason)}")
    trailers = [("Promotion-Id", plan.id), ("Promoted-By", _signed(plan.requester))]
    trailers += [("Approved-By", _signed(approval.approver)) for approval in promotion.approvals]
    trailers += [("On-Behalf-Of", _signed(person)) for approval in promotion.approvals for person in approval.behalf]
    trailers += [("Image", f"{move.after.repository}@{move.after.digest}") for move in promotion.moves]
    trailers.append(("From", plan.source or plan.kind))
    if plan.break_glass:
        trailers.append(("Break-Glass", plan.reason))
    lines = "\n".join(f"{key}: {inert(value)}" for key, value in trailers)
    return f"{headline(promotion)}\n\n" + "\n".join(body) + f"\n\n{lines}\n"


def headline(promotion: Promotion) -> str:
    """The first line, and the title of a pull request."""
    plan = promotion.plan
    verb, to = ("roll back", " to") if plan.kind is Kind.ROLLBACK else ("promote", "")
    apps = dict.fromkeys(move.app for move in promotion.moves)
    label, *others = dict.fromkeys(move.after.label for move in promotion.moves)
    if len(apps) == 1 and not others:
        return _first(f"{promotion.moves[0].app}: {verb}{to} {label} in {plan.environment}")
    return _first(f"{verb} {', '.join(apps)} in {plan.environment}")


def author(person: Person) -> Author:
    """The human as git wants them; Slack may keep the address from us."""
    return Author(one_line(person.name), person.email or f"{person.id.lower()}@slack.invalid")


def inert(text: str) -> str:
    """Words that nobody's machine acts on: no second line, no mention, no closing reference, no `[skip ci]`.

    Mentions and references are spaced out rather than escaped, for a commit message knows no escapes.
    """
    line = one_line(text)[:LONGEST]
    line = _NUMBER.sub(r"\g<0> ", _MENTION.sub("@ ", line))
    return line.replace("[", "(").replace("]", ")")


def _first(text: str) -> str:
    """As a line that begins a message: dashes there end it for git, and # makes it a comment."""
    return inert(text).lstrip("-# ")


def one_line(text: str) -> str:
    """A name or reason from a person must not become a trailer of its own, nor hide others, as NUL does from git."""
    return " ".join("".join(c for c in text if c.isprintable() or c.isspace()).split())


def _signed(person: Person) -> str:
    who = author(person)
    return f"{who.name} <{who.email}> ({person.id})"
