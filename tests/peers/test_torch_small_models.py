"""The small networks, and the same written with torch.nn, with the same weights: outputs and gradients.

Those of full size are compared in float64: in float32 a deep network with batch normalization amplifies
differences of rounding until an activation differs.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.models.digit_codes import digit_codes

from tests.support.small_networks import REDUCED

torch = pytest.importorskip("torch")
same_outputs_and_gradients = pytest.importorskip("tests.support.torch_comparison").same_outputs_and_gradients
t = torch.nn


def all_conv(width: int) -> Any:
    a, b = width, 2 * width
    return t.Sequential(
        *(t.Conv2d(3, a, 3, 1, 1), t.ReLU(), t.Conv2d(a, a, 3, 1, 1), t.ReLU()),
        *(t.Conv2d(a, a, 3, 2, 1), t.ReLU(), t.Conv2d(a, b, 3, 1, 1), t.ReLU()),
        *(t.Conv2d(b, b, 3, 1, 1), t.ReLU(), t.Conv2d(b, b, 3, 2, 1), t.ReLU()),
        *(t.Conv2d(b, b, 3), t.ReLU(), t.Conv2d(b, b, 1), t.ReLU()),
        *(t.Conv2d(b, 10, 1), t.AvgPool2d(6), t.Flatten()),
    )


class PerPosition(t.Module):  # type: ignore[misc]
    """A 1x1 convolution with a bias for each position."""

    def __init__(self, width: int, size: int) -> None:
        super().__init__()
        self.weight = t.Parameter(torch.empty(1, width, 1, 1))
        self.bias = t.Parameter(torch.empty(1, size, size))

    def forward(self, x: Any) -> Any:
        return (t.functional.conv2d(x, self.weight) + self.bias).flatten(1)


def alphago_policy(size: int, width: int) -> Any:
    hidden = [layer for _ in range(11) for layer in (t.Conv2d(width, width, 3, padding=1), t.ReLU())]
    return t.Sequential(t.ZeroPad2d(2), t.Conv2d(48, width, 5), t.ReLU(), *hidden, PerPosition(width, size))


def cnn1d() -> Any:
    return t.Sequential(
        *(t.Conv1d(24, 56, 5), t.Tanh(), t.Conv1d(56, 28, 6, 2), t.ReLU()),
        *(t.Conv1d(28, 14, 2, 2), t.Sigmoid(), t.Flatten(), t.Linear(14 * 30, 10)),
    )


def lenet5() -> Any:
    return t.Sequential(
        *(t.ZeroPad2d(2), t.Conv2d(1, 6, 5), t.ReLU(), t.MaxPool2d(2)),
        *(t.Conv2d(6, 16, 5), t.ReLU(), t.MaxPool2d(2), t.Flatten()),
        *(t.Linear(400, 120), t.ReLU(), t.Linear(120, 84), t.ReLU(), t.Linear(84, 10)),
    )


#: Table I of the paper: row by row, which of the 16 maps of C3 read a map of S2.
TABLE = """
X . . . X X X . . X X X X . X X
X X . . . X X X . . X X X X . X
X X X . . . X X X . . X . X X X
. X X X . . X X X X . . X . X X
. . X X X . . X X X X . X X . X
. . . X X X . . X X X X . X X X
"""


class Lenet5(t.Module):  # type: ignore[misc]
    """The form of the paper, with a dense C3 in which weights that the table does not name are 0."""

    def __init__(self) -> None:
        super().__init__()
        shapes = [
            *((6, 1, 5, 5), (6,), (6, 1, 1, 1), (6,)),
            *((6, 3, 5, 5), (6,), (9, 4, 5, 5), (9,), (1, 6, 5, 5), (1,)),
            *((16, 1, 1, 1), (16,), (120, 16, 5, 5), (120,), (84, 120), (84,)),
        ]
        self.values = t.ParameterList(torch.empty(shape) for shape in shapes)
        self.register_buffer("codes", torch.from_numpy(digit_codes()))

    def forward(self, x: Any) -> Any:
        F, v = t.functional, self.values
        x = self.squashed(F.conv2d(x, v[0], v[1]))
        x = self.subsampled(x, v[2], v[3])
        x = self.squashed(F.conv2d(x, self.c3_weight(), torch.cat([v[5], v[7], v[9]])))
        x = self.subsampled(x, v[10], v[11])
        x = self.squashed(F.conv2d(x, v[12], v[13]).flatten(1))
        x = self.squashed(F.linear(x, v[14], v[15]))
        return -((x[:, None] - self.codes) ** 2).sum(2)

    def squashed(self, x: Any) -> Any:
        return 1.7159 * torch.tanh(2 / 3 * x)

    def subsampled(self, x: Any, coefficient: Any, bias: Any) -> Any:
        total = x[:, :, ::2, ::2] + x[:, :, 1::2, ::2] + x[:, :, ::2, 1::2] + x[:, :, 1::2, 1::2]
        return self.squashed(total * coefficient.view(1, -1, 1, 1) + bias.view(1, -1, 1, 1))

    def c3_weight(self) -> Any:
        connected = np.array([row.split() for row in TABLE.split("\n") if row]).T == "X"
        own = [*self.values[4], *self.values[6], *self.values[8]]
        maps = []
        for weight, reads in zip(own, connected, strict=True):
            spread = iter(weight)
            maps.append(torch.stack([next(spread) if r else weight.new_zeros(5, 5) for r in reads]))
        return torch.stack(maps)


def mlp() -> Any:
    hidden = (t.Linear(784, 256), t.ReLU(), t.Linear(256, 128), t.ReLU())
    return t.Sequential(t.Flatten(), *hidden, t.Linear(128, 10))


def mobilenet_cifar(width: int) -> Any:
    """After the table of the paper, without its first stride."""
    layers = [t.Conv2d(3, width, 3, 1, 1, bias=False), t.BatchNorm2d(width), t.ReLU()]
    widths = [1, 2, 4, 4, 8, 8, 16, 16, 16, 16, 16, 16, 32, 32]
    for i, (a, b) in enumerate(pairwise(widths)):
        c_in, c_out = a * width, b * width
        stride = 2 if i in (1, 3, 5, 11) else 1
        layers += [t.Conv2d(c_in, c_in, 3, stride, 1, groups=c_in, bias=False), t.BatchNorm2d(c_in), t.ReLU()]
        layers += [t.Conv2d(c_in, c_out, 1, bias=False), t.BatchNorm2d(c_out), t.ReLU()]
    return t.Sequential(*layers, t.AvgPool2d(2), t.Flatten(), t.Linear(32 * width, 10))


class Block(t.Module):  # type: ignore[misc]
    """Two convolutions, and in a residual one the shortcut without parameters."""

    def __init__(self, c_in: int, c_out: int, residual: bool) -> None:
        super().__init__()
        self.stride, self.zeros, self.residual = c_out // c_in, (c_out - c_in) // 2, residual
        self.conv1, self.bn1 = t.Conv2d(c_in, c_out, 3, self.stride, 1, bias=False), t.BatchNorm2d(c_out)
        self.conv2, self.bn2 = t.Conv2d(c_out, c_out, 3, 1, 1, bias=False), t.BatchNorm2d(c_out)

    def forward(self, x: Any) -> Any:
        y = self.bn2(self.conv2(self.bn1(self.conv1(x)).relu()))
        if self.residual:
            every = x[:, :, :: self.stride, :: self.stride]
            y = y + t.functional.pad(every, (0, 0, 0, 0, self.zeros, self.zeros))
        return y.relu()


def cifar(depth: int, residual: bool) -> Any:
    blocks = (depth - 2) // 6
    layers = [t.Conv2d(3, 16, 3, 1, 1, bias=False), t.BatchNorm2d(16), t.ReLU()]
    for c_in, c_out in ((16, 16), (16, 32), (32, 64)):
        layers += [Block(c_in, c_out, residual)]
        layers += [Block(c_out, c_out, residual) for _ in range(blocks - 1)]
    return t.Sequential(*layers, t.AvgPool2d(8), t.Flatten(), t.Linear(64, 10))


def scanning_mlp(*outputs: int) -> Any:
    layers = (t.Conv1d(24, 8, 8, 4), t.ReLU(), t.Conv1d(8, 16, 1), t.ReLU(), t.Conv1d(16, 4, 1))
    return t.Sequential(*layers, t.Flatten(), *(t.Linear(124, n) for n in outputs))


def scanning_mlp_distributed(*outputs: int) -> Any:
    layers = (t.Conv1d(24, 2, 2, 2), t.ReLU(), t.Conv1d(2, 8, 2, 2), t.ReLU(), t.Conv1d(8, 4, 2))
    return t.Sequential(*layers, t.Flatten(), *(t.Linear(124, n) for n in outputs))


def vgg_cifar(depth: int, width: int) -> Any:
    tables = {
        11: "1 M 2 M 4 4 M 8 8 M 8 8 M",
        16: "1 1 M 2 2 M 4 4 4 M 8 8 8 M 8 8 8 M",
    }
    layers, channels = [], 3
    for entry in tables[depth].split():
        if entry == "M":
            layers.append(t.MaxPool2d(2))
        else:
            c_out = int(entry) * width
            layers += [t.Conv2d(channels, c_out, 3, 1, 1, bias=False), t.BatchNorm2d(c_out), t.ReLU()]
            channels = c_out
    return t.Sequential(*layers, t.Flatten(), t.Linear(channels, 10))


TWINS: dict[str, Callable[[], Any]] = {
    "all_conv": partial(all_conv, 12),
    "alphago_policy": partial(alphago_policy, 5, 8),
    "cnn1d": cnn1d,
    "lenet5": lenet5,
    "lenet5 paper": Lenet5,
    "mlp": mlp,
    "mobilenet_cifar": partial(mobilenet_cifar, 4),
    "plain_cifar": partial(cifar, 8, False),
    "resnet_cifar": partial(cifar, 8, True),
    "scanning_mlp": scanning_mlp,
    "scanning_mlp distributed": partial(scanning_mlp_distributed, 5),
    "vgg_cifar": partial(vgg_cifar, 11, 4),
}
#: Those that are reduced above, at full size.
FULL: dict[str, tuple[Callable[[int], nn.Sequential], Callable[[], Any]]] = {
    "all_conv": (lambda seed: models.all_conv(seed, dropout=False), partial(all_conv, 96)),
    "alphago_policy": (models.alphago_policy, partial(alphago_policy, 19, 192)),
    "mobilenet_cifar": (models.mobilenet_cifar, partial(mobilenet_cifar, 32)),
    "plain20": (partial(models.plain_cifar, 20), partial(cifar, 20, False)),
    "resnet20": (partial(models.resnet_cifar, 20), partial(cifar, 20, True)),
    "resnet110": (partial(models.resnet_cifar, 110), partial(cifar, 110, True)),
    "scanning_mlp distributed": (
        lambda seed: models.scanning_mlp(seed, variant="distributed"),
        scanning_mlp_distributed,
    ),
    "vgg_cifar": (partial(models.vgg_cifar, 16), partial(vgg_cifar, 16, 64)),
}


@pytest.mark.parametrize(("dtype", "tolerance"), [("float32", 1e-4), ("float64", 1e-10)])
@pytest.mark.parametrize("name", REDUCED)
def test_same_outputs_and_gradients(
    name: str, dtype: str, tolerance: float, rng: np.random.Generator
) -> None:
    same_outputs_and_gradients(REDUCED[name](seed=1).to(dtype), TWINS[name](), rng, tolerance)


@pytest.mark.slow
@pytest.mark.parametrize("name", FULL)
def test_same_at_full_size(name: str, rng: np.random.Generator) -> None:
    ours, theirs = FULL[name]
    same_outputs_and_gradients(ours(1).to("float64"), theirs(), rng, 1e-8)
