"""Collects what is wrong with a payload, in the words of Slack's `response_metadata.messages`."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class Problems:
    """Each message ends with the JSON pointer of the place that it is about."""

    messages: list[str] = field(default_factory=list)

    def add(self, text: str, at: str) -> None:
        self.messages.append(f"{text} [json-pointer:{at}]")


Check = Callable[[Any, str, Problems], None]
Rule = Callable[[dict[str, Any], str, Problems], None]


@dataclass(frozen=True)
class Spec:
    """The fields of one kind of object: each with its check, then rules about the object as a whole."""

    required: Mapping[str, Check] = field(default_factory=dict)
    optional: Mapping[str, Check] = field(default_factory=dict)
    rules: tuple[Rule, ...] = ()

    def __call__(self, value: Any, at: str, problems: Problems) -> None:
        if not isinstance(value, dict):
            problems.add("must provide an object", at)
            return
        known = {**self.required, **self.optional}
        for name in self.required:
            if value.get(name) is None:
                problems.add(f"missing required field: {name}", at)
        for name, part in value.items():
            if name == "type":
                continue
            if name not in known:
                problems.add(f"invalid additional property: {name}", at)
            elif part is not None:
                known[name](part, f"{at}/{name}", problems)
        for rule in self.rules:
            rule(value, at, problems)
