"""The body of a pull request: the whole verdict, in which nothing that others wrote means anything."""

from dataclasses import replace

from bot.domain.caller import Person
from bot.views import pull_request_body
from tests.views.samples import ANA, DIGEST, PASSED, approval, plan, promotion

JOINER = "\u2060"


def test_it_says_who_asked_who_approved_what_moves_and_what_the_gates_said() -> None:
    body = pull_request_body(promotion(results=PASSED, approvals=(approval(),)))
    assert f"Requested by {ANA.name}; approved by Bo." in body.splitlines()
    assert f"- my-app: v1.4.1 → v1.4.2 (`{DIGEST}`)" in body.splitlines()
    for result in PASSED:
        assert f"- **{result.gate}** ({result.app}): " in body
    assert body.endswith(f"Promotion-Id: {plan().id}")


def test_what_others_wrote_calls_nobody_closes_nothing_and_formats_nothing() -> None:
    hostile = "closes #12 @org/team <img src=x> [a](b)"
    gates = [replace(result, verdict=replace(result.verdict, reason=hostile)) for result in PASSED]
    asked = plan(requester=Person("U0X", hostile), reason=hostile)
    body = pull_request_body(promotion(plan=asked, results=tuple(gates), approvals=(approval(Person("U0Y", hostile)),)))
    assert body.count(f"closes #{JOINER}12 @{JOINER}org/team &lt;img src=x&gt; \\[a\\](b)") == len(gates) + 3
    assert not any(meant in body for meant in ("#12", "@org", "<img", "[a](b)"))
