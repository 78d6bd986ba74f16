"""The check of requests and answers against a description finds what is wrong with them."""

from dataclasses import replace

import pytest

from tests.contract.swagger import Description, Exchange

APPLICATION = "/api/v1/applications/my-app"
GOOD = Exchange("GET", APPLICATION, {"project": ["apps"]}, {}, b"", 200, b'{"metadata": {}}', "application/json")
SYNC = Exchange("POST", f"{APPLICATION}/sync", {}, {}, b'{"revision": "abc", "prune": false}', 200, b"{}")
ARGOCD, HARBOR = Description("argocd.swagger.json"), Description("harbor.swagger.yaml")
LIST = Exchange("GET", "/api/v2.0/projects/apps/repositories/a%252Fb/artifacts", {}, {}, b"", 200, b"[]")


def test_what_is_right_is_right() -> None:
    assert ARGOCD.problems(GOOD) == ARGOCD.problems(SYNC) == HARBOR.problems(LIST) == []


@pytest.mark.parametrize(
    ("description", "exchange", "words"),
    [
        (ARGOCD, replace(GOOD, path="/api/v1/apps"), "no operation"),
        (ARGOCD, replace(GOOD, method="TRACE"), "no operation"),
        (ARGOCD, replace(GOOD, query={"projekt": ["apps"]}), "projekt is not described"),
        (ARGOCD, replace(GOOD, query={"selector": ["a", "b"]}), "more than once"),
        (ARGOCD, replace(GOOD, headers={"x-mine": "1"}), "x-mine is not described"),
        (ARGOCD, replace(GOOD, body=b"{}"), "a body that is not described"),
        (ARGOCD, replace(GOOD, answer=b'{"metadata": 1}'), "1 is not of type 'object'"),
        (ARGOCD, replace(GOOD, answer=b'{"statuz": {}}'), "statuz: unknown field"),
        (ARGOCD, replace(SYNC, body=b'{"revision": 1}'), "1 is not of type 'string'"),
        (ARGOCD, replace(SYNC, body=b'{"dry_run": true}'), "dry_run: unknown field"),
        (ARGOCD, replace(SYNC, body=b""), "None is not of type 'object'"),
        (HARBOR, replace(LIST, query={"page_size": ["200"]}), "above 100"),
        (HARBOR, replace(LIST, query={"page": ["one"]}), "page=one is no integer"),
        (HARBOR, replace(LIST, query={"with_tag": ["True"]}), "with_tag=True is no boolean"),
        (HARBOR, replace(LIST, status=418), "answered 418"),
    ],
)
def test_what_is_wrong_is_told(description: Description, exchange: Exchange, words: str) -> None:
    problems = description.problems(exchange)
    assert any(words in problem for problem in problems), problems
