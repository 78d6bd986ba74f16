"""What the steps of a run have printed, while they run and after (T14, T15)."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from bot.domain.errors import NotFound
from bot.domain.pipeline import StepLog
from integrations.tekton import wire
from integrations.tekton.cluster import Apis, Cluster
from integrations.tekton.failures import WebhookRefusal

AT_ONCE = 6
"""logs read at the same time"""
MOST_BYTES = 4 << 20
"""of a log; of a longer one the end is kept"""


@dataclass(frozen=True)
class StepRef:
    """Where a step's log is: `container` of `pod`."""

    task: str
    step: str
    pod: str
    container: str


def printed(task: str, child: wire.TaskRun) -> Iterable[StepRef]:
    """The steps that have begun: those that have ended, and the one after them.

    `running` is set for all of them as soon as the pod runs: only `terminated` tells one from the other (T15, T22).
    """
    state = child.status
    if state is None or not state.pod_name:
        return
    for step in state.steps or []:
        skipped = step.termination_reason in ("Skipped", "Cancelled")
        if (step.running is not None or step.terminated is not None) and step.container and not skipped:
            yield StepRef(task, step.name, state.pod_name, step.container)
        if step.terminated is None:
            return


def in_order(children: Iterable[tuple[str, wire.TaskRun]]) -> list[tuple[str, wire.TaskRun]]:
    """By their beginning."""
    never = datetime.max.replace(tzinfo=UTC)
    return sorted(children, key=lambda pair: (pair[1].status and pair[1].status.start_time) or never)


class Logs:
    def __init__(self, cluster: Cluster, namespace: str) -> None:
        self._cluster = cluster
        self._namespace = namespace

    async def tails(self, steps: Iterable[StepRef], count: int) -> tuple[StepLog, ...]:
        """The last `count` lines of each, all read at once."""
        gate = asyncio.Semaphore(AT_ONCE)

        async def one(ref: StepRef) -> StepLog | None:
            async with gate:
                return await self._tail(ref, count)

        read = await asyncio.gather(*map(one, steps))
        return tuple(log for log in read if log is not None)

    async def _tail(self, ref: StepRef, count: int) -> StepLog | None:
        """None before its container has started; `gone` when its pod was deleted (T10, T15)."""
        operation = f"read the log of {ref.task}/{ref.step}"

        async def request(apis: Apis) -> Any:
            # Not limitBytes: it counts from the beginning of the tail, and the end is what matters (T23).
            return await apis.pod_log(self._namespace, ref.pod, container=ref.container, tailLines=count)

        try:
            body = await self._cluster.read(operation, request, tail=MOST_BYTES)
        except NotFound:
            return StepLog(ref.task, ref.step, (), gone=True)
        except WebhookRefusal:
            return None
        told = tuple(body.decode(errors="replace").splitlines()[-count:])
        # The beginning of the first line was cut off.
        return StepLog(ref.task, ref.step, told[1:] if len(body) == MOST_BYTES and len(told) > 1 else told)
