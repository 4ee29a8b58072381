"""`ImageFolder`: a data set from a folder of image files with a folder for each class."""

from __future__ import annotations

import contextlib
import hashlib
import os
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Literal, TypeVar, get_args

import numpy as np
import numpy.typing as npt

from .. import _names
from .._checks import check_integer, warn_caller
from ..errors import DataError
from .image_cache import Row, cached
from .image_dataset import ImageDataset
from .image_decoding import Form, Mode, choose_form, decoded, refusal
from .image_files import ClassFiles, find_class_files
from .lazy_images import LazyImageDataset, LazyImages

OnError = Literal["raise", "skip"]
_Name = TypeVar("_Name", bound=str)

_WHO = "ImageFolder"
_MODES: tuple[Mode, ...] = get_args(Mode)
ON_ERROR: tuple[OnError, ...] = get_args(OnError)
#: Number of files that a warning lists by name.
_MAX_NAMES = 3


def ImageFolder(
    root: str | os.PathLike[str],
    size: int | tuple[int, int] | None = None,
    mode: Mode | None = None,
    *,
    classes: Sequence[str] | None = None,
    on_error: OnError = "raise",
    cache: str | os.PathLike[str] | None = None,
    lazy: bool = False,
) -> ImageDataset:
    """Load images of any sizes from a folder that has a folder for each class: ``root/cat/1.jpg``.

    The names of the class folders, sorted, are the classes. Images are the files in them, and in folders
    inside of them, whose names end in .png, .jpg, .jpeg, .jfif, .bmp, .gif, .tif, .tiff, .webp or .pnm (.ppm,
    .pgm, .pbm); they are in the order of their paths. Other files and names that begin with a dot are
    ignored, symbolic links are followed.

    Each image is resized bicubically (with antialiasing), with its aspect ratio kept, until it covers `size`,
    and center-cropped to it: torchvision's ``Resize`` and ``CenterCrop``, as `vision.to_color_input` does for
    predictions. The EXIF orientation is applied, of animations the first frame is used, transparent pixels
    become white, and values of more than 8 bits are scaled to 0 .. 255.

    Args:
        root: The folder.
        size: Height and width, or the side of a square. None: the size of the images if all have the same, of
            at most 96 pixels a side, else 64.
        mode: "RGB", or "L" for gray values. None: "L" if no file has colors.
        classes: The classes, for a test part: folders must have these names, and some may be missing.
        on_error: What to do with a file that is not a readable image: "raise" an error, or "skip" it with a
            warning.
        cache: A file for the decoded images, which is then mapped into memory instead of read: for data sets
            that do not fit into memory, or to decode only once. It is written atomically, used as long as
            names, sizes and times of the image files are the same, and otherwise replaced.
        lazy: Decode images when they are first needed, in `fit` during the first epoch. A file that is not
            readable is then an error at that time. No effect with `cache` or on_error="skip".

    Returns:
        An `ImageDataset`: images uint8 (n, h, w) for "L", (n, 3, h, w) for "RGB"; read-only with `cache`.

    Raises:
        TypeError, ValueError: An invalid `size`, `mode` or `on_error`.
        OSError: A folder cannot be read, or the cache not written.
        DataError: `root` has no class folder, or only one; a class without images; a folder that is not in
            `classes`; a file that is not a readable image (of at most 64 million pixels); `cache` names
            another file.
        MissingDependencyError: Pillow is not installed.

    Cost: files are decoded by up to 8 threads; 10,000 JPEGs of 64x64 take some 3 s of a core. With `lazy`,
        only their headers are read, and none if `size` and `mode` are given.

    Example:
        >>> import pathlib, tempfile
        >>> from PIL import Image
        >>> with tempfile.TemporaryDirectory() as root:
        ...     for name in ("cat/1.png", "dog/1.png", "dog/2.png"):
        ...         path = pathlib.Path(root, name)
        ...         path.parent.mkdir(exist_ok=True)
        ...         Image.new("RGB", (80, 60)).save(path)
        ...     data = ImageFolder(root, size=32)
        >>> data.images.shape, data.labels, data.classes
        ((3, 3, 32, 32), array([0, 1, 1]), ('cat', 'dog'))
    """
    wanted = _checked_size(size)
    known_mode = None if mode is None else _one_of("mode", mode, _MODES)
    skip = _one_of("on_error", on_error, ON_ERROR) == "skip"
    if classes is not None:
        classes = _checked_classes(classes)
    if not isinstance(lazy, bool):
        raise TypeError(f"{_WHO}: lazy must be True or False, got {lazy!r}")
    files = find_class_files(_WHO, root, classes)
    skipped: list[DataError] = []

    def make() -> tuple[tuple[int, ...], Iterator[Row], Callable[[], str]]:
        form = choose_form(files.paths, wanted, known_mode)
        rows = _rows(files, form, skipped if skip else None)
        return form.shape, rows, lambda: _note(files, skipped)

    def described(h: int, w: int) -> tuple[str, str]:
        text = f"Images of the folder {files.root}, resized and center-cropped to {h}x{w}."
        return files.root.resolve().name, text

    if lazy and cache is None and not skip:
        form = choose_form(files.paths, wanted, known_mode)
        pending = LazyImages(files.paths, form)
        return LazyImageDataset(pending, files.labels, files.classes, *described(form.height, form.width))
    if cache is None:
        shape, rows, note = make()
        images, labels = _in_memory(len(files.paths), shape, rows)
        text = note()
    else:
        images, labels, text = cached(_WHO, cache, _fingerprint(files, wanted, known_mode, skip), make)
    if text:
        warn_caller(text)
    if len(labels) == 0:
        raise DataError(f"{_WHO}: no file in {files.root} is a readable image")
    return ImageDataset(images, labels, files.classes, *described(*images.shape[-2:]))


def _rows(files: ClassFiles, form: Form, skipped: list[DataError] | None) -> Iterator[Row]:
    """The images with their labels; those that are not readable are added to `skipped`, or raised if None."""
    with contextlib.closing(decoded(files.paths, form)) as images:
        for label, pixels in zip(files.labels, images, strict=True):
            if not isinstance(pixels, DataError):
                yield pixels, int(label)
            elif skipped is None:
                raise refusal(pixels)
            else:
                skipped.append(pixels)


def _in_memory(
    n: int, shape: tuple[int, ...], rows: Iterable[Row]
) -> tuple[npt.NDArray[np.uint8], npt.NDArray[np.int64]]:
    images, labels = np.empty((n, *shape), np.uint8), np.empty(n, np.int64)
    count = 0
    for pixels, label in rows:
        images[count], labels[count] = pixels, label
        count += 1
    return images[:count], labels[:count]


def _note(files: ClassFiles, skipped: list[DataError]) -> str:
    """The warning about skipped files."""
    if not skipped:
        return ""
    listed = "; ".join(map(str, skipped[:_MAX_NAMES])) + ("; ..." if len(skipped) > _MAX_NAMES else "")
    return f"{_WHO}: skipped {len(skipped)} of {len(files.paths)} files, which are not readable: {listed}"


def _fingerprint(files: ClassFiles, size: tuple[int, int] | None, mode: Mode | None, skip: bool) -> str:
    """A hash of all that determines the images: settings, names, sizes and times of the files."""
    digest = hashlib.sha256(repr((size, mode, skip, files.classes)).encode("utf-8", "surrogateescape"))
    for path, label in zip(files.paths, files.labels, strict=True):
        try:
            found = os.stat(path)
            identity = (found.st_size, found.st_mtime_ns)
        except OSError:  # a broken link
            identity = (-1, -1)
        line = f"{os.path.relpath(path, files.root)}\0{label}\0{identity}\n"
        digest.update(line.encode("utf-8", "surrogateescape"))
    return digest.hexdigest()


def _checked_size(size: object) -> tuple[int, int] | None:
    if size is None:
        return None
    if isinstance(size, tuple | list):
        if len(size) != 2:
            raise ValueError(f"{_WHO}: size must be an integer or a pair (height, width), got {size!r}")
        return check_integer(_WHO, "size[0]", size[0], 1), check_integer(_WHO, "size[1]", size[1], 1)
    side = check_integer(_WHO, "size", size, 1)
    return side, side


def _checked_classes(classes: object) -> tuple[str, ...]:
    if isinstance(classes, str) or not isinstance(classes, Sequence):
        raise TypeError(f"{_WHO}: classes must be a sequence of names, got {classes!r}")
    return tuple(classes)


def _one_of(name: str, value: object, known: tuple[_Name, ...]) -> _Name:
    found = _names.find(value, known)
    if found is None:
        expected = " or ".join(f'"{one}"' for one in known)
        raise ValueError(
            f"{_WHO}: {name} must be {expected}, got {value!r}{_names.did_you_mean(value, known)}"
        )
    return found
