"""`lenet5`, `all_conv` and `mlp`: shapes and parameters, files, and a loss that falls in training."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import Trainer, load, models, nn, optim
from cnnfast.nn.summary import rows


def shapes(model: nn.Module, operation: str) -> list[tuple[int, ...]]:
    return [row.output_shape for row in rows(model) if row.operation == operation]


def test_lenet5():
    model = models.lenet5()
    assert shapes(model, "Conv2d") == [(6, 28, 28), (16, 10, 10)]
    assert shapes(model, "Linear") == [(120,), (84,), (10,)]
    assert [row.parameters for row in rows(model) if row.parameters] == [156, 2_416, 48_120, 10_164, 850]
    assert model.num_parameters() == 61_706
    assert models.lenet5(num_classes=26).output_shape == (26,)


@pytest.mark.parametrize("dropout", [True, False])
def test_all_conv(dropout):
    model = models.all_conv(dropout=dropout)
    sides = [32, 32, 16, 16, 16, 8, 6, 6, 6]
    assert [shape[1] for shape in shapes(model, "Conv2d")] == sides
    assert len(shapes(model, "Dropout")) == 3 * dropout
    assert model.num_parameters() == 1_369_738
    assert models.all_conv(num_classes=100, in_channels=1).output_shape == (100,)


@pytest.mark.parametrize("build", [models.lenet5, models.all_conv, models.mlp])
def test_file_round_trip(build, tmp_path):
    model = build(seed=1)
    model.save(tmp_path / "model.safetensors")
    twin = load(tmp_path / "model.safetensors")
    assert repr(twin) == repr(model)
    np.testing.assert_array_equal(twin.flat_parameters, model.flat_parameters)


def test_mlp():
    assert models.mlp().num_parameters() == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10 == 235_146
    model = models.mlp((20,), (8, 6, 4), 3, dropout=0.5)
    assert shapes(model, "Linear") == [(8,), (6,), (4,), (3,)]
    assert len(shapes(model, "Dropout")) == 3
    assert shapes(models.mlp((20,), (), 3), "Linear") == [(3,)]


@pytest.mark.parametrize("build", [models.lenet5, models.mlp])
def test_loss_falls(build, rng):
    model = build(seed=1)
    x = rng.standard_normal((32, 1, 28, 28)).astype(np.float32)
    trainer, target = Trainer(model, optim.Adam(lr=1e-3)), np.arange(32) % 10
    losses = [trainer.step(x, target) for _ in range(60)]
    assert losses[-1] < 0.5 * losses[0]
