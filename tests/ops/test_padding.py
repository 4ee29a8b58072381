"""Padding and nearest resizing: settings that are refused, PyTorch's names, and what the rules mean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from cnnfast import _core, functional, nn

from tests.support.refusal import refused

BIG = 2**28
RULES = '"asymmetric", "half_pixel", "pytorch_half_pixel", "half_pixel_symmetric" or "align_corners"'

SETTINGS: list[tuple[str, tuple[Any, ...], type[Exception], str]] = [
    ("Pad2d", ((1, 2),), TypeError, "padding must be an int or (left, right, top, bottom), got (1, 2)"),
    ("Pad2d", (1.5,), TypeError, "padding must be an int or (left, right, top, bottom), got 1.5"),
    ("Pad1d", ((1, 2, 3, 4),), TypeError, "padding must be an int or (before, after), got (1, 2, 3, 4)"),
    (
        *("Pad2d", (1, "symmetric"), ValueError),
        'mode must be "constant", "reflect", "replicate" or "edge", got "symmetric"',
    ),
    (
        *("Pad2d", ((0, -1, 0, 0), "reflect"), ValueError),
        f'padding must be from 0 to {BIG} where mode is "reflect", got (0, -1, 0, 0) '
        "[left, right, top, bottom]",
    ),
    (
        *("Pad1d", ((BIG + 1, 0),), ValueError),
        f"padding must be from -{BIG} to {BIG}, got ({BIG + 1}, 0) [before, after]",
    ),
    (
        *("Pad1d", (1, "edge", 2.0), ValueError),
        'value is only used by mode "constant", got value 2 for mode "replicate"',
    ),
    ("Pad2d", (1, "constant", None), TypeError, "value must be a number, got None"),
    ("Resize2d", (), ValueError, "needs either size or scale_factor, got neither"),
    ("Resize1d", (3, 2.0), ValueError, "needs either size or scale_factor, got both"),
    ("Resize2d", ((3, 0),), ValueError, f"size must be from 1 to {BIG}, got 0"),
    ("Resize2d", (2.5,), TypeError, "size must be an int or a pair (h, w), got 2.5"),
    ("Resize2d", (None, (1, "2")), TypeError, "scale_factor must be a number or a pair (h, w), got (1, '2')"),
    ("Resize1d", (None, -0.5), ValueError, "scale_factor must be a finite number above 0, got -0.5"),
    ("Resize2d", (None, np.inf), ValueError, "scale_factor must be a finite number above 0, got inf"),
    (
        *("Resize1d", (3, None, "round"), ValueError),
        'nearest_mode must be "floor", "ceil", "round_prefer_floor" or "round_prefer_ceil", got "round"',
    ),
    (
        *("Resize2d", (3, None, "floor", "half"), ValueError),
        f'coordinate_transformation_mode must be {RULES}, got "half"',
    ),
]


@pytest.mark.parametrize(("op", "arguments", "error", "text"), SETTINGS)
def test_settings(op: str, arguments: tuple[Any, ...], error: type[Exception], text: str) -> None:
    for home in (_core, nn):
        with refused(error, f"{op}: {text}"):
            getattr(home, op)(*arguments)


@pytest.mark.parametrize(("op", "dilation"), [("AvgPool2d", (1, 0)), ("AvgPool1d", 0)])
def test_dilation_of_average_pools(op: str, dilation: Any) -> None:
    for home in (_core, nn):
        with refused(ValueError, f"{op}: dilation must be from 1 to {BIG}, got {dilation}"):
            getattr(home, op)(2, dilation=dilation)


SHAPES: list[tuple[_core.Op, tuple[int, ...], str]] = [
    (_core.Pad2d(1), (3, 4), "expected an input of shape (c, h, w), got (3, 4)"),
    (_core.Pad1d(1), (3, 4, 5), "expected an input of shape (c, l), got (3, 4, 5)"),
    (
        *(_core.Pad2d((1, 3, 0, 0), "reflect"), (1, 4, 3)),
        "reflected padding must be smaller than the input, got padding (1, 3, 0, 0) "
        "[left, right, top, bottom] for input (1, 4, 3); need w > 3",
    ),
    (
        *(_core.Pad1d((-2, -1)), (1, 3)),
        "padding (-2, -1) [before, after] crops all of input (1, 3)",
    ),
    (
        *(_core.Pad2d((0, 0, -5, 9)), (1, 4, 3)),
        "padding (0, 0, -5, 9) [left, right, top, bottom] crops all of input (1, 4, 3)",
    ),
    (
        *(_core.Pad1d((BIG, 0)), (1, 3)),
        f"every extent of a shape must be from 1 to {BIG}, got (1, {BIG + 3})",
    ),
    (_core.Resize2d(3), (3, 4), "expected an input of shape (c, h, w), got (3, 4)"),
    (
        *(_core.Resize2d(None, (1, 0.25)), (1, 4, 3)),
        f"scale_factor 0.25 makes 0 of 3; an extent must be from 1 to {BIG}",
    ),
    (
        *(_core.AvgPool2d(3, dilation=3), (1, 6, 7)),
        "kernel 3x3 with dilation 3x3 does not fit input (1, 6, 7) [c, h, w]; need h >= 7 and w >= 7",
    ),
]


@pytest.mark.parametrize(("op", "shape", "text"), SHAPES)
def test_shapes(op: _core.Op, shape: tuple[int, ...], text: str) -> None:
    with refused(ValueError, f"{op.name}: {text}"):
        op.output_shape(shape)


X = np.arange(1, 13, dtype=np.float32).reshape(1, 1, 3, 4)
SIDES = (1, 2, 0, 1)
AROUND = ((0, 0), (0, 0), (0, 1), (1, 2))
NAMED = [
    ("Zero", (), {"mode": "constant"}),
    ("Constant", (7.5,), {"mode": "constant", "constant_values": 7.5}),
    ("Reflection", (), {"mode": "reflect"}),
    ("Replication", (), {"mode": "edge"}),
]


@pytest.mark.parametrize(("name", "value", "how"), NAMED)
def test_names_of_pytorch(name: str, value: tuple[float, ...], how: dict[str, Any]) -> None:
    """(left, right, top, bottom); the values are NumPy's."""
    layer = getattr(nn, f"{name}Pad2d")(SIDES, *value)
    np.testing.assert_array_equal(layer(X), np.pad(X, AROUND, **how))
    line = getattr(nn, f"{name}Pad1d")((1, 2), *value)
    np.testing.assert_array_equal(line(X[0]), np.pad(X[0], ((0, 0), (0, 0), (1, 2)), **how))
    for module in (layer, line):
        again = nn.from_config(module.to_config())
        assert type(again) is type(module)
        assert repr(again) == repr(module)
        assert "mode" not in module.to_config()


def test_one_number_pads_every_side() -> None:
    assert repr(nn.ZeroPad2d(2)) == "ZeroPad2d(2)"
    assert repr(nn.Pad2d((1, 1, 1, 1), "edge")) == "Pad2d(1, mode='replicate')"
    assert nn.ReflectionPad2d(1)(X).shape == (1, 1, 5, 6)


@pytest.mark.parametrize("padding", [(2, 1), (1, 0, 2, 1)])
def test_pad_takes_lines_and_images(padding: tuple[int, ...]) -> None:
    sides = (*padding, 0, 0)[:4]
    np.testing.assert_array_equal(functional.pad(X, padding), functional.pad2d(X, sides))
    y = functional.pad(X, padding, "reflect")
    np.testing.assert_array_equal(
        functional.pad_backward(y, X, padding, "reflect"), functional.pad2d_backward(y, X, sides, "reflect")
    )
    np.testing.assert_array_equal(functional.pad(X[0], padding[:2]), functional.pad1d(X[0], padding[:2]))


def test_pad_refuses_what_fits_no_axis() -> None:
    with refused(ValueError, "pad: x must have shape (n, c, l) or (n, c, h, w), got (3, 4)"):
        functional.pad(X[0, 0], (1, 1))
    with refused(ValueError, "pad: pad of x (1, 3, 4) must be (left, right), got (1, 1, 1, 1)"):
        functional.pad(X[0], (1, 1, 1, 1))
    with refused(TypeError, "pad: pad must be (left, right) or (left, right, top, bottom), got 1"):
        functional.pad(X, 1)


def test_what_surrounds_a_max_pool_may_be_infinite(isa: str, dtype: str) -> None:
    x = X.astype(dtype)
    padded = functional.pad2d(x, 1, value=-np.inf, isa=isa)
    np.testing.assert_array_equal(
        functional.max_pool2d(padded, 3, 1, isa=isa), functional.max_pool2d(x, 3, 1, 1, isa=isa)
    )


def test_positions_are_exact(isa: str) -> None:
    """49 / 98 * 2 is a whole column further on; a quotient rounded to float32 would stay before it."""
    for inputs in (2, 3, 7, 29):
        for factor in (3, 41, 49):
            x = np.arange(inputs, dtype=np.float32).reshape(1, 1, inputs)
            np.testing.assert_array_equal(
                functional.resize1d(x, inputs * factor, isa=isa), functional.upsample1d(x, factor, isa=isa)
            )


@pytest.mark.parametrize(
    ("nearest", "want"),
    [
        ("floor", [0, 0, 1, 1, 2, 2]),
        ("ceil", [0, 1, 1, 2, 2, 2]),
        ("round_prefer_floor", [0, 0, 1, 1, 2, 2]),
        ("round_prefer_ceil", [0, 1, 1, 2, 2, 2]),
    ],
)
def test_halves(nearest: str, want: list[int]) -> None:
    """Positions 0, 0.5, 1, ... 2.5; the last value is as far as a line goes."""
    x = np.arange(3, dtype=np.float32).reshape(1, 1, 3)
    assert functional.resize1d(x, scale_factor=2.0, nearest_mode=nearest)[0, 0].tolist() == want


@pytest.mark.parametrize(
    ("coordinates", "want"),
    [
        ("asymmetric", [0, 1, 2, 2, 3]),  # 0 0.8 1.6 2.4 3.2 of 4 to 5
        ("half_pixel", [0, 1, 2, 2, 3]),  # -0.1 0.7 1.5 2.3 3.1
        ("align_corners", [0, 1, 2, 2, 3]),  # 0 0.75 1.5 2.25 3
    ],
)
def test_coordinates(coordinates: str, want: list[int]) -> None:
    x = np.arange(4, dtype=np.float32).reshape(1, 1, 4)
    how = {"nearest_mode": "round_prefer_ceil", "coordinate_transformation_mode": coordinates}
    assert functional.resize1d(x, 5, **how)[0, 0].tolist() == want
