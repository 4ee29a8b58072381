"""The data sets by the names the command line uses: `load` one, or list which are available."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

from .._names import did_you_mean
from .._names import find as find_name
from . import derived_letters
from .cifar import CIFAR10, CIFAR100, find_cifar
from .emnist import EMNIST
from .glyphs import glyphs
from .idx_dataset import data_home, find
from .image_dataset import ImageDataset
from .mnist import MNIST, FashionMNIST

_GLYPHS_TRAIN = 20_000
_GLYPHS_TEST = 4_000
#: A seed that nobody is likely to use for training glyphs.
_GLYPHS_TEST_SEED = 2**31 - 1

Root = str | os.PathLike[str] | None
Stems = tuple[str, str]


@dataclass(frozen=True)
class _Entry:
    load: Callable[[bool, Root], ImageDataset]
    folder: str | None = None  # None: needs no files
    train: Stems = ("", "")
    test: Stems = ("", "")
    cifar: int | None = None


@dataclass(frozen=True)
class Availability:
    """Whether one part of a data set can be loaded, and from which files.

    Attributes:
        dataset: Name as in `names`.
        split: ``"train"`` or ``"test"``.
        available: Whether `load` would find its files. Their content is not checked.
        folder: Where the files belong; None if none are needed.
        present: Files that are there.
        missing: Files that are not, by their ``.gz`` name; empty when available.
        note: Additional information, e.g. that it will be made from other files.
    """

    dataset: str
    split: str
    available: bool
    folder: Path | None
    present: tuple[Path, ...] = ()
    missing: tuple[str, ...] = ()
    note: str = ""


def names() -> list[str]:
    """All names `load` takes.

    Example:
        >>> names()[:3]
        ['glyphs', 'emnist-letters', 'emnist-letters-derived']
    """
    return list(_ENTRIES)


def load(name: str, train: bool = True, root: Root = None) -> ImageDataset:
    """Load a data set by its name on the command line.

    Args:
        name: One of `names`, in any case, with hyphens or underscores. ``"glyphs"`` needs no files: 20,000
            synthetic letters for training (seed 0), 4,000 from another seed for testing.
        train: The training part, else the test part.
        root: Folder that holds ``emnist/``, ``mnist/`` and so on; default as in `data_home`.

    Raises:
        ValueError: Unknown name.
        DataError: A file is missing (the message says what to run or where to put it) or damaged.

    Example:
        >>> load("glyphs", train=False)
        ImageDataset('glyphs/test', 4000 images of 1x28x28, 26 classes)
    """
    return _entry(name).load(train, root)


def status(root: Root = None) -> list[Availability]:
    """Lists what can be loaded: two records, train and test, for each of `names`. Reads no files and does not
    use the network.

    Example:
        >>> [record.available for record in status("/no/such/folder")][:4]
        [True, True, False, False]
    """
    home = data_home(root)
    return [_availability(home, name, split) for name in _ENTRIES for split in ("train", "test")]


def file_stems(name: str) -> tuple[Stems, ...]:
    """The (images, labels) file names, without ``.gz``, that a data set is downloaded as."""
    name = known_name(name)
    entry = _ENTRIES[name]
    if name == "emnist-letters-derived":
        return derived_letters.SOURCE_STEMS
    return (entry.train, entry.test) if any(entry.train) else ()


def known_name(name: str) -> str:
    """The name in the spelling of `names`.

    Raises:
        ValueError: Unknown name.
    """
    known = find_name(name, _ENTRIES)
    if known is None:
        hint = did_you_mean(name, _ENTRIES)
        raise ValueError(f"datasets: name must be one of {', '.join(_ENTRIES)}; got {name!r}{hint}")
    return known


def _entry(name: str) -> _Entry:
    return _ENTRIES[known_name(name)]


def _availability(home: Path, name: str, split: str) -> Availability:
    entry = _ENTRIES[name]
    if entry.folder is None:
        return Availability(name, split, available=True, folder=None, note="synthetic, drawn when loaded")
    folder = home / entry.folder
    if entry.cifar is not None:
        files = find_cifar(entry.cifar, split == "train", home)
        archive = f"cifar-{entry.cifar}-python.tar.gz"
        return Availability(
            name,
            split,
            available=files is not None,
            folder=folder if files is None else files[0].parent,
            present=tuple(files or ()),
            missing=() if files else (archive,),
        )
    present, missing = _present_and_missing(folder, entry.train if split == "train" else entry.test)
    if missing and name == "emnist-letters-derived":
        sources = tuple(stem for pair in derived_letters.SOURCE_STEMS for stem in pair)
        present_sources, missing_sources = _present_and_missing(folder, sources)
        if not missing_sources:
            note = "made from the ByClass and ByMerge test files when loaded"
            return Availability(
                name, split, available=True, folder=folder, present=present_sources, note=note
            )
    return Availability(name, split, available=not missing, folder=folder, present=present, missing=missing)


def _present_and_missing(folder: Path, stems: tuple[str, ...]) -> tuple[tuple[Path, ...], tuple[str, ...]]:
    paths = {stem: find(folder, stem) for stem in stems}
    present = tuple(path for path in paths.values() if path is not None)
    return present, tuple(f"{stem}.gz" for stem, path in paths.items() if path is None)


def _load_glyphs(train: bool, root: Root) -> ImageDataset:
    del root  # drawn, not read
    if train:
        return replace(glyphs(_GLYPHS_TRAIN, seed=0), name="glyphs/train")
    return replace(glyphs(_GLYPHS_TEST, seed=_GLYPHS_TEST_SEED), name="glyphs/test")


def _idx_stems(prefix: str) -> Stems:
    return f"{prefix}-images-idx3-ubyte", f"{prefix}-labels-idx1-ubyte"


def _emnist(split: str) -> _Entry:
    def load_split(train: bool, root: Root) -> ImageDataset:
        return EMNIST(split, train, root)

    if split == "letters-derived":
        train, test = derived_letters.stems("train"), derived_letters.stems("test")
    else:
        train, test = _idx_stems(f"emnist-{split}-train"), _idx_stems(f"emnist-{split}-test")
    return _Entry(load_split, "emnist", train, test)


_ENTRIES = {
    "glyphs": _Entry(_load_glyphs),
    **{
        f"emnist-{split}": _emnist(split)
        for split in ("letters", "letters-derived", "balanced", "byclass", "bymerge", "digits", "mnist")
    },
    "mnist": _Entry(MNIST, "mnist", _idx_stems("train"), _idx_stems("t10k")),
    "fashion-mnist": _Entry(FashionMNIST, "fashion-mnist", _idx_stems("train"), _idx_stems("t10k")),
    "cifar10": _Entry(CIFAR10, "cifar10", cifar=10),
    "cifar100": _Entry(CIFAR100, "cifar100", cifar=100),
}
