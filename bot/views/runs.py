"""Pipeline runs: a list, one in detail, and what its steps printed."""

import re

from slack_sdk.models.blocks import Block, ButtonElement

from bot.domain import slack_id
from bot.domain.duration import in_words, lasted
from bot.domain.pipeline import HELD, PipelineRun, RunStatus, StepLog, TaskStatus
from bot.domain.reply import RunDetail, RunList, RunLog
from bot.ports import Rendered
from bot.views import words
from bot.views.ids import Action, RunValue
from bot.views.layout import actions, button, context, header, rendered, rows, section, sentence
from bot.views.words import DAY_AND_TIME, block_of_code, bold, code, commit_page, link, moment, safe, short_ids

MARKS = {
    RunStatus.PENDING: "⏳",
    RunStatus.RUNNING: "🔄",
    RunStatus.SUCCEEDED: "✅",
    RunStatus.FAILED: "❌",
    RunStatus.CANCELLED: "🛑",
    RunStatus.DELETED: "🗑️",
}
ENDS = {
    RunStatus.PENDING: "has not started",
    RunStatus.RUNNING: "is running",
    RunStatus.SUCCEEDED: "succeeded",
    RunStatus.FAILED: "failed",
    RunStatus.CANCELLED: "was cancelled",
    RunStatus.DELETED: "was deleted",
}
LINES = 20
COMMIT = re.compile("[0-9a-f]{40}")
"""the whole id of a commit"""


def run_list(reply: RunList) -> Rendered:
    of = f" of {safe(reply.app, 80)}" if reply.app else ""
    if not reply.runs:
        return sentence(f"There are no pipeline runs{of} yet.")
    text = f"{words.count(len(reply.runs), 'pipeline run')}{of}, newest first"
    return rendered(text, [section(f"*{text}*"), *rows(_row(run, index) for index, run in enumerate(reply.runs))])


def run_detail(reply: RunDetail) -> Rendered:
    run = reply.run
    if reply.followed:
        return sentence(f"{bold(run.name)}: {safe(reply.note, 500)} Its message here follows it to the end.")
    now = f"{MARKS[run.status]} {run.status.value}"
    blocks: list[Block] = [header(f"🔧 {words.plain(run.name, 100)}")]
    if words.clean(reply.note):
        blocks.append(section(safe(reply.note, 500)))
    blocks.append(section(" · ".join([now, *_facts(run)])))
    if run.tasks:
        blocks.append(section(*(_task(task) for task in run.tasks), limit=2000))
    if words.clean(reply.held):
        blocks.append(section(f"🔒 {safe(reply.held, 1200)}"))
    if words.clean(reply.failure):
        blocks.append(section(f"❌ {safe(reply.failure, 900)}"))
    if reply.log:
        blocks += _step(reply.log)
    blocks += _results(run)
    if run.status is RunStatus.DELETED:
        blocks.append(section(safe(run.message, 500)))
    said = safe(reply.note or reply.failure or reply.held or run.message or run.reason, 500)
    return rendered(f"{safe(run.name, 100)}: {now}. {said}", [*blocks, *actions(_buttons(run))])


def run_ended(reply: RunDetail) -> Rendered:
    """What wakes the requester, below the run's message: how it ended, and why."""
    run = reply.run
    took = f" after {in_words(run.duration)}" if run.duration is not None else ""
    end = f"{MARKS[run.status]} {_requester(run)}: {bold(run.name)} {ENDS[run.status]}{took}."
    why = reply.failure or run.message or run.reason if run.status is RunStatus.FAILED else ""
    return sentence(" ".join([end, *(safe(more, 600) for more in (why, reply.held) if words.clean(more))]))


def run_log(reply: RunLog) -> Rendered:
    name = safe(reply.run.name, 100)
    if not reply.logs:
        return sentence(f"{MARKS[reply.run.status]} {name} has printed nothing yet.")
    steps = [block for log in reply.logs for block in _step(log)]
    text = f"The last lines of each step of {name}"
    return rendered(text, [section(f"*{text}*"), *rows(steps)])


def log_file(reply: RunLog) -> tuple[str, bytes]:
    """Name and content of the file for what does not fit into a message; it says where a beginning is left out."""
    parts = [f"== {log.task} / {log.step}{_extent(log, reply.most)}\n" + "\n".join(log.lines) for log in reply.logs]
    name = "".join(c for c in reply.run.name if c.isascii() and (c.isalnum() or c in "-."))[:100] or "run"
    return f"{name}.log", ("\n\n".join(parts) + "\n").encode(errors="replace")


def _extent(log: StepLog, most: int) -> str:
    if log.gone:
        return " (gone)"
    return f" (the last {most:,} lines; earlier ones are in the cluster)" if 0 < most <= len(log.lines) else ""


def longer_than_shown(reply: RunLog) -> bool:
    """Whether a message leaves lines out."""
    return any(len(log.lines) > LINES for log in reply.logs)


def _row(run: PipelineRun, index: int) -> Block:
    facts = " · ".join(_facts(run))
    show = button("Show", Action.RUN_SHOW.numbered(index), RunValue(run.name))
    return section(f"{MARKS[run.status]} {bold(run.name)} {run.status.value}\n{facts}", accessory=show)


def _facts(run: PipelineRun) -> list[str]:
    facts = [safe(run.app, 60)] if run.app else []
    if run.requester:
        facts.append(f"by {_requester(run)}")
    started = run.started_at or run.created_at
    if started:
        facts.append(moment(started, DAY_AND_TIME))
    if run.duration is not None:
        facts.append(lasted(run.duration))
    return facts or [safe(run.pipeline, 80)] * bool(run.pipeline)


def _requester(run: PipelineRun) -> str:
    return f"<@{run.requester}>" if slack_id.is_user(run.requester) else safe(run.requester, 60)


def _task(task: TaskStatus) -> str:
    if task.skipped:
        return f"⏭️ {safe(task.name, 80)} {'did not run' if task.status is RunStatus.CANCELLED else 'skipped'}"
    took = task.finished_at - task.started_at if task.started_at and task.finished_at else None
    line = f"{MARKS[task.status]} {safe(task.name, 80)}" + (f" {lasted(took)}" if took is not None else "")
    if task.status is RunStatus.PENDING and task.message:
        return f"{line} cannot start: {safe(task.message, 300)}"
    if task.status is not RunStatus.FAILED:
        return line
    step = f" in step {code(task.failed_step, 60)}" if task.failed_step else ""
    return f"{line}{step}: {safe(task.message or task.reason or 'no reason is given', 300)}"


def _step(log: StepLog) -> list[Block]:
    title = f"{bold(log.task)} / {safe(log.step, 80)}"
    if log.gone and not log.lines:
        return [section(f"{title}: its pod is gone, and the log with it.")]
    return [section(f"{title}\n{block_of_code(log.lines[-LINES:], 2400)}")]


def _results(run: PipelineRun) -> list[Block]:
    shown = {name: value for name, value in run.results.items() if name != HELD}
    if not shown:
        return []
    pairs = [f"{safe(name, 40)} {_value(value, run.source)}" for name, value in shown.items()]
    return [context(words.joined(pairs, 1200, " · "))]


def _value(value: str, source: str) -> str:
    """The id of a commit leads to its page where the run names its source by a web address."""
    page = commit_page(source, value) if COMMIT.fullmatch(value) else ""
    return link(page, short_ids(value)) if page else code(short_ids(value), 150)


def _buttons(run: PipelineRun) -> list[ButtonElement | None]:
    value = RunValue(run.name)
    logs = button("Logs", Action.RUN_LOGS, value)
    if not run.done:
        return [logs, button("Cancel", Action.RUN_CANCEL, value, style="danger")]
    if run.status is RunStatus.DELETED:
        return []
    return [logs] if run.status is RunStatus.SUCCEEDED else [logs, button("Retry", Action.RUN_RETRY, value)]
