"""What an image brings and what it takes away, in vulnerabilities."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bot.domain.scan import Severity, Vulnerability


@dataclass(frozen=True)
class VulnerabilityDifference:
    """From one image to another; both worst first."""

    fixed: tuple[Vulnerability, ...]
    new: tuple[Vulnerability, ...]

    @property
    def fixed_by_severity(self) -> dict[Severity, int]:
        return dict(Counter(v.severity for v in self.fixed))

    @property
    def new_by_severity(self) -> dict[Severity, int]:
        return dict(Counter(v.severity for v in self.new))


def difference(before: Iterable[Vulnerability], after: Iterable[Vulnerability]) -> VulnerabilityDifference:
    """A vulnerability is its id and its package: a new version of the package that still has it fixes nothing."""
    old, new = {identity(v): v for v in before}, {identity(v): v for v in after}
    return VulnerabilityDifference(
        fixed=worst_first(v for key, v in old.items() if key not in new),
        new=worst_first(v for key, v in new.items() if key not in old),
    )


def identity(v: Vulnerability) -> tuple[str, str]:
    return v.id, v.package


def worst_first(found: Iterable[Vulnerability]) -> tuple[Vulnerability, ...]:
    return tuple(sorted(found, key=lambda v: (-v.severity.rank, v.id, v.package)))
