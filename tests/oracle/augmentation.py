"""Augmentation defined slowly: the random numbers, and each step pixel by pixel in float64."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator
from typing import Any

import numpy as np

Image = np.ndarray[Any, Any]
Position = tuple[float, float]
Map = Callable[[float, float], Position]

_32, _64 = 2**32 - 1, 2**64 - 1
MANY = 16


def mix(v: int) -> int:
    v ^= v >> 16
    v = v * 0x7FEB352D & _32
    v ^= v >> 15
    v = v * 0x846CA68B & _32
    return v ^ v >> 16


def step_key(seed: int, epoch: int | None, step: int) -> int:
    v = seed * 0x9E3779B97F4A7C15 + step * 0xD1B54A32D192ED03
    if epoch is not None:
        v += (epoch + 1) * 0x8CB92BA72F3D8DD7
    v &= _64
    v ^= v >> 32
    v = v * 0xD6E8FEB86659FD93 & _64
    return v ^ v >> 32


class Draws:
    """The random numbers of one image in one step; `epoch` None: the same in every epoch."""

    def __init__(self, seed: int, epoch: int | None, step: int, row: int) -> None:
        key = step_key(seed, epoch, step)
        self.low = mix(key & _32 ^ row & _32)
        self.high = mix((key >> 32) + self.low & _32)

    def bits(self, index: int) -> int:
        return mix(mix(index ^ self.low) + self.high & _32)

    def uniform(self, index: int) -> float:
        return self.bits(index) / 2**32

    def between(self, low: float, high: float, index: int) -> float:
        return low + (high - low) * self.uniform(index)


# ------------------------------------------------------------------ positions: output (x, y) to input (x, y)


def affine(v: list[float], draw: Draws, h: int, w: int) -> Map:
    angle = math.radians(draw.between(v[1], v[2], 1))
    scale = draw.between(v[3], v[4], 2)
    shear_x, shear_y = (math.tan(math.radians(draw.between(v[i], v[i + 1], k))) for i, k in ((5, 3), (7, 4)))
    shift = (2 * draw.uniform(5) - 1) * v[9] * w, (2 * draw.uniform(6) - 1) * v[10] * h
    rotation = np.array([[math.cos(angle), -math.sin(angle)], [math.sin(angle), math.cos(angle)]])
    back = np.linalg.inv(scale * rotation @ np.array([[1, shear_x], [shear_y, 1]]))
    center = np.array([(w - 1) / 2, (h - 1) / 2])

    def at(x: float, y: float) -> Position:
        found = back @ (np.array([x, y]) - center - shift) + center
        return float(found[0]), float(found[1])

    return at


def perspective(v: list[float], draw: Draws, h: int, w: int) -> Map:
    """By the linear system of the four pairs of corners."""
    if h == 1 or w == 1:
        return lambda x, y: (x, y)
    corners = [(0, 0), (w - 1, 0), (w - 1, h - 1), (0, h - 1)]
    moved = []
    for k, (x, y) in enumerate(corners):
        dx = min(draw.uniform(1 + 2 * k) * v[1] * w / 2, 0.49 * (w - 1))
        dy = min(draw.uniform(2 + 2 * k) * v[1] * h / 2, 0.49 * (h - 1))
        moved.append((x + (dx if x == 0 else -dx), y + (dy if y == 0 else -dy)))
    system, right = [], []
    for (x, y), (u, t) in zip(moved, corners, strict=True):
        system += [[x, y, 1, 0, 0, 0, -u * x, -u * y], [0, 0, 0, x, y, 1, -t * x, -t * y]]
        right += [u, t]
    m = np.append(np.linalg.solve(np.array(system, dtype=float), np.array(right, dtype=float)), 1).reshape(
        3, 3
    )

    def at(x: float, y: float) -> Position:
        u, t, by = m @ [x, y, 1]
        return u / by, t / by

    return at


def spline(t: float) -> float:
    """The cubic B-spline around 0."""
    t = abs(t)
    if t < 1:
        return 2 / 3 - t * t + t**3 / 2
    return (2 - t) ** 3 / 6 if t < 2 else 0.0


def elastic(v: list[float], draw: Draws, h: int, w: int) -> Map:
    spacing = v[2] * math.sqrt(3)
    amplitude = v[1] / v[2] / (2 * math.sqrt(math.pi)) / (151 / 315)
    rows, columns = (int((size - 1) / spacing) + 4 for size in (h, w))
    numbers = [amplitude * (2 * draw.uniform(MANY + i) - 1) for i in range(2 * rows * columns)]
    field = np.zeros((2, h, w))
    for r in range(h):
        for c in range(w):
            for i in range(rows):
                by = spline(r / spacing - (i - 1))
                for j in range(columns):
                    weight = by * spline(c / spacing - (j - 1)) if by else 0.0
                    field[0, r, c] += weight * numbers[2 * (i * columns + j)]
                    field[1, r, c] += weight * numbers[2 * (i * columns + j) + 1]

    def at(x: float, y: float) -> Position:
        inside = min(max(x, 0), w - 1), min(max(y, 0), h - 1)
        return x + bilinear(field[0], *inside, 0), y + bilinear(field[1], *inside, 0)

    return at


def flip(v: list[float], draw: Draws, h: int, w: int) -> Map:
    return (lambda x, y: (x, h - 1 - y)) if v[1] else (lambda x, y: (w - 1 - x, y))


def crop(v: list[float], draw: Draws, h: int, w: int) -> Map:
    dx, dy = (math.floor(draw.uniform(k) * (2 * v[1] + 1)) - v[1] for k in (1, 2))

    def reflect(at: float, last: int) -> float:
        at = abs(at)
        return last - abs(last - at)

    def place(x: float, y: float) -> Position:
        return (reflect(x + dx, w - 1), reflect(y + dy, h - 1)) if v[2] else (x + dx, y + dy)

    return place


def bilinear(plane: Image, x: float, y: float, fill: float) -> float:
    h, w = plane.shape

    def pixel(r: int, c: int) -> float:
        return float(plane[r, c]) if 0 <= r < h and 0 <= c < w else fill

    left, top = math.floor(x), math.floor(y)
    fx, fy = x - left, y - top
    upper = (1 - fx) * pixel(top, left) + fx * pixel(top, left + 1)
    lower = (1 - fx) * pixel(top + 1, left) + fx * pixel(top + 1, left + 1)
    return (1 - fy) * upper + fy * lower


MAPS = {"affine": affine, "perspective": perspective, "elastic": elastic, "flip": flip, "crop": crop}
FILLS = {"affine": 11, "perspective": 2, "elastic": 3, "crop": 3}


def warp(image: Image, maps: list[Map], fill: float) -> Image:
    """The image after all maps, the last of which is applied to the output first."""
    result = np.empty_like(image)
    for r in range(image.shape[1]):
        for c in range(image.shape[2]):
            x, y = float(c), float(r)
            for move in reversed(maps):
                x, y = move(x, y)
            for channel, plane in enumerate(image):
                result[channel, r, c] = bilinear(plane, x, y, fill)
    return result


# ------------------------------------------------------------------ values


def erase(v: list[float], draw: Draws, image: Image) -> Image:
    _, h, w = image.shape
    area, ratio = (
        draw.between(v[1], v[2], 1) * h * w,
        math.exp(draw.between(math.log(v[3]), math.log(v[4]), 2)),
    )
    height = min(math.floor(math.sqrt(area * ratio) + 0.5), h)
    width = min(math.floor(math.sqrt(area / ratio) + 0.5), w)
    top, left = int(draw.uniform(3) * (h - height + 1)), int(draw.uniform(4) * (w - width + 1))
    result = image.copy()
    result[:, top : top + height, left : left + width] = v[5]
    return result


def noise(v: list[float], draw: Draws, image: Image) -> Image:
    result = image.copy().reshape(-1)
    for i in range(result.size):
        bits = [draw.bits(MANY + 6 * i + k) for k in range(6)]
        total = sum(b & 0xFFFF for b in bits) + sum(b >> 16 for b in bits) - 6 * 65535
        result[i] = min(max(result[i] + v[1] * total / 65536, 0), 255)
    return result.reshape(image.shape)


def pixel_flip(v: list[float], draw: Draws, image: Image) -> Image:
    result = image.copy().reshape(len(image), -1)
    for k in range(int(v[1])):
        i = int(draw.uniform(MANY + k) * result.shape[1])
        result[:, i] = 255 - result[:, i]
    return result.reshape(image.shape)


def jitter(v: list[float], draw: Draws, image: Image) -> Image:
    bright = np.clip(image * draw.between(v[1], v[2], 1), 0, 255)
    mean = bright.mean()
    return np.clip(mean + (bright - mean) * draw.between(v[3], v[4], 2), 0, 255)


def thickness(v: list[float], draw: Draws, image: Image) -> Image:
    pixels = draw.between(v[1], v[2], 1)
    extreme = np.maximum if pixels > 0 else np.minimum
    left = abs(pixels)
    while left > 0:
        padded = np.pad(image, ((0, 0), (1, 1), (1, 1)), mode="edge")
        neighbors = padded[:, :-2, 1:-1], padded[:, 2:, 1:-1], padded[:, 1:-1, :-2], padded[:, 1:-1, 2:]
        spread = image
        for other in neighbors:
            spread = extreme(spread, other)
        image = image + min(left, 1) * (spread - image)
        left -= 1
    return image


VALUES = {"erase": erase, "noise": noise, "pixel_flip": pixel_flip, "jitter": jitter, "thickness": thickness}

# ------------------------------------------------------------------ all steps of an image


def _runs(steps: list[tuple[str, list[float]]]) -> Iterator[list[int]]:
    """Consecutive geometric steps of one fill, and other steps one by one."""
    run: list[int] = []
    fill: float | None = None
    for i, (name, v) in enumerate(steps):
        own = v[FILLS[name]] if name in FILLS else None
        if name not in MAPS or (own is not None and fill is not None and own != fill):
            if run:
                yield run
            run, fill = [], None
        if name not in MAPS:
            yield [i]
            continue
        run.append(i)
        fill = own if own is not None else fill
    if run:
        yield run


def augment(steps: list[tuple[str, list[float]]], image: Image, seed: int, epoch: int, row: int) -> Image:
    """image: (c, h, w) of bytes. Returns float64."""
    value: Image = image.astype(np.float64)
    _, h, w = image.shape
    for run in _runs(steps):
        maps, fill = [], 0.0
        for i in run:
            name, v = steps[i]
            if name in FILLS:
                fill = v[FILLS[name]]
            alternating = name == "flip" and bool(v[2])
            draw = Draws(seed, None if alternating else epoch, i, row)
            mirrored = ((draw.bits(1) >> 31) + epoch) % 2 == 1
            applied = mirrored if alternating else draw.uniform(0) < v[0]
            if applied and name in MAPS:
                maps.append(MAPS[name](v, draw, h, w))
            elif applied:
                value = VALUES[name](v, draw, value)
        if maps:
            value = warp(value, maps, fill)
    return value
