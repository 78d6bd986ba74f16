"""Deployments that Pilothouse did not do itself, and what went wrong without one."""

from bot.domain.delivery import Cause, Deployment, Outcome
from bot.domain.safety import HeldThen
from bot.domain.sentence import listed, shortened
from bot.domain.slack_id import as_name
from bot.domain.source_range import CommitsFound, SourceRange
from bot.domain.trouble import Trouble, TroubleKind
from bot.views.words import DAY_AND_TIME, bold, clean, code, commits_named, count, label, link, moment, safe, short_ids

ICONS = {
    Outcome.HEALTHY: "✅",
    Outcome.SYNCED: "☑️",
    Outcome.FAILED: "❌",
    Outcome.NEVER_RAN: "❌",
    Outcome.SUPERSEDED: "⏭️",
    Outcome.UNDER_WAY: "🔄",
}
CAUSES = {
    Cause.GIT: "✋ by hand in git",
    Cause.ARGOCD: "✋ by hand in Argo CD",
    Cause.PIPELINE: "🏗️ by the pipeline",
    Cause.PROMOTION: "by a promotion",
    Cause.ROLLBACK: "by an automatic rollback",
}
MOST_IMAGES = 3
MOST_RESOURCES = 3


def images(deployment: Deployment) -> str:
    """ "v1.4.1 → v1.4.2", or what else has changed."""
    if not deployment.images:
        return f"other settings ({listed([code('/'.join(path.split('/')[-2:]), 60) for path in deployment.paths[:2]])})"
    several = len(deployment.images) > 1
    changed = [
        f"{f'{safe(one.name, 60)} ' if several else ''}{label(one.labels[0])} → {label(one.labels[1])}"
        for one in deployment.images[:MOST_IMAGES]
    ]
    more = len(deployment.images) - MOST_IMAGES
    return ", ".join([*changed, *([f"{count(more, 'more image')}"] if more > 0 else [])])


def past(held: HeldThen, app: str, environment: str) -> str:
    """That somebody changed it all the same, and what held it."""
    place = f"{safe(app, 80)} in {safe(environment, 80)}" if held.app else safe(environment, 80)
    who = safe(held.by, 80) if held.by else "the policy"
    why = f": {safe(held.reason, 200)}" if clean(held.reason) else ""
    return f"⚠️ {place} was {'frozen' if held.frozen else 'locked'} by {who} then{why}"


def entry(deployment: Deployment) -> str:
    """As a row of the history."""
    first = f"{ICONS[deployment.outcome]} {bold(deployment.environment, 80)} {images(deployment)}"
    who = f"{safe(deployment.who or 'Somebody', 80)} {moment(deployment.at, DAY_AND_TIME)}"
    commit = link(deployment.url, deployment.sha[:7], 40)
    subject = f" {safe(short_ids(deployment.subject), 120)}" if deployment.subject else ""
    run = f" · run {code(deployment.run, 80)}" if deployment.run else ""
    lines = [f"{first} · {CAUSES[deployment.cause]} · {deployment.outcome}", f"{who} · {commit}{subject}{run}"]
    if deployment.held:
        lines.append(past(deployment.held, deployment.app, deployment.environment))
    lines += commits(deployment.commits) if deployment.commits else []
    if deployment.explanation and deployment.outcome is not Outcome.HEALTHY:
        lines.append(safe(short_ids(deployment.explanation), 300))
    return "\n".join(lines)


def commits(found: CommitsFound) -> list[str]:
    """A line for each range of them: "web: 4 commits: Make it faster (Ana) and 3 more"."""
    alone = len(found.ranges) == 1 and not found.unknown
    return [_range(one, named=not alone) for one in found.ranges if one.total]


def _range(one: SourceRange, *, named: bool) -> str:
    images = f"{', '.join(safe(name, 60) for name in one.images[:MOST_IMAGES])}: " if named else ""
    authors = [as_name(commit.author.name) for commit in one.newest]
    return f"{images}{commits_named(one.total, [commit.subject for commit in one.newest], authors)}"


def trouble(one: Trouble) -> str:
    """As a row of the history."""
    began = moment(one.at, DAY_AND_TIME)
    until = f"from {began} until {moment(one.over_at, DAY_AND_TIME)}" if one.over_at else f"since {began}"
    where = bold(one.environment, 80)
    match one.kind:
        case TroubleKind.ILL:
            first = f"{'🩹' if one.over_at else '🔴'} {where} {safe(one.what, 40)} · {until}"
        case TroubleKind.DRIFT:
            first = f"〰️ {where} changed in the cluster, without a commit · {until}"
        case TroubleKind.NOT_COMPARED:
            first = f"❔ {where} not compared with git by Argo CD · {until}"
    about = shortened([safe(each, 120) for each in one.resources], MOST_RESOURCES)
    said = ": ".join(filter(None, (about, safe(one.message, 300) if clean(one.message) else "")))
    return f"{first}\n{said}" if said else first
