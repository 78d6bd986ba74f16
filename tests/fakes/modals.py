"""Modals and Home tabs in memory."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any


@dataclass
class MemoryModals:
    """`views` are what each modal shows now, by its id; `homes` the Home tabs, by person."""

    views: dict[str, Mapping[str, Any]] = field(default_factory=dict)
    homes: dict[str, Mapping[str, Any]] = field(default_factory=dict)

    async def open(self, trigger: str, view: Mapping[str, Any]) -> str:
        view_id = f"V{len(self.views) + 1}"
        self.views[view_id] = view
        return view_id

    async def update(self, view_id: str, view: Mapping[str, Any]) -> None:
        self.views[view_id] = view

    async def publish_home(self, user: str, view: Mapping[str, Any]) -> None:
        self.homes[user] = view
