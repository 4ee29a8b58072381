"""The stateless face: what each function computes, takes and refuses."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import functional as f

from tests import oracle
from tests.support.refusal import refused


def test_conv2d_is_the_sum_of_products(dtype, isa, rng):
    x = rng.standard_normal((2, 3, 5, 6)).astype(dtype)
    w, b = rng.standard_normal((4, 3, 2, 3)).astype(dtype), rng.standard_normal(4).astype(dtype)
    padding = ((1, 0), (2, 1))
    y = f.conv2d(x, w, b, stride=(2, 1), padding=padding, isa=isa)
    expected = oracle.conv2d(x, w, b, stride=(2, 1), padding=padding)
    np.testing.assert_allclose(y, expected, rtol=1e-4, atol=1e-5)
    assert y.dtype == dtype
    np.testing.assert_allclose(
        f.conv2d(x, w, stride=(2, 1), padding=padding, isa=isa), y - b.reshape(4, 1, 1), atol=1e-5
    )
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx, dw, db = f.conv2d_backward(dy, x, w, stride=(2, 1), padding=padding, isa=isa)
    assert (dx.shape, dw.shape, db.shape) == (x.shape, w.shape, b.shape)
    np.testing.assert_allclose(db, dy.sum(axis=(0, 2, 3)), rtol=1e-4, atol=1e-4)
    assert (dw * w).sum() == pytest.approx((dy * (y - b.reshape(4, 1, 1))).sum(), rel=1e-3, abs=1e-3)
    assert (dx * x).sum() == pytest.approx((dw * w).sum(), rel=1e-3, abs=1e-3)  # both linear maps
    without = f.conv2d_backward(dy, x, w, stride=(2, 1), padding=padding, bias=False, isa=isa)
    assert without[2] is None
    np.testing.assert_array_equal(without[1], dw)


def test_linear(dtype, rng):
    x, w = rng.standard_normal((3, 4)).astype(dtype), rng.standard_normal((5, 4)).astype(dtype)
    b, dy = rng.standard_normal(5).astype(dtype), rng.standard_normal((3, 5)).astype(dtype)
    np.testing.assert_allclose(f.linear(x, w, b), x @ w.T + b, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(f.linear(x, w), x @ w.T, rtol=1e-4, atol=1e-5)
    dx, dw, db = f.linear_backward(dy, x, w)
    np.testing.assert_allclose(dx, dy @ w, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(dw, dy.T @ x, rtol=1e-4, atol=1e-5)
    np.testing.assert_allclose(db, dy.sum(axis=0), rtol=1e-4, atol=1e-5)
    assert f.linear_backward(dy, x, w, bias=False)[2] is None


@pytest.mark.parametrize(("alpha", "beta"), [(0.5, -2.0), (0.3, 0.0), (1.0, 1.0)])
def test_linear_with_the_factors_of_gemm(alpha, beta, dtype, isa, rng):
    x, w = rng.standard_normal((3, 4)).astype(dtype), rng.standard_normal((5, 4)).astype(dtype)
    b, dy = rng.standard_normal(5).astype(dtype), rng.standard_normal((3, 5)).astype(dtype)
    factors = {"alpha": alpha, "beta": beta, "isa": isa}
    tolerance = {"rtol": 1e-4, "atol": 1e-5} if dtype == "float32" else {"rtol": 1e-12, "atol": 1e-13}
    y = f.linear(x, w, b, **factors)
    np.testing.assert_allclose(y, alpha * (x @ w.T) + beta * b, **tolerance)
    dx, dw, db = f.linear_backward(dy, x, w, **factors)
    np.testing.assert_allclose(dx, alpha * (dy @ w), **tolerance)
    np.testing.assert_allclose(dw, alpha * (dy.T @ x), **tolerance)
    np.testing.assert_allclose(db, beta * dy.sum(axis=0), **tolerance)
    assert {a.dtype for a in (y, dx, dw, db)} == {np.dtype(dtype)}
    if alpha == beta == 1:
        assert y.tobytes() == f.linear(x, w, b, isa=isa).tobytes()


@pytest.mark.parametrize("shape", [(1, 3, 4), (7, 5, 2), (2, 1, 1), (0, 3, 4), (33, 17, 9)])
def test_matmul(shape, dtype, isa, rng):
    """One image, many, none; arrays that lie otherwise than C-contiguous."""
    n, i, k = shape
    a = rng.standard_normal((n, k, i)).astype(dtype).transpose(0, 2, 1)
    b = rng.standard_normal((n, k, 11)).astype(dtype)[:, :, ::-1]
    dy = rng.standard_normal((n, i, 11)).astype(dtype)
    y, (da, db) = f.matmul(a, b, isa=isa), f.matmul_backward(dy, a, b, isa=isa)
    tolerance = 1e-5 if dtype == "float32" else 1e-13
    for got, want in ((y, a @ b), (da, dy @ b.transpose(0, 2, 1)), (db, a.transpose(0, 2, 1) @ dy)):
        assert got.dtype == dtype
        np.testing.assert_allclose(got, want, rtol=tolerance, atol=tolerance * 10)


def test_matmul_gives_the_same_bits_on_any_number_of_threads(rng, set_threads):
    a, b, dy = (rng.standard_normal((24, 40, 40)).astype(np.float32) for _ in range(3))
    seen = set()
    for count in (1, 2, 3):
        set_threads(count)
        seen.add(b"".join(x.tobytes() for x in (f.matmul(a, b), *f.matmul_backward(dy, a, b))))
    assert len(seen) == 1


def test_layer_norm_returns_mean_and_inverse_deviation(dtype, isa, rng):
    x = rng.normal(3, 2, (5, 3, 4, 2)).astype(dtype)
    w, b = (rng.standard_normal((3, 4, 2)).astype(dtype) for _ in range(2))
    y, mean, inv_std = f.layer_norm(x, weight=w, bias=b, eps=1e-3, return_stats=True, isa=isa)
    assert y.tobytes() == f.layer_norm(x, weight=w, bias=b, eps=1e-3, isa=isa).tobytes()
    assert mean.shape == inv_std.shape == (5, 1, 1, 1)
    assert mean.dtype == inv_std.dtype == dtype
    exact = x.astype(np.float64)
    tolerance = 1e-6 if dtype == "float32" else 1e-14
    np.testing.assert_allclose(mean.ravel(), [image.mean() for image in exact], rtol=tolerance)
    want = [1 / np.sqrt(image.var() + 1e-3) for image in exact]
    np.testing.assert_allclose(inv_std.ravel(), want, rtol=tolerance)
    np.testing.assert_allclose((x - mean) * inv_std * w + b, y, rtol=1e-4, atol=1e-4)


def test_max_pool2d_sends_the_gradient_to_the_first_largest():
    x = np.array([[1, 1, 0], [1, 1, 2], [0, 3, 0]], np.float64).reshape(1, 1, 3, 3)
    assert f.max_pool2d(x, 2, ceil_mode=True)[0, 0].tolist() == [[1, 2], [3, 0]]
    assert f.max_pool2d(x, 2, 1, 1).shape == (1, 1, 4, 4)
    dx = f.max_pool2d_backward(np.array([[[[1.0, 2], [3, 4]]]]), x, 2, ceil_mode=True)
    assert dx[0, 0].tolist() == [[1, 0, 0], [0, 0, 2], [0, 3, 4]]


def test_biases(dtype, rng):
    x = rng.standard_normal((2, 3, 2, 2)).astype(dtype)
    by_channel, by_position = np.arange(3).astype(dtype), np.arange(12).reshape(3, 2, 2).astype(dtype)
    np.testing.assert_array_equal(f.channel_bias(x, by_channel), x + by_channel.reshape(3, 1, 1))
    np.testing.assert_array_equal(f.position_bias(x, by_position), x + by_position)
    dy = rng.standard_normal(x.shape).astype(dtype)
    for backward, axes in ((f.channel_bias_backward, (0, 2, 3)), (f.position_bias_backward, 0)):
        dx, db = backward(dy, x)
        np.testing.assert_array_equal(dx, dy)
        np.testing.assert_allclose(db, dy.sum(axis=axes), rtol=1e-4, atol=1e-5)
    assert f.channel_bias(x[:, :, 0, 0], by_channel).shape == (2, 3)


@pytest.mark.parametrize("name", ["relu", "gelu", "softmax", "log_softmax", "flatten"])
def test_functions_of_one_array(name, dtype, rng):
    x = rng.standard_normal((3, 4, 2, 2)).astype(dtype)
    function, backward = getattr(f, name), getattr(f, f"{name}_backward")
    formula = {
        "relu": lambda z: np.maximum(z, 0),
        "gelu": oracle.gelu,
        "softmax": lambda z: np.exp(z) / np.exp(z).sum(axis=1, keepdims=True),
        "log_softmax": lambda z: z - np.log(np.exp(z).sum(axis=1, keepdims=True)),
        "flatten": lambda z: z.reshape(len(z), -1),
    }[name]
    y = function(x)
    np.testing.assert_allclose(y, formula(x.astype(np.float64)), rtol=1e-4, atol=1e-6)
    dy = rng.standard_normal(y.shape).astype(dtype)
    dx, step = backward(dy, x), 1e-6
    assert dx.dtype == dtype
    wide, direction = x.astype(np.float64), rng.standard_normal(x.shape)
    slope = ((formula(wide + step * direction) - formula(wide - step * direction)) * dy).sum() / (2 * step)
    assert (dx * direction).sum() == pytest.approx(slope, rel=1e-3, abs=1e-4)


def test_gelu_has_two_forms():
    x = np.array([[2.3]])
    assert abs(f.gelu(x) - f.gelu(x, "tanh")).item() > 1e-5
    assert f.gelu_backward(x, x, "tanh") != f.gelu_backward(x, x)
    with refused(ValueError, 'GELU: approximate must be "none" or "tanh", got "erf"'):
        f.gelu(x, "erf")


def test_add():
    a, b = np.ones((2, 3)), np.full((2, 3), 2.0)
    assert f.add(a, b).tolist() == [[3, 3, 3]] * 2
    da, db = f.add_backward(a)
    assert da is not db
    assert da.tolist() == db.tolist() == a.tolist()
    with refused(ValueError, "add: b must have shape (2, 3), that of a, got (3,)"):
        f.add(a, np.ones(3))


@pytest.mark.parametrize("reduction", ["mean", "sum", "none"])
def test_losses(reduction, dtype, rng):
    logits = rng.standard_normal((5, 4)).astype(dtype)
    target = np.array([0, 3, 1, 1, 2])
    log_probs = f.log_softmax(logits)
    rows = -log_probs[np.arange(5), target]
    expected = {"mean": rows.mean(), "sum": rows.sum(), "none": rows}[reduction]
    scale = 5 if reduction == "mean" else 1
    onehot = np.eye(4)[target]
    np.testing.assert_allclose(f.cross_entropy(logits, target, reduction=reduction), expected, rtol=1e-5)
    np.testing.assert_allclose(f.nll_loss(log_probs, target, reduction=reduction), expected, rtol=1e-5)
    gradient = f.cross_entropy_backward(logits, target, reduction=reduction)
    np.testing.assert_allclose(gradient, (f.softmax(logits) - onehot) / scale, atol=1e-6)
    np.testing.assert_allclose(f.nll_loss_backward(log_probs, target, reduction=reduction), -onehot / scale)
    assert isinstance(
        f.cross_entropy(logits, target, reduction=reduction), np.ndarray if reduction == "none" else float
    )


def test_losses_of_huge_logits_and_of_nothing():
    logits = np.array([[1e4, -1e4], [-1e4, 1e4]], np.float32)
    assert f.cross_entropy(logits, [0, 0]) == pytest.approx(1e4)
    nothing, no_target = np.zeros((0, 3)), np.zeros(0, np.int64)
    assert np.isnan(f.cross_entropy(nothing, no_target))
    assert f.cross_entropy(nothing, no_target, reduction="sum") == 0
    assert f.cross_entropy(nothing, [], reduction="none").shape == (0,)
    assert f.cross_entropy_backward(nothing, no_target).shape == (0, 3)


def test_no_rows_and_odd_layouts(rng):
    x, w = np.zeros((0, 1, 4, 4), np.float32), np.ones((2, 1, 3, 3), np.float32)
    assert f.conv2d(x, w).shape == (0, 2, 2, 2)
    dx, dw, db = f.conv2d_backward(np.zeros((0, 2, 2, 2), np.float32), x, w)
    assert dx.shape == x.shape
    assert not dw.any()
    assert not db.any()
    x = rng.standard_normal((4, 4, 1, 3)).transpose(3, 2, 0, 1)
    w = w.astype(np.float64)[..., ::-1]
    y = f.conv2d(x, w)
    np.testing.assert_array_equal(y, f.conv2d(x.copy(), w.copy()))
    np.testing.assert_array_equal(f.relu_backward(y.T.copy().T, y), f.relu_backward(y, y.copy()))


F4, F8 = np.float32, np.float64


@pytest.mark.parametrize(
    ("call", "error", "text"),
    [
        (
            lambda: f.relu([1.0]),
            TypeError,
            'relu: x must be a NumPy array, got list; use np.asarray(x, dtype="float32")',
        ),
        (
            lambda: f.relu(np.zeros((1, 1), np.int32)),
            TypeError,
            'relu: x must be float32 or float64, got int32; use x.astype("float32")',
        ),
        (
            lambda: f.relu(np.zeros((1, 1), np.float16)),
            TypeError,
            'relu: x must be float32 or float64, got float16; use x.astype("float32")',
        ),
        (
            lambda: f.conv2d(np.zeros((1, 1, 2, 2), F4), np.zeros((1, 1, 1, 1), F8)),
            TypeError,
            'conv2d: weight is float64 but x is float32; use weight.astype("float32")',
        ),
        (lambda: f.softmax(np.zeros(3)), ValueError, "softmax: x must have shape (n, c, ...), got (3,)"),
        (
            lambda: f.avg_pool2d(np.zeros((1, 2, 0, 3)), 2),
            ValueError,
            "avg_pool2d: x must have one to three axes after the first, none of length 0, got (1, 2, 0, 3)",
        ),
        (
            lambda: f.flatten(np.zeros((1, 2, 1, 1, 3))),
            ValueError,
            "flatten: x must have one to three axes after the first, none of length 0, got (1, 2, 1, 1, 3)",
        ),
        (
            lambda: f.conv2d(np.zeros((1, 1, 2, 2)), np.zeros((1, 1))),
            ValueError,
            "conv2d: weight must have shape (c_out, c_in / groups, kernel height, kernel width), got (1, 1)",
        ),
        (
            lambda: f.conv2d(np.zeros((1, 1, 2, 2)), np.zeros((3, 1, 1, 1)), np.zeros(2)),
            ValueError,
            "conv2d: bias must have shape (3,), one for each filter, got (2,)",
        ),
        (
            lambda: f.conv2d(np.zeros((1, 64, 4, 4)), np.zeros((1, 64, 5, 5))),
            ValueError,
            "Conv2d: kernel 5x5 does not fit input (64, 4, 4) [c, h, w]; need h >= 5 and w >= 5",
        ),
        (
            lambda: f.conv2d_backward(np.zeros((1, 1, 2, 2)), np.zeros((1, 1, 4, 4)), np.zeros((1, 1, 2, 2))),
            ValueError,
            "conv2d_backward: dy must have shape (1, 1, 3, 3), that of the output, got (1, 1, 2, 2)",
        ),
        (
            lambda: f.linear(np.zeros((1, 2)), np.zeros(2)),
            ValueError,
            "linear: weight must have shape (out_features, in_features), got (2,)",
        ),
        (
            lambda: f.linear(np.zeros((1, 2)), np.zeros((3, 2)), np.zeros(2)),
            ValueError,
            "linear: bias must have shape (3,), one for each output, got (2,)",
        ),
        (
            lambda: f.linear(np.zeros((1, 2)), np.zeros((3, 2)), alpha=float("inf")),
            ValueError,
            "linear: alpha must be finite, got inf",
        ),
        (
            lambda: f.linear_backward(np.zeros((1, 3)), np.zeros((1, 2)), np.zeros((3, 2)), beta="1"),
            TypeError,
            "linear_backward: beta must be a number, got str '1'",
        ),
        (
            lambda: f.matmul(np.zeros((2, 3, 4)), np.zeros((3, 4, 5))),
            ValueError,
            "matmul: a and b must have shapes (n, i, k) and (n, k, j), got (2, 3, 4) and (3, 4, 5)",
        ),
        (
            lambda: f.matmul_backward(np.zeros((2, 3, 4)), np.zeros((2, 3, 4)), np.zeros((2, 4, 5))),
            ValueError,
            "matmul_backward: dy must have shape (2, 3, 5), that of the output, got (2, 3, 4)",
        ),
        (
            lambda: f.mul(np.zeros((2, 3)), np.zeros((1, 3))),
            ValueError,
            "mul: b must have shape (2, 3), that of a, got (1, 3)",
        ),
        (
            lambda: f.mul_backward(np.zeros((1, 3)), np.zeros((2, 3)), np.zeros((2, 3))),
            ValueError,
            "mul_backward: dy must have shape (2, 3), that of the output, got (1, 3)",
        ),
        (
            lambda: f.prelu(np.zeros((1, 2)), np.zeros((2, 1))),
            ValueError,
            "prelu: weight must have shape (c,), got (2, 1)",
        ),
        (
            lambda: f.channel_bias(np.zeros((1, 2)), np.zeros((2, 1))),
            ValueError,
            "channel_bias: bias must have shape (c,), got (2, 1)",
        ),
        (
            lambda: f.channel_bias_backward(np.zeros(2), np.zeros(2)),
            ValueError,
            "channel_bias_backward: x must have shape (n, c, ...), got (2,)",
        ),
        (
            lambda: f.position_bias(np.zeros((1, 2)), np.zeros(2)),
            ValueError,
            "position_bias: bias must have shape (c, h, w), got (2,)",
        ),
        (
            lambda: f.cross_entropy(np.zeros((2, 3)), [0, 3]),
            ValueError,
            "cross_entropy: label 3 at row 1 of target is outside of 0 .. 2 (3 classes, 1 such labels)",
        ),
        (
            lambda: f.cross_entropy(np.zeros((2, 3)), [0]),
            ValueError,
            "cross_entropy: target must have shape (2,), one class for each row, got (1,)",
        ),
        (
            lambda: f.cross_entropy(np.zeros((2, 3)), [0, True, 1][:2], reduction="average"),
            ValueError,
            'cross_entropy: reduction must be "mean", "sum" or "none", got \'average\'',
        ),
        (
            lambda: f.nll_loss(np.zeros(2), [0]),
            ValueError,
            "nll_loss: log_probs must have shape (n, classes, ...), got (2,)",
        ),
        (
            lambda: f.nll_loss_backward(np.zeros((1, 2)), [0.5]),
            TypeError,
            "nll_loss_backward: target must be integers, got float64",
        ),
    ],
)
def test_wrong_arguments_are_named(call, error, text):
    with refused(error, text):
        call()


def test_an_unknown_instruction_set_is_refused():
    with pytest.raises(ValueError, match="mmx"):
        f.relu(np.zeros((1, 1)), isa="mmx")
