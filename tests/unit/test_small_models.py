"""The small networks: layers and parameters of their sources, files, and a loss that falls in training."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import Trainer, functional, load, models, nn, optim
from cnnfast.nn.summary import rows

from tests.support.marks import quick_only
from tests.support.refusal import refused
from tests.support.small_networks import REDUCED


def shapes(model: nn.Module, operation: str) -> list[tuple[int, ...]]:
    return [row.output_shape for row in rows(model) if row.operation == operation]


@pytest.mark.parametrize("dropout", [True, False])
def test_all_conv(dropout):
    model = models.all_conv(dropout=dropout)
    sides = [32, 32, 16, 16, 16, 8, 6, 6, 6]
    assert [shape[1] for shape in shapes(model, "Conv2d")] == sides
    assert len(shapes(model, "Dropout")) == 3 * dropout
    assert model.num_parameters() == 1_369_738
    assert models.all_conv(num_classes=100, in_channels=1).output_shape == (100,)


def test_character_resnet():
    model = models.character_resnet()
    assert model.num_parameters() == 465_658
    assert shapes(model, "Conv2d") == [(32, 28, 28), *[(64, 14, 14)] * 3, *[(128, 7, 7)] * 3]
    small = models.character_resnet(num_classes=10, widths=(8, 16), dropout=0.5)
    assert shapes(small, "Conv2d") == [(8, 28, 28), *[(16, 14, 14)] * 3]
    assert shapes(small, "Dropout") == [(16,)]
    assert small.output_shape == (10,)


def test_mlp():
    assert models.mlp().num_parameters() == 784 * 256 + 256 + 256 * 128 + 128 + 128 * 10 + 10 == 235_146
    model = models.mlp((20,), (8, 6, 4), 3, dropout=0.5)
    assert shapes(model, "Linear") == [(8,), (6,), (4,), (3,)]
    assert len(shapes(model, "Dropout")) == 3
    assert shapes(models.mlp((20,), (), 3), "Linear") == [(3,)]


@pytest.mark.parametrize(
    ("depth", "parameters"), [(11, 9_228_362), (13, 9_413_066), (16, 14_724_042), (19, 20_035_018)]
)
def test_vgg_cifar(depth, parameters):
    with nn.blank_parameters():
        model = models.vgg_cifar(depth)
    assert model.num_parameters() == parameters
    assert len(shapes(model, "Conv2d")) == depth - 3
    assert shapes(model, "MaxPool2d") == [(64, 16, 16), (128, 8, 8), (256, 4, 4), (512, 2, 2), (512, 1, 1)]
    assert models.vgg_cifar(depth, num_classes=100, in_channels=1, width=2).output_shape == (100,)


def test_vgg_cifar_refuses_other_depths():
    with refused(ValueError, "vgg_cifar: depth must be 11, 13, 16, 19, got 12"):
        models.vgg_cifar(12)


def test_mobilenet_cifar():
    model = models.mobilenet_cifar()
    assert model.num_parameters() == 3_217_226
    last = shapes(model, "Conv2d")[::2]  # of the first and of each pair
    sides = [32, 32, 16, 16, 8, 8, *[4] * 6, 2, 2]
    widths = [32, 64, 128, 128, 256, 256, *[512] * 6, 1024, 1024]
    assert last == [(width, side, side) for width, side in zip(widths, sides, strict=True)]
    depthwise = [layer.to_config()["groups"] for layer in model if isinstance(layer, nn.Conv2d)][1::2]
    assert depthwise == widths[:-1]
    assert models.mobilenet_cifar(num_classes=100, in_channels=1, width=2).output_shape == (100,)


def test_alphago_policy():
    model = models.alphago_policy()
    counts = [row.parameters for row in rows(model) if row.parameters]
    assert counts == [230_592, *[331_968] * 11, 192, 361]
    assert model.num_parameters() == 3_882_793
    assert model.input_shape == (48, 19, 19)
    assert model.output_shape == (361,)
    with refused(
        ValueError, "alphago_policy: has one output for each of 19x19 positions, 361; got num_classes 10"
    ):
        models.alphago_policy(num_classes=10)


def test_illegal_moves_masked_as_documented(rng):
    model = models.alphago_policy(seed=1, size=5, width=4)
    boards = rng.integers(0, 2, (3, 48, 5, 5)).astype(np.float32)
    legal = rng.random((3, 25)) < 0.5
    logits = model(boards)
    moves = functional.softmax(np.where(legal, logits, np.float32(-np.inf)))
    assert moves.dtype == np.float32
    assert not moves[~legal].any()
    want = np.where(legal, np.exp(logits), 0)
    np.testing.assert_allclose(moves, want / want.sum(1, keepdims=True), rtol=1e-5)


@pytest.mark.parametrize("name", REDUCED)
def test_config_and_file(name, tmp_path):
    model = REDUCED[name](seed=1)
    assert nn.from_config(model.to_config()).to_config() == model.to_config()
    model.save(tmp_path / "model.safetensors")
    twin = load(tmp_path / "model.safetensors")
    assert repr(twin) == repr(model)
    assert twin.preprocessing == model.preprocessing
    np.testing.assert_array_equal(twin.flat_parameters, model.flat_parameters)
    other = REDUCED[name](seed=2)
    other.load_state_dict(model.state_dict())
    np.testing.assert_array_equal(other.flat_parameters, model.flat_parameters)


@pytest.mark.parametrize("name", quick_only(REDUCED, ["vgg_cifar", "lenet5 paper"]))
def test_loss_falls(name, rng):
    model = REDUCED[name](seed=1)
    x = rng.standard_normal((8, *model.input_shape)).astype(np.float32)
    trainer, target = Trainer(model, optim.Adam(lr=3e-3)), np.arange(8) % min(10, *model.output_shape)
    losses = [trainer.step(x, target) for _ in range(30)]
    assert losses[-1] < 0.9 * losses[0]


@pytest.mark.parametrize(
    ("name", "parameters"),
    {
        "all-conv": 1_369_738,
        "alphago-policy": 3_882_793,
        "cnn1d": 21_220,
        "lenet5": 61_706,
        "lenet5-paper": 60_000,
        "mlp": 235_146,
        "mobilenet-cifar": 3_217_226,
        "plain20": 269_722,
        "plain110": 1_727_962,
        "resnet20": 269_722,
        "resnet32": 464_154,
        "resnet44": 658_586,
        "resnet56": 853_018,
        "resnet110": 1_727_962,
        "scanning-mlp": 1_756,
        "scanning-mlp-distributed": 206,
        "vgg-cifar": 14_724_042,
    }.items(),
)
def test_registered(name, parameters):
    assert models.info(name).parameters == parameters
    if name != "alphago-policy":
        with nn.blank_parameters():
            assert models.get(name, num_classes=7).output_shape == (7,)
