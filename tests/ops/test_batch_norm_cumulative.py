"""`BatchNorm(momentum=None)`: running averages that are plain means over all batches, and their count."""

from __future__ import annotations

import pickle
from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast import Trainer, nn, optim

Array = np.ndarray[Any, Any]
KINDS = [(nn.BatchNorm1d, (3,)), (nn.BatchNorm1d, (3, 5)), (nn.BatchNorm2d, (3, 4, 5))]
by_kind = pytest.mark.parametrize(("kind", "shape"), KINDS)


def batches(rng: np.random.Generator, shape: tuple[int, ...], dtype: str) -> list[Array]:
    return [rng.normal(k, 1 + k, (n, *shape)).astype(dtype) for k, n in enumerate((7, 2, 19, 40, 3))]


@by_kind
@pytest.mark.parametrize("affine", [True, False])
def test_averages_are_means_over_batches(kind: Any, shape: Any, affine: bool, dtype: str, rng: Any) -> None:
    layer = kind(3, momentum=None, affine=affine).to(dtype)
    assert layer.num_batches_tracked == 0
    drawn = batches(rng, shape, dtype)
    means, variances = [], []
    for k, x in enumerate(drawn, 1):
        y = layer.forward(x)
        layer.backward(y)
        axes = (0, *range(2, x.ndim))
        means.append(x.astype(np.float64).mean(axes))
        variances.append(x.astype(np.float64).var(axes, ddof=1))
        limit = 1e-5 if dtype == "float32" else 1e-13
        assert layer.num_batches_tracked == k
        np.testing.assert_allclose(layer.running_mean, np.mean(means, 0), rtol=limit, atol=limit)
        np.testing.assert_allclose(layer.running_var, np.mean(variances, 0), rtol=limit, atol=limit)
    center, spread = (v.reshape(-1, *[1] * (len(shape) - 1)) for v in (layer.running_mean, layer.running_var))
    np.testing.assert_allclose(layer(x), (x - center) / np.sqrt(spread + 1e-5), rtol=1e-4, atol=1e-5)


@by_kind
def test_as_in_pytorch(kind: Any, shape: Any, rng: np.random.Generator) -> None:
    """A state in the middle of a training is transferred, including the integer count, and back."""
    torch = pytest.importorskip("torch")
    peer = getattr(torch.nn, kind.__name__)(3, momentum=None).double()
    drawn = batches(rng, shape, "float64")
    for x in drawn[:2]:
        peer(torch.from_numpy(x))
    layer = kind(3, momentum=None).to("float64")
    assert layer.load_state_dict(peer.state_dict()) == ([], [])
    for x in drawn[2:]:
        want = peer(torch.from_numpy(x)).detach().numpy()
        np.testing.assert_allclose(layer.forward(x), want, rtol=1e-12, atol=1e-12)
    for name, value in peer.state_dict().items():
        np.testing.assert_allclose(layer.state_dict()[name], value.numpy(), rtol=1e-13, err_msg=name)
    other = getattr(torch.nn, kind.__name__)(3, momentum=None).double()
    other.load_state_dict({name: torch.from_numpy(value) for name, value in layer.state_dict().items()})
    assert int(other.num_batches_tracked) == len(drawn)
    want = other.eval()(torch.from_numpy(x)).detach().numpy()
    np.testing.assert_allclose(layer(x), want, rtol=1e-12, atol=1e-12)


def test_a_count_that_nobody_needs_is_left_out() -> None:
    model = nn.Sequential(nn.Linear(2, 3, seed=0), nn.BatchNorm1d(3))
    state = {**model.state_dict(), "1.num_batches_tracked": np.array(7)}
    assert model.load_state_dict(state) == ([], [])
    assert "1.num_batches_tracked" not in model.state_dict()
    with pytest.raises(ValueError, match=r"has unknown 0\.num_batches_tracked"):
        model.load_state_dict({**model.state_dict(), "0.num_batches_tracked": np.array(7)})
    counting = nn.BatchNorm1d(3, momentum=None)
    state = counting.state_dict()
    del state["num_batches_tracked"]
    with pytest.raises(ValueError, match="lacks num_batches_tracked"):
        counting.load_state_dict(state)


def network(momentum: float | None = None) -> nn.Sequential:
    return nn.Sequential(
        *(nn.Conv2d(1, 4, 3, bias=False), nn.BatchNorm2d(4, momentum=momentum), nn.ReLU()),
        *(nn.Flatten(), nn.Linear(4 * 16, 5), nn.BatchNorm1d(5, momentum=momentum), nn.Linear(5, 3)),
        input_shape=(1, 6, 6),
        seed=1,
    )


def test_through_training_files_and_copies(tmp_path: Path, rng: np.random.Generator) -> None:
    """The weights learn what they learn with any momentum; the count stands in files, copies and pickles."""
    x, y = rng.standard_normal((32, 1, 6, 6)).astype(np.float32), rng.integers(0, 3, 32)
    model, other = network(), network(0.1)
    for net in (model, other):
        trainer = Trainer(net, optim.SGD(0.1, 0.9))
        for k in range(4):
            trainer.step(x, y, np.arange(8 * k, 8 * k + 8))
    for name, value in other.parameters().items():
        np.testing.assert_array_equal(model.parameters()[name], value, err_msg=name)
    assert model.buffers()["1.num_batches_tracked"] == model.buffers()["5.num_batches_tracked"] == 4
    model.save(tmp_path / "counted.safetensors")
    for again in (cf.load(tmp_path / "counted.safetensors"), model.copy(), pickle.loads(pickle.dumps(model))):
        assert again.buffers()["5.num_batches_tracked"] == 4
        np.testing.assert_array_equal(again(x), model(x))
        for net in (again, network()):
            net.load_state_dict(model.state_dict())
            net.loss_and_grad(x, y)
            assert net.buffers()["1.num_batches_tracked"] == 5
    assert "momentum=None" in repr(model)
    assert str(model.summary()).count("BatchNorm") == 2
    assert nn.from_config(model.to_config()).to_config() == model.to_config()
    model.initialize(0)
    assert model.buffers()["1.num_batches_tracked"] == 0


def test_the_place_of_the_count_has_no_gradient(rng: np.random.Generator, dtype: str) -> None:
    model = network().to(dtype)
    plan, x = model.prepare(rng.standard_normal((8, 1, 6, 6)).astype(dtype))
    grads = np.full_like(model.flat_parameters, np.nan)
    plan.loss_and_grad(x, rng.integers(0, 3, 8), model.flat_parameters, grads)
    assert np.isfinite(grads).all()
    assert {name for name in model.gradients() if "num_batches" in name} == set()
    for name, start, shape in plan.parameters:
        if name.endswith("num_batches_tracked"):
            assert shape == ()
            assert grads[start] == 0
