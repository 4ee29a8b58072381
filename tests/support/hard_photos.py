"""Photos of ink on paper that are hard to read: shadow edges, printed lines, a table around the paper, ink of
the paper's brightness, tilted and turned pages. For a single letter and for pages."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

Array = np.ndarray[Any, Any]
Rgb = tuple[float, float, float]

WHITE: Rgb = (0.93, 0.92, 0.9)
DARK: Rgb = (0.12, 0.12, 0.18)
NOISE = 0.012


def ink_of(image: Any) -> Array:
    """Ink 0..1 of a Pillow image, black on white."""
    return 1 - np.asarray(image.convert("L"), np.float32) / 255


def on_paper(ink: Array, color: Rgb = DARK, paper: Rgb | Array = WHITE) -> Array:
    """Color, (h, w, 3) in 0..1."""
    amount = 0.92 * ink[..., None]
    return np.asarray(np.array(paper, np.float32) * (1 - amount) + np.array(color, np.float32) * amount)


def photographed(color: Array, light: Array | float = 1.0) -> Array:
    """uint8 (h, w, 3), with light and noise."""
    shade = light if isinstance(light, float) else light[..., None]
    noise = np.random.default_rng(7).normal(0, NOISE, color.shape)
    return np.clip(255 * (color * shade + noise) + 0.5, 0, 255).astype(np.uint8)


def half_the_light(ink: Array) -> Array:
    """A sharp shadow edge diagonally through the middle."""
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    edge = np.clip(0.5 + (x + 0.6 * y) * max(ink.shape) / 12, 0, 1)
    return photographed(on_paper(ink), 1 - 0.5 * edge)


def shadow_across(ink: Array) -> Array:
    """A soft shadow band, and light that falls off."""
    y, x = np.mgrid[-1 : 1 : ink.shape[0] * 1j, -1 : 1 : ink.shape[1] * 1j]
    band = np.clip(2 - 6 * np.abs(0.8 * x - 0.5 * y - 0.1), 0, 1)
    return photographed(on_paper(ink), (1 - 0.45 * band) * (0.8 - 0.2 * x))


def ruled(ink: Array, distance: int, width: int = 3, both: bool = False, strength: float = 0.55) -> Array:
    """Printed lines over the whole page, and columns with `both`."""
    paper = np.broadcast_to(np.array(WHITE, np.float32), (*ink.shape, 3)).copy()
    line = np.array(WHITE, np.float32) * (1 - strength) + np.array((0.2, 0.3, 0.7), np.float32) * strength
    for k in range(width):
        paper[distance // 2 + k :: distance] = line
        if both:
            paper[:, distance // 3 + k :: distance] = line
    return photographed(on_paper(ink, paper=paper))


def on_table(ink: Array, table: Rgb = (0.36, 0.25, 0.16)) -> Array:
    """The page seen slightly obliquely on a dark table."""
    from PIL import Image

    h, w = ink.shape
    page = Image.fromarray(photographed(on_paper(ink)))
    color = tuple(round(255 * part) for part in table)
    border = max(12, max(h, w) // 12)
    whole = Image.new("RGB", (w + 2 * border, h + 2 * border), color)
    whole.paste(page, (border, border))
    size = whole.size
    corners = (0, 0, 0.04 * size[0], size[1], size[0], 0.97 * size[1], 0.95 * size[0], 0)
    return np.asarray(whole.transform(size, Image.Transform.QUAD, corners, Image.Resampling.BILINEAR))


def same_brightness(ink: Array) -> Array:
    """Red ink on green paper of about the same gray."""
    return photographed(on_paper(ink, color=(0.86, 0.3, 0.28), paper=(0.36, 0.55, 0.36)))


def rotated(ink: Array, angle: float) -> Array:
    """Counterclockwise, in degrees."""
    from PIL import Image

    page = Image.fromarray(ink.astype(np.float32))
    return photographed(
        on_paper(np.asarray(page.rotate(angle, Image.Resampling.BICUBIC, expand=True)).clip(0, 1))
    )


def cases(distance: int) -> dict[str, Callable[[Array], Array]]:
    """The photos by name; `distance` is that of printed lines, in pixels."""
    return {
        "half of the light": half_the_light,
        "shadow across": shadow_across,
        "strong lines": lambda ink: ruled(ink, distance),
        "strong squares": lambda ink: ruled(ink, distance, both=True),
        "dark lines": lambda ink: ruled(ink, distance, width=2, strength=0.9),
        "on a table": on_table,
        "on a gray table": lambda ink: on_table(ink, (0.2, 0.2, 0.21)),
        "same brightness": same_brightness,
        "tilted by 30 degrees": lambda ink: rotated(ink, 30),
        "tilted by -30 degrees": lambda ink: rotated(ink, -30),
        "turned by 90 degrees": lambda ink: rotated(ink, 90),
        "turned by 180 degrees": lambda ink: rotated(ink, 180),
        "turned by 270 degrees": lambda ink: rotated(ink, 270),
    }
