"""Batch normalization in networks: over tiles, shards and threads, fused, trained and saved."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import _core, functional, nn, optim

from tests.support.batch_norm import ROUNDING, close

SetThreads = Callable[[int], None]
Array = np.ndarray[Any, Any]


def network(seed: int = 0) -> nn.Sequential:
    """All that a normalization can stand behind and before, a residual branch, and dropout."""
    branch = nn.Sequential(
        nn.Conv2d(8, 8, 3, padding=1, bias=False, seed=seed + 1),
        nn.BatchNorm2d(8),
        nn.ReLU(),
        nn.Conv2d(8, 8, 3, padding=1, seed=seed + 2),
        nn.BatchNorm2d(8, affine=False),
    )
    model = nn.Sequential(
        nn.Conv2d(1, 8, 3, padding=1, bias=False, seed=seed),
        nn.BatchNorm2d(8, momentum=0.2),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Residual(branch),
        nn.GELU(),
        nn.Flatten(),
        nn.Linear(8 * 49, 16, seed=seed + 3),
        nn.BatchNorm1d(16),
        nn.ReLU(),
        nn.Linear(16, 10, seed=seed + 4),
        input_shape=(1, 14, 14),
    )
    rng = np.random.default_rng(seed)
    for name, value in model.parameters().items():
        if value.ndim == 1:
            value[...] = (
                rng.uniform(0.5, 1.5, value.shape) if "weight" in name else rng.normal(0, 0.1, value.shape)
            )
    return model


def batch(n: int, dtype: str = "float32") -> tuple[Array, Array]:
    rng = np.random.default_rng(n)
    return rng.standard_normal((n, 1, 14, 14)).astype(dtype), rng.integers(0, 10, n)


@pytest.mark.parametrize("n", [2, 19, 100])
def test_same_bits_for_any_number_of_threads(n: int, set_threads: SetThreads) -> None:
    x, target = batch(n)
    first: dict[str, Array] = {}
    for count in (1, 2, 3, 7):
        set_threads(count)
        model = network()
        loss, grads = model.loss_and_grad(x, target)
        results = {"loss": np.array(loss), **grads, **{k: v.copy() for k, v in model.buffers().items()}}
        results["forward"] = model.forward(x)
        results["dx"] = model.backward(np.ones((n, 10), np.float32))
        results |= {f"backward {k}": g.copy() for k, g in model.gradients().items()}
        first = first or results
        for key, value in results.items():
            np.testing.assert_array_equal(value, first[key], err_msg=f"{key} with {count} threads")


def test_gradients_of_a_network_by_central_differences() -> None:
    """Of the training pass, whose statistics move with every weight. float64, 40 weights at random."""
    model, (x, target) = network().to("float64"), batch(6, "float64")
    _, grads = model.loss_and_grad(x, target)
    rng, step = np.random.default_rng(0), 1e-6
    for name, value in model.parameters().items():
        for at in rng.choice(value.size, min(4, value.size), replace=False):
            old = value.flat[at]
            losses = []
            for shift in (step, -step):
                value.flat[at] = old + shift
                losses.append(model.loss_and_grad(x, target)[0])
            value.flat[at] = old
            slope = (losses[0] - losses[1]) / (2 * step)
            assert grads[name].flat[at] == pytest.approx(slope, rel=2e-4, abs=2e-8), name


def test_both_training_passes_agree() -> None:
    """forward and backward, or loss_and_grad: the same gradients and the same running averages."""
    x, target = batch(20)
    one, two = network(), network()
    _, grads = one.loss_and_grad(x, target)
    logits = two.forward(x)
    two.backward(functional.cross_entropy_backward(logits, target))
    for name, grad in two.gradients().items():
        np.testing.assert_allclose(grads[name], grad, rtol=1e-4, atol=1e-6, err_msg=name)
    for name, value in two.buffers().items():
        np.testing.assert_array_equal(one.buffers()[name], value, err_msg=name)


def test_folding_into_the_weights_changes_only_rounding(isa: str, dtype: str) -> None:
    model = network().to(dtype)
    x, target = batch(9, dtype)
    for _ in range(3):
        model.loss_and_grad(x, target)
    graph = _core.Graph((1, 14, 14))
    model.add_to(graph, 0, "")
    folded, exact = (_core.Plan(graph, dtype, isa=isa, exact=exact) for exact in (False, True))
    got, want = folded.forward(x, model.flat_parameters), exact.forward(x, model.flat_parameters)
    np.testing.assert_allclose(got, want, rtol=0, atol=ROUNDING[dtype] * np.abs(want).max())
    assert "normalization in the weights" in str(folded)
    assert "normalization in the weights" not in str(exact)


def test_inference_sees_every_step() -> None:
    """Weights packed for inference, normalization folded in, follow what training does to the averages."""
    model, (x, target) = network(), batch(16)
    before = model(x)
    model.forward(x)
    after = model(x)
    assert not np.array_equal(before, after)
    trainer = cf.Trainer(model, optim.SGD(lr=0.0))
    trainer.step(x, target)
    assert not np.array_equal(model(x), after), "the averages moved though no weight did"
    twin = nn.from_config(model.to_config())
    twin.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(twin(x), model(x))


def test_weight_decay_leaves_the_averages_alone() -> None:
    x, target = batch(16)
    plain, decayed = network(), network()
    cf.Trainer(plain, optim.SGD(lr=0.0)).step(x, target)
    cf.Trainer(decayed, optim.AdamW(lr=0.0, weight_decay=0.5)).step(x, target)
    for name, value in plain.buffers().items():
        np.testing.assert_array_equal(decayed.buffers()[name], value)
    plain, decayed = network(), network()
    cf.Trainer(plain, optim.SGD(lr=0.1)).step(x, target)
    cf.Trainer(decayed, optim.SGD(lr=0.1, momentum=0.9, weight_decay=0.5)).step(x, target)
    for name, value in plain.buffers().items():
        np.testing.assert_array_equal(decayed.buffers()[name], value, err_msg=name)


@pytest.mark.parametrize("activation", [None, nn.ReLU(), nn.LeakyReLU(0.1), nn.SiLU()])
@pytest.mark.parametrize("projected", [False, True])
@pytest.mark.parametrize("normalized", [False, True])
def test_a_join_runs_in_the_node_before_it(
    activation: nn.Module | None, projected: bool, normalized: bool, isa: str, dtype: str
) -> None:
    """Convolution or normalization, join, activation: one node, in training and in inference, equal to the
    layers by themselves but for rounding.
    """
    body = [nn.Conv2d(5, 5, 3, padding=1, seed=1), *([nn.BatchNorm2d(5)] if normalized else [])]
    shortcut = nn.Conv2d(5, 5, 1, seed=2) if projected else None
    model = nn.Sequential(nn.Conv2d(1, 5, 3, seed=0), nn.Residual(nn.Sequential(*body), shortcut))
    if activation is not None:
        model = nn.Sequential(*(layer.copy() for layer in model), activation.copy())
    model = model.to(dtype)
    graph = _core.Graph((1, 9, 8))
    model.add_to(graph, 0, "")
    fused, exact = (_core.Plan(graph, dtype, isa=isa, exact=exact) for exact in (False, True))
    last = fused.nodes()[-1]["op"]
    assert last.endswith("+Add" if activation is None else f"+Add+{type(activation).__name__}"), last
    x, params = batch(7, dtype)[0][:, :, :9, :8].copy(), model.flat_parameters
    dy = np.random.default_rng(1).standard_normal((7, 5, 7, 6)).astype(dtype)
    results = []
    for plan in (fused, exact):
        y, tape = plan.forward_train(x, params)
        grads = np.full_like(params, np.nan)
        dx = plan.backward(dy, tape, params, grads)
        results.append((plan.forward(x, params), y, dx, grads))
    for what, got, want in zip(("inference", "y", "dx", "gradients"), *results, strict=True):
        close(got, want.astype(np.float64), dtype, what)


def test_what_is_learned_and_what_is_state() -> None:
    model = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4))
    assert list(model.parameters()) == ["0.weight", "0.bias", "1.weight", "1.bias"]
    assert list(model.gradients()) == list(model.parameters())
    assert list(model.buffers()) == ["1.running_mean", "1.running_var"]
    assert list(model.state_dict()) == [*model.parameters(), *model.buffers()]
    assert model.num_parameters() == 4 * 9 + 4 + 4 + 4
    assert nn.BatchNorm2d(4, affine=False).num_parameters() == 0
    copied = model.copy()
    copied[1].running_mean = np.arange(4.0)
    np.testing.assert_array_equal(copied.buffers()["1.running_mean"], np.arange(4))
    np.testing.assert_array_equal(model[1].running_mean, 0)


def test_saved_and_loaded(tmp_path: Any) -> None:
    model, (x, target) = network(), batch(16)
    model.loss_and_grad(x, target)
    model.save(tmp_path / "m.safetensors")
    np.testing.assert_array_equal(cf.load(tmp_path / "m.safetensors")(x), model(x))


def test_it_learns() -> None:
    data = cf.datasets.glyphs(2000, seed=0)
    model = nn.Sequential(
        nn.Conv2d(1, 16, 3, stride=2, bias=False, seed=1),
        nn.BatchNorm2d(16),
        nn.ReLU(),
        nn.Dropout(0.1),
        nn.Flatten(),
        nn.Linear(16 * 169, len(data.classes), seed=2),
    )
    history = cf.fit(model, data, epochs=3, optimizer=optim.Adam(lr=3e-3), seed=0, progress=False)
    assert history.epochs[-1].loss < 0.5 * history.epochs[0].loss
    assert cf.evaluate(model, cf.datasets.glyphs(500, seed=1)).accuracy > 0.5
