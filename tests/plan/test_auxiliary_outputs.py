"""Auxiliary outputs: their losses in training, none of them in inference, and what is refused."""

from __future__ import annotations

from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import _core, nn

from tests.support.refusal import refused

WEIGHT = 0.3


def network(norm: bool, weight: float | None = WEIGHT) -> nn.Graph:
    """A stem, an auxiliary classifier after it, and a second convolution with the classifier."""

    def block(c_in: int, c_out: int) -> nn.Sequential:
        more = [nn.BatchNorm2d(c_out)] if norm else []
        return nn.Sequential(nn.Conv2d(c_in, c_out, 3, padding=1), *more, nn.ReLU())

    g = nn.Graph.builder()
    stem = g.add(block(2, 4), g.input, name="stem")
    head = nn.Sequential(block(4, 3), nn.Flatten(), nn.Linear(3 * 5 * 4, 5))
    aux = g.add(head, stem, name="aux") if weight is not None else None
    body = g.add(block(4, 4), stem, name="body")
    end = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(4, 5))
    output = g.add(end, body, name="head")
    return g.build(output, auxiliary=None if aux is None else {aux: weight}, input_shape=(2, 5, 4), seed=3)


@pytest.fixture
def batch(rng: np.random.Generator) -> tuple[Any, Any]:
    return rng.standard_normal((37, 2, 5, 4)), rng.integers(0, 5, 37)


@pytest.mark.parametrize("norm", [False, True])
def test_gradients_equal_differences(norm: bool, batch: Any) -> None:
    x, target = batch
    report = cf.check_gradients(network(norm).to("float64"), x[:4], target[:4], samples=6)
    assert report.ok


@pytest.mark.parametrize("norm", [False, True])
def test_loss_is_the_weighted_sum(norm: bool, batch: Any) -> None:
    """Without batch normalization also by the outputs of the trace."""
    x, target = batch
    model = network(norm).to("float64")
    loss, grads = model.loss_and_grad(x, target)
    trace = model.trace(x, backward=True, target=target)
    logits = [trace.outputs[name] for name in ("head.2", "aux.2")]
    main, aux = (
        -np.mean((y - np.log(np.exp(y).sum(1, keepdims=True)))[np.arange(37), target]) for y in logits
    )
    assert loss == pytest.approx(main + WEIGHT * aux, rel=1e-12)
    for name, grad in grads.items():
        np.testing.assert_allclose(grad, trace.gradients[name], rtol=1e-9, atol=1e-12)


@pytest.mark.parametrize("norm", [False, True])
def test_same_bits_on_any_number_of_threads(norm: bool, batch: Any) -> None:
    x, target = batch
    before, results = cf.get_num_threads(), []
    try:
        for threads in (1, 2, 3):
            cf.set_num_threads(threads)
            model = network(norm)
            loss, grads = model.loss_and_grad(x.astype(np.float32), target)
            results.append([np.float64(loss), *grads.values()])
    finally:
        cf.set_num_threads(before)
    for other in results[1:]:
        for a, b in zip(results[0], other, strict=True):
            np.testing.assert_array_equal(a, b)


def test_accuracy_counts_the_output_only(batch: Any) -> None:
    x, target = batch[0].astype(np.float32), batch[1]
    model = network(False)
    model["aux"][2].bias = [0.0, 0.0, 0.0, 0.0, 100.0]
    plan, x = model.prepare(x)
    loss = cf.losses.CrossEntropy().engine_loss()
    _, correct, *_ = plan.loss_and_grad(x, target, model.flat_parameters, model.flat_gradients, None, loss, 0)
    assert correct == (model(x).argmax(1) == target).sum()


def test_backward_of_the_output_leaves_auxiliary_gradients_zero(batch: Any) -> None:
    x = batch[0]
    model, plain = network(True).to("float64"), network(True, None).to("float64")
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("aux")})
    y, z = model.forward(x), plain.forward(x)
    np.testing.assert_array_equal(y, z)
    np.testing.assert_allclose(model.backward(np.ones_like(y)), plain.backward(np.ones_like(y)), rtol=1e-12)
    for name, grad in model.gradients().items():
        assert grad.any() != name.startswith("aux")


@pytest.mark.parametrize("exact", [False, True])
def test_inference(exact: bool, batch: Any) -> None:
    """Batch normalization behind an auxiliary classifier is folded with the right parameters."""
    model, plain = network(True).to("float64"), network(True, None).to("float64")
    for value in model.buffers().values():
        value[:] = np.linspace(0.5, 1.5, value.size)
    plain.load_state_dict({k: v for k, v in model.state_dict().items() if not k.startswith("aux")})
    np.testing.assert_array_equal(model(batch[0], exact=exact), plain(batch[0], exact=exact))


def test_config_copy_and_file(tmp_path: Any, batch: Any) -> None:
    model, x = network(True), batch[0].astype(np.float32)
    again = nn.from_config(model.to_config())
    assert isinstance(again, nn.Graph)
    assert again.auxiliary == model.copy().auxiliary == {"aux": WEIGHT}
    assert again.to_config() == model.to_config()
    model.save(tmp_path / "m.safetensors")
    loaded = cf.load(tmp_path / "m.safetensors")
    assert loaded.loss_and_grad(x, batch[1])[0] == model.loss_and_grad(x, batch[1])[0]
    assert "auxiliary" not in network(True, None).to_config()


def test_profile(batch: Any) -> None:
    model = network(True)
    plan, x = model.prepare(batch[0].astype(np.float32))
    for target in (None, batch[1]):
        rows = plan.profile(x, target, model.flat_parameters)
        assert all(row["backward"] > 0 for row in rows)


# ------------------------------------------------------------------ refusals


def nodes() -> dict[str, Any]:
    return {"a": (nn.Linear(2, 2), "input"), "b": (nn.Linear(2, 2), "input")}


@pytest.mark.parametrize(
    ("auxiliary", "error", "text"),
    [
        ({"c": 1}, ValueError, "Graph: auxiliary 'c' is no node; there are a, b"),
        ({"b": 1}, ValueError, "Graph: 'b' cannot be auxiliary, as it is the output"),
        ({"a": 0}, ValueError, "Graph: auxiliary['a'] must be above 0, got 0"),
        ({"a": -1.0}, ValueError, "Graph: auxiliary['a'] must be finite and at least 0, got -1.0"),
        ({"a": "x"}, TypeError, "Graph: auxiliary['a'] must be a number, got str 'x'"),
        (["a"], TypeError, "Graph: auxiliary must be a dict of the name of a node to a weight, got list"),
    ],
)
def test_wrong_auxiliary_nodes(auxiliary: Any, error: type[Exception], text: str) -> None:
    with refused(error, text):
        nn.Graph(nodes(), auxiliary=auxiliary)


def test_read_auxiliary_node() -> None:
    with refused(ValueError, "Graph: 'a' cannot be auxiliary, as it is read by 'b'"):
        nn.Graph({"a": (nn.ReLU(), "input"), "b": (nn.ReLU(), "a")}, auxiliary={"a": 1.0})


def test_other_shape() -> None:
    graph = nn.Graph({"a": (nn.Linear(2, 3), "input"), "b": (nn.Linear(2, 2), "input")}, auxiliary={"a": 1.0})
    text = 'layer "a": an auxiliary output must have the shape of the output (2,), got (3,)'
    with refused(ValueError, text):
        graph(np.ones((1, 2), np.float32))
    with refused(ValueError, text):
        graph.input_shape = (2,)


def test_value_of_another_builder() -> None:
    g, other = nn.Graph.builder(), nn.Graph.builder()
    output, foreign = g.add(nn.ReLU(), g.input), other.add(nn.ReLU(), other.input)
    with pytest.raises(ValueError, match="an auxiliary output must be what add"):
        g.build(output, auxiliary={foreign: 1.0})


def test_engine_checks() -> None:
    graph = _core.Graph((2,))
    value = graph.add(_core.ReLU(), [0], "r")
    with refused(ValueError, "Graph: the input cannot be an auxiliary output"):
        graph.set_auxiliary(0, 1.0)
    with refused(ValueError, "Graph: value 2 does not exist; the graph has values 0 to 1"):
        graph.set_auxiliary(2, 1.0)
    with refused(ValueError, "Graph: the weight of an auxiliary output must be above 0, got 0"):
        graph.set_auxiliary(value, 0.0)
    graph.set_auxiliary(value, 1.0)
    with refused(ValueError, 'layer "r": the output cannot be an auxiliary output, too'):
        _core.Plan(graph)
    graph.add(_core.ReLU(), [value], "s")
    with refused(ValueError, 'Plan: layer "r" makes an auxiliary output, which no other layer can read'):
        _core.Plan(graph)
