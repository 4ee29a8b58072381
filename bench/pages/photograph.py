"""Photographs a sheet in eight ways and their combinations. Boxes go through the same homography as the ink:
the extreme points of a letter's ink before it are extreme after it, so that the box remains tight.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from PIL import Image, ImageFilter

from bench.pages.layout import Sheet
from bench.pages.truth import Box, Letter, Page

Array = np.ndarray[Any, Any]
Rgb = tuple[float, float, float]

INKS: tuple[Rgb, ...] = ((0.75, 0.1, 0.1), (0.1, 0.45, 0.15), (0.1, 0.15, 0.6), (0.45, 0.1, 0.5))
PAPERS: tuple[Rgb, ...] = ((0.98, 0.94, 0.6), (0.75, 0.9, 0.75), (0.98, 0.8, 0.8), (0.75, 0.87, 0.98))
RULES: tuple[Rgb, ...] = ((0.6, 0.72, 0.88), (0.7, 0.7, 0.7), (0.85, 0.62, 0.62))
TABLE: Rgb = (0.4, 0.29, 0.2)


@dataclass
class Shot:
    """How a sheet is photographed."""

    ink: Rgb = (0.12, 0.12, 0.16)
    paper: Rgb = (0.97, 0.97, 0.96)
    surround: Rgb | None = None  # color beside the paper; None: that of the paper
    rules: tuple[int, int] | None = None  # distance of horizontal and of vertical lines; 0: none
    rule_color: Rgb = RULES[0]
    angle: float = 0.0  # in degrees
    corners: Array | None = None  # displacement of the four corners, as fractions of width and height
    light: Callable[[Array, Array], Array] | None = None  # brightness at x and y, both 0 to 1
    touch: float = 0.0
    blur: float = 0.4
    noise: float = 0.008
    jpeg: int | None = None  # quality


@dataclass
class Photograph:
    image: Image.Image
    page: Page
    rows: list[int]  # of the letters' images in the data set
    jpeg: int | None = None

    def save(self, stem: Path) -> Path:
        """Writes a PNG or JPEG file and returns its path."""
        path = stem.with_suffix(".png" if self.jpeg is None else ".jpg")
        self.image.save(path, **({} if self.jpeg is None else {"quality": self.jpeg}))
        return path


def _skew(shot: Shot, rng: np.random.Generator) -> None:
    shot.angle = float(rng.choice([-1, 1]) * rng.uniform(2, 9))


def _perspective(shot: Shot, rng: np.random.Generator) -> None:
    shot.corners = rng.uniform(-0.06, 0.06, (4, 2))
    shot.surround = TABLE


def _light(shot: Shot, rng: np.random.Generator) -> None:
    """A gradient, and on one side of a line a shadow with 45 to 70 % of the light."""
    turn, side, where = rng.uniform(0, 2 * np.pi), rng.uniform(0, 2 * np.pi), rng.uniform(-0.2, 0.2)
    slope, shadow, edge = rng.uniform(0.15, 0.4), rng.uniform(0.45, 0.7), rng.uniform(0.004, 0.05)

    def light(x: Array, y: Array) -> Array:
        gradient = 1 - slope * (0.5 + (x - 0.5) * np.cos(turn) + (y - 0.5) * np.sin(turn))
        distance = (x - 0.5) * np.cos(side) + (y - 0.5) * np.sin(side) - where
        return gradient * (1 - (1 - shadow) * np.clip(0.5 + distance / edge, 0, 1))

    shot.light = light


def _ruled(shot: Shot, rng: np.random.Generator) -> None:
    """Horizontal lines, or in half of the cases squares."""
    distance = int(rng.integers(36, 90))
    shot.rules = (distance, distance if rng.random() < 0.5 else 0)
    shot.rule_color = RULES[rng.integers(len(RULES))]


def _color(shot: Shot, rng: np.random.Generator) -> None:
    shot.ink, shot.paper = INKS[rng.integers(len(INKS))], PAPERS[rng.integers(len(PAPERS))]


def _noise(shot: Shot, rng: np.random.Generator) -> None:
    """Blur, noise and JPEG."""
    shot.blur, shot.noise = rng.uniform(0.8, 1.8), rng.uniform(0.03, 0.07)
    shot.jpeg = int(rng.integers(35, 71))


def _touching(shot: Shot, rng: np.random.Generator) -> None:
    shot.touch = 0.3


WAYS: dict[str, Callable[[Shot, np.random.Generator], None]] = {
    "clean": lambda shot, rng: None,
    "skew": _skew,
    "perspective": _perspective,
    "light": _light,
    "ruled": _ruled,
    "color": _color,
    "noise": _noise,
    "touching": _touching,
}
COMBINED = "combined"


def choose(ways: tuple[str, ...], rng: np.random.Generator) -> Shot:
    """The settings for the ways together."""
    shot = Shot()
    for way in ways:
        WAYS[way](shot, rng)
    return shot


def photograph(sheet: Sheet, shot: Shot, ways: tuple[str, ...], rng: np.random.Generator) -> Photograph:
    """The image of a sheet, and the truth in its pixels."""
    height, width = sheet.ink.shape
    image = Image.fromarray(np.rint(255 * colored(sheet, shot)).astype(np.uint8))
    corners = np.array([[0, 0], [width, 0], [width, height], [0, height]], float)
    target, size = positions(corners, shot)
    if shot.angle or shot.corners is not None:
        beside = tuple(round(255 * c) for c in shot.surround or shot.paper)
        back = tuple(homography(target, corners).ravel()[:8])
        image = image.transform(
            size, Image.Transform.PERSPECTIVE, back, Image.Resampling.BICUBIC, fillcolor=beside
        )
    values = np.asarray(image.filter(ImageFilter.GaussianBlur(shot.blur)), np.float32) / 255
    if shot.light is not None:
        y, x = np.ogrid[: size[1], : size[0]]
        values = values * shot.light(x / size[0], y / size[1])[..., None].astype(np.float32)
    values = values + shot.noise * rng.standard_normal(values.shape, np.float32)
    final = Image.fromarray(np.rint(255 * np.clip(values, 0, 1)).astype(np.uint8))
    rows = [placed.row for line in sheet.lines for word in line for placed in word]
    return Photograph(final, truth(sheet, homography(corners, target), ways), rows, shot.jpeg)


def colored(sheet: Sheet, shot: Shot) -> Array:
    """The sheet in color, (h, w, 3): paper, printed lines, ink that covers 90 %."""
    paper = np.broadcast_to(np.array(shot.paper, np.float32), (*sheet.ink.shape, 3)).copy()
    if shot.rules is not None:
        for axis, distance in enumerate(shot.rules):
            starts = range(distance // 2, paper.shape[axis] - 1, distance) if distance else ()
            for start in starts:
                (paper if axis == 0 else paper.swapaxes(0, 1))[start : start + 2] = shot.rule_color
    ink = 0.9 * sheet.ink[..., None]
    return paper * (1 - ink) + np.array(shot.ink, np.float32) * ink


def positions(corners: Array, shot: Shot) -> tuple[Array, tuple[int, int]]:
    """Where the corners of the sheet are in the photo, and the photo's (width, height)."""
    radians, size = np.deg2rad(shot.angle), corners[2]
    turn = np.array([[np.cos(radians), np.sin(radians)], [-np.sin(radians), np.cos(radians)]])
    target = (corners - size / 2) @ turn
    border = 0.0
    if shot.corners is not None:
        target, border = target + shot.corners * size, 20.0
    target = target - target.min(0) + border
    wide, high = np.ceil(target.max(0) + border).astype(int)
    return target, (int(wide), int(high))


def homography(source: Array, target: Array) -> Array:
    """The 3x3 matrix that maps four points to four points, (4, 2) each; its last element is 1."""
    rows = []
    for (x, y), (u, v) in zip(source, target, strict=True):
        rows += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -v * x, -v * y]]
    return np.append(np.linalg.solve(np.array(rows, float), target.ravel()), 1).reshape(3, 3)


def mapped(points: Array, matrix: Array) -> Array:
    """Points (n, 2) after a homography."""
    u, v, w = matrix @ np.concatenate([points, np.ones((len(points), 1))], 1).T
    return np.stack([u / w, v / w], 1)


def truth(sheet: Sheet, matrix: Array, ways: tuple[str, ...]) -> Page:
    """The letters of the sheet with their boxes in the photo."""

    def box(points: Array) -> Box:
        at = mapped(points, matrix)
        left, top = at.min(0)
        right, bottom = at.max(0)
        return (float(left), float(top), float(right), float(bottom))

    lines = [[[Letter(p.text, box(p.outline)) for p in word] for word in line] for line in sheet.lines]
    return Page(lines, ways)
