"""The sheet of paper in a photo: its outline, if it lies on a table of another color.

A reduced copy is divided in two by Otsu's threshold, of brightness and of two ratios of colors (which shadows
do not change); the paper is a region with the outline of a quadrilateral. Its sides are then fitted to the
edge at full resolution.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from .components import Mask, label
from .resize import filtered
from .threshold import otsu

Points = NDArray[np.float64]
"""(n, 2): x, y in pixels, those of pixel i from i to i + 1."""

COARSE = 8
"""Pixels of the photo to one of the reduced copy, each way."""

SAMPLE = 4
"""Of these, every fourth row and column is used."""

MIN_AREA, MAX_AREA = 0.2, 0.97
"""Of the paper, as a fraction of the photo."""

MIN_FILLED = 0.97
"""Least fraction of the quadrilateral, without its outermost pixels, that the region fills, and of the region
inside the quadrilateral."""

MIN_REAL = 2
"""Least number of sides that are edges of the paper."""

MIN_COLOR_STEP, MIN_BRIGHTNESS_STEP = 0.15, 0.8
"""Least difference of paper and table in the logarithm of a ratio of colors, or of brightness: shadows change
the brightness by less."""

FRAME = 1.5
"""A side this near to the photo's own edge, in pixels of the reduced copy, is not an edge of the paper."""

SAMPLES = 80
"""Positions on each side at which the edge is searched."""


@dataclass(frozen=True)
class Paper:
    """Corners clockwise from the top left, and whether each side (from corner i on) is an edge of the paper;
    otherwise it is the photo's."""

    corners: Points
    real: tuple[bool, bool, bool, bool]

    def inside(self, shape: tuple[int, int], away: float = 0.0) -> Mask:
        """Pixels of the paper at least this far from its real edges."""
        sides = []
        for k, real in enumerate(self.real):
            a, b = self.corners[k], self.corners[(k + 1) % 4]
            inward = np.array([a[1] - b[1], b[0] - a[0]]) / np.hypot(*(b - a)) * (away if real else 0.0)
            sides.append((a + inward, b + inward))
        crossings = [_crossing(sides[k - 1], sides[k]) for k in range(4)]
        return _polygon([self.corners[k] if c is None else c for k, c in enumerate(crossings)], shape)


def find(pixels: NDArray[np.uint8]) -> Paper | None:
    """The paper, or None if no edge of it is visible.

    Shapes: pixels (3, h, w).
    """
    h, w = (extent // COARSE for extent in pixels.shape[1:])
    if min(h, w) < 16:
        return None
    samples = pixels[:, : h * COARSE : SAMPLE, : w * COARSE : SAMPLE]
    n = COARSE // SAMPLE
    small = np.sort(samples.reshape(3, h, n, w, n).swapaxes(2, 3).reshape(3, h, w, n * n), axis=3)
    small = small[..., n * n // 2 - 1 : n * n // 2 + 1].mean(3)  # the median
    for region in _regions(small):
        corners = _quadrilateral(region)
        found = None if corners is None else _fitted(pixels, corners * COARSE, (h, w))
        if found is not None and sum(found.real) >= MIN_REAL:
            return found
    return None


def _regions(small: NDArray[np.float64]) -> Iterator[Mask]:
    """Regions that may be the paper, by two ratios of colors and by brightness, smoothed over letters."""
    logs = np.log(np.maximum(small, 16.0) / 255)
    for values, step in (
        (logs[0] - logs[2], MIN_COLOR_STEP),
        (logs[0] - logs[1], MIN_COLOR_STEP),
        (logs.mean(0), MIN_BRIGHTNESS_STEP),
    ):
        if np.quantile(values, 0.98) - np.quantile(values, 0.02) < step:
            continue
        smooth = filtered(values.astype(np.float32), 5, "median")
        limit = otsu(smooth)
        darker = otsu(smooth[smooth <= limit])  # if the limit is between lit paper and the rest
        for threshold in (darker, limit) if step == MIN_BRIGHTNESS_STEP else (limit,):
            region = _region(smooth > threshold, smooth, step)
            if region is not None:
                yield region


def _region(mask: Mask, values: NDArray[np.float32], step: float) -> Mask | None:
    """The largest region of those in the middle of the photo, holes filled, if it is as large as a paper."""
    if mask.all() or not mask.any() or float(np.median(values[mask]) - np.median(values[~mask])) < step:
        return None
    inner = values.shape[0] // 4, values.shape[1] // 4
    middle = mask[inner[0] : -inner[0], inner[1] : -inner[1]]
    largest = _largest(mask if middle.mean() > 0.5 else ~mask)
    around = _outside(largest)
    region = filtered(filtered((~around).astype(np.uint8), 3, "min"), 3, "max").astype(bool)
    return region if MIN_AREA < region.mean() < MAX_AREA else None


def _largest(mask: Mask) -> Mask:
    labels, _ = label(mask)
    largest: Mask = labels == np.bincount(labels.ravel())[1:].argmax() + 1
    return largest


def _outside(region: Mask) -> Mask:
    """What is not in a region nor in its holes."""
    labels, count = label(~np.pad(region, 1))
    outer = np.zeros(count + 1, bool)
    outer[labels[0, 0]] = True
    outside: Mask = outer[labels][1:-1, 1:-1]
    return outside


def _quadrilateral(region: Mask) -> Points | None:
    """Corners of the quadrilateral that the region fills, clockwise from the top left; None if it is none."""
    hull = _hull(region)
    while len(hull) > 4:
        hull = _without_a_side(hull)
    if len(hull) < 4:
        return None
    filled = _polygon(hull, region.shape)
    inner = filtered(filled.astype(np.uint8), 3, "min").astype(bool)
    if (inner & region).sum() < MIN_FILLED * inner.sum() or (
        filled & region
    ).sum() < MIN_FILLED * region.sum():
        return None
    first = int(np.argmin(hull.sum(1)))
    return np.roll(hull, -first, axis=0)


def _hull(region: Mask) -> Points:
    """The convex hull, clockwise as seen (y points down)."""
    rows = np.flatnonzero(region.any(1))
    left = region[rows].argmax(1)
    right = region.shape[1] - region[rows, ::-1].argmax(1)
    ends = [(x, y) for y, a, b in zip(rows, left, right, strict=True) for x in (a, b)]
    points = sorted({(float(x), float(y + k)) for x, y in ends for k in (0, 1)})

    def chain(ordered: list[tuple[float, float]]) -> list[tuple[float, float]]:
        found: list[tuple[float, float]] = []
        for point in ordered:
            while len(found) > 1 and _turn(found[-2], found[-1], point) <= 0:
                found.pop()
            found.append(point)
        return found[:-1]

    return np.array(chain(points) + chain(points[::-1]))


def _turn(a: tuple[float, float], b: tuple[float, float], c: tuple[float, float]) -> float:
    return (b[0] - a[0]) * (c[1] - a[1]) - (b[1] - a[1]) * (c[0] - a[0])


def _without_a_side(hull: Points) -> Points:
    """The polygon without the side whose removal, extending its neighbors, adds the least area."""
    n = len(hull)
    best, least = hull[:3], math.inf
    for i in range(n):
        a, b, c, d = (hull[(i + k) % n] for k in (-1, 0, 1, 2))
        corner = _crossing((a, b), (d, c))
        if corner is None:
            continue
        added = abs(_turn(tuple(b), tuple(corner), tuple(c)))
        if (corner - b) @ (b - a) >= 0 and added < least:
            kept = [hull[(i + 2 + k) % n] for k in range(n - 2)]
            best, least = np.array([corner, *kept]), added
    return best


def _polygon(corners: Sequence[Points] | Points, shape: tuple[int, int]) -> Mask:
    """Pixels of a convex polygon."""
    from PIL import Image, ImageDraw

    image = Image.new("1", (shape[1], shape[0]))
    ImageDraw.Draw(image).polygon([(float(x) - 0.5, float(y) - 0.5) for x, y in corners], fill=1)
    return np.asarray(image)


def _crossing(first: tuple[Points, Points], second: tuple[Points, Points]) -> Points | None:
    """Where two lines through two points each cross; None if they are parallel."""
    (a, b), (c, d) = first, second
    matrix = np.array([b - a, c - d]).T
    if abs(np.linalg.det(matrix)) < 1e-9:
        return None
    return np.asarray(a + np.linalg.solve(matrix, c - a)[0] * (b - a))


def _fitted(pixels: NDArray[np.uint8], corners: Points, coarse: tuple[int, int]) -> Paper | None:
    """The quadrilateral with its sides on the strongest edge nearby."""
    limits = np.array([coarse[1], coarse[0]]) * COARSE
    lines, real = [], []
    for i in range(4):
        a, b = corners[i], corners[(i + 1) % 4]
        near = np.minimum(np.stack([a, b]), limits - np.stack([a, b])) < FRAME * COARSE
        real.append(not near.all(0).any())
        lines.append(_edge(pixels, a, b) if real[-1] else (a, b))
    fitted = [_crossing(lines[i - 1], lines[i]) for i in range(4)]
    if any(corner is None for corner in fitted):
        return None
    result = np.array(fitted)
    if np.abs(result - corners).max() > 8 * COARSE:
        return None
    return Paper(result, (real[0], real[1], real[2], real[3]))


def _edge(pixels: NDArray[np.uint8], a: Points, b: Points) -> tuple[Points, Points]:
    """Two points of the line through the strongest edges across the side from a to b."""
    along = (b - a) / np.hypot(*(b - a))
    normal = np.array([along[1], -along[0]])  # outward
    t = np.linspace(0.04, 0.96, SAMPLES)
    reach = np.arange(-1.5 * COARSE, 1.5 * COARSE + 1)
    at = np.floor((a + t[:, None] * (b - a))[:, None] + reach[:, None] * normal).astype(np.int64)
    x, y = (np.clip(at[..., k], 0, pixels.shape[2 - k] - 1) for k in (0, 1))
    profile = pixels[:, y, x].astype(np.float32)
    step = np.abs(profile[:, :, 3:] - profile[:, :, :-3]).sum(0)
    strongest = step.argmax(1)[:, None]
    weights = (
        np.where(np.abs(np.arange(step.shape[1]) - strongest) <= 3, step.astype(np.float64) ** 2, 0) + 1e-9
    )
    offset = (weights * reach[:-3]).sum(1) / weights.sum(1) + 1.5
    kept = np.ones(SAMPLES, bool)
    for _ in range(4):  # a line without the samples far from it
        slope, start = np.polyfit(t[kept], offset[kept], 1)
        distance = np.abs(offset - (slope * t + start))
        kept = distance <= max(1.5, 2 * float(np.median(distance)))
    return a + start * normal, b + (slope + start) * normal
