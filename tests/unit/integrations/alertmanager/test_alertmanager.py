"""What fires now."""

import contextlib
import json
from typing import Any

import pytest
import respx
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused
from bot.settings import AlertmanagerSettings
from integrations.alertmanager import Alertmanager
from integrations.alertmanager.client import Alert, matcher
from integrations.http import Policy
from integrations.http.answer import decode

URL = "https://alertmanager.example.com"
QUICK = Policy(attempts=1, total=2)


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


@given(st.text())
def test_no_value_gets_out_of_its_quotes(value: str) -> None:
    quoted = matcher("app", value).removeprefix("app=")
    assert "\n" not in quoted
    assert json.loads(quoted, strict=False) == value


@given(st.recursive(st.none() | st.text(max_size=5), lambda inner: st.lists(inner) | st.dictionaries(
    st.sampled_from(["labels", "annotations"]), inner), max_leaves=8))  # fmt: skip
def test_whatever_comes_is_read_or_refused(value: Any) -> None:
    with contextlib.suppress(Refused):
        decode(json.dumps(value), list[Alert], "Alertmanager", "list alerts")


async def test_without_a_url_there_is_no_client() -> None:
    with pytest.raises(ValueError, match="Alertmanager"):
        Alertmanager(AlertmanagerSettings())
