"""The derived letters split: real EMNIST letters taken from the official ByClass and ByMerge test files.

It replaces the official Letters split if only those files are available. It is a pure function of their
bytes, and checked against a recorded sha256, so everyone gets the same 108,935 images.
"""

from __future__ import annotations

import hashlib
import os
from pathlib import Path
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from .._files import temporary_folder
from ..errors import DataError
from .checksums import DERIVED_LETTERS
from .idx_dataset import find, read_pair

Images = npt.NDArray[np.uint8]
Labels = npt.NDArray[np.int64]

_STEM = "letters-from-byclass-bymerge"
_TEST_PER_CLASS = 400
#: Label of ByClass (62) and of ByMerge (47) -> letter 0..25, case merged; -1 for digits.
_LETTER_OF_BYCLASS = np.array([-1] * 10 + [*range(26)] + [*range(26)])
_LETTER_OF_BYMERGE = np.array([-1] * 10 + [*range(26)] + [ord(c) - ord("a") for c in "abdefghnqrt"])
#: The four files it is made from: (images, labels) of each split.
SOURCE_STEMS = tuple(
    (f"emnist-{split}-test-images-idx3-ubyte", f"emnist-{split}-test-labels-idx1-ubyte")
    for split in ("byclass", "bymerge")
)


class Parts(NamedTuple):
    """Images (transposed, as EMNIST stores them) and labels 0..25 of both parts."""

    train: tuple[Images, Labels]
    test: tuple[Images, Labels]


def stems(part: str) -> tuple[str, str]:
    """Names, without ``.gz``, of the images file and the labels file of the ``train`` or ``test`` part."""
    return f"{_STEM}-{part}-images-idx3-ubyte", f"{_STEM}-{part}-labels-idx1-ubyte"


def load_derived_letters(folder: Path, part: str) -> tuple[Images, Labels]:
    """Load one part from its own files in `folder`, or make it from the ByClass and ByMerge test files there.

    The result is stored in `folder` as four uncompressed idx files (85 MB); if that is not writeable it is
    cached in memory, so that loading the other part does not repeat the two seconds of work.

    Raises:
        DataError: Neither exists, a file is damaged, or the source files are not the published ones.
    """
    images_file, labels_file = (find(folder, stem) for stem in stems(part))
    if images_file is not None and labels_file is not None:
        return read_pair(images_file, labels_file, first_label=1, n_classes=26)
    parts = _kept_in_memory.get(folder) or _make(folder)
    images, labels = parts.train if part == "train" else parts.test
    return (images.copy(), labels.copy()) if folder in _kept_in_memory else (images, labels)


def select_letters(byclass: tuple[Images, Labels], bymerge: tuple[Images, Labels]) -> Parts:
    """Select the letters from raw images and labels from 0.

    Concatenate ByClass and ByMerge; keep letters, and the first of equal images; sort by the sha256 of their
    bytes. Test: the first 400 of each letter that occur in ByClass. Train: the rest. No image is in both
    parts.
    """
    letters = [
        _only_letters(byclass, _LETTER_OF_BYCLASS),
        _only_letters(bymerge, _LETTER_OF_BYMERGE),
    ]
    images = np.concatenate([images for images, _ in letters])
    labels = np.concatenate([labels for _, labels in letters])
    rows = images.reshape(len(images), -1)
    sha256 = b"".join(hashlib.sha256(row.data).digest() for row in rows)
    keys = np.frombuffer(sha256, dtype=">u8").astype(np.uint64).reshape(-1, 4)
    order = np.lexsort(keys.T[::-1])  # stable: of equal images, the first one comes first
    sorted_keys = keys[order]
    is_new = np.ones(len(order), dtype=np.bool_)
    is_new[1:] = (sorted_keys[1:] != sorted_keys[:-1]).any(axis=1)
    order = order[is_new]

    in_byclass = order < len(letters[0][1])
    is_test = np.zeros(len(order), dtype=np.bool_)
    for letter in range(26):
        is_test[np.flatnonzero(in_byclass & (labels[order] == letter))[:_TEST_PER_CLASS]] = True
    train, test = order[~is_test], order[is_test]
    return Parts((images[train], labels[train]), (images[test], labels[test]))


def _only_letters(data: tuple[Images, Labels], letter_of: npt.NDArray[np.int64]) -> tuple[Images, Labels]:
    images, labels = data
    letter = letter_of[labels]
    return images[letter >= 0], letter[letter >= 0]


#: Parts made from files in a folder that is not writeable.
_kept_in_memory: dict[Path, Parts] = {}


def _make(folder: Path) -> Parts:
    sources = []
    for names, n_classes in zip(SOURCE_STEMS, (62, 47), strict=True):
        images_file, labels_file = (find(folder, name) for name in names)
        if images_file is None or labels_file is None:
            raise DataError(
                f"EMNIST letters-derived: neither {_STEM}-*.gz nor the files they are made from "
                f"(emnist-byclass-test-*.gz, emnist-bymerge-test-*.gz) are in {folder}; "
                "run 'cnnfast data download emnist-letters-derived'"
            )
        sources.append(read_pair(images_file, labels_file, first_label=0, n_classes=n_classes))
    parts = select_letters(*sources)
    files = _as_files(parts)
    for name, content in files.items():
        sha256 = hashlib.sha256(content).hexdigest()
        if sha256 != DERIVED_LETTERS[name]:
            raise DataError(
                f"EMNIST letters-derived: made from the ByClass and ByMerge test files in {folder}, {name} "
                f"has sha256 {sha256}, expected {DERIVED_LETTERS[name]}: these are not the published files"
            )
    try:
        _store(folder, files)
    except OSError:  # the folder is not writeable, or the disk is full
        _kept_in_memory[folder] = parts
    return parts


def _as_files(parts: Parts) -> dict[str, bytes]:
    files = {}
    for part, (images, labels) in zip(("train", "test"), parts, strict=True):
        images_name, labels_name = stems(part)
        files[images_name] = _idx(images)
        files[labels_name] = _idx((labels + 1).astype(np.uint8))
    return files


def _idx(array: Images) -> bytes:
    return bytes((0, 0, 8, array.ndim)) + np.array(array.shape, dtype=">u4").tobytes() + array.tobytes()


def _store(folder: Path, files: dict[str, bytes]) -> None:
    """Write to temporary names, then rename, so that no other process sees an incomplete file."""
    with temporary_folder(folder) as staging:
        for name, content in files.items():
            (staging / name).write_bytes(content)
        for name in files:
            os.replace(staging / name, folder / name)
