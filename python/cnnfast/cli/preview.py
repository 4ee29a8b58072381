"""`cnnfast data preview`: writes a sheet of a data set's images, augmented or not."""

from __future__ import annotations

import argparse
import os

import numpy as np
from numpy.typing import NDArray

from .. import datasets
from .._files import atomic_write, check_writable
from .._types import Array
from ..errors import require
from . import arguments, data_source
from .errors import tell

DESCRIPTION = """\
Writes some training images of a data set to a PNG file: a row for each image,
as it is and as a network sees it in the first epochs with --augment.
"""

#: Pixels around each image of the sheet.
GAP = 2


def register(actions: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(actions, "preview", run, "write a sheet of images", DESCRIPTION)
    add = command.add_argument
    names = datasets.names()
    add(
        "name",
        type=data_source.name_or_path(names),
        metavar="NAME_OR_PATH",
        help=f"{', '.join(names)}; or {data_source.KINDS}",
    )
    data_source.add_on_error(command)
    arguments.add_augment(command)
    add("--out", metavar="FILE", default="sheet.png", help="PNG file (default: %(default)s)")
    add(
        "--images",
        type=arguments.integer(1, 1000),
        default=10,
        metavar="N",
        help="number of images (default: %(default)s)",
    )
    add(
        "--epochs",
        type=arguments.integer(1, 100),
        default=10,
        metavar="N",
        help="number of epochs shown with --augment (default: %(default)s)",
    )
    add(
        "--seed",
        type=arguments.integer(0),
        default=0,
        metavar="N",
        help="seed of the choice of images and of the changes (default: %(default)s)",
    )
    add(
        "--root",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the data sets (default: as for data)",
    )


def run(options: argparse.Namespace) -> int:
    pillow = require("PIL.Image", "writing a PNG file")
    check_writable("data preview", options.out)
    data = data_source.load(options.name, options.root, options.seed, options.on_error, lazy=True)[0]
    arguments.check_augmentation(options.augment, data)
    rng = np.random.default_rng(options.seed)
    rows = rng.permutation(len(data))[: options.images]
    images = data[rows].images
    columns = [images.astype(np.float32)]
    if options.augment is not None:
        for epoch in range(1, options.epochs + 1):
            columns.append(options.augment(images, options.seed, epoch, rows))
    image = pillow.fromarray(sheet(columns))
    with atomic_write("data preview", options.out) as file:
        image.save(file, format="PNG")
    tell(f"written {os.fspath(options.out)} ({len(rows)} images of {options.name})")
    return 0


def sheet(columns: list[NDArray[np.float32]]) -> Array:
    """uint8 (h, w) or (h, w, 3): image i of each column side by side in row i.

    Args:
        columns: Images (n, h, w) or (n, c, h, w) each, 0 to 255; of the channels the first three or the first
            one are shown.
    """
    images = np.stack(columns)
    planes = images if images.ndim == 5 else images[:, :, np.newaxis]
    channels = 3 if planes.shape[2] >= 3 else 1
    shown = np.clip(planes[:, :, :channels] + 0.5, 0, 255).astype(np.uint8)
    padded = np.pad(shown, ((0, 0), (0, 0), (0, 0), (GAP, GAP), (GAP, GAP)), constant_values=128)
    across, down, _, h, w = padded.shape
    result = padded.transpose(1, 3, 0, 4, 2).reshape(down * h, across * w, channels)
    return result if channels == 3 else result[..., 0]
