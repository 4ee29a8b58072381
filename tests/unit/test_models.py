"""The networks that come with cnnfast: shapes, parameters and MACs as their sources give them."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.nn.summary import rows

from tests.support.refusal import refused
from tests.support.zoo import SMALL


def shapes(model: nn.Module) -> list[tuple[int, ...]]:
    return [row.output_shape for row in rows(model)]


def test_d4():
    model = models.d4()
    assert repr(model) == (
        "Sequential(\n"
        "  (conv1): Conv2d(1, 8, 3, padding=1)\n"
        "  (relu1): ReLU()\n"
        "  (pool1): MaxPool2d(2)\n"
        "  (conv2): Conv2d(8, 16, 3, padding=1)\n"
        "  (relu2): ReLU()\n"
        "  (pool2): MaxPool2d(2)\n"
        "  (flatten): Flatten()\n"
        "  (hidden): Linear(784, 64)\n"
        "  (relu3): ReLU()\n"
        "  (output): Linear(64, 10)\n"
        ")"
    )
    assert shapes(model)[::3] == [(8, 28, 28), (16, 14, 14), (784,), (10,)]
    assert model.num_parameters() == 8 * 9 + 8 + 16 * 8 * 9 + 16 + 64 * 784 + 64 + 10 * 64 + 10 == 52_138
    assert model.preprocessing == nn.Preprocessing(mean=0.1307, std=0.3081)


def test_hello_dl_letters():
    model = models.hello_dl_letters()
    assert shapes(model) == [
        *((32, 26, 26), (32, 13, 13), (32, 13, 13)),
        *((64, 11, 11), (64, 6, 6), (64, 6, 6)),
        *((128, 4, 4), (128, 2, 2), (128, 2, 2)),
        *((512,), (64,), (64,), (128,), (128,), (26,)),
    ]
    assert model.num_parameters() == 320 + 18_496 + 73_856 + 32_832 + 8_320 + 3_354 == 137_178
    assert model.preprocessing == nn.Preprocessing(mean=0.172575, std=0.25)
    assert [type(layer).__name__ for layer in model].count("GELU") == 5
    assert all(layer.to_config()["approximate"] == "none" for layer in model if isinstance(layer, nn.GELU))


def test_hello_dl_letters_as_its_source_lists_it():
    model = models.hello_dl_letters(activation_after_pool=False)
    assert [type(layer).__name__ for layer in model] == [
        *("Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d", "Conv2d", "MaxPool2d", "Flatten"),
        *("Linear", "GELU", "Linear", "GELU", "Linear"),
    ]
    assert model.num_parameters() == 137_178


def test_numpy_mnist():
    model = models.numpy_mnist()
    assert shapes(model) == [
        *((16, 28, 28), (16, 28, 28), (16, 28, 28), (16, 14, 14)),
        *((32, 14, 14), (32, 14, 14), (32, 14, 14), (32, 7, 7)),
        *((64, 7, 7), (64, 7, 7), (64, 7, 7), (3136,), (100,), (100,), (10,)),
    ]
    assert [row.macs for row in rows(model) if row.macs] == [112_896, 903_168, 903_168, 313_600, 1_000]
    assert model.num_parameters() == 144 + 12_544 + 4_608 + 6_272 + 18_432 + 3_136 + 313_700 + 1_010
    assert [name for name in model.parameters() if name.startswith(("0.", "1."))] == ["0.weight", "1.bias"]
    assert model.preprocessing == nn.Preprocessing()
    assert not model[1].bias.any()


@pytest.mark.parametrize("name", SMALL)
def test_every_network(name, rng):
    model = models.get(name, seed=3)
    assert models.get(name.replace("-", "_"), seed=3).to_config() == model.to_config()
    np.testing.assert_array_equal(models.get(name, seed=3).flat_parameters, model.flat_parameters)
    assert not np.array_equal(models.get(name, seed=4).flat_parameters, model.flat_parameters)
    x = rng.integers(0, 256, (3, 28, 28), dtype=np.uint8)
    outputs = {"d4": 10, "hello-dl-letters": 26, "numpy-mnist": 10}[name]
    assert model.input_shape == (1, 28, 28)
    assert model(x).shape == (3, outputs)
    assert models.get(name, num_classes=47)(x).shape == (3, 47)
    assert np.abs(model(x)).max() < 5
    assert isinstance(list(model)[-1], nn.Linear)  # logits


def test_list_and_get():
    assert {"d4", "numpy-mnist", "hello-dl-letters", "lenet5"} <= set(models.list())
    years = [models.info(name).year or 0 for name in models.list()]
    assert years == sorted(years)
    assert str(models.ModelList(SMALL)) == (
        "network               input  outputs  parameters    MACs   memory\n"
        "\n"
        f"{models.info('d4').source}\n"
        "  d4                1x28x28       10      52,138   333 k   239 kB\n"
        "\n"
        "2023  Hubert, hello-dl\n"
        "  hello-dl-letters  1x28x28       26     137,178  3.65 M   612 kB\n"
        "\n"
        f"{models.info('numpy-mnist').source}\n"
        "  numpy-mnist       1x28x28       10     359,846  2.23 M  1.51 MB"
    )
    for wrong in ("no such", 4):
        with refused(ValueError, f"models: unknown model {wrong!r}; models.list() has the known ones"):
            models.get(wrong)
    with refused(ValueError, "models: unknown model 'lenet'; did you mean 'lenet5' or 'lenet5-paper'?"):
        models.info("lenet")


@pytest.mark.parametrize("name", models.list())
def test_every_network_is_described(name):
    info = models.info(name)
    assert info.source
    assert info.year is None or 1980 < info.year < 2030
    assert info.memory > 4 * info.parameters


def test_info_equals_the_network():
    info, model = models.info("hello_dl_letters"), models.get("hello-dl-letters")
    assert info.name == "hello-dl-letters"
    assert (info.source, info.year) == ("Hubert, hello-dl", 2023)
    assert (info.input_shape, info.output_shape) == (model.input_shape, model.output_shape)
    assert info.parameters == model.num_parameters()
    assert info.macs == sum(row.macs or 0 for row in rows(model))


def test_blank_parameters():
    with nn.blank_parameters():
        inside = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), seed=0)
        graph = nn.Graph.builder()
        graph = graph.build(graph.add(nn.Linear(2, 2), graph.input))
        with pytest.raises(ZeroDivisionError), nn.blank_parameters():
            raise ZeroDivisionError
        assert not nn.Linear(3, 2).flat_parameters.any()
    assert not inside.flat_parameters.any()
    assert not graph.flat_parameters.any()
    assert nn.Linear(3, 2).flat_parameters.all()
    inside.initialize(0)
    wanted = nn.Sequential(nn.Linear(3, 2), nn.BatchNorm1d(2), seed=0)
    np.testing.assert_array_equal(inside.flat_parameters, wanted.flat_parameters)


@pytest.mark.parametrize("wrong", [0, -1])
def test_number_of_classes_is_checked(wrong):
    with refused(ValueError, f"Linear: out_features must be from 1 to 268435456, got {wrong}"):
        models.d4(num_classes=wrong)
