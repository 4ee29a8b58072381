"""Runs the steps from an upright image to a `Page`; all letters are classified as one batch."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from ..errors import DataError
from ..nn import Module
from ..vision import ink_map, normalize, paper, rules
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

    def whole(self, blob: Blob) -> Piece:
        """All pixels of a component and of the parts that were joined to it."""
        labels = self.labels[blob.top : blob.bottom, blob.left : blob.right]
        mask = np.logical_or.reduce([labels == label for label in blob.labels])
        return Piece(blob.top, blob.left, mask)

    def crop(self, piece: Piece) -> NDArray[np.float32]:
        """The ink of a piece alone, with its soft edges."""
        top, left = max(0, piece.top - 1), max(0, piece.left - 1)
        window = slice(top, piece.top + piece.height + 1), slice(left, piece.right + 1)
        own = np.zeros(self.ink[window].shape, bool)
        row, column = piece.top - top, piece.left - left
        own[row : row + piece.height, column : column + piece.width] = piece.mask
        own |= split.dilated(own) & (self.labels[window] == 0)
        return np.where(own, self.ink[window], np.float32(0))

    def box(self, piece: Piece) -> Box:
        """The box of its pixels in the upright image."""
        y, x = np.nonzero(piece.mask)
        points = self.view.to_photo(np.stack([x + piece.left, y + piece.top], 1).astype(np.float64) + 0.5)
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
    letters = [_normalized(page.crop(page.whole(b)), style) for b in orientation.sample(parts, size)]
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
    blobs = [blob for row in rows for blob in row]
    usual = split.usual_width(blobs, size)
    parts = [split.parts(page.whole(blob), page.ink, usual) for blob in blobs]
    pieces = [part.piece for some in parts for part in some]
    if len(pieces) > MAX_LETTERS:
        raise DataError(f"{len(pieces)} marks on the page that may be letters: noise, or no handwriting")
    pixels = np.stack([_normalized(page.crop(piece), style) for piece in pieces])
    probabilities = averaging.probabilities(model, pixels)
    letters, at = [], 0
    for some in parts:
        values = probabilities[at : at + len(some)]
        at += len(some)
        chosen = split.best(some, values.max(1), usual)
        values = averaging.less_sure(values, split.TEMPERATURE) if len(chosen) > 1 else values
        letters.append([(some[k].piece, values[k]) for k in chosen])
    each = iter(letters)
    return [[letter for _ in row for letter in next(each)] for row in rows]


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
        if not groups or piece.left - end >= limit:
            groups.append([])
        groups[-1].append((piece, values))
        end = piece.right
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
