"""Our own gates and the packages': each handed what it asks for."""

import pkgutil
from importlib.metadata import EntryPoint
from typing import ClassVar

import pytest

import bot.gates
from bot.domain.errors import PolicyError
from bot.domain.promotion import Verdict
from bot.domain.source import OverlayBranch
from bot.evaluation import loading
from bot.evaluation.evaluator import GateEvaluator
from bot.evaluation.loading import described, known_gates, load_gates
from bot.evaluation.question import Gate, Options, Question
from bot.overlays.catalog import Catalog
from bot.overlays.image_locations import ImageLocations
from bot.policy import Policy, parse
from bot.ports import (
    Alerts,
    Applications,
    CustomGates,
    Directory,
    Freezes,
    ImageContents,
    Locks,
    OverlaySource,
    Pipelines,
    PromotionRecord,
    Pulls,
    Registry,
    Rejections,
    Signatures,
    SyncWindows,
)
from tests.fakes.applications import OVERLAY_BRANCH
from tests.fakes.customgates import MemoryCustomGates
from tests.fakes.pipelines import MemoryPipelines
from tests.fakes.signatures import MemorySignatures
from tests.unit.bot.gates.gate_harness import GateHarness


class MoonGate:
    """Is the moon full?"""

    name: ClassVar[str] = "moon"
    options: ClassVar[type[Options]] = Options

    def __init__(self, policy: Policy) -> None:
        self.policy = policy

    async def ask(self, question: Question) -> Verdict:
        return Verdict.passed(f"No moon over {question.environment}")


class NoGate:
    name = "no"


def offered(harness: GateHarness) -> dict[object, object]:
    return {
        Policy: harness.policy,
        Catalog: harness.catalog,
        ImageLocations: harness.image_locations,
        Registry: harness.registry,
        ImageContents: harness.registry,
        Pulls: harness.registry,
        Applications: harness.applications,
        SyncWindows: harness.applications,
        OverlayBranch: OVERLAY_BRANCH,
        OverlaySource: harness.overlays,
        Pipelines: MemoryPipelines(),
        Signatures: MemorySignatures(),
        Directory: harness.directory,
        CustomGates: MemoryCustomGates(),
        Alerts: None,
        Locks: harness.safety,
        Freezes: harness.safety,
        Rejections: harness.safety,
        PromotionRecord: harness.safety,
    }


def installed(monkeypatch: pytest.MonkeyPatch, what: type) -> None:
    entry = EntryPoint("x", f"{__name__}:{what.__name__}", loading.ENTRY_POINTS)
    monkeypatch.setattr(loading, "entry_points", lambda group: [entry] if group == loading.ENTRY_POINTS else [])
    monkeypatch.setattr(EntryPoint, "load", lambda _self: what)


def test_all_of_ours_are_made_and_explain_themselves() -> None:
    """One question a file, which has the gate's name."""
    files = [module.name for module in pkgutil.iter_modules(bot.gates.__path__)]
    assert sorted(gate.name for gate in load_gates(offered(GateHarness()))) == files
    for gate in known_gates():
        assert described(gate).partition("\n")[0].endswith("?")
        for field in gate.options.model_fields.values():
            assert field.description, gate


async def test_a_package_brings_a_gate_that_policy_can_name(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, MoonGate)
    harness = GateHarness()
    moon = next(gate for gate in load_gates(offered(harness)) if gate.name == "moon")
    assert isinstance(moon, MoonGate)
    assert moon.policy is harness.policy
    assert described(moon) == "Is the moon full?"
    policy = parse("environments:\n- name: a\n- name: b\n  gates: {moon: {}}\n")
    assert "moon" in GateEvaluator(load_gates(offered(harness)), policy).names("my-app", "b")


def test_what_is_no_gate_or_wants_what_nobody_has_is_refused_at_the_start(monkeypatch: pytest.MonkeyPatch) -> None:
    installed(monkeypatch, NoGate)
    with pytest.raises(PolicyError, match="is not a class with `name`, `options` and `ask`"):
        load_gates(offered(GateHarness()))
    installed(monkeypatch, MoonGate)
    without = {kind: thing for kind, thing in offered(GateHarness()).items() if kind is not Policy}
    with pytest.raises(PolicyError, match=r"needs policy: .*which nobody offers"):
        load_gates(without)


def test_a_gate_s_name_is_taken_once(monkeypatch: pytest.MonkeyPatch) -> None:
    class Second(MoonGate):
        name = "scan"

    installed(monkeypatch, Second)
    gates: tuple[Gate, ...] = load_gates(offered(GateHarness()))
    with pytest.raises(PolicyError, match="two gates are named scan"):
        GateEvaluator(gates, parse(""))
