"""AlexNet, ZFNet, VGG and the plain twins of ResNet, and the same in PyTorch, with the same weights."""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Any

import numpy as np
import pytest
from cnnfast import models, nn

from tests.support.marks import quick_only

torch = pytest.importorskip("torch")
twins = pytest.importorskip("tests.support.torchvision_twins")
same_outputs_and_gradients = pytest.importorskip("tests.support.torch_comparison").same_outputs_and_gradients
t = torch.nn


def paper_norm() -> Any:
    return t.LocalResponseNorm(5, 5e-4, 0.75, 2.0)


def classifier(inputs: int, hidden: int, num_classes: int) -> tuple[Any, ...]:
    return (
        *(t.Flatten(), t.Linear(inputs, hidden), t.ReLU(), t.Linear(hidden, hidden), t.ReLU()),
        t.Linear(hidden, num_classes),
    )


def alexnet_of_the_paper(side: int, hidden: int, num_classes: int) -> Any:
    return t.Sequential(
        *(t.Conv2d(3, 96, 11, 4), t.ReLU(), paper_norm(), t.MaxPool2d(3, 2)),
        *(t.Conv2d(96, 256, 5, 1, 2, groups=2), t.ReLU(), paper_norm(), t.MaxPool2d(3, 2)),
        *(t.Conv2d(256, 384, 3, 1, 1), t.ReLU(), t.Conv2d(384, 384, 3, 1, 1, groups=2), t.ReLU()),
        *(t.Conv2d(384, 256, 3, 1, 1, groups=2), t.ReLU(), t.MaxPool2d(3, 2)),
        *classifier(256 * side * side, hidden, num_classes),
    )


def zfnet(side: int, hidden: int, num_classes: int) -> Any:
    return t.Sequential(
        *(t.Conv2d(3, 96, 7, 2, 1), t.ReLU(), t.MaxPool2d(3, 2, ceil_mode=True), paper_norm()),
        *(t.Conv2d(96, 256, 5, 2), t.ReLU(), t.MaxPool2d(3, 2, ceil_mode=True), paper_norm()),
        *(t.Conv2d(256, 384, 3, 1, 1), t.ReLU(), t.Conv2d(384, 384, 3, 1, 1), t.ReLU()),
        *(t.Conv2d(384, 256, 3, 1, 1), t.ReLU(), t.MaxPool2d(3, 2)),
        *classifier(256 * side * side, hidden, num_classes),
    )


def plain18(width: int, num_classes: int) -> Any:
    layers = [t.Conv2d(3, width, 7, 2, 3, bias=False), t.BatchNorm2d(width), t.ReLU(), t.MaxPool2d(3, 2, 1)]
    c_in = width
    for stage in range(4):
        for i in range(4):
            c_out, stride = width << stage, 2 if stage and i == 0 else 1
            layers += [t.Conv2d(c_in, c_out, 3, stride, 1, bias=False), t.BatchNorm2d(c_out), t.ReLU()]
            c_in = c_out
    return t.Sequential(*layers, t.AdaptiveAvgPool2d(1), t.Flatten(), t.Linear(c_in, num_classes))


#: (ours, twin) by name; ours take a seed.
Pair = tuple[Callable[..., nn.Sequential], Callable[[], Any]]
SMALL: dict[str, Any] = {"num_classes": 5, "dropout": 0.0, "hidden": 6}
REDUCED: dict[str, Pair] = {
    "alexnet": (partial(models.alexnet, size=67, **SMALL), partial(twins.AlexNet, 6, 5)),
    "alexnet-paper": (
        partial(models.alexnet, variant="paper", size=67, **SMALL),
        partial(alexnet_of_the_paper, 1, 6, 5),
    ),
    "zfnet": (partial(models.zfnet, size=67, **SMALL), partial(zfnet, 1, 6, 5)),
    "vgg11": (
        partial(models.vgg, 11, size=32, width=4, **SMALL),
        partial(twins.VGG, "1 1 2 2 2", False, 4, 6, 5),
    ),
    "vgg16-bn": (
        partial(models.vgg, 16, batch_norm=True, size=64, width=4, **SMALL),
        partial(twins.VGG, "2 2 3 3 3", True, 4, 6, 5),
    ),
    "plain18": (partial(models.plain, 18, size=64, width=4, num_classes=5), partial(plain18, 4, 5)),
}
#: With fewer outputs of the hidden linear layers, as more would only need memory.
FULL: dict[str, Pair] = {
    "alexnet": (partial(models.alexnet, dropout=0.0, hidden=512), partial(twins.AlexNet, 512, 1000)),
    "alexnet-paper": (
        partial(models.alexnet, variant="paper", dropout=0.0, hidden=512),
        partial(alexnet_of_the_paper, 6, 512, 1000),
    ),
    "zfnet": (partial(models.zfnet, dropout=0.0, hidden=512), partial(zfnet, 6, 512, 1000)),
    "vgg11": (
        partial(models.vgg, 11, dropout=0.0, hidden=512),
        partial(twins.VGG, "1 1 2 2 2", False, 64, 512, 1000),
    ),
    "plain18": (partial(models.plain, 18), partial(plain18, 64, 1000)),
}


@pytest.mark.parametrize(
    "name", quick_only(REDUCED, [name for name in REDUCED if name not in ("alexnet", "zfnet")])
)
def test_same_outputs_and_gradients(name: str, rng: np.random.Generator) -> None:
    ours, theirs = REDUCED[name]
    same_outputs_and_gradients(ours(seed=1).to("float64"), theirs(), rng, 1e-8)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_same_at_full_size(name: str, rng: np.random.Generator) -> None:
    ours, theirs = FULL[name]
    same_outputs_and_gradients(ours(seed=1).to("float64"), theirs(), rng, 1e-8)
