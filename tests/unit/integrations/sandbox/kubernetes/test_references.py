import pytest

from integrations.sandbox.kubernetes.tekton.references import UnresolvedReferenceError, Value, dependencies, substitute


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("$(params.a)", "1"),
        ("x-$(params.a)-$(params.b)", "x-1-2"),
        ('$(params["a"])', "1"),
        (["$(params.list[*])", "end"], ["p", "q", "end"]),
        ("$(params.list[1])", "q"),
        ("$(params.object.key)", "v"),
        ("$(params.list)", ["p", "q"]),
        ("$(workspaces.source.path)", "$(workspaces.source.path)"),
        ({"deep": [{"er": "$(params.b)"}]}, {"deep": [{"er": "2"}]}),
        (7, 7),
    ],
)
def test_variables_are_put_in_place(value: object, expected: object) -> None:
    variables: dict[str, Value] = {
        "params.a": "1",
        "params.b": "2",
        "params.list": ["p", "q"],
        "params.object": {"key": "v"},
    }
    assert substitute(value, variables) == expected


def test_a_result_that_nobody_gave_is_told() -> None:
    with pytest.raises(UnresolvedReferenceError, match=r"tasks\.build\.results\.digest"):
        substitute("$(tasks.build.results.digest)", {})


def test_a_task_depends_on_run_after_and_on_the_results_it_uses() -> None:
    task = {
        "name": "deploy",
        "runAfter": ["sign"],
        "params": [{"name": "digest", "value": "$(tasks.build.results.digest)"}],
        "when": [{"input": "$(tasks.check.results.ok)", "operator": "in", "values": ["yes"]}],
    }
    assert dependencies(task) == {"sign", "build", "check"}
