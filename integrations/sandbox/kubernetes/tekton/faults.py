"""The sentences of a Knative field error."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Fault:
    sentence: str
    path: str = ""

    def __str__(self) -> str:
        return f"{self.sentence}: {self.path}" if self.path else self.sentence


def missing_field(path: str) -> Fault:
    return Fault("missing field(s)", path)


def invalid_value(value: str, path: str) -> Fault:
    return Fault(f"invalid value: {value}", path)


def both(*paths: str) -> Fault:
    return Fault("expected exactly one, got both", ", ".join(paths))


def neither(*paths: str) -> Fault:
    return Fault("expected exactly one, got neither", ", ".join(paths))
