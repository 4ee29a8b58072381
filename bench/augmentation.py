"""The row of augmentation: epochs of the letters network with each step of `cnnfast.augment`, and without."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from cnnfast.benchmark.timing import Effort, Options, Row

from bench.scaling import epoch

IMAGES, QUICK_IMAGES = 20_000, 640
#: Rounds, since each takes some 15 seconds.
ROUNDS = 7

#: Name and setting of `fit`; strengths are those of the recipes, or of the preset "characters".
AUGMENTATIONS = {
    "affine": "affine(degrees=10, translate=0.08, scale=(0.9, 1.1), shear=8)",
    "perspective": "perspective(p=1)",
    "elastic": "elastic_transform(20, 4)",
    "flip": "horizontal_flip()",
    "crop": "crop(2)",
    "erasing": "erasing()",
    "noise": "gaussian_noise()",
    "pixel flip": "pixel_flip(5)",
    "color jitter": "color_jitter(brightness=0.2, contrast=0.2)",
    "stroke thickness": "stroke_thickness(0.5)",
    "mixup": "mixup(0.2)",
    "cutmix": "cutmix(1)",
    "characters": "characters",
}


def augmentation_rows(options: Options) -> Iterator[Row]:
    images = QUICK_IMAGES if options.quick else IMAGES
    name = f"augmentation, an epoch of hello-dl-letters over {images:,} images"
    if not options.includes(name):
        return
    rng = np.random.default_rng(0)
    data = rng.integers(0, 256, (images, 28, 28), dtype=np.uint8), rng.integers(0, 26, images)
    settings = {"none": None, **AUGMENTATIONS}
    candidates = {key: epoch("hello-dl-letters", *data, steps) for key, steps in settings.items()}
    effort = Effort(min(ROUNDS, options.effort.rounds), options.effort.sample)
    yield Row.measured(name, images, "images", candidates, effort)
