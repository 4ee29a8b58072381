"""`Module.trace`: equal to the chain of single layers, bit for bit, without changing the model."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import nn

RNG = np.random.default_rng(0)


def images(dtype: str) -> np.ndarray:
    return RNG.standard_normal((6, 2, 6, 6)).astype(dtype)


def chain(dtype: str) -> nn.Sequential:
    layers = (nn.Conv2d(2, 8, 3, padding=1), nn.BatchNorm2d(8), nn.ReLU(), nn.Dropout(0.5), nn.MaxPool2d(2))
    return nn.Sequential(*layers, nn.Flatten(), nn.Linear(72, 4), seed=0).to(dtype)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
def test_inference_equals_the_chain_of_single_layers(dtype: str) -> None:
    model, x = chain(dtype), images(dtype)
    model.forward(x, seed=1)  # running averages other than the first ones
    outputs = model.trace(x).outputs
    assert list(outputs) == [str(i) for i in range(7)]
    for name, layer in model.children().items():
        x = layer(x, exact=True)
        np.testing.assert_array_equal(outputs[name], x)


@pytest.mark.parametrize("dtype", ["float32", "float64"])
@pytest.mark.parametrize("frozen", [False, True])
def test_backward_equals_the_chain_of_single_layers(dtype: str, frozen: bool) -> None:
    model, x = chain(dtype), images(dtype)
    if frozen:
        model.freeze("*.running_*")
    before = model.state_dict()
    dy = RNG.standard_normal((6, 4)).astype(dtype)
    trace = model.trace(x, backward=True, dy=dy, seed=5)
    for name, value in model.state_dict().items():
        np.testing.assert_array_equal(value, before[name])
    tapes = {}
    for name, layer in model.children().items():
        plan, x = layer.prepare(x, exact=True)
        y, tape = plan.forward_train(x, layer.flat_parameters, 5)
        tapes[name] = plan, tape
        np.testing.assert_array_equal(trace.outputs[name], y)
        x = y
    for name, layer in reversed(model.children().items()):
        np.testing.assert_array_equal(trace.output_gradients[name], dy)
        plan, tape = tapes[name]
        dy = plan.backward(np.ascontiguousarray(dy), tape, layer.flat_parameters, layer.flat_gradients)
        for own, value in layer.gradients().items():
            np.testing.assert_array_equal(trace.gradients[f"{name}.{own}"], value)
    assert list(trace.gradients) == list(model.gradients())


def branched() -> nn.Module:
    side = nn.Branches({"a": nn.Identity(), "b": nn.Conv2d(2, 3, 1)})
    body = nn.Residual(nn.Sequential(nn.Conv2d(5, 5, 3, padding=1), nn.Tanh()))
    return nn.Sequential(
        {"side": side, "body": body, "flat": nn.Flatten(), "head": nn.Linear(180, 4)}, seed=0
    )


def graph() -> nn.Module:
    return nn.Graph(
        {
            "a": (nn.Conv2d(2, 3, 1), "input"),
            "b": (nn.Sigmoid(), "a"),
            "sum": (nn.Add(), "a", "b"),
            "flat": (nn.Flatten(), "sum"),
            "head": (nn.Linear(108, 4), "flat"),
        }
    )


def products() -> nn.Module:
    return nn.Graph(
        {
            "a": (nn.Conv2d(2, 3, 1), "input"),
            "gate": (nn.Sigmoid(), "a"),
            "gated": (nn.Mul(), "a", "gate"),
            "rows": (nn.Reshape((3, 36)), "gated"),
            "columns": (nn.Reshape((36, 3)), "a"),
            "product": (nn.MatMul(), "rows", "columns"),
            "flat": (nn.Flatten(), "product"),
            "head": (nn.Linear(9, 4), "flat"),
        }
    )


@pytest.mark.parametrize("build", [branched, graph, products])
def test_gradients_of_branches_are_those_of_the_engine(build) -> None:
    model, x, target = build().to("float64"), images("float64"), np.array([0, 1, 2, 3, 0, 1])
    _, expected = model.loss_and_grad(x, target)
    trace = model.trace(x, backward=True, target=target)
    assert set(trace.output_gradients) == set(trace.outputs)
    for name, value in expected.items():
        np.testing.assert_allclose(trace.gradients[name], value, rtol=1e-10, atol=1e-13)
    np.testing.assert_allclose(list(trace.outputs.values())[-1], model(x), rtol=1e-12)


def test_pixels_are_normalized() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), seed=0)
    model.preprocessing = nn.Preprocessing(mean=0.2, std=0.5)
    x = RNG.integers(0, 256, (3, 6, 6), dtype=np.uint8)
    np.testing.assert_array_equal(model.trace(x).outputs["0"], model(x, exact=True))


@pytest.mark.parametrize("given", [{"backward": True}, {"dy": np.zeros((6, 4), np.float32)}])
def test_backward_goes_with_a_target_or_dy(given: dict) -> None:
    with pytest.raises(ValueError, match=r"Sequential\.trace: give exactly one of target and dy"):
        chain("float32").trace(images("float32"), **given)


def test_dy_must_fit() -> None:
    with pytest.raises(ValueError, match=r"dy must have the shape of the output \(6, 4\), got \(6, 3\)"):
        chain("float32").trace(images("float32"), backward=True, dy=np.zeros((6, 3), np.float32))


def test_dy_must_have_the_dtype_of_the_model() -> None:
    with pytest.raises(TypeError, match="dy must be a float32 array, got float64 array; use dy"):
        chain("float32").trace(images("float32"), backward=True, dy=np.zeros((6, 4)))


def test_ignored_targets_give_no_gradient() -> None:
    model = chain("float32")
    gradients = model.trace(images("float32"), backward=True, target=np.full(6, -100)).gradients
    assert all((value == 0).all() for value in gradients.values())


def test_convolutions_sum_the_products_themselves() -> None:
    model = nn.Conv2d(32, 32, 3, padding=1, seed=0)
    x = RNG.standard_normal((2, 32, 16, 16)).astype(np.float32)
    exact = model(x, exact=True)
    assert (model(x) != exact).any()  # Winograd's algorithm
    np.testing.assert_array_equal(model.trace(x).outputs[""], exact)
