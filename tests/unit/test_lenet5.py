"""`lenet5` in both forms: parameters of each layer, the paper's table of connections, and the fixed codes."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import Trainer, load, models, nn, optim
from cnnfast.models.digit_codes import digit_codes
from cnnfast.nn.summary import rows

from tests.support.refusal import refused


def paper(seed: int = 0, **settings: object) -> nn.Sequential:
    return models.lenet5(seed, variant="paper", **settings)


def shapes(model: nn.Module, operation: str) -> list[tuple[int, ...]]:
    return [row.output_shape for row in rows(model) if row.operation == operation]


@pytest.mark.parametrize("size", [28, 32])
def test_modern(size):
    model = models.lenet5(size=size)
    assert model.input_shape == (1, size, size)
    assert shapes(model, "Conv2d") == [(6, 28, 28), (16, 10, 10)]
    assert shapes(model, "Linear") == [(120,), (84,), (10,)]
    assert [row.parameters for row in rows(model) if row.parameters] == [156, 2_416, 48_120, 10_164, 850]
    assert model.num_parameters() == 61_706
    assert models.lenet5(num_classes=26).output_shape == (26,)
    assert models.lenet5().input_shape == (1, 28, 28)


def test_paper():
    model = paper()
    assert model.input_shape == (1, 32, 32)
    sizes = {
        name: layer.num_parameters() for name, layer in model.children().items() if layer.num_parameters()
    }
    assert sizes == {"c1": 156, "s2": 12, "c3": 1_516, "s4": 32, "c5": 48_120, "f6": 10_164}
    assert model.num_parameters() == 60_000
    assert model.num_buffers() == 10 * 84
    assert shapes(model, "AvgPool2d") == [(6, 14, 14), (16, 5, 5)]
    assert shapes(model, "Concat") == [(16, 10, 10)]
    assert shapes(model, "RBF") == [(10,)]


def test_maps_of_c3_read_the_maps_of_table_1(rng):
    c3, x = paper()["c3"].copy(), rng.standard_normal((1, 6, 14, 14)).astype(np.float32)
    reads = np.zeros((6, 16), bool)
    for map_ in range(6):
        changed = x.copy()
        changed[:, map_] += 1
        reads[map_] = (c3(changed) != c3(x)).any(axis=(0, 2, 3))
    table = """
        X . . . X X X . . X X X X . X X
        X X . . . X X X . . X X X X . X
        X X X . . . X X X . . X . X X X
        . X X X . . X X X X . . X . X X
        . . X X X . . X X X X . X X . X
        . . . X X X . . X X X X . X X X
    """
    np.testing.assert_array_equal(
        reads, np.array([line.split() for line in table.strip().split("\n")]) == "X"
    )


def test_initial_weights_are_bounded_by_the_fan_in():
    parameters = paper(seed=4).parameters()
    fans = {"c1": 25, "s2": 4, "c3.three": 75, "c3.four": 100, "c3.six": 150, "s4": 4, "c5": 400, "f6": 120}
    for layer, fan in fans.items():
        values = np.concatenate([v.ravel() for name, v in parameters.items() if name.startswith(layer)])
        assert 0.8 * 2.4 / fan < np.abs(values).max() <= 2.4 / fan, layer


def test_codes_are_images_of_the_digits():
    codes = digit_codes()
    np.testing.assert_array_equal(paper()["output"].weight, codes)
    np.testing.assert_array_equal(np.abs(codes), 1)
    apart = (codes[:, None] != codes).sum(axis=2)
    assert apart[~np.eye(10, dtype=bool)].min() >= 4
    seven = ["#######", "......#", "......#", ".....#."]
    assert ["".join(".#"[int(v > 0)] for v in row) for row in codes[7].reshape(12, 7)[:4]] == seven


def test_no_training_changes_the_codes(tmp_path, rng):
    model = paper(seed=1)
    x = rng.standard_normal((8, 1, 32, 32)).astype(np.float32)
    trainer = Trainer(model, optim.AdamW(lr=1e-3, weight_decay=0.1))
    for _ in range(3):
        trainer.step(x, np.arange(8))
    model.save(tmp_path / "model.safetensors")
    twin = load(tmp_path / "model.safetensors").copy()
    Trainer(twin, optim.SGD(lr=0.1)).step(x, np.arange(8))
    for trained in (model, twin):
        assert "output.weight" not in trained.parameters()
        np.testing.assert_array_equal(trained["output"].weight, digit_codes())


def test_other_numbers_of_classes_have_random_codes():
    codes = paper(seed=1, num_classes=47)["output"].weight
    assert codes.shape == (47, 84)
    np.testing.assert_array_equal(np.abs(codes), 1)
    assert 0.4 < (codes > 0).mean() < 0.6
    assert not np.array_equal(codes, paper(seed=2, num_classes=47)["output"].weight)


def test_images_of_28_pixels_are_padded_with_background(rng):
    small, large = paper(seed=3, size=28), paper(seed=3)
    images = rng.integers(0, 256, (4, 28, 28), dtype=np.uint8)
    assert small.input_shape == (1, 28, 28)
    np.testing.assert_allclose(small(images), large(np.pad(images, ((0, 0), (2, 2), (2, 2)))), rtol=1e-5)


def test_blank_parameters():
    with nn.blank_parameters():
        assert not paper().flat_parameters.any()


def test_refusals():
    with refused(ValueError, "lenet5: variant must be 'modern' or 'paper', got 'old'"):
        models.lenet5(variant="old")
    with refused(ValueError, "lenet5: size must be 28 or 32, got 30"):
        models.lenet5(size=30)
