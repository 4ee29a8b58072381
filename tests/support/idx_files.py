"""Writes small idx files for the data tests, independently of the reader."""

from __future__ import annotations

import gzip
import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt


def idx_bytes(array: npt.ArrayLike) -> bytes:
    """A whole idx file of unsigned bytes."""
    content = np.asarray(array, dtype=np.uint8)
    return struct.pack(f">BBBB{content.ndim}I", 0, 0, 8, content.ndim, *content.shape) + content.tobytes()


def write_pair(
    folder: Path, stems: tuple[str, str], images: npt.ArrayLike, labels: npt.ArrayLike, *, packed: bool = True
) -> None:
    """An images file and a labels file, gzip-compressed by default."""
    folder.mkdir(parents=True, exist_ok=True)
    for stem, array in zip(stems, (images, labels), strict=True):
        content = idx_bytes(array)
        if packed:
            Path(folder, f"{stem}.gz").write_bytes(gzip.compress(content, 1))
        else:
            Path(folder, stem).write_bytes(content)


def emnist_stems(split: str, part: str) -> tuple[str, str]:
    return f"emnist-{split}-{part}-images-idx3-ubyte", f"emnist-{split}-{part}-labels-idx1-ubyte"


def random_images(n: int, seed: int = 0) -> npt.NDArray[np.uint8]:
    return np.random.default_rng(seed).integers(0, 256, (n, 28, 28), dtype=np.uint8)
