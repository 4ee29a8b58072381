"""`tests/support/crossing.py`: the pairs that are covered, and the order of tests."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest

from tests.support.crossing import Variant, arrange, variants_of

X86 = [
    ("baseline", "float32"),
    ("avx2", "float32"),
    ("avx512", "float32"),
    ("baseline", "float64"),
    ("avx2", "float64"),
]
MACHINES: list[list[Variant]] = [
    X86,
    X86[:2] + X86[3:],
    [("baseline", "float32"), ("baseline", "float64")],
    [("neon", "float32"), ("baseline", "float32"), ("baseline", "float64")],
]


@pytest.mark.parametrize("variants", MACHINES, ids=len)
def test_all_pairs_are_covered(variants: list[Variant]) -> None:
    kept = next(v for v in reversed(variants) if v[1] == "float32")
    met = set()
    for case in range(40):
        chosen = variants_of(case, variants, kept)
        assert kept in chosen
        assert {isa for isa, _ in chosen} == {isa for isa, _ in variants}
        assert {dtype for _, dtype in chosen} == {dtype for _, dtype in variants}
        assert variants_of(case, variants, kept) == chosen
        met |= set(chosen)
    assert met == set(variants)
    assert len(variants_of(0, X86, X86[2])) == 3


def item(function: str, variant: Variant, case: str) -> Any:
    isa, dtype = variant
    params = {"isa": isa, "dtype": dtype} if isa else {}
    name = "-".join(filter(None, (isa, dtype, case)))
    return SimpleNamespace(nodeid=f"{function}[{name}]", callspec=SimpleNamespace(params=params))


def test_variants_of_a_case_follow_one_another() -> None:
    cases = ["a-b", "c", "d-avx2-2"]
    items = [item("f", v, case) for v in X86 for case in cases] + [item("g", v, "") for v in X86]
    items.insert(4, item("h", ("", ""), "x"))
    total = len(items)
    removed = arrange(items, X86[2])
    names = [i.nodeid for i in items]
    assert len(removed) == 3 * 2
    assert len(items) + len(removed) == total
    assert [name[0] for name in names] == ["f"] * 9 + ["h"] + ["g"] * 5
    assert [next(c for c in cases if name.endswith(f"{c}]")) for name in names[:9]] == sorted(cases * 3)
    for case in cases:
        assert f"f[avx512-float32-{case}]" in names
