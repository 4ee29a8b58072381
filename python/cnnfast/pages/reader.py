"""Runs the steps from an upright image to a `Page`; all letters are classified as one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..nn import Module
from ..vision import ink_map, normalize, paper, rules
from ..vision.components import Mask
from . import averaging, layout, orientation, source, split, straighten, word_list
from .layout import Blob
from .page import Box, Letter, Line, Page, Word
from .split import Piece
from .straighten import View

if TYPE_CHECKING:
    from PIL import Image

LONG_SIDE = 2000
"""Pages are downsampled to about this longer side."""

SIZE = 28
EDGE = 0.5
"""Least ink of the pixels of a letter."""

MAX_LETTERS = 20_000
"""More pieces to classify than this are noise."""

TOP = 3


@dataclass(frozen=True)
class _Straight:
    """The straightened page, and the sizes of the images that its view maps to."""

    ink: NDArray[np.float32]
    labels: NDArray[np.int32]
    view: View
    size: tuple[int, int]  # width and height of the upright image, and of the one that the view is of
    reduced: tuple[int, int]

    def crop(self, piece: Piece) -> NDArray[np.float32]:
        """The ink of a piece alone, with its soft edges."""
        blob = piece.blob
        left = blob.left + piece.start
        top, right = max(0, blob.top - 1), blob.left + piece.stop
        window = slice(top, blob.bottom + 1), slice(left, right)
        own = (self.labels[window] == 0) | self._own(blob, window)
        return np.where(own, self.ink[window], np.float32(0))

    def _own(self, blob: Blob, window: tuple[slice, slice]) -> Mask:
        labels = self.labels[window]
        own: Mask = np.logical_or.reduce([labels == label for label in blob.labels])
        return own

    def box(self, piece: Piece) -> Box:
        """The box of its pixels in the upright image."""
        blob = piece.blob
        window = slice(blob.top, blob.bottom), slice(blob.left + piece.start, blob.left + piece.stop)
        y, x = np.nonzero(self._own(blob, window))
        corner = np.array([blob.left + piece.start, blob.top], np.float64)
        points = self.view.to_photo(np.stack([x, y], 1) + 0.5 + corner)
        scale = np.array(self.size) / self.reduced
        left, top = (np.clip((points.min(0) - 0.5) * scale, 0, self.size)).round()
        right, bottom = (np.clip((points.max(0) + 0.5) * scale, 0, self.size)).round()
        return int(left), int(top), int(right), int(bottom)


def read(upright: Image.Image, model: Module, words: list[str] | None, style: normalize.Style) -> Page:
    """Reads an upright image.

    Raises:
        DataError: There is no ink, or only noise.
    """
    pixels = source.reduced(upright, LONG_SIDE)
    sheet = paper.find(pixels)
    amount = ink_map.ink(pixels, sheet)
    view = straighten.view(amount > EDGE, sheet)
    page, parts, size = _components(amount, view, upright)
    letters = [_normalized(page.crop(Piece(b, 0, b.width)), style) for b in orientation.sample(parts, size)]
    if letters and (turn := orientation.quarters(model, np.stack(letters), view.is_steep)):
        page, parts, size = _components(amount, view.turned(turn), upright)
    rows = layout.lines(layout.joined(parts, size), size)
    if not rows:
        raise DataError("no letters found on the page")
    limit = layout.word_gap(rows, size)
    read_rows = _classified(page, rows, size, model, style)
    lines = tuple(_line(page, row, limit, model.classes or (), words) for row in read_rows)
    return Page(lines, (upright.height, upright.width), upright)


def _components(
    amount: NDArray[np.float32], view: View, upright: Image.Image
) -> tuple[_Straight, list[Blob], float]:
    """The ink in a view without printed lines, its components, and the height of a letter."""
    size = amount.shape[1], amount.shape[0]
    amount = view.straightened(amount)
    mask = amount > EDGE
    mask &= ~rules.rules(amount)
    amount = np.where(mask | (amount < EDGE), amount, np.float32(0))
    labels, parts, height = layout.components(mask)
    return _Straight(amount, labels, view, upright.size, size), parts, height


_Read = tuple[Piece, NDArray[np.float32]]
"""A letter and the probabilities of its classes."""


def _classified(
    page: _Straight, rows: list[list[Blob]], size: float, model: Module, style: normalize.Style
) -> list[list[_Read]]:
    usual = split.usual_width([blob for row in rows for blob in row], size)
    parts = [
        [split.pieces(blob, page.crop(Piece(blob, 0, blob.width)), usual) for blob in row] for row in rows
    ]
    flat = [piece for row in parts for pieces in row for piece in pieces]
    if len(flat) > MAX_LETTERS:
        raise DataError(f"{len(flat)} marks on the page that may be letters: noise, or no handwriting")
    pixels = np.stack([_normalized(page.crop(piece), style) for piece in flat])
    confidence = model.predict_proba(pixels[:, None]).max(1)
    result, chosen, at = [], [], 0
    for row in parts:
        letters: list[Piece] = []
        for pieces in row:
            best = split.best(pieces, confidence[at : at + len(pieces)], usual)
            letters += [pieces[k] for k in best]
            chosen += [at + k for k in best]
            at += len(pieces)
        result.append(letters)
    values = iter(averaging.probabilities(model, pixels[chosen]))
    return [[(piece, next(values)) for piece in row] for row in result]


def _normalized(amount: NDArray[np.float32], style: normalize.Style) -> NDArray[np.uint8]:
    if not (amount > EDGE).any():
        return np.zeros((SIZE, SIZE), np.uint8)
    return normalize.normalize(amount, SIZE, style)


def _line(
    page: _Straight, row: list[_Read], limit: float, classes: tuple[str, ...], words: list[str] | None
) -> Line:
    groups: list[list[_Read]] = []
    end = 0
    for piece, values in row:
        left = piece.blob.left + piece.start
        if not groups or left - end >= limit:
            groups.append([])
        groups[-1].append((piece, values))
        end = piece.blob.left + piece.stop
    return Line(tuple(_word(page, group, classes, words) for group in groups))


def _word(page: _Straight, group: list[_Read], classes: tuple[str, ...], words: list[str] | None) -> Word:
    chosen = None
    if words:
        chosen = word_list.choose(np.stack([values for _, values in group]), classes, words)
    letters = []
    for k, (piece, values) in enumerate(group):
        best = int(values.argmax()) if chosen is None else chosen[k]
        top = np.argsort(-values, kind="stable")[:TOP]
        alternatives = tuple((classes[i], float(values[i])) for i in top)
        letters.append(Letter(page.box(piece), classes[best], float(values[best]), alternatives))
    return Word(tuple(letters))
