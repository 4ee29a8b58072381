"""Which values of a parametrized test are among the quick tests."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable
from typing import Any

import pytest

from tests.cases import Case
from tests.support.expected import has_slow_oracle


def quick_only(values: Iterable[Any], quick: Collection[Any]) -> list[Any]:
    """The values as parameters of a test: all but those in `quick` are slow.

    Raises:
        ValueError: `quick` names a value that is not there.
    """
    values = list(values)
    missing = [value for value in quick if value not in values]
    if missing:
        raise ValueError(f"quick must name values of the test, got {missing}")
    return [value if value in quick else _slow(value) for value in values]


def quick_oracles(cases: Iterable[Case]) -> list[Any]:
    """The cases as parameters of a test: `slow` where the oracle is, and others have the same kernels."""
    return [_slow(case) if has_slow_oracle(case) else case for case in cases]


def quick_thirds(cases: Iterable[Case], turn: int) -> list[Any]:
    """The cases as parameters of a test: quick is every third one of each operation, and an only one, without
    those that have a slow oracle. `turn` (0, 1, 2) differs between tests of the same cases."""
    cases, seen = list(cases), Counter[str]()
    number = Counter(case.op for case in cases)
    found = []
    for case in cases:
        chosen = seen[case.op] % 3 == turn % min(3, number[case.op])
        seen[case.op] += 1
        found.append(case if chosen and not has_slow_oracle(case) else _slow(case))
    return found


def _slow(value: Any) -> Any:
    return pytest.param(value, marks=pytest.mark.slow)
