"""Pipeline runs, as commands look them up: only for those who may, and with the reason when one has failed."""

from typing import Protocol

from bot.domain.caller import Caller, Permission, Target
from bot.domain.errors import NotFound
from bot.domain.pipeline import PipelineRun, RunRequest, RunStatus, StepLog, TaskStatus
from bot.policy import Policy, authorize, known, no_run
from bot.policy.parts import AppPart
from bot.ports import Pipelines
from bot.runtime.redaction import Redactor

LAST_LINES = 20
"""of a failed step, shown in the message itself"""
ANY_APP = "*"
"""stands for the app of a run that has none: only who holds a permission for every app holds it there"""


def target_of(run: PipelineRun) -> Target:
    return Target(run.app or ANY_APP)


class RunFollowing(Protocol):
    async def follow(self, run: PipelineRun, channel: str) -> None:
        """From now on a message in the channel shows where the run is, until it has ended."""
        ...


class RunQueries:
    """Raises UnknownName for a run that is not there, NotAllowed for one that is not the caller's business."""

    def __init__(self, pipelines: Pipelines, policy: Policy, redactor: Redactor | None = None) -> None:
        self._pipelines = pipelines
        self._policy = policy
        self._redactor = redactor or Redactor()

    async def find(self, name: str, caller: Caller, permission: Permission) -> PipelineRun:
        try:
            run = await self._pipelines.get(name)
        except NotFound as error:
            raise no_run(name) from error
        target = target_of(run)
        if not known(self._policy, caller, permission, target.app):
            raise no_run(name)
        authorize(self._policy, caller, permission, target)
        return run

    async def failure(self, run: PipelineRun) -> tuple[str, StepLog | None]:
        """Why a failed run failed, in one sentence, and the last lines of the step that broke; ("", None) otherwise."""
        if run.status is not RunStatus.FAILED:
            return "", None
        task = failed_task(run)
        if task is None:
            return run.message or run.reason or "Tekton gives no reason.", None
        logs = await self.logs(run, LAST_LINES)
        return self._redactor.text(explain(task)), last_words(task, logs)

    async def logs(self, run: PipelineRun, lines: int) -> tuple[StepLog, ...]:
        """The last lines of each step, without the secrets in them."""
        return self._redactor.logs(await self._pipelines.logs(run.name, lines))


def failed_task(run: PipelineRun) -> TaskStatus | None:
    """The task that failed first: what failed after it may be its consequence."""
    failed = [task for task in run.tasks if task.status is RunStatus.FAILED]
    return min(failed, key=lambda task: (task.finished_at is None, task.finished_at), default=None)


def explain(task: TaskStatus) -> str:
    """One sentence that names the step once, wherever Tekton's own message already does."""
    why = task.message.strip().rstrip(".") or task.reason
    step = task.failed_step if task.failed_step and task.failed_step not in why else ""
    where = f"{task.name} failed in its step {step}" if step else f"{task.name} failed"
    return f"{where}: {why}." if why else f"{where}."


def last_words(task: TaskStatus, logs: tuple[StepLog, ...]) -> StepLog | None:
    """What the failed step printed last; of the task's last step when Tekton does not say which one failed."""
    own = [log for log in logs if log.task == task.name]
    exact = [log for log in own if log.step == task.failed_step]
    chosen = exact or own
    return chosen[-1] if chosen else None


def parameters(policy: Policy, app: str, revision: str) -> dict[str, str]:
    """What policy fixes of a run: for every app, refined by the app's own; `{app}` and `{revision}` are filled in.

    A parameter that needs the revision is left to the Pipeline's default when none is named.
    """
    templates = policy.pipeline.params | policy.apps.get(app, AppPart()).params
    return {
        name: template.replace("{app}", app).replace("{revision}", revision)
        for name, template in templates.items()
        if revision or "{revision}" not in template
    }


def fixed_names(policy: Policy, app: str) -> frozenset[str]:
    """Parameters that policy decides and nobody else: where the source comes from, where the image goes."""
    return frozenset(policy.pipeline.params | policy.apps.get(app, AppPart()).params)


def leads_elsewhere(value: str) -> bool:
    """Whether it names a place (a URL, git@host:path, host.name/path): a run's credentials go where it leads."""
    host, slash, _ = value.strip().partition("/")
    login, colon, _ = host.partition(":")
    return "://" in value or bool(colon and ("@" in login or slash)) or bool(slash and "." in host.strip("."))


def request_like(run: PipelineRun, request_id: str, requester: str) -> RunRequest:
    """The request that makes a run like this one, with the parameters it had."""
    return RunRequest(request_id, run.pipeline, run.app, dict(run.params), requester)


def pipeline_of(policy: Policy, app: str) -> str:
    return policy.apps.get(app, AppPart()).pipeline or policy.pipeline.name
