"""Straightens a page: from the outline of the paper and the direction of the lines of text to a view in which
lines are horizontal and letters upright."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from ..errors import require
from ..vision.components import Mask
from ..vision.paper import Paper, Points

USUAL_ANGLE, STEEP_GAIN = 12.0, 1.3
"""A page skewed by more than the usual angle (of up to 90 degrees) has to have lines sharper by this
factor, and MIN_MARKS components: the strokes of a single letter may be sharper when it lies."""

MIN_MARKS, MARK = 6, 8
"""Components of at least 8 pixels each way."""

MAX_CONVERGENCE, CONVERGENCE_GAIN = 0.2, 1.02
"""Lines that converge (keystone): the relative change of their distance from the middle of the page to its
side; at least this much sharper than parallel ones."""

POINTS, COARSE_POINTS = 20_000, 5_000
"""Pixels of ink that are used, and to search all angles."""


@dataclass(frozen=True, eq=False)
class View:
    """A straightened page.

    Attributes:
        matrix: The homography that maps (x, y, 1) of the view to the photo.
        shape: (h, w) of the view.
    """

    matrix: NDArray[np.float64]
    shape: tuple[int, int]

    def straightened(self, ink: NDArray[np.float32]) -> NDArray[np.float32]:
        """The ink of the photo in this view, interpolated linearly."""
        from PIL import Image

        h, w = self.shape
        matrix = self.matrix / self.matrix[2, 2]
        if self.shape == ink.shape and np.array_equal(matrix, np.eye(3)):
            return ink
        image = Image.fromarray(ink).transform(
            (w, h), Image.Transform.PERSPECTIVE, tuple(matrix.ravel()[:8]), Image.Resampling.BILINEAR
        )
        return np.asarray(image)

    def to_photo(self, points: Points) -> Points:
        """Positions in the photo of positions in the view, (n, 2) of x, y."""
        return _mapped(points, self.matrix)

    @property
    def is_steep(self) -> bool:
        """Whether its rows are more vertical than horizontal in the photo."""
        (left, right) = self.to_photo(
            np.array([[0.0, self.shape[0] / 2], [self.shape[1], self.shape[0] / 2]])
        )
        return bool(abs(right[1] - left[1]) > abs(right[0] - left[0]))

    def turned(self, quarters: int) -> View:
        """The view rotated counterclockwise by quarters, as `np.rot90` does."""
        view = self
        for _ in range(quarters % 4):
            h, w = view.shape
            view = View(view.matrix @ np.array([[0.0, -1, w], [1, 0, 0], [0, 0, 1]]), (w, h))
        return view


def view(mask: Mask, paper: Paper | None) -> View:
    """The view in which the paper, if all of its edges are visible, is a rectangle, and the lines are
    horizontal and parallel."""
    h, w = mask.shape
    base = View(np.eye(3), (h, w))
    if paper is not None and all(paper.real):
        base = _rectified(paper)
    y, x = np.nonzero(mask)
    if not len(y):
        return base
    step = -(-len(y) // POINTS)
    points = np.stack([x[::step], y[::step]], 1).astype(np.float64) + 0.5
    points = _mapped(points, _inverse(base.matrix))
    middle = np.array([base.shape[1], base.shape[0]]) / 2
    return _lines_horizontal(base, *slope(points - middle, float(middle[0]), _marks(mask) >= MIN_MARKS))


def _marks(mask: Mask) -> int:
    ndimage = require("scipy.ndimage", "reading pages")
    boxes = ndimage.find_objects(ndimage.label(mask[::2, ::2])[0])
    return sum(
        2 * min(rows.stop - rows.start, columns.stop - columns.start) >= MARK for rows, columns in boxes
    )


def slope(points: Points, half_width: float, steep: bool = True) -> tuple[float, float]:
    """Angle of the lines of text in degrees, positive if they fall to the right, and their convergence.

    They are those whose row sums have the largest sum of squares (projection profile): over angles first,
    then over the convergence near the best of them.

    Args:
        points: Ink relative to the middle of the page.
        half_width: Of the page.
        steep: Whether lines may be steeper than the usual angle.
    """

    def sharpness(angle: float, convergence: float = 0.0, every: int = 1) -> float:
        a = math.radians(angle)
        x, y = points[::every].T
        rows = y * math.cos(a) - x * math.sin(a)
        if convergence:
            across = x * math.cos(a) + y * math.sin(a)
            rows = rows / (1 + convergence / half_width * across)
        counts = np.bincount(((rows - rows.min()) / 2).astype(np.int64)).astype(np.float64)
        return float((counts**2).sum())

    reach = 90 if steep else USUAL_ANGLE
    angles = np.arange(-reach, reach, 0.5)
    every = -(-len(points) // COARSE_POINTS)
    values = np.array([sharpness(angle, every=every) for angle in angles])
    best = float(angles[np.argmax(values / np.where(np.abs(angles) <= USUAL_ANGLE, 1, STEEP_GAIN))])
    best = float(max(np.arange(best - 0.5, best + 0.55, 0.1), key=sharpness))
    found, gain = (best, 0.0), CONVERGENCE_GAIN * sharpness(best)
    for reach, step in ((MAX_CONVERGENCE, 0.02), (0.01, 0.005)):
        center = found[1]
        for c in np.arange(center - reach, center + reach + step / 2, step):
            for angle in (best - 0.3, best - 0.15, best, best + 0.15, best + 0.3):
                value = sharpness(angle, c)
                if c and value > gain:
                    found, gain = (float(angle), float(c)), value
    return found


def _rectified(paper: Paper) -> View:
    """The view of a paper as a rectangle with the mean lengths of its sides."""
    lengths = np.hypot(*(np.roll(paper.corners, -1, axis=0) - paper.corners).T)
    w, h = round((lengths[0] + lengths[2]) / 2), round((lengths[1] + lengths[3]) / 2)
    rows = []
    for (x, y), (u, v) in zip(((0, 0), (w, 0), (w, h), (0, h)), paper.corners, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    solved = np.linalg.solve(np.array(rows, np.float64), paper.corners.ravel())
    return View(np.append(solved, 1).reshape(3, 3), (h, w))


def _lines_horizontal(base: View, angle: float, convergence: float) -> View:
    """The view rotated about its middle, and its lines made parallel, large enough for all of it."""
    if abs(angle) < 0.15 and not convergence:
        return base
    h, w = base.shape
    a = math.radians(angle)
    rotation = np.array([[math.cos(a), math.sin(a), 0], [-math.sin(a), math.cos(a), 0], [0, 0, 1]])
    parallel = np.array([[1, 0, 0], [0, 1, 0], [2 * convergence / w, 0, 1]])
    to_view = parallel @ rotation @ _shift(-w / 2, -h / 2)
    corners = _mapped(np.array([[0, 0], [w, 0], [w, h], [0, h]], np.float64), to_view)
    low, high = corners.min(0), corners.max(0)
    matrix = base.matrix @ _inverse(_shift(-low[0], -low[1]) @ to_view)
    return View(matrix, (math.ceil(high[1] - low[1]), math.ceil(high[0] - low[0])))


def _shift(x: float, y: float) -> NDArray[np.float64]:
    return np.array([[1, 0, x], [0, 1, y], [0, 0, 1]])


def _inverse(matrix: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.linalg.inv(matrix).astype(np.float64)


def _mapped(points: Points, matrix: NDArray[np.float64]) -> Points:
    u, v, w = matrix @ np.concatenate([points, np.ones((len(points), 1))], 1).T
    return np.stack([u / w, v / w], 1)
