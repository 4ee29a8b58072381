"""What `fit` learns of the size of a network's input: nothing where the network takes any."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import fit, load, nn

from tests.support.refusal import refused


def convolutional() -> list[nn.Module]:
    return [nn.Conv2d(1, 3, 3, padding=1), nn.ReLU(), nn.MaxPool2d(2)]


FREE = {
    "map": lambda: nn.Sequential(*convolutional(), seed=0),
    "global average": lambda: nn.Sequential(
        *(*convolutional(), nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(3, 2)), seed=0
    ),
    "adaptive": lambda: nn.Sequential(
        *(*convolutional(), nn.AdaptiveMaxPool2d(2), nn.Flatten(), nn.Linear(12, 2)), seed=0
    ),
}


@pytest.mark.parametrize("kind", FREE)
def test_a_network_that_takes_any_size_stays_so(kind, tmp_path, rng):
    model = FREE[kind]()
    x = rng.integers(0, 256, (6, 8, 8), dtype=np.uint8)
    y = rng.integers(0, 2, (6, 4, 4) if kind == "map" else 6)
    fit(model, (x, y), 1, progress=False)
    model.save(tmp_path / "model.safetensors")
    for one in (model, load(tmp_path / "model.safetensors"), model.copy()):
        assert one.input_shape is None
        assert one(np.zeros((2, 20, 12), np.uint8)).shape[0] == 2


@pytest.mark.parametrize(
    ("model", "shape"),
    [
        (lambda: nn.Sequential(*convolutional(), nn.Flatten(), nn.Linear(48, 2), seed=0), (1, 8, 8)),
        (lambda: nn.Sequential(nn.MaxPool2d(2), nn.Flatten(), nn.Linear(9, 2), seed=0), (1, 7, 7)),
        (lambda: nn.Sequential(nn.Linear(4, 2), seed=0), (4,)),
    ],
)
def test_a_network_made_for_one_size_learns_it(model, shape, rng):
    net = model()
    fit(net, (rng.normal(size=(6, *shape)).astype(np.float32), rng.integers(0, 2, 6)), 1, progress=False)
    assert net.input_shape == shape


def test_a_size_that_was_set_is_kept_and_the_message_names_the_cure(rng):
    model = FREE["global average"]()
    model.input_shape = (1, 8, 8)
    fit(model, (np.zeros((4, 8, 8), np.uint8), np.zeros(4, int)), 1, progress=False)
    assert model.input_shape == (1, 8, 8)
    with refused(
        ValueError,
        "Sequential: x must have shape (n, 1, 8, 8), got (1, 9, 9); the layers take any size: "
        "set input_shape to None to allow it",
    ):
        model(np.zeros((1, 9, 9), np.uint8))
    model.input_shape = None
    assert model(np.zeros((1, 9, 9), np.uint8)).shape == (1, 2)
    fixed = nn.Sequential(nn.Flatten(), nn.Linear(64, 2), seed=0)
    fixed.input_shape = (1, 8, 8)
    with refused(ValueError, "Sequential: x must have shape (n, 1, 8, 8), got (1, 9, 9)"):
        fixed(np.zeros((1, 9, 9), np.uint8))
