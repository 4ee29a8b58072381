"""Variants crossed in pairs: every case runs on each instruction set and in both precisions, and every
instruction set in both precisions, but not every case in every combination.
"""

from __future__ import annotations

import zlib
from collections import defaultdict
from collections.abc import Hashable, Sequence

import pytest

Variant = tuple[str, str]


def variants_of(case: Hashable, variants: Sequence[Variant], kept: Variant) -> list[Variant]:
    """The variants (instruction set, dtype) that a case runs in: `kept`, and as few others as cover each
    instruction set and each dtype. Cases are divided among the possible choices by a hash.

    Example:
        >>> every = [("a", "float32"), ("a", "float64"), ("b", "float32"), ("b", "float64"), ("c", "float32")]
        >>> variants_of("1", every, ("c", "float32"))
        [('a', 'float64'), ('b', 'float32'), ('c', 'float32')]
        >>> variants_of("2", every, ("c", "float32"))
        [('a', 'float32'), ('b', 'float64'), ('c', 'float32')]
    """
    missing = {isa for isa, _ in variants} - {kept[0]}
    dtypes = sorted({dtype for _, dtype in variants} - {kept[1]})
    turn = zlib.crc32(repr(case).encode())
    chosen = [kept]
    for k, dtype in enumerate(dtypes):
        able = sorted(isa for isa, other in variants if other == dtype)
        isa = able[(turn + k) % len(able)]
        missing.discard(isa)
        chosen.append((isa, dtype))
    chosen += [(isa, kept[1] if (isa, kept[1]) in variants else dtypes[0]) for isa in missing]
    return [variant for variant in variants if variant in chosen]


def arrange(items: list[pytest.Item], kept: Variant) -> list[pytest.Item]:
    """Puts the variants of each case one after the other, so that what they share is computed once, and
    removes those that `variants_of` does not choose. Returns the removed ones.

    A test without cases, or one that does not have the variant `kept`, keeps all of its variants.
    """
    places: dict[tuple[str, str], int] = {}
    first: dict[str, int] = {}
    variants: dict[tuple[str, str], set[Variant]] = defaultdict(set)
    keys = [_function_and_case(item) for item in items]
    for place, (item, (function, case)) in enumerate(zip(items, keys, strict=True)):
        first.setdefault(function, place)
        places.setdefault((function, case), place)
        variants[function, case].add(_variant(item))
    removed = [
        item
        for item, (function, case) in zip(items, keys, strict=True)
        if case and not _is_chosen(_variant(item), f"{function}{case}", variants[function, case], kept)
    ]
    gone = set(map(id, removed))
    order = sorted(range(len(items)), key=lambda i: (first[keys[i][0]], places[keys[i]], i))
    items[:] = [items[i] for i in order if id(items[i]) not in gone]
    return removed


def _is_chosen(variant: Variant, case: str, variants: set[Variant], kept: Variant) -> bool:
    if len({dtype for _, dtype in variants}) < 2 or kept not in variants:
        return True
    return variant in variants_of(case, sorted(variants), kept)


def _params(item: pytest.Item) -> dict[str, object]:
    return getattr(getattr(item, "callspec", None), "params", {})


def _variant(item: pytest.Item) -> Variant:
    params = _params(item)
    return str(params.get("isa", "")), str(params.get("dtype", ""))


def _function_and_case(item: pytest.Item) -> tuple[str, str]:
    """The name of the test function, and the test's id without its variant: empty if it has nothing else."""
    function, _, rest = item.nodeid.partition("[")
    case = rest.removesuffix("]")
    for part in _variant(item):
        parts = case.split("-")
        if part and part in parts:
            parts.remove(part)
            case = "-".join(parts)
    return function, case
