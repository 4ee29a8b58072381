"""Renders stroke descriptions: the curve through given points, and the pixels a round pen covers along it.

Both are matrix products. The points of a curve are a fixed matrix times the points of its description, so a
thousand jittered copies of one letter are one product; and the ink is a sum of Gaussians along the curve,
each the product of a function of x and one of y.
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float32]
_Doubles = npt.NDArray[np.float64]

#: Distance between the points of a curve, in tenths of a capital's height; at most the width of the
#: Gaussians.
_SPACING = 0.42


@dataclass(frozen=True, eq=False)
class Form:
    """One way to write a letter.

    Attributes:
        points: (c, 2), the description's points.
        stroke: (c,), the stroke each of them belongs to.
        curve: (p, c), points of the curve = curve @ points.
        straight: (p, c), the same with straight lines from point to point.
        smooth: (p, c), the curve with all corners rounded off.
        is_end: (p,), 1 where a stroke begins or ends.
        gap: (p - 1,), 1 where the next point belongs to the same stroke, else 0.
        weight: Relative frequency.
    """

    points: Floats
    stroke: npt.NDArray[np.intp]
    curve: Floats
    straight: Floats
    smooth: Floats
    is_end: Floats
    gap: Floats
    weight: float


def parse(text: str) -> Form:
    """Parse one form in the notation of `strokes`."""
    weight, star, rest = text.partition("*")
    strokes = [[_point(word) for word in stroke.split()] for stroke in (rest if star else text).split("|")]
    points = [np.array([(x, y) for x, y, _ in stroke]) for stroke in strokes]
    curves, lines = [], []
    for xy, stroke in zip(points, strokes, strict=True):
        curves.append(_curve_through(xy, [sharp for *_, sharp in stroke]))
        lines.append(_curve_through(xy, [True for _ in stroke]))
    is_end = np.concatenate([_ends(len(curve)) for curve in curves])
    return Form(
        points=np.concatenate(points).astype(np.float32),
        stroke=np.repeat(np.arange(len(points)), [len(xy) for xy in points]),
        curve=_block_diagonal(curves),
        straight=_block_diagonal(lines),
        smooth=_block_diagonal([_averaging(len(curve)) @ curve for curve in curves]),
        is_end=is_end,
        gap=1 - is_end[:-1] * is_end[1:],
        weight=float(weight) if star else 1.0,
    )


def _point(word: str) -> tuple[float, float, bool]:
    x, y = word.rstrip("!").split(",")
    return float(x), float(y), word.endswith("!")


def _curve_through(points: _Doubles, sharp: list[bool]) -> _Doubles:
    """Matrix (p, c) of a cubic Hermite curve through `points`, sampled about every `_SPACING`.

    Centripetal Catmull-Rom: the parameter advances by the square root of the distance, which keeps the curve
    from overshooting, and the slope at a point is that of the parabola through it and its neighbors. At an
    end or a corner the curve starts as a parabola, or as a straight line between two such points.
    """
    c = len(points)
    eye = np.eye(c)
    step = np.sqrt(np.linalg.norm(np.diff(points, axis=0), axis=1))
    chord = np.diff(eye, axis=0) / step[:, None]
    is_free = [i in (0, c - 1) or sharp[i] for i in range(c)]
    slope = np.zeros((c, c))
    for i in range(1, c - 1):
        slope[i] = (step[i - 1] * chord[i] + step[i] * chord[i - 1]) / (step[i - 1] + step[i])
    rows = []
    for i in range(c - 1):
        left, right = slope[i], slope[i + 1]
        if is_free[i] and is_free[i + 1]:
            left = right = chord[i]
        elif is_free[i]:
            left = 2 * chord[i] - right
        elif is_free[i + 1]:
            right = 2 * chord[i] - left
        count = max(2, math.ceil(step[i] ** 2 / _SPACING))
        t = np.linspace(0, 1, count, endpoint=False)[:, None]
        rows.append(
            (1 - t) ** 2 * ((1 + 2 * t) * eye[i] + t * step[i] * left)
            + t**2 * ((3 - 2 * t) * eye[i + 1] - (1 - t) * step[i] * right)
        )
    return np.concatenate([*rows, eye[-1:]])


def _averaging(p: int) -> _Doubles:
    """Matrix of a moving average along a stroke, over fewer points near its ends, which stay fixed."""
    i = np.arange(p)
    radius = np.minimum(4, np.minimum(i, p - 1 - i))
    near = np.abs(i[:, None] - i) <= radius[:, None]
    result: _Doubles = near / near.sum(axis=1, keepdims=True)
    return result


def _ends(p: int) -> Floats:
    ends = np.zeros(p, dtype=np.float32)
    ends[[0, -1]] = 1
    return ends


def _block_diagonal(blocks: list[_Doubles]) -> Floats:
    result = np.zeros((sum(len(b) for b in blocks), sum(b.shape[1] for b in blocks)), dtype=np.float32)
    row = column = 0
    for block in blocks:
        result[row : row + len(block), column : column + block.shape[1]] = block
        row += len(block)
        column += block.shape[1]
    return result


def ink(
    curve: Floats, form: Form, radius: Floats, blur: Floats, pressure: Floats, size: int
) -> npt.NDArray[np.uint8]:
    """Draw n curves of one form.

    A straight line of Gaussians of width s darkens a point at distance d by exp(-d^2 / 2 s^2), so with s =
    radius the edge of the stroke is where that is exp(-1/2). Ink rises from 0 to 1 within half a pixel on
    either side of the edge, and is then blurred, as EMNIST blurs its letters when it enlarges them.

    Args:
        curve: (n, p, 2), in pixels; (0, 0) is the corner of the image.
        radius: (n,), half the width of the pen, in pixels.
        blur: (n,), standard deviation of the blur, in pixels.
        pressure: (n, p), about 1; more makes the line wider.
        size: Height and width of the images.

    Returns:
        uint8 (n, size, size).
    """
    length = np.hypot(*np.moveaxis(np.diff(curve, axis=1), -1, 0)) * form.gap
    around = np.zeros(curve.shape[:2], dtype=np.float32)  # length of the line on both sides of a point
    around[:, :-1] += length
    around[:, 1:] += length
    # weights are lengths; half a Gaussian more at each end rounds it off and makes a dot visible
    one_gaussian = np.float32(2 * math.sqrt(2 * math.pi)) * radius[:, None]
    weight = pressure * (around / one_gaussian + form.is_end / 2)
    pixel = np.arange(size, dtype=np.float32) + np.float32(0.5)
    across = _gaussian(curve[:, :, 0, None] - pixel, radius)
    down = _gaussian(curve[:, :, 1, None] - pixel, radius) * weight[:, :, None]
    dark = np.matmul(down.transpose(0, 2, 1), across)
    edge = np.float32(math.exp(-0.5))
    mask = np.clip((dark / edge - 1) * radius[:, None, None] + np.float32(0.5), 0, 1)
    spread = _gaussian(np.broadcast_to(pixel[:, None] - pixel, (len(curve), size, size)), blur)
    spread /= spread.sum(axis=2, keepdims=True)
    level = np.matmul(np.matmul(spread, mask), spread.transpose(0, 2, 1))
    result: npt.NDArray[np.uint8] = np.rint(level * 255).astype(np.uint8)
    return result


def _gaussian(distance: Floats, deviation: Floats) -> Floats:
    """exp(-distance^2 / 2 deviation^2), one deviation for each image."""
    scaled = distance * (np.float32(math.sqrt(0.5)) / deviation)[:, None, None]
    result: Floats = np.exp(-np.square(scaled))
    return result
