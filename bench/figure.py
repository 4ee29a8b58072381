"""Rows without run times of candidates: one measured number, or a remark on what was skipped."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any


@dataclass(frozen=True)
class Figure:
    """One number with its unit."""

    name: str
    value: float
    unit: str

    def lines(self) -> list[str]:
        return [self.name, f"  {self.value:,.1f} {self.unit}"]

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "figure", **vars(self)}


@dataclass(frozen=True)
class Remark:
    """What was not measured, and why."""

    name: str
    why: str

    def lines(self) -> list[str]:
        return [f"{self.name}: left out, {self.why}"]

    def to_dict(self) -> dict[str, Any]:
        return {"kind": "remark", **vars(self)}
