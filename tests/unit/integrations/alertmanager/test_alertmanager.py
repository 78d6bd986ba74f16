"""What fires now."""

import contextlib
import json
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from typing import Any

import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused, Unavailable
from bot.settings import AlertmanagerSettings
from integrations.alertmanager import Alertmanager
from integrations.alertmanager.client import AlertmanagerAlert, matcher
from integrations.http import HttpPolicy
from integrations.http.answer import decode

URL = "https://alertmanager.example.com"
QUICK = HttpPolicy(attempts=1, total=2)


@respx.mock
async def test_firing_alerts_with_all_of_the_labels() -> None:
    alert = {
        "labels": {"alertname": "HighErrorRate", "app": "my-app"},
        "annotations": {"summary": "5 % of requests fail"},
        "generatorURL": "https://prometheus.example.com/graph",
        "fingerprint": "1",
        "status": {"state": "active", "silencedBy": [], "inhibitedBy": []},
    }
    route = respx.get(f"{URL}/api/v2/alerts").respond(json=[alert, {"labels": {}}])
    respx.get(f"{URL}/api/v2/status").respond(json=up_for(hours=1))
    async with Alertmanager(AlertmanagerSettings(url=URL, token="t0ken"), QUICK) as alertmanager:
        first, second = await alertmanager.firing({"app": "my-app", "environment": 'pro"d'})
    assert (first.name, first.summary, first.labels["app"]) == ("HighErrorRate", "5 % of requests fail", "my-app")
    assert first.url == "https://prometheus.example.com/graph"
    assert second.name == ""
    sent = route.calls.last.request
    assert sent.url.params.get_list("filter") == ['app="my-app"', 'environment="pro\\"d"']
    assert {k: sent.url.params[k] for k in ("active", "silenced", "inhibited")} == {
        "active": "true",
        "silenced": "false",
        "inhibited": "false",
    }
    assert sent.headers["authorization"] == "Bearer t0ken"


def up_for(**time: float) -> dict[str, Any]:
    return {"uptime": (datetime.now(UTC) - timedelta(**time)).isoformat(), "cluster": {"status": "ready"}}


@respx.mock
@pytest.mark.parametrize("seconds", [0, 60, 170, -3600])
async def test_right_after_its_own_start_it_knows_nothing(seconds: int) -> None:
    """An empty list is no quiet then: Prometheus has yet to tell it again."""
    respx.get(f"{URL}/api/v2/alerts").respond(json=[])
    respx.get(f"{URL}/api/v2/status").respond(json=up_for(seconds=seconds))
    async with Alertmanager(AlertmanagerSettings(url=URL), QUICK) as alertmanager:
        with pytest.raises(Unavailable) as young:
            await alertmanager.firing({})
    assert young.value.advice is not None
    assert "does not know yet" in young.value.advice.sentence
    assert young.value.retry_after is not None
    assert timedelta(0) < young.value.retry_after <= timedelta(minutes=3)


@respx.mock
async def test_its_start_is_told_by_its_own_clock() -> None:
    """Ours may be an hour ahead."""
    respx.get(f"{URL}/api/v2/alerts").respond(json=[])
    behind = format_datetime(datetime.now(UTC) - timedelta(hours=1))
    respx.get(f"{URL}/api/v2/status").respond(json=up_for(minutes=61), headers={"date": behind})
    async with Alertmanager(AlertmanagerSettings(url=URL), QUICK) as alertmanager:
        with pytest.raises(Unavailable):
            await alertmanager.firing({})


@respx.mock
@pytest.mark.parametrize("body", [{}, {"uptime": None}, {"uptime": "yesterday"}, [], {"uptime": "2026-01-01T00:00:00"}])
async def test_a_status_that_says_nothing_is_no_long_life(body: Any) -> None:
    respx.get(f"{URL}/api/v2/alerts").respond(json=[])
    respx.get(f"{URL}/api/v2/status").respond(json=body)
    async with Alertmanager(AlertmanagerSettings(url=URL), QUICK) as alertmanager:
        with pytest.raises(Refused):
            await alertmanager.firing({})


@respx.mock
async def test_what_has_no_status_is_believed() -> None:
    """Others speak the same API."""
    respx.get(f"{URL}/api/v2/alerts").respond(json=[])
    respx.get(f"{URL}/api/v2/status").respond(404)
    async with Alertmanager(AlertmanagerSettings(url=URL), QUICK) as alertmanager:
        assert await alertmanager.firing({}) == ()


@given(st.text())
def test_no_value_gets_out_of_its_quotes(value: str) -> None:
    quoted = matcher("app", value).removeprefix("app=")
    assert "\n" not in quoted
    assert json.loads(quoted, strict=False) == value


@given(st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["labels", "annotations"]), inner), max_leaves=8))  # fmt: skip
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    with contextlib.suppress(Refused):
        decode(json.dumps(value), list[AlertmanagerAlert], "Alertmanager", "list alerts")


async def test_without_a_url_there_is_no_client() -> None:
    with pytest.raises(ValueError, match="Alertmanager"):
        Alertmanager(AlertmanagerSettings())
