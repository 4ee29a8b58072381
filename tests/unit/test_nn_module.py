"""What every module can do: inference, training passes, probabilities; and what it says to wrong input."""

from __future__ import annotations

import threading

import numpy as np
import pytest
from cnnfast import functional, nn

from tests.support.refusal import refused


def small(seed: int = 0, **settings: object) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv2d(1, 4, 3, padding=1),
        nn.MaxPool2d(2),
        nn.GELU(),
        nn.Residual(nn.Sequential(nn.Conv2d(4, 4, 3, padding=1), nn.ReLU())),
        nn.Flatten(),
        nn.Linear(4 * 3 * 4, 5),
        seed=seed,
        **settings,
    )


def images(rng: np.random.Generator, n: int = 6) -> np.ndarray:
    return rng.integers(0, 256, (n, 6, 8), dtype=np.uint8)


def test_call_is_the_chain_of_stateless_operations(dtype, rng):
    model = small().to(dtype)
    x = rng.standard_normal((3, 1, 6, 8)).astype(dtype)
    p = model.parameters()
    y = functional.conv2d(x, p["0.weight"], p["0.bias"], padding=1)
    y = functional.gelu(functional.max_pool2d(y, 2))
    body = functional.relu(functional.conv2d(y, p["3.body.0.weight"], p["3.body.0.bias"], padding=1))
    y = functional.flatten(functional.add(body, y))
    expected = functional.linear(y, p["5.weight"], p["5.bias"])
    # the engine may join layers or take other algorithms for a whole network: equal but for rounding
    tolerance = {"float32": 1e-5, "float64": 1e-13}[dtype]
    np.testing.assert_allclose(model(x), expected, atol=tolerance)
    np.testing.assert_allclose(model.forward(x), expected, atol=tolerance)


def test_uint8_is_normalised_and_may_leave_the_channel_out(rng):
    model = small()
    model.preprocessing = nn.Preprocessing(mean=0.25, std=0.5)
    x = images(rng)
    floats = ((x[:, None] / 255 - 0.25) / 0.5).astype(np.float32)
    np.testing.assert_allclose(model(x), model(floats), atol=1e-5)
    np.testing.assert_array_equal(model(x), model(x[:, None]))


def test_preprocessing_by_channel(rng):
    model = nn.Conv2d(2, 3, 1, seed=0)
    model.preprocessing = nn.Preprocessing(mean=(0.1, 0.2), std=[0.5, 2.0])
    x = rng.integers(0, 256, (2, 2, 3, 3), dtype=np.uint8)
    mean, std = np.array([0.1, 0.2]).reshape(2, 1, 1), np.array([0.5, 2.0]).reshape(2, 1, 1)
    np.testing.assert_allclose(model(x), model(((x / 255 - mean) / std).astype(np.float32)), atol=1e-5)
    with refused(ValueError, "Preprocessing: mean has 2 values but the input has 3 channels"):
        nn.Preprocessing(mean=(0.0, 1.0)).affine((3, 4, 4))


def test_new_preprocessing_applies_from_the_next_call(rng):
    model, x = small(), images(rng)
    before = model(x)
    model.preprocessing = nn.Preprocessing(std=0.5)
    assert not np.array_equal(model(x), before)


@pytest.mark.parametrize(
    ("settings", "error", "text"),
    [
        ({"mean": "x"}, TypeError, "Preprocessing: mean must be a number, got str 'x'"),
        ({"mean": float("nan")}, ValueError, "Preprocessing: mean must be finite, got nan"),
        ({"std": 0.0}, ValueError, "Preprocessing: std must be larger than 0, got 0.0"),
        ({"std": (1.0, -1.0)}, ValueError, "Preprocessing: std must be larger than 0, got (1.0, -1.0)"),
    ],
)
def test_preprocessing_refuses(settings, error, text):
    with refused(error, text):
        nn.Preprocessing(**settings)


def test_any_memory_layout_of_the_input_gives_the_same_and_is_left_alone(rng):
    model = small()
    wide = rng.standard_normal((4, 1, 6, 16)).astype(np.float32)
    strided = wide[..., ::2]
    frozen = strided.copy()
    frozen.flags.writeable = False
    expected = model(strided.copy())
    for x in (strided, frozen, np.asfortranarray(strided)):
        np.testing.assert_array_equal(model(x), expected)
        np.testing.assert_array_equal(model.forward(x), expected)
    np.testing.assert_array_equal(frozen, strided)


def test_no_rows(dtype):
    model = small().to(dtype)
    x = np.zeros((0, 1, 6, 8), dtype=dtype)
    assert model(x).shape == (0, 5)
    assert model.predict(x).shape == (0,)
    assert model.predict_proba(x).shape == (0, 5)
    assert model.backward(np.zeros_like(model.forward(x))).shape == x.shape
    assert not any(grad.any() for grad in model.gradients().values())
    with pytest.raises(ValueError, match="the batch is empty"):
        model.loss_and_grad(x, np.zeros(0, dtype=np.int64))


def test_backward_is_the_gradient(rng):
    model = small().to("float64")
    x = rng.standard_normal((2, 1, 6, 8))
    weights = rng.standard_normal((2, 5))
    model.forward(x)
    dx = model.backward(weights)
    grads = {name: grad.copy() for name, grad in model.gradients().items()}
    step = 1e-6

    def slope(array: np.ndarray, at: tuple[int, ...]) -> float:
        sums = []
        for sign in (1, -1):
            array[at] += sign * step
            sums.append(float((model(x) * weights).sum()))
            array[at] -= sign * step
        return (sums[0] - sums[1]) / (2 * step)

    for array, grad in [(x, dx), *((model.parameters()[name], grads[name]) for name in grads)]:
        for _ in range(5):
            at = tuple(int(rng.integers(extent)) for extent in array.shape)
            assert grad[at] == pytest.approx(slope(array, at), rel=1e-5, abs=1e-7)


def test_loss_and_grad_is_forward_loss_backward(dtype, rng):
    model = small().to(dtype)
    x = rng.standard_normal((7, 1, 6, 8)).astype(dtype)
    y = [0, 1, 2, 3, 4, 0, 1]
    loss, grads = model.loss_and_grad(x, y)
    logits = model.forward(x)
    assert loss == pytest.approx(functional.cross_entropy(logits, y), rel=1e-6)
    model.backward(functional.cross_entropy_backward(logits, y))
    assert list(grads) == list(model.state_dict())
    for name, grad in model.gradients().items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-4, atol=1e-6)
    kept = grads["5.bias"].copy()
    model.loss_and_grad(x, [0] * 7)
    np.testing.assert_array_equal(grads["5.bias"], kept)


def test_nll_of_log_softmax_is_cross_entropy_of_logits(rng):
    plain = nn.Sequential(nn.Linear(3, 4), seed=5)
    ending = nn.Sequential(nn.Linear(3, 4), nn.LogSoftmax(), seed=5)
    x, y = rng.standard_normal((6, 3)).astype(np.float32), np.arange(6) % 4
    ending["0"].load_state_dict(plain["0"].state_dict())
    a, by_logits = plain.loss_and_grad(x, y)
    b, by_log_probs = ending.loss_and_grad(x, y, loss="nll")
    assert a == pytest.approx(b, rel=1e-6)
    np.testing.assert_allclose(by_logits["0.weight"], by_log_probs["0.weight"], atol=1e-6)


@pytest.mark.parametrize("ending", [None, nn.Softmax, nn.LogSoftmax])
def test_predict_proba_for_every_ending(ending, rng):
    layers = [nn.Linear(3, 4)] if ending is None else [nn.Linear(3, 4), ending()]
    model = nn.Sequential(*layers, seed=1)
    x = 100 * rng.standard_normal((9, 3)).astype(np.float32)
    p = model.predict_proba(x)
    np.testing.assert_allclose(p.sum(axis=1), 1, rtol=1e-5)
    np.testing.assert_allclose(p, functional.softmax(model[0](x)), atol=1e-6)
    np.testing.assert_array_equal(model.predict(x), p.argmax(axis=1))
    assert model.predict(x).dtype == np.int64


def test_predict_proba_stays_finite_for_huge_logits():
    model = nn.Linear(1, 2, bias=False)
    model.weight = np.array([[1e30], [-1e30]])
    np.testing.assert_array_equal(model.predict_proba(np.ones((1, 1), np.float32)), [[1, 0]])


def test_backward_may_be_repeated_and_overwrites(rng):
    model = small()
    x = rng.standard_normal((2, 1, 6, 8)).astype(np.float32)
    dy = np.ones_like(model.forward(x))
    first, grads = model.backward(dy), model.gradients()["0.weight"].copy()
    np.testing.assert_array_equal(model.backward(dy), first)
    np.testing.assert_array_equal(model.gradients()["0.weight"], grads)


def test_calls_from_many_threads_agree(rng):
    model = small()
    inputs = [rng.standard_normal((n, 1, 6, 8)).astype(np.float32) for n in (1, 2, 5, 9)]
    expected = [model(x) for x in inputs]
    fresh, wrong = model.copy(), []
    barrier = threading.Barrier(8)

    def work(offset: int) -> None:
        barrier.wait()
        for i in range(40):
            k = (i + offset) % len(inputs)
            if not np.array_equal(fresh(inputs[k]), expected[k]):
                wrong.append(k)

    threads = [threading.Thread(target=work, args=(i,)) for i in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(fresh._plans) == 1


def test_exact_calls_use_direct_sums(dtype):
    """Of a layer: the sums of `functional.conv2d`; of a network: the bits of the chain of its layers."""
    rng = np.random.default_rng(3)
    x = rng.standard_normal((2, 16, 20, 20)).astype(dtype)
    layers = [nn.Conv2d(16, 16, 3), nn.BatchNorm2d(16), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 8, 3)]
    model = nn.Sequential(*layers, seed=1).to(dtype)
    model.input_shape = (16, 20, 20)
    assert "winograd" in str(model.plan())
    assert "winograd" not in str(model.plan(exact=True))
    first = model[0]
    weight, bias = first.parameters()["weight"], first.parameters()["bias"]
    plain = functional.conv2d(x, weight, bias, exact=True)
    np.testing.assert_array_equal(first(x, exact=True), plain)
    assert (first(x) != plain).any()
    chain = x
    for layer in model:
        chain = layer(chain, exact=True)
    np.testing.assert_array_equal(model(x, exact=True), chain)
    y, limit = model(x), 1e-4 if dtype == "float32" else 1e-12
    assert (y != chain).any()
    np.testing.assert_allclose(y, chain, rtol=0, atol=limit * np.abs(chain).max())
