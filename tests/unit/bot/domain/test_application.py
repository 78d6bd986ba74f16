from dataclasses import replace
from datetime import UTC, datetime

import pytest

from bot.domain.application import (
    Application,
    ApplicationRef,
    HealthStatus,
    HistoryColumns,
    HistoryEntry,
    Operation,
    OperationPhase,
    SyncStatus,
)

APP = Application(ApplicationRef("my-app", "production"), SyncStatus.SYNCED, HealthStatus.HEALTHY)
AT = datetime(2030, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize("phase", [OperationPhase.RUNNING, OperationPhase.TERMINATING])
def test_an_operation_that_runs_or_is_being_stopped_is_under_way(phase: OperationPhase) -> None:
    app = replace(APP, operation=Operation(phase))
    assert app.under_way is app.operation
    assert not app.well
    assert not app.settled


@pytest.mark.parametrize(("pending", "retrying"), [(True, False), (False, True)])
def test_what_is_asked_for_or_comes_again_is_neither_over_nor_a_failure(pending: bool, retrying: bool) -> None:
    operation = Operation(OperationPhase.RUNNING, finished_at=AT, pending=pending, retrying=retrying)
    assert replace(APP, operation=operation).under_way is operation
    assert not operation.failed
    assert not operation.succeeded


@pytest.mark.parametrize("phase", [OperationPhase.FAILED, OperationPhase.ERROR, OperationPhase.SUCCEEDED])
def test_an_operation_that_is_over_is_not_under_way(phase: OperationPhase) -> None:
    operation = Operation(phase, finished_at=AT)
    assert replace(APP, operation=operation).under_way is None
    assert operation.succeeded is (phase is OperationPhase.SUCCEEDED)
    assert operation.failed is not operation.succeeded


def test_well_is_healthy_with_nothing_under_way() -> None:
    assert APP.well
    assert not replace(APP, health=HealthStatus.PROGRESSING).well


def test_a_history_is_its_entries() -> None:
    entries = (HistoryEntry(3, "a", AT), HistoryEntry(4, "b"), HistoryEntry(5, "c", AT))
    history = HistoryColumns.of(iter(entries))
    assert tuple(history) == entries
    assert (len(history), history[0], history[-1], history[-2:]) == (3, entries[0], entries[2], entries[1:])
    assert history == HistoryColumns.of(entries) != HistoryColumns.of(entries[1:])
    assert not HistoryColumns.of(())
    with pytest.raises(IndexError):
        history[3]
