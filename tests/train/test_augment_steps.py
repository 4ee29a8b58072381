"""Every step of an augmentation against its slow definition, `tests/oracle/augmentation.py`."""

from __future__ import annotations

import numpy as np
import pytest
from cnnfast import augment

from tests.oracle import augmentation as oracle

STEPS = {
    "rotation": augment.Affine(degrees=(20, 60)),
    "shift": augment.Affine(translate=(0.3, 0.1), fill=200),
    "scale": augment.Affine(scale=(0.5, 0.7), fill=30),
    "shear": augment.Affine(shear=(-20, 20, 10, 30)),
    "affine": augment.Affine(degrees=10, translate=0.1, scale=(0.8, 1.2), shear=10),
    "perspective": augment.Perspective(p=1),
    "perspective, all of it": augment.Perspective(1, fill=9, p=1),
    "elastic": augment.ElasticTransform(alpha=20, sigma=2),
    "elastic, rough": augment.ElasticTransform(alpha=3, sigma=1),
    "elastic, smooth": augment.ElasticTransform(alpha=200, sigma=100, fill=77),
    "flip": augment.HorizontalFlip(),
    "vertical flip": augment.VerticalFlip(),
    "alternating flip": augment.HorizontalFlip(alternating=True),
    "crop": augment.Crop(3, fill=255),
    "crop, reflect": augment.Crop(4, padding_mode="reflect"),
    "erasing": augment.Erasing(p=1, value=128),
    "erasing, all": augment.Erasing(p=1, scale=(1, 1), ratio=(0.001, 1000)),
    "noise": augment.GaussianNoise(0.2),
    "pixel flip": augment.PixelFlip(7),
    "brightness": augment.ColorJitter(brightness=0.5),
    "contrast": augment.ColorJitter(contrast=(0.2, 3)),
    "thickness": augment.StrokeThickness(2.5),
    "thinner": augment.StrokeThickness((-1, -0.3)),
}
LISTS = {
    "geometric": [augment.Affine(degrees=20, p=0.7), augment.HorizontalFlip(), augment.Crop(2)],
    "elastic first": [augment.ElasticTransform(20, 2), augment.Affine(degrees=20), augment.Perspective(p=1)],
    "fills": [augment.Affine(translate=0.3, fill=50), augment.Crop(3, fill=250), augment.VerticalFlip()],
    "mixed": [
        augment.PixelFlip(3),
        augment.Crop(2, padding_mode="reflect", fill=3),
        augment.GaussianNoise(0.05),
        augment.Affine(scale=(0.5, 2)),
        augment.StrokeThickness(1),
    ],
    "none": [],
}
SHAPES = [(1, 12, 9), (3, 7, 10)]


def check(
    steps: list[augment.Step], shape: tuple[int, ...], rng: np.random.Generator, isa: str | None
) -> None:
    images = rng.integers(0, 256, (3, *shape), dtype=np.uint8)
    ready = augment.Augmentation(steps)
    rows = np.array([5, 0, 2**31 + 7])
    for epoch in (1, 2):
        found = ready.engine.apply(images, rows, 11, epoch, isa)
        for image, row, y in zip(images, rows, found, strict=True):
            expected = oracle.augment([step.engine() for step in steps], image, 11, epoch, int(row))
            np.testing.assert_allclose(y, expected, rtol=0, atol=0.02)


@pytest.mark.parametrize("name", STEPS)
def test_step(name: str, isa: str, rng: np.random.Generator) -> None:
    check([STEPS[name]], SHAPES[len(name) % 2], rng, isa)


@pytest.mark.parametrize("name", LISTS)
def test_steps_in_a_row(name: str, rng: np.random.Generator) -> None:
    check(LISTS[name], SHAPES[0], rng, None)


@pytest.mark.parametrize("shape", [(1, 1, 1), (2, 1, 5), (1, 2, 1)])
@pytest.mark.parametrize("name", STEPS)
def test_tiny_image(name: str, shape: tuple[int, ...], rng: np.random.Generator) -> None:
    if name == "crop, reflect":  # refused: the padding is larger than the image
        return
    check([STEPS[name]], shape, rng, None)


def test_no_image() -> None:
    assert augment.Augmentation([augment.PixelFlip()])(np.zeros((0, 5, 5), np.uint8)).shape == (0, 5, 5)


def test_step_without_randomness_changes_nothing(rng: np.random.Generator) -> None:
    images = rng.integers(0, 256, (4, 2, 6, 7), dtype=np.uint8)
    for step in (
        augment.Affine(),
        augment.Perspective(0, p=1),
        augment.Crop(0),
        augment.GaussianNoise(0),
        augment.PixelFlip(0),
        augment.ColorJitter(),
        augment.StrokeThickness(0),
        augment.Erasing(p=0),
    ):
        np.testing.assert_allclose(augment.Augmentation([step])(images), images, atol=1e-3)


def test_standard_deviation_of_noise_and_displacements() -> None:
    gray = np.full((64, 16, 16), 128, dtype=np.uint8)
    noisy = augment.Augmentation([augment.GaussianNoise(0.05)])(gray)
    assert noisy.std() / 255 == pytest.approx(0.05, rel=0.03)
    # A ramp of 1 per pixel shows the displacement in x.
    ramp = np.tile(np.arange(64, dtype=np.uint8), (200, 64, 1))
    moved = augment.Augmentation([augment.ElasticTransform(alpha=20, sigma=3)])(ramp)
    inner = (moved - ramp)[:, 8:-8, 8:-8]
    assert inner.std() == pytest.approx(20 / 3 * 0.282 * np.sqrt(1 / 3), rel=0.08)


def test_alternating_flip_shows_both_sides_in_two_epochs() -> None:
    images = np.zeros((100, 4, 4), dtype=np.uint8)
    images[:, 0, 0] = 255
    flips = augment.Augmentation([augment.HorizontalFlip(alternating=True)])
    first, second, third = (flips(images, seed=3, epoch=epoch)[:, 0, 0] == 0 for epoch in (1, 2, 3))
    assert (first != second).all()
    assert (first == third).all()
    assert 25 < first.sum() < 75


def test_mixing_and_its_weights(rng: np.random.Generator) -> None:
    images = np.repeat(rng.integers(0, 256, (50, 1, 1, 1), dtype=np.uint8), 64, axis=3).reshape(50, 1, 8, 8)
    after = np.roll(images, -1, axis=0).astype(np.float64)
    for mixing in (augment.MixUp(0.5), augment.CutMix(p=0.7)):
        ready = augment.Augmentation([mixing])
        y, weights = ready.engine.apply(images), ready.engine.weights(images)
        expected = weights * images.mean((1, 2, 3)) + (1 - weights) * after.mean((1, 2, 3))
        np.testing.assert_allclose(y.mean((1, 2, 3)), expected, atol=0.01)
        assert (weights == 1).sum() >= (4 if mixing.p < 1 else 0)
    assert set(np.unique(y[weights < 1][0])) <= {float(images[weights < 1][0, 0, 0, 0]), *after.ravel()}


@pytest.mark.parametrize("alpha", [0.2, 1.0, 3.0])
def test_mixing_weights_have_the_moments_of_a_beta_distribution(alpha: float) -> None:
    images = np.zeros((4000, 1, 1, 1), dtype=np.uint8)
    weights = augment.Augmentation([augment.MixUp(alpha)]).engine.weights(images)
    assert weights.mean() == pytest.approx(0.5, abs=0.02)
    assert weights.var() == pytest.approx(1 / (4 * (2 * alpha + 1)), rel=0.06)
