"""Pickles that are not those of CIFAR: nothing in them is imported or called."""

from __future__ import annotations

import os
import pickle
import subprocess
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast.datasets import CIFAR10, literal_pickle
from cnnfast.errors import DataError


class _Calls:
    def __init__(self, function: Any, *arguments: Any) -> None:
        self.call = (function, arguments)

    def __reduce__(self) -> Any:
        return self.call


class _Own:
    pass


@pytest.mark.parametrize("protocol", range(5))
@pytest.mark.parametrize(
    "value",
    [
        _Calls(os.system, "touch called"),
        _Calls(subprocess.getoutput, "touch called"),
        _Calls(eval, "open('called', 'w')"),
        _Calls(getattr, {}, "pop"),
        _Own,
        len,
        np.float64(3),
        np.arange(3.0),
        np.array([{}], dtype=object),
        1.5,
        {1, 2},
        frozenset([1]),
        bytearray(b"x"),
        2j,
    ],
    ids=lambda value: type(value).__name__,
)
def test_code_and_other_types_are_refused(
    value: Any, protocol: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for whole in ({"data": value}, {"labels": [value]}):
        try:
            content = pickle.dumps(whole, protocol)
        except (TypeError, pickle.PicklingError):
            pytest.skip("this protocol has no such pickle")
        with pytest.raises(literal_pickle.UnsafePickle):
            literal_pickle.load(content)
        (tmp_path / "test_batch").write_bytes(content)
        with pytest.raises(DataError, match=r"test_batch: not the pickle of a CIFAR batch: "):
            CIFAR10(train=False, root=tmp_path)
    assert not (tmp_path / "called").exists()


HEADER = b"\x80\x02"
RECONSTRUCT, NDARRAY, DTYPE = (
    b"cnumpy.core.multiarray\n_reconstruct\n",
    b"cnumpy\nndarray\n",
    b"cnumpy\ndtype\n",
)


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b".",
        HEADER + b".",
        HEADER + b"cos\nsystem\n.",
        HEADER + b"cnumpy\nload\n.",
        HEADER + NDARRAY + b"K\x03\x85R.",
        HEADER + RECONSTRUCT + b"}b.",
        HEADER + RECONSTRUCT + b"N}X\x08\x00\x00\x00__code__K\x01s\x86b.",
        HEADER + DTYPE + b"}X\x09\x00\x00\x00__class__K\x01sb.",
        HEADER + b"}X\x01\x00\x00\x00a" + RECONSTRUCT + b")Rs.",
        HEADER + b"}X\x01\x00\x00\x00a" + RECONSTRUCT + b")R(K\x01K\xffNNNtbs.",
        HEADER + b"}r\xff\xff\xff\x7f.",
        HEADER + b"}(K\x01K\x02K\x03u.",
        HEADER + b"}]K\x01s.",
        HEADER + b"B\xff\xff\xff\x7fabc.",
        HEADER + b"]" * 50_000 + b".",
        b"(" * 50_000 + b"t" * 50_000 + b".",
        HEADER + b"\x82\x01.",
        HEADER + b"Pid\n.",
    ],
)
def test_crafted_opcodes(content: bytes) -> None:
    tracemalloc.start()
    try:
        with pytest.raises(literal_pickle.UnsafePickle):
            literal_pickle.load(content)
        assert tracemalloc.get_traced_memory()[1] < 50_000_000
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize("shape", [(3,), (1 << 62, 4), (-1, -4)])
def test_arrays_whose_shape_is_a_lie(shape: tuple[int, ...]) -> None:
    dtype = literal_pickle._Dtype(("u1",))
    with pytest.raises(literal_pickle.UnsafePickle, match=r"an array of shape|a damaged array"):
        literal_pickle._Array(()).__setstate__((1, shape, dtype, False, bytes(4)))


def test_flipped_bytes(rng: np.random.Generator) -> None:
    whole = pickle.dumps({"data": np.zeros((2, 3), np.uint8), "labels": [1, 2]}, 3)
    found = literal_pickle.load(whole)
    np.testing.assert_array_equal(found["data"], np.zeros((2, 3), np.uint8))
    assert found["labels"] == [1, 2]
    for _ in range(300):
        damaged = bytearray(whole)
        damaged[rng.integers(len(whole))] = rng.integers(256)
        try:
            result = literal_pickle.load(bytes(damaged))
        except literal_pickle.UnsafePickle:
            continue
        assert isinstance(result, dict)
