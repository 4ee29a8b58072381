"""Normalizations beside PyTorch's, with random shapes, groups and settings in each trial.

Failures name the seed; CNNFAST_TEST_SEED=<number> draws others.
"""

from __future__ import annotations

import os
from typing import Any

import numpy as np
import pytest
from cnnfast import functional

torch = pytest.importorskip("torch")

TRIALS = 300
BASE = int(os.environ.get("CNNFAST_TEST_SEED", "0"))
LIMIT = {"float32": 5e-5, "float64": 1e-11}
Array = np.ndarray[Any, Any]


def drawn(rng: np.random.Generator, dtype: str, groups: int = 1) -> Array:
    """Vectors, lines and images, one pixel and more, the mean away from zero; at least eight values a group:
    of two, rounding alone would say what the gradient is.
    """
    c = groups * int(rng.choice([1, 2, 3, 8, 17]))
    rest = [int(e) for e in rng.integers(1, 9, int(rng.integers(0, 3)))]
    n = int(rng.integers(2, 9))
    while n * int(np.prod(rest)) * c // groups < 8 or int(np.prod(rest)) * c // groups < 8:
        rest = [*rest[:1], 8] if rest else [8]
    return rng.normal(1, 2, (n, c, *rest)).astype(dtype)


def leaf(a: Array) -> Any:
    return torch.tensor(a.astype(np.float64), requires_grad=True)


def close(got: Array | None, want: Any, dtype: str, about: str) -> None:
    assert got is not None, about
    expected = want.detach().numpy()
    assert got.dtype == dtype, about
    scale = max(1.0, float(np.abs(expected).max(initial=0)))
    np.testing.assert_allclose(got, expected, rtol=0, atol=LIMIT[dtype] * scale, err_msg=about)


def test_batch_norm(isa: str, dtype: str) -> None:
    for trial in range(TRIALS):
        rng = np.random.default_rng([BASE, trial, 1])
        x = drawn(rng, dtype)
        c, about = x.shape[1], f"seed {BASE}, trial {trial}: {x.shape}"
        weight, bias, mean = (rng.standard_normal(c).astype(dtype) for _ in range(3))
        var, dy = rng.uniform(0.5, 2, c).astype(dtype), rng.standard_normal(x.shape).astype(dtype)
        settings = {"momentum": float(rng.uniform()), "eps": float(rng.choice([1e-5, 1e-3]))}
        tx, tw, tb = leaf(x), leaf(weight), leaf(bias)
        tm, tv = torch.tensor(mean.astype(np.float64)), torch.tensor(var.astype(np.float64))
        still = functional.batch_norm(x, mean, var, weight, bias, eps=settings["eps"], isa=isa)
        close(
            still,
            torch.nn.functional.batch_norm(tx, tm, tv, tw, tb, False, 0.1, settings["eps"]),
            dtype,
            about,
        )
        y = functional.batch_norm(x, mean, var, weight, bias, training=True, isa=isa, **settings)
        ty = torch.nn.functional.batch_norm(tx, tm, tv, tw, tb, True, settings["momentum"], settings["eps"])
        close(y, ty, dtype, about)
        close(mean, tm, dtype, about)
        close(var, tv, dtype, about)
        ty.backward(torch.tensor(dy.astype(np.float64)))
        slopes = functional.batch_norm_backward(dy, x, weight, eps=settings["eps"], isa=isa)
        for got, want in zip(slopes, (tx.grad, tw.grad, tb.grad), strict=True):
            close(got, want, dtype, about)


def test_group_norm(isa: str, dtype: str) -> None:
    for trial in range(TRIALS):
        rng = np.random.default_rng([BASE, trial, 2])
        groups = int(rng.integers(1, 6))
        x = drawn(rng, dtype, groups)
        c, about = x.shape[1], f"seed {BASE}, trial {trial}: {x.shape}, {groups} groups"
        weight, bias = (rng.standard_normal(c).astype(dtype) for _ in range(2))
        dy = rng.standard_normal(x.shape).astype(dtype)
        tx, tw, tb = leaf(x), leaf(weight), leaf(bias)
        ty = torch.nn.functional.group_norm(tx, groups, tw, tb)
        close(functional.group_norm(x, groups, weight, bias, isa=isa), ty, dtype, about)
        ty.backward(torch.tensor(dy.astype(np.float64)))
        slopes = functional.group_norm_backward(dy, x, groups, weight, isa=isa)
        for got, want in zip(slopes, (tx.grad, tw.grad, tb.grad), strict=True):
            close(got, want, dtype, about)


def test_layer_norm(isa: str, dtype: str) -> None:
    for trial in range(TRIALS):
        rng = np.random.default_rng([BASE, trial, 3])
        x = drawn(rng, dtype)
        about = f"seed {BASE}, trial {trial}: {x.shape}"
        weight, bias = (rng.standard_normal(x.shape[1:]).astype(dtype) for _ in range(2))
        dy = rng.standard_normal(x.shape).astype(dtype)
        tx, tw, tb = leaf(x), leaf(weight), leaf(bias)
        ty = torch.nn.functional.layer_norm(tx, x.shape[1:], tw, tb)
        close(functional.layer_norm(x, weight=weight, bias=bias, isa=isa), ty, dtype, about)
        ty.backward(torch.tensor(dy.astype(np.float64)))
        slopes = functional.layer_norm_backward(dy, x, weight=weight, isa=isa)
        for got, want in zip(slopes, (tx.grad, tw.grad, tb.grad), strict=True):
            close(got, want, dtype, about)


def test_local_response_norm(isa: str, dtype: str) -> None:
    for trial in range(TRIALS):
        rng = np.random.default_rng([BASE, trial, 4])
        x = drawn(rng, dtype)
        x = x[..., None] if x.ndim == 2 else x  # PyTorch takes no vectors here
        settings = {
            "size": int(rng.integers(1, 10)),
            "alpha": float(rng.uniform(0, 3)),
            "beta": float(rng.choice([0.5, 0.75, 1.0, 1.3])),
            "k": float(rng.uniform(0.5, 2)),
        }
        about = f"seed {BASE}, trial {trial}: {x.shape}, {settings}"
        dy, tx = rng.standard_normal(x.shape).astype(dtype), leaf(x)
        ty = torch.nn.functional.local_response_norm(tx, **settings)
        close(functional.local_response_norm(x, **settings, isa=isa), ty, dtype, about)
        ty.backward(torch.tensor(dy.astype(np.float64)))
        close(functional.local_response_norm_backward(dy, x, **settings, isa=isa), tx.grad, dtype, about)
