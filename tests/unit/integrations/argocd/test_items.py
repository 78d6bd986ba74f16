"""A long list, item by item: the same items as when all is decoded at once, whatever is written in them."""

import json
from typing import Any

import httpx
import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bot.domain.errors import Refused
from integrations.argocd import items as module
from integrations.argocd import wire
from integrations.argocd.items import items
from integrations.http import Answer

TRAPS = (
    '},{"metadata":{"name":"no app"}}',
    '}, {"metadata": {',
    '"items":[{"metadata":',
    '\\"},{\\"metadata\\"',
    "\\",
    "}]}",
    '"',
)


def answer(body: bytes) -> Answer:
    return Answer("Argo CD", "list", 200, httpx.Headers(), body)


def read(body: bytes) -> list[wire.ArgoApplication]:
    return list(items(answer(body), wire.ArgoApplication))


def at_once(body: bytes) -> list[wire.ArgoApplication]:
    raw = msgspec.json.decode(body, type=wire.RawList).items or ()
    return [msgspec.json.decode(item, type=wire.ArgoApplication) for item in raw]


def app(name: str, **more: Any) -> dict[str, Any]:
    return {"metadata": {"name": name}, "status": {"health": {"message": name}}, **more}


ANY: st.SearchStrategy[Any] = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(max_size=20) | st.sampled_from(TRAPS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from(["metadata", "items", "x"]) | st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=12,
)
APPS = st.builds(
    lambda name, helm, first: {**first, **app(name, other=helm)},
    st.text(max_size=20) | st.sampled_from(TRAPS),
    ANY,
    st.sampled_from([{}, {}, {}, {"kind": "Application"}, {"metadata ": 1}]),
)


@given(st.lists(APPS, max_size=6), st.sampled_from([(",", ":"), (", ", ": "), (" ,\n", " :\t")]), ANY)
def test_it_is_the_same_list_however_it_is_written(
    apps: list[dict[str, Any]], separators: tuple[str, str], beside: object
) -> None:
    for body in (
        json.dumps({"metadata": {"resourceVersion": "1"}, "items": apps}, separators=separators),
        json.dumps({"items": apps, "metadata": beside}, separators=separators),
        json.dumps({"metadata": beside, "items": apps}, separators=separators, ensure_ascii=False),
    ):
        assert read(body.encode()) == at_once(body.encode())


@pytest.mark.parametrize("body", [b'{"items":null}', b"{}", b'{"items":[]}', b'{"items": [ ]}'])
def test_nothing_is_nothing(body: bytes) -> None:
    assert read(body) == []


def test_ends_inside_an_application_are_passed_over() -> None:
    """Patches and values of Helm may be objects in Kubernetes' form."""
    inner = [{"metadata": {"name": f"no-app-{n}"}} for n in range(5)]
    body = json.dumps({"items": [app("a", spec={"patches": inner}), app("b"), app("c", more=inner)]}).encode()
    assert [one.metadata.name for one in read(body)] == ["a", "b", "c"]


def test_where_they_cannot_be_told_apart_all_are_read_at_once() -> None:
    inner: list[dict[str, Any]] = [{"metadata": {}} for _ in range(module.TRIES * 2)]
    body = json.dumps({"items": [app("a"), app("b", more=inner), app("c")]}).encode()
    assert [one.metadata.name for one in read(body)] == ["a", "b", "c"]
    mixed = json.dumps({"items": [app("a"), {"kind": "x", **app("b")}, app("c")]}).encode()
    assert [one.metadata.name for one in read(mixed)] == ["a", "b", "c"]


def test_the_first_is_there_before_the_rest_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ten thousand are 76 MB: to decode the list in one go holds the event loop up for half a second."""
    largest: list[int] = []
    whole = Answer.decode

    def decode(self: Answer, model: type[Any]) -> Any:
        largest.append(len(self.body))
        return whole(self, model)

    monkeypatch.setattr(Answer, "decode", decode)
    body = json.dumps({"items": [app(f"app-{n}") for n in range(1000)]}, separators=(",", ":")).encode()
    assert len(read(body)) == 1000
    assert max(largest) < len(body) / 100


@pytest.mark.parametrize("cut", [1, 2, 3, 20, 60, 100])
def test_a_list_that_is_cut_off_is_refused(cut: int) -> None:
    body = json.dumps({"items": [app("a"), app("b"), app("c")]}, separators=(",", ":")).encode()
    with pytest.raises(Refused, match="not the JSON that was expected"):
        read(body[:-cut])


@pytest.mark.parametrize(
    "body",
    [
        b'{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}}]} and more',
        b'{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":7}},{"metadata":{}}]}',
        b'{"items":[{"metadata":{"name":"a"}},{"metadata":{"name":"b"}},]}',
        b'{"items":[{"metadata":{"name":"a"}}]',
        b"<html>",
        b"",
    ],
)
def test_what_is_no_such_list_is_refused(body: bytes) -> None:
    with pytest.raises(Refused, match="not the JSON that was expected"):
        read(body)
