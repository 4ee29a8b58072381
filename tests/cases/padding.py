"""Padding and nearest resizing."""

from __future__ import annotations

from typing import Any

from tests.cases.case import Case, Shape


def pad(n: int, x: Shape, padding: Any, mode: str = "constant", value: float = 0.0, **extra: Any) -> Case:
    op = "Pad2d" if len(x) == 3 else "Pad1d"
    return Case(op, n, (x,), {"padding": padding, "mode": mode, "value": value}, **extra)


def resize(n: int, x: Shape, row: str = "", jacobian: bool = False, **settings: Any) -> Case:
    return Case("Resize2d" if len(x) == 3 else "Resize1d", n, (x,), settings, row, jacobian)


PADDING = [
    pad(1, (1, 1, 1), 0),
    pad(1, (1, 1, 1), 3, "replicate"),
    pad(2, (17, 4, 5), (1, 2, 3, 0), value=1.5),
    pad(2, (3, 5, 7), (-1, 2, 0, -3), value=-2.0),  # cuts off
    pad(33, (1, 3, 4), (-1, -2, -1, -1)),
    pad(2, (7, 5, 6), (5, 4, 4, 2), "reflect"),  # all of the image but its outermost pixels
    pad(3, (33, 3, 2), (0, 1, 2, 1), "reflect"),
    pad(2, (16, 4, 3), (2, 7, 0, 5), "replicate"),
    pad(0, (3, 4, 4), 2, "reflect"),
    pad(2, (2, 2, 3), (-1, 1, 1, 0), value=3.0, jacobian=True),
    pad(1, (2, 3, 2), (1, 0, 2, 1), "reflect", jacobian=True),
    pad(1, (2, 2, 2), (1, 2, 0, 1), "replicate", jacobian=True),
    pad(2, (32, 28, 28), 1, row="pad by zeros 1 32x28x28"),
    pad(2, (32, 28, 28), 2, "reflect", row="pad by reflection 2 32x28x28"),
    pad(2, (32, 28, 28), 2, "replicate", row="pad by replication 2 32x28x28"),
    pad(1, (1, 1), 2, "replicate"),
    pad(5, (17, 9), (8, 3), "reflect"),
    pad(2, (33, 6), (-2, 3), value=1.0),
    pad(0, (3, 4), 1),
    pad(2, (3, 4), (3, 1), "reflect", jacobian=True),
    pad(2, (64, 128), 2, "reflect", row="pad1d by reflection 2 64x128"),
]

HALF_PIXEL = {"nearest_mode": "round_prefer_ceil", "coordinate_transformation_mode": "half_pixel"}
ONNX = {"nearest_mode": "round_prefer_floor", "coordinate_transformation_mode": "half_pixel"}

RESIZING = [
    resize(1, (1, 1, 1), size=1),
    resize(1, (1, 1, 1), size=(3, 4)),
    resize(2, (17, 4, 5), size=(7, 3)),
    resize(2, (33, 9, 8), size=(2, 20), **HALF_PIXEL),
    resize(2, (3, 6, 10), size=(4, 4), **ONNX),  # halves, rounded either way
    resize(2, (16, 6, 5), size=(4, 10), **HALF_PIXEL),
    resize(3, (1, 7, 6), scale_factor=(1.5, 0.5)),
    resize(2, (32, 5, 7), scale_factor=0.75, nearest_mode="ceil"),
    resize(2, (5, 5, 7), scale_factor=(2.5, 1.25), **ONNX),
    resize(2, (5, 5, 7), scale_factor=(0.75, 1.25), coordinate_transformation_mode="half_pixel_symmetric"),
    resize(2, (8, 5, 3), size=(9, 1), nearest_mode="ceil", coordinate_transformation_mode="align_corners"),
    resize(
        2, (7, 4, 5), size=(1, 6), nearest_mode="ceil", coordinate_transformation_mode="pytorch_half_pixel"
    ),
    resize(0, (3, 4, 4), size=5),
    resize(2, (2, 3, 4), size=(5, 3), jacobian=True),
    resize(1, (2, 3, 2), scale_factor=1.5, jacobian=True, **ONNX),
    resize(2, (32, 28, 28), size=42, row="resize nearest to 42x42 32x28x28"),
    resize(2, (32, 28, 28), size=20, row="resize nearest to 20x20 32x28x28"),
    resize(1, (1, 1), size=3),
    resize(5, (17, 9), size=13),
    resize(2, (33, 12), scale_factor=0.25, **HALF_PIXEL),
    resize(0, (3, 4), scale_factor=2.5),
    resize(2, (3, 4), size=6, jacobian=True),
    resize(2, (64, 128), size=192, row="resize1d nearest to 192 64x128"),
]
