"""The geometries every operation is tried at: one list feeds the oracle tests, the Jacobians, the registry
test and the kernel rows of `python -m bench`. A case knows its settings and shapes and draws its own
arrays.

Sizes are odd or one past a register tile on purpose (SIMD lanes hold 2 to 16 numbers, tiles a few of them);
every kind of stride, padding and kernel the operations accept occurs at least once.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One operation at one geometry: `settings` construct the Op, `inputs` are shapes of one image."""

    op: str
    n: int
    inputs: tuple[Shape, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    row: str = ""  # the name of its row in the bench, if it has one
    jacobian: bool = False  # small enough for whole central-difference Jacobians

    @property
    def id(self) -> str:
        shape = "+".join("x".join(map(str, s)) for s in self.inputs)
        text = ",".join(f"{k}={v}" for k, v in self.settings.items())
        return f"{self.op}({text})-n{self.n}-{shape}".replace(" ", "")

    @property
    def parameters(self) -> dict[str, Shape]:
        """Names and shapes of the parameters, written down a second time to check the Op against."""
        s = self.settings
        match self.op:
            case "Conv2d":
                kernel = s["kernel_size"]
                window = (kernel, kernel) if isinstance(kernel, int) else kernel
                shapes = {
                    "weight": (s["out_channels"], s["in_channels"], *window),
                    "bias": (s["out_channels"],),
                }
            case "Linear":
                shapes = {"weight": (s["out_features"], s["in_features"]), "bias": (s["out_features"],)}
            case "ChannelBias":
                shapes = {"bias": (s["channels"],)}
            case "PositionBias":
                shapes = {"bias": self.inputs[0]}
            case _:
                shapes = {}
        return {k: v for k, v in shapes.items() if k != "bias" or s.get("bias", True)}

    @property
    def call(self) -> dict[str, Any]:
        """The settings that a function on arrays still needs: what the arrays' shapes do not say."""
        words = ("stride", "padding", "approximate", "ceil_mode") + (
            ("kernel_size",) if self.op == "MaxPool2d" else ()
        )
        return {k: v for k, v in self.settings.items() if k in words}

    def draw(self, *shape: int, salt: str = "", integers: bool = False) -> Array:
        """float32 values, the same in every run: normal ones, or small whole numbers whose sums are exact."""
        rng = np.random.default_rng(zlib.crc32(f"{self.id}{salt}".encode()))
        values = rng.integers(-2, 3, shape) if integers else rng.standard_normal(shape)
        return values.astype(np.float32)

    def arrays(self, integers: bool = False) -> tuple[Array, ...]:
        """The inputs with their batch axis, then the parameters."""
        inputs = [self.draw(self.n, *s, salt=f"x{i}", integers=integers) for i, s in enumerate(self.inputs)]
        return (*inputs, *(self.draw(*s, salt=k, integers=integers) for k, s in self.parameters.items()))


def conv(
    n: int,
    x: Shape,
    c_out: int,
    kernel_size: Any,
    stride: Any = 1,
    padding: Any = 0,
    bias: bool = True,
    **extra: Any,
) -> Case:
    settings = {"in_channels": x[0], "out_channels": c_out, "kernel_size": kernel_size}
    return Case("Conv2d", n, (x,), {**settings, "stride": stride, "padding": padding, "bias": bias}, **extra)


def pool(
    n: int,
    x: Shape,
    kernel_size: Any,
    stride: Any = None,
    padding: Any = 0,
    ceil_mode: bool = False,
    **extra: Any,
) -> Case:
    settings = {"kernel_size": kernel_size, "stride": stride, "padding": padding, "ceil_mode": ceil_mode}
    return Case("MaxPool2d", n, (x,), settings, **extra)


def linear(n: int, features: int, out: int, bias: bool = True, **extra: Any) -> Case:
    settings = {"in_features": features, "out_features": out, "bias": bias}
    return Case("Linear", n, ((features,),), settings, **extra)


def position_bias(n: int, x: Shape, **extra: Any) -> Case:
    return Case("PositionBias", n, (x,), dict(zip(("channels", "height", "width"), x, strict=True)), **extra)


CONV2D = [
    conv(1, (1, 1, 1), 1, 1),
    conv(5, (17, 6, 5), 33, 1),  # a matrix product
    conv(2, (65, 5, 7), 17, 1, stride=2),
    conv(2, (3, 5, 4), 7, (5, 4)),  # kernel = input
    conv(17, (1, 13, 11), 16, 3),
    conv(33, (3, 9, 7), 8, 3, padding=1),
    conv(5, (31, 7, 5), 32, 3),
    conv(2, (32, 6, 7), 65, 3, padding=1),
    conv(5, (65, 5, 5), 31, 3),
    conv(2, (33, 4, 9), 17, (1, 3)),
    conv(2, (8, 9, 4), 7, (3, 1)),
    conv(1, (3, 3, 31), 33, 3),  # one row of outputs, 29 of them
    conv(2, (1, 37, 3), 3, 3, padding=((0, 0), (1, 1))),
    conv(2, (16, 11, 13), 3, (5, 2), stride=2),
    conv(5, (7, 17, 19), 8, 3, stride=(2, 3), padding=((0, 1), (1, 0))),
    conv(2, (3, 11, 11), 8, 2, stride=3),  # stride > kernel: some pixels are never seen
    conv(2, (8, 10, 13), 17, 4, stride=3, padding=((2, 1), (0, 3))),
    conv(2, (3, 23, 19), 8, (11, 9)),  # kernel larger than any tile
    conv(2, (1, 5, 5), 3, 7, padding=3),  # kernel larger than the image
    conv(2, (8, 3, 3), 8, 3, padding=2),
    conv(2, (1, 4, 4), 7, 2, padding=((3, 0), (0, 4))),  # outputs that see nothing but padding
    conv(5, (16, 7, 7), 16, 3, padding=1, bias=False),
    conv(0, (3, 8, 8), 16, 3),
    conv(2, (2, 4, 3), 3, (2, 3), stride=(2, 1), padding=((1, 0), (0, 2)), jacobian=True),
    conv(1, (3, 4, 4), 2, 3, padding=1, bias=False, jacobian=True),
    conv(2, (1, 5, 4), 5, 3, jacobian=True),
    conv(2, (5, 2, 2), 3, 1, jacobian=True),
    conv(1, (2, 5, 5), 2, 2, stride=3, jacobian=True),
    conv(3, (1, 28, 28), 8, 3, padding=1, row="d4 conv1 3x3 1->8 on 28x28"),
    conv(2, (8, 14, 14), 16, 3, padding=1, row="d4 conv2 3x3 8->16 on 14x14"),
    conv(3, (1, 28, 28), 32, 3, row="letters conv1 3x3 1->32 on 28x28"),
    conv(2, (32, 13, 13), 64, 3, row="letters conv2 3x3 32->64 on 13x13"),
    conv(2, (64, 6, 6), 128, 3, row="letters conv3 3x3 64->128 on 6x6"),
    conv(3, (1, 28, 28), 16, 3, padding=1, bias=False, row="numpy-mnist conv1 3x3 1->16 on 28x28"),
    conv(2, (16, 14, 14), 32, 3, padding=1, bias=False, row="numpy-mnist conv2 3x3 16->32 on 14x14"),
    conv(2, (32, 7, 7), 64, 3, padding=1, bias=False, row="numpy-mnist conv3 3x3 32->64 on 7x7"),
]

MAX_POOL2D = [
    pool(1, (1, 1, 1), 1),
    pool(2, (3, 5, 7), 2),  # the last row and column are dropped
    pool(2, (3, 5, 7), 2, ceil_mode=True),  # ... or pooled alone
    pool(17, (7, 9, 6), (3, 2), stride=(1, 3)),
    pool(2, (17, 8, 9), 3, stride=1, padding=1),  # windows overlap
    pool(33, (1, 6, 5), 3, stride=2, padding=((0, 1), (1, 0))),
    pool(2, (33, 7, 11), 2, stride=3),  # stride > kernel
    pool(2, (8, 7, 7), 3, stride=2, padding=1, ceil_mode=True),
    pool(1, (65, 4, 5), (4, 5)),  # kernel = input
    pool(2, (3, 19, 17), (11, 9), stride=2, padding=(5, 4)),
    pool(5, (3, 4, 4), 3, stride=3, ceil_mode=True),
    pool(
        2, (3, 5, 5), 2, stride=3, padding=1, ceil_mode=True
    ),  # a rounded-up window that would see only padding
    pool(0, (3, 8, 8), 2),
    pool(2, (2, 4, 3), (2, 3), stride=1, padding=((1, 0), (0, 1)), jacobian=True),
    pool(1, (3, 5, 5), 2, ceil_mode=True, jacobian=True),
    pool(2, (8, 28, 28), 2, row="d4 pool1 2x2 on 8x28x28"),
    pool(2, (32, 26, 26), 2, row="letters pool1 2x2 on 32x26x26"),
    pool(2, (64, 11, 11), 2, ceil_mode=True, row="letters pool2 2x2 rounding up on 64x11x11"),
    pool(2, (16, 28, 28), 3, 2, ((0, 1), (0, 1)), row="numpy-mnist pool1 3x3 stride 2 on 16x28x28"),
]

LINEAR = [
    linear(1, 1, 1),
    linear(2, 3, 7),
    linear(33, 17, 33),
    linear(5, 65, 31),
    linear(17, 8, 65),
    linear(2, 31, 3, bias=False),
    linear(0, 16, 10),
    linear(3, 5, 4, jacobian=True),
    linear(2, 4, 3, bias=False, jacobian=True),
    linear(5, 784, 64, row="d4 linear 784->64"),
    linear(5, 512, 64, row="letters linear1 512->64"),
    linear(17, 64, 128, row="letters linear2 64->128"),
    linear(33, 128, 26, row="letters linear3 128->26"),
    linear(2, 3136, 100, row="numpy-mnist linear1 3136->100"),
    linear(5, 100, 10, row="numpy-mnist linear2 100->10"),
]

BIASES = [
    Case("ChannelBias", 1, ((1, 1, 1),), {"channels": 1}),
    Case("ChannelBias", 33, ((7, 3, 5),), {"channels": 7}),
    Case("ChannelBias", 5, ((65, 4, 3),), {"channels": 65}),
    Case("ChannelBias", 0, ((3, 4, 4),), {"channels": 3}),
    Case("ChannelBias", 2, ((3, 2, 2),), {"channels": 3}, jacobian=True),
    Case("ChannelBias", 2, ((16, 28, 28),), {"channels": 16}, row="channel bias 16x28x28"),
    position_bias(1, (1, 1, 1)),
    position_bias(33, (7, 3, 5)),
    position_bias(5, (17, 4, 3)),
    position_bias(0, (3, 4, 4)),
    position_bias(2, (3, 2, 2), jacobian=True),
    position_bias(2, (16, 28, 28), row="numpy-mnist position bias 16x28x28"),
]


def elementwise(op: str, row: str, **settings: Any) -> Iterable[Case]:
    """Any shape will do: vectors and images, whole lanes and remainders."""
    shapes: list[tuple[int, Shape]] = [
        *((1, (1,)), (2, (17,)), (33, (65,)), (5, (3, 5, 7))),
        *((2, (17, 1, 3)), (0, (3, 4, 4)), (0, (8,))),
    ]
    yield from (Case(op, n, (x,), settings) for n, x in shapes)
    yield Case(op, 2, ((3, 2, 2),), settings, jacobian=True)
    yield Case(op, 3, ((5,),), settings, jacobian=True)
    yield Case(op, 2, ((32, 13, 13),), settings, row=row)


ELEMENTWISE = [
    *elementwise("ReLU", "relu on 32x13x13"),
    *elementwise("GELU", "gelu erf on 32x13x13", approximate="none"),
    *elementwise("GELU", "gelu tanh on 32x13x13", approximate="tanh"),
    *elementwise("Flatten", "flatten 32x13x13"),
    *elementwise("Softmax", "softmax over 32 of 32x13x13"),
    *elementwise("LogSoftmax", "log-softmax over 32 of 32x13x13"),
]

ADD = [
    Case("Add", 1, ((1, 1, 1),) * 2),
    Case("Add", 33, ((7, 3, 5),) * 2),
    Case("Add", 5, ((17,),) * 2),
    Case("Add", 0, ((3, 4, 4),) * 2),
    Case("Add", 2, ((2, 2, 3),) * 2, jacobian=True),
    Case("Add", 2, ((32, 13, 13),) * 2, row="add 32x13x13"),
]

CASES = [*CONV2D, *MAX_POOL2D, *LINEAR, *BIASES, *ELEMENTWISE, *ADD]

#: (rows, classes) for the losses, which are not Ops
LOSSES = [(1, 1), (2, 3), (5, 26), (33, 10), (17, 65), (0, 7)]
