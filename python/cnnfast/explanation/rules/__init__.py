"""Rules: every operation as one of a few kinds of sums, as plain data."""

from .lowering import RULES, lower
from .rule import Parts, Readers, Rule
from .structure import Copy, Opaque

__all__ = ["RULES", "Copy", "Opaque", "Parts", "Readers", "Rule", "lower"]
