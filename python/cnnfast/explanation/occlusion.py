"""Occlusion map: how much less likely a class becomes when a square of the image is hidden. Zeiler & Fergus
2014, arXiv:1311.2901.
"""

from __future__ import annotations

import math
from typing import NamedTuple

import numpy as np

from .._checks import ieee_arithmetic
from .._types import Array
from ..nn import Module
from ..nn.task import Task, probabilities

#: Images computed at most and at least, and multiply-accumulates of all of them together.
_MOST_POSITIONS, _LEAST_POSITIONS, _MACS = 900, 36, 2e10
#: Squares are this fraction of the image.
_FRACTION = 0.2
_BATCH = 128


class Occlusion(NamedTuple):
    """An occlusion map.

    Attributes:
        map: (h, w), the probability of the class without the square minus that with a square around this
            pixel in the color of the background. For a regression, the output instead of a probability.
        size: Height and width of the square.
        target: The class.
        before: Its probability for the whole image.
        text: Why the map is flat; empty if it is not.
    """

    map: Array
    size: tuple[int, int]
    target: int
    before: float
    text: str


@ieee_arithmetic
def occlusion(model: Module, image: Array, target: int, task: Task | None) -> Occlusion:
    """The occlusion map of an image (c, h, w) or (c, w)."""
    pixels = image if image.ndim == 3 else image[:, None]
    _, h, w = pixels.shape
    size = max(1, round(_FRACTION * h)), max(1, round(_FRACTION * w))
    macs = sum(node["macs"] for node in model.plan_for(image.shape).nodes())
    positions = min(_MOST_POSITIONS, max(_LEAST_POSITIONS, _MACS / max(macs, 1)))
    stride = math.ceil(math.sqrt(h * w / positions))
    rows, columns = (range(0, extent, stride) for extent in (h, w))
    background = _background(pixels)
    hidden = [
        _with_square(pixels, background, row - size[0] // 2, column - size[1] // 2, size)
        for row in rows
        for column in columns
    ]
    batch = np.stack([pixels, *hidden]).reshape(-1, *image.shape)
    found = np.concatenate(
        [_scores(model, batch[k : k + _BATCH], target, task) for k in range(0, len(batch), _BATCH)]
    )
    before = float(found[0])
    coarse = (before - found[1:]).reshape(len(rows), len(columns))
    fine = coarse.repeat(stride, axis=0).repeat(stride, axis=1)[:h, :w]
    flat = "flat: hiding a square changes the result nowhere" if not np.ptp(fine) else ""
    return Occlusion(fine, size, target, before, flat)


def _background(pixels: Array) -> Array:
    """(c, 1, 1), the median of the pixels at the border."""
    edges = [pixels[:, [0, -1]].reshape(len(pixels), -1), pixels[:, :, [0, -1]].reshape(len(pixels), -1)]
    median: Array = np.median(np.concatenate(edges, axis=1), axis=1)[:, None, None]
    return median.astype(pixels.dtype)


def _with_square(pixels: Array, background: Array, top: int, left: int, size: tuple[int, int]) -> Array:
    hidden = pixels.copy()
    rows, columns = slice(max(top, 0), top + size[0]), slice(max(left, 0), left + size[1])
    hidden[:, rows, columns] = background
    return hidden


def _scores(model: Module, batch: Array, target: int, task: Task | None) -> Array:
    """Probability of the class for each image."""
    if batch.dtype != np.uint8:
        batch = batch.astype(model.dtype)
    plan, batch = model.prepare(batch)
    y = plan.forward(batch, model.flat_parameters)
    if task is None or task == "regression":
        return y[:, target].astype(np.float64)
    return probabilities(task, model.output_kind, y.astype(np.float64))[:, target]
