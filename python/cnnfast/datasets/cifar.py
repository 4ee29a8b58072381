"""`CIFAR10` and `CIFAR100`, from the authors' archives or the files in them, binary or Python pickles."""

from __future__ import annotations

import os
from pathlib import Path
from typing import NamedTuple

import numpy as np

from .._files import expand, open_regular
from ..errors import DataError
from .cifar_batch import read_batch
from .idx_dataset import data_home
from .image_dataset import ImageDataset
from .sources import Source, name_of
from .tar_members import read_members

_OBJECTS = ("airplane", "automobile", "bird", "cat", "deer", "dog", "frog", "horse", "ship", "truck")
_FINE_NAMES = """
apple aquarium_fish baby bear beaver bed bee beetle bicycle bottle bowl boy bridge bus butterfly camel
can castle caterpillar cattle chair chimpanzee clock cloud cockroach couch crab crocodile cup dinosaur
dolphin elephant flatfish forest fox girl hamster house kangaroo keyboard lamp lawn_mower leopard lion
lizard lobster man maple_tree motorcycle mountain mouse mushroom oak_tree orange orchid otter palm_tree
pear pickup_truck pine_tree plain plate poppy porcupine possum rabbit raccoon ray road rocket rose sea
seal shark shrew skunk skyscraper snail snake spider squirrel streetcar sunflower sweet_pepper table
tank telephone television tiger tractor train trout tulip turtle wardrobe whale willow_tree wolf woman
worm
"""
_BATCHES = tuple(f"data_batch_{i}" for i in range(1, 6))


class _Form(NamedTuple):
    """One form in which the authors publish a data set: an archive, with a folder of files."""

    archive: str
    folder: str
    train: tuple[str, ...]
    test: tuple[str, ...]

    def files(self, train: bool) -> tuple[str, ...]:
        return self.train if train else self.test


class _Release(NamedTuple):
    title: str
    folders: tuple[str, str]
    classes: tuple[str, ...]
    forms: tuple[_Form, _Form]


_TEN = _Release(
    "CIFAR-10",
    ("cifar10", "cifar-10"),
    _OBJECTS,
    (
        _Form("cifar-10-python.tar.gz", "cifar-10-batches-py", _BATCHES, ("test_batch",)),
        _Form(
            "cifar-10-binary.tar.gz",
            "cifar-10-batches-bin",
            tuple(f"{name}.bin" for name in _BATCHES),
            ("test_batch.bin",),
        ),
    ),
)
_HUNDRED = _Release(
    "CIFAR-100",
    ("cifar100", "cifar-100"),
    tuple(_FINE_NAMES.split()),
    (
        _Form("cifar-100-python.tar.gz", "cifar-100-python", ("train",), ("test",)),
        _Form("cifar-100-binary.tar.gz", "cifar-100-binary", ("train.bin",), ("test.bin",)),
    ),
)
_RELEASES = {10: _TEN, 100: _HUNDRED}


def CIFAR10(train: bool = True, root: Source | None = None) -> ImageDataset:
    """Load CIFAR-10: color images of 32x32 in ten classes, 50,000 for training, 10,000 for testing.

    The authors' archives are read without being unpacked to disk, pickles without running code.

    Args:
        train: The training part, else the test part.
        root: Folder that holds ``cifar-10-batches-py`` or ``cifar-10-batches-bin``, or the archive
            ``cifar-10-python.tar.gz`` or ``cifar-10-binary.tar.gz``, directly or in a folder ``cifar10``; or
            one of these itself; or the content of an archive, as bytes or a binary file object. Default as in
            `data_home`.

    Returns:
        An `ImageDataset`: images uint8 (n, 3, 32, 32), labels int64 (n,).

    Raises:
        DataError: A file is missing (the message says what to run or where to put it) or damaged, or a pickle
            holds anything but the data.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Example:
        >>> from cnnfast import datasets
        >>> datasets.CIFAR10().classes[3]  # doctest: +SKIP
        'cat'
    """
    return _load(10, train, root)


def CIFAR100(train: bool = True, root: Source | None = None) -> ImageDataset:
    """Load CIFAR-100: color images of 32x32 in 100 classes, 50,000 for training, 10,000 for testing.

    Args:
        train: The training part, else the test part.
        root: As in `CIFAR10`, with the names ``cifar-100-python``, ``cifar-100-binary`` and ``cifar100``.

    Returns:
        An `ImageDataset`: images uint8 (n, 3, 32, 32), labels int64 (n,), the 100 fine classes.

    Raises:
        DataError: As `CIFAR10`.

    Source: A. Krizhevsky, "Learning Multiple Layers of Features from Tiny Images", 2009.

    Example:
        >>> from cnnfast import datasets
        >>> datasets.CIFAR100().classes[0]  # doctest: +SKIP
        'apple'
    """
    return _load(100, train, root)


def find_cifar(kind: int, train: bool, root: Path) -> list[Path] | None:
    """The files of a part of CIFAR-10 or CIFAR-100 (`kind` is 10 or 100) in `root` or its usual folders, or
    else the archive; None if there are none."""
    release = _RELEASES[kind]
    homes = [root, *(root / name for name in release.folders)]
    for form in release.forms:
        for folder in (*homes, *(home / form.folder for home in homes)):
            paths = [folder / name for name in form.files(train)]
            if all(path.is_file() for path in paths):
                return paths
    for form in release.forms:
        for home in homes:
            if (home / form.archive).is_file():
                return [home / form.archive]
    return None


def is_archive(path: Path) -> bool:
    """Whether a file is named like an archive of CIFAR."""
    return path.name.endswith((".tar.gz", ".tgz"))


def _load(kind: int, train: bool, root: Source | None) -> ImageDataset:
    release, who, part = _RELEASES[kind], f"CIFAR{kind}", "train" if train else "test"
    if root is None or (isinstance(root, str | os.PathLike) and not os.path.isfile(expand(root))):
        contents = _found(who, release, train, data_home(root))
    else:
        contents = _archived(who, release, train, root)
    batches = [read_batch(name, content, kind) for name, content in contents.items()]
    images, labels = (np.concatenate(arrays) for arrays in zip(*batches, strict=True))
    description = f"{release.title}: color images of objects and animals."
    return ImageDataset(images, labels, release.classes, f"cifar{kind}/{part}", description)


def _found(who: str, release: _Release, train: bool, home: Path) -> dict[str, bytes]:
    """Name and content of each file of a part."""
    paths = find_cifar(len(release.classes), train, home)
    if paths is None:
        names = ", ".join(name for form in release.forms for name in form.files(train)[:1])
        raise DataError(
            f"{who}: no {names} or {release.forms[0].archive} in {home} or its folder {release.folders[0]}; "
            f"run 'cnnfast data download {release.folders[0]}', or put the authors' archive there by hand"
        )
    if is_archive(paths[0]):
        return _archived(who, release, train, paths[0])
    contents = {}
    for path in paths:
        with open_regular(who, path) as file:
            contents[str(path)] = file.read()
    return contents


def _archived(who: str, release: _Release, train: bool, archive: Source) -> dict[str, bytes]:
    """Name and content of each file of a part, in an archive of any form."""
    wanted = [[f"{form.folder}/{name}" for name in form.files(train)] for form in release.forms]
    members = read_members(who, archive, [path for paths in wanted for path in paths])
    for paths in wanted:
        if all(path in members for path in paths):
            return {f"{name_of(archive)}: {path}": members[path] for path in paths}
    closest = max(wanted, key=lambda paths: len(members.keys() & set(paths)))
    path = next(path for path in closest if path not in members)
    raise DataError(f"{name_of(archive)}: no member is called {path}")
