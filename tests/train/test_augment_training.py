"""Augmentation in training: what the network sees, reproducibility, and wrong arguments."""

from __future__ import annotations

import pickle
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import Context, Trainer, augment, evaluate, fit, nn, optim

from tests.support.training import At

STEPS = [augment.Affine(degrees=20, translate=0.2), augment.GaussianNoise(0.1), augment.CutMix(p=0.5)]


def network(seed: int = 0) -> nn.Sequential:
    layers = nn.Conv2d(1, 4, 3), nn.ReLU(), nn.Flatten(), nn.Linear(4 * 36, 5)
    model = nn.Sequential(*layers, input_shape=(1, 8, 8), seed=seed)
    model.preprocessing = nn.Preprocessing(0.3, 0.5)
    return model


def samples(rng: np.random.Generator, n: int = 40) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    return rng.integers(0, 256, (n, 1, 8, 8), dtype=np.uint8), rng.integers(0, 5, n)


def weights(model: nn.Module) -> bytes:
    return model.flat_parameters.tobytes()


@pytest.mark.parametrize(
    "steps",
    [[augment.Affine(degrees=30), augment.Erasing()], [augment.MixUp(0.7)], STEPS],
    ids=["geometric", "mixup", "cutmix"],
)
def test_step_is_that_of_the_augmented_images(steps: list[Any], rng: np.random.Generator) -> None:
    x, y = samples(rng)
    ready = augment.Augmentation(steps)
    a, b = network(), network()
    first = Trainer(a, optim.SGD(lr=0.1), seed=9, augment=steps)
    first.epoch = 3
    loss = first.step(x, y)
    shown = ready(x, seed=9, epoch=3)
    if ready.mixing is not None:
        own = ready.engine.weights(x, None, 9, 3)[:, np.newaxis]
        one_hot = np.eye(5)[y]
        target = (own * one_hot + (1 - own) * np.roll(one_hot, -1, axis=0)).astype(np.float32)
    else:
        target = np.eye(5, dtype=np.float32)[y]
    normalized = ((shown / 255 - 0.3) / 0.5).astype(np.float32)
    expected = Trainer(b, optim.SGD(lr=0.1)).step(normalized, target)
    assert loss == pytest.approx(expected, rel=1e-4)
    np.testing.assert_allclose(a.flat_parameters, b.flat_parameters, atol=2e-5)


def test_same_bits_on_any_number_of_threads(
    rng: np.random.Generator, set_threads: Callable[[int], None]
) -> None:
    data = samples(rng, 200)
    found = set()
    for threads in (1, 2, 3):
        set_threads(threads)
        model = network()
        fit(model, data, 2, batch_size=32, progress=False, augment=STEPS)
        found.add(weights(model))
    assert len(found) == 1


def test_images_change_with_the_epoch_and_the_seed(rng: np.random.Generator) -> None:
    x = samples(rng)[0]
    ready = augment.Augmentation(STEPS)
    shown = [ready(x, seed, epoch).tobytes() for seed, epoch in ((0, 1), (0, 1), (0, 2), (1, 1))]
    assert shown[0] == shown[1]
    assert len(set(shown)) == 3


def test_image_does_not_depend_on_its_batch(rng: np.random.Generator) -> None:
    x = samples(rng)[0]
    ready = augment.Augmentation(STEPS[:2])
    together = ready(x, epoch=4)
    rows = np.array([7, 3, 39])
    np.testing.assert_array_equal(ready(x[rows], epoch=4, rows=rows), together[rows])


@pytest.mark.parametrize("copied", [False, True])
def test_rows_by_index(copied: bool, rng: np.random.Generator) -> None:
    """Rows that the engine reads in place and rows that Python copies are changed alike."""
    x, y = samples(rng)
    rows = np.array([30, 2, 17, 2])
    a, b = network(), network()
    first = Trainer(a, optim.SGD(lr=0.1), augment=STEPS)
    first.step(np.asfortranarray(x) if copied else x, y, index=rows)
    second = Trainer(b, optim.SGD(lr=0.1), augment=STEPS)
    second.step(np.repeat(x, 2, axis=0)[::2], y, index=rows)
    assert weights(a) == weights(b)


def test_steps_without_epochs_differ(rng: np.random.Generator) -> None:
    x, y = samples(rng, 8)
    trainer = Trainer(network(), optim.SGD(lr=0.0), augment=[augment.GaussianNoise(0.3)])
    losses = {trainer.step(x, y) for _ in range(3)}
    assert len(losses) == 3


def test_validation_is_not_augmented(rng: np.random.Generator) -> None:
    data, held_out = samples(rng), samples(rng)
    model = network()
    history = fit(model, data, 1, validation=held_out, progress=False, augment=STEPS)
    assert history.epochs[0].val_accuracy == pytest.approx(evaluate(model, held_out).accuracy)


def test_trainer_is_pickled_with_its_augmentation(rng: np.random.Generator) -> None:
    x, y = samples(rng)
    trainer = Trainer(network(), optim.SGD(lr=0.1), augment=STEPS)
    trainer.step(x, y)
    copy = pickle.loads(pickle.dumps(trainer))
    assert copy.augment == trainer.augment
    assert copy.step(x, y) == trainer.step(x, y)


def test_resumed_training_is_the_uninterrupted_one(tmp_path: Path, rng: np.random.Generator) -> None:
    data = samples(rng)
    arguments: dict[str, Any] = {"batch_size": 8, "progress": False, "augment": STEPS}
    whole, resumed = network(), network()
    fit(whole, data, 3, **arguments)

    def stop(context: Context) -> None:
        if context.step == 8:
            raise KeyboardInterrupt

    fit(network(), data, 3, checkpoint=tmp_path, callbacks=[At("batch_end", stop)], **arguments)
    fit(resumed, data, 3, checkpoint=tmp_path, resume=True, **arguments)
    assert weights(resumed) == weights(whole)
    arguments["augment"] = STEPS[:2]
    with pytest.raises(ValueError, match=r"augment was .* and is"):
        fit(network(), data, 4, checkpoint=tmp_path, resume=True, **arguments)


def test_text_and_names() -> None:
    text = "affine(degrees=(-5, 10), translate=0.1) + pixel-flip(3) + cut_mix(p=0.5)"
    expected = [augment.Affine((-5, 10), 0.1), augment.PixelFlip(3), augment.CutMix(p=0.5)]
    assert augment.parse(text) == augment.Augmentation(expected)
    assert augment.parse("Photos") == augment.PRESETS["photos"]
    assert augment.parse("shift_and_flip + MixUp").mixing == augment.MixUp()


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("afine(3)", "fit: unknown augmentation 'afine'; known are characters, "),
        ("afine(3)", "did you mean 'Affine'?"),
        ("affine(deg=3)", "fit: Affine got an unexpected keyword argument 'deg'"),
        ("affine(degrees=-3)", "fit: Affine: degrees must be at least 0 and at most 360, got -3"),
        ("affine(degrees=x)", "fit: Affine: arguments must be numbers, pairs or quoted names, got x"),
        ("affine(", "fit: cannot read the augmentation 'affine('; expected for example"),
        ("photos(1)", "fit: the augmentation 'photos' takes no arguments, got photos(1)"),
        ("mixup + cutmix", "Augmentation: at most one of MixUp and CutMix is possible, got 2"),
        ("__import__('os')", "fit: unknown augmentation '__import__'"),
        ("mixup(alpha=0)", "fit: MixUp: alpha must be at least 0.01 and at most 4, got 0"),
    ],
)
def test_wrong_text(text: str, message: str, rng: np.random.Generator) -> None:
    with pytest.raises(ValueError) as error:  # noqa: PT011
        fit(network(), samples(rng), 1, progress=False, augment=text)
    assert message in str(error.value)


@pytest.mark.parametrize(
    ("make", "message"),
    [
        (
            lambda: augment.Affine(degrees=(10, 5)),
            "Affine: degrees must be a pair (lower, upper), the lower first, got (10, 5)",
        ),
        (lambda: augment.Affine(scale=2), "Affine: scale must be a pair (lower, upper), got int 2"),
        (lambda: augment.Affine(fill=256), "Affine: fill must be at least 0 and at most 255, got 256"),
        (
            lambda: augment.ElasticTransform(sigma=0.5),
            "ElasticTransform: sigma must be at least 1 and at most",
        ),
        (lambda: augment.Crop(1.5), "Crop: padding must be an integer, got float 1.5"),
        (
            lambda: augment.Crop(padding_mode="edge"),
            "Crop: padding_mode must be 'constant' or 'reflect', got",
        ),
        (lambda: augment.PixelFlip(-1), "PixelFlip: count must be at least 0, got -1"),
        (
            lambda: augment.HorizontalFlip(alternating="x"),
            "HorizontalFlip: alternating must be True or False, got 'x'",
        ),
        (lambda: augment.HorizontalFlip(p=2), "HorizontalFlip: p must be at least 0 and at most 1, got 2"),
        (lambda: augment.Augmentation([3]), "Augmentation: steps must be steps of cnnfast.augment, got int"),
    ],
)
def test_wrong_setting(make: Callable[[], object], message: str) -> None:
    with pytest.raises((TypeError, ValueError)) as error:
        make()
    assert message in str(error.value)


def test_wrong_data(rng: np.random.Generator) -> None:
    x, y = samples(rng)
    with pytest.raises(TypeError, match="augment needs uint8 images, got x of dtype float32"):
        fit(network(), (x.astype(np.float32), y), 1, progress=False, augment="photos")
    with pytest.raises(ValueError, match="padding must be smaller than the image, got 8 for images"):
        fit(network(), (x, y), 1, progress=False, augment=augment.Crop(8))
    with pytest.raises(TypeError, match=r"augment must be steps of cnnfast\.augment or their names"):
        fit(network(), (x, y), 1, progress=False, augment=3)
    with pytest.raises(TypeError, match=r"got the class Affine; write Affine\(\.\.\.\)"):
        fit(network(), (x, y), 1, progress=False, augment=augment.Affine)  # type: ignore[arg-type]
    flat = nn.Sequential(nn.Linear(64, 5), input_shape=(64,), seed=0)
    with pytest.raises(TypeError, match="augment needs uint8 images, got x of dtype float32"):
        fit(flat, (x.reshape(-1, 64).astype(np.float32), y), 1, progress=False, augment="photos")
    regression = nn.Sequential(nn.Flatten(), nn.Linear(64, 1), input_shape=(1, 8, 8), seed=0)
    with pytest.raises(TypeError, match="needs classes as targets, got y of dtype float32"):
        fit(
            regression,
            (x, y.astype(np.float32)[:, np.newaxis]),
            1,
            loss="mse",
            progress=False,
            augment=augment.MixUp(),
        )
