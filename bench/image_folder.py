"""Speed of training from a folder of image files that are decoded in the background, against memory.

    python -m bench.image_folder

10,000 JPEGs of 64x64 in 10 classes. The network is small, so that decoding is hard to hide. Each round trains
two epochs from a lazy `ImageFolder` and two from the same images in memory; rates are those of `fit`, without
its setup.
"""

from __future__ import annotations

import argparse
import tempfile
from collections.abc import Sequence
from pathlib import Path
from statistics import median

import cnnfast as cf
import numpy as np
from cnnfast import datasets, nn, optim
from PIL import Image

IMAGES, CLASSES, SIDE, ROUNDS, EPOCHS = 10_000, 10, 64, 7, 2


def write(root: Path, images: int) -> None:
    """JPEG files of smooth random colors: some 2.6 kB each."""
    rng = np.random.default_rng(0)
    for i in range(images):
        folder = root / f"class-{i % CLASSES}"
        folder.mkdir(exist_ok=True)
        coarse = Image.fromarray(rng.integers(0, 256, (16, 16, 3), dtype=np.uint8))
        coarse.resize((SIDE, SIDE), Image.Resampling.BICUBIC).save(folder / f"{i}.jpg", quality=90)


def network() -> nn.Sequential:
    """Two convolutions and a linear layer."""
    return nn.Sequential(
        nn.Conv2d(3, 16, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Conv2d(16, 32, 3, padding=1),
        nn.ReLU(),
        nn.MaxPool2d(2),
        nn.Flatten(),
        nn.Linear(32 * 16 * 16, CLASSES),
        input_shape=(3, SIDE, SIDE),
    )


def rates(data: datasets.ImageDataset) -> list[float]:
    """Images per second of each epoch."""
    history = cf.fit(network(), data, epochs=EPOCHS, optimizer=optim.Adam(lr=0.001), progress=False)
    return [epoch.images_per_second for epoch in history.epochs]


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.image_folder",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument("--images", type=int, default=IMAGES, help="number of files (default: %(default)s)")
    parser.add_argument("--rounds", type=int, default=ROUNDS, help="rounds (default: %(default)s)")
    options = parser.parse_args(arguments)
    with tempfile.TemporaryDirectory() as folder:
        write(Path(folder), options.images)
        memory = datasets.ImageFolder(folder)
        rounds = [
            (rates(datasets.ImageFolder(folder, lazy=True)), rates(memory)) for _ in range(options.rounds)
        ]
    print("| epoch | from files, images/s | from memory, images/s | ratio, median of rounds |")
    print("| ---: | ---: | ---: | ---: |")
    for epoch in range(EPOCHS):
        files, arrays = zip(*((lazy[epoch], kept[epoch]) for lazy, kept in rounds), strict=True)
        ratio = median(a / b for a, b in zip(files, arrays, strict=True))
        print(f"| {epoch + 1} | {median(files):,.0f} | {median(arrays):,.0f} | {ratio:.0%} |")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
