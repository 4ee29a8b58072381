"""Writes small folders of images for the data tests."""

from __future__ import annotations

import threading
from pathlib import Path

import numpy as np
from PIL import Image


def write_image(path: Path, value: int = 0, size: tuple[int, int] = (8, 8), mode: str = "L") -> Path:
    """An image of one value; `size` is (height, width)."""
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("L", size[::-1], value).convert(mode).save(path)
    return path


def two_classes(root: Path, n: int = 3, mode: str = "L", size: tuple[int, int] = (8, 8)) -> Path:
    """`root` with n dark images of "cat" and n light ones of "dog"."""
    rng = np.random.default_rng(0)
    for name, base in (("cat", 20), ("dog", 200)):
        for i in range(n):
            write_image(root / name / f"{i:03d}.png", base + int(rng.integers(0, 50)), size, mode)
    return root


def decoding_threads() -> list[str]:
    """The names of the threads that decode images now."""
    return [t.name for t in threading.enumerate() if t.name.startswith("cnnfast-decoding")]
