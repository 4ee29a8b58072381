"""Augmentation: random changes of uint8 images in training, made inside the engine as a batch is loaded.

`fit(..., augment=[...])` takes a list of these steps; `Augmentation` applies them to an array. All are frozen
dataclasses with torchvision's argument names. `PRESETS` has augmentations by name, `parse` reads text.
"""

from .augmentation import Augmentation
from .geometric import Affine, Crop, ElasticTransform, HorizontalFlip, Perspective, VerticalFlip
from .mixing import CutMix, MixUp
from .parse import PRESETS, as_augmentation, parse
from .pixels import ColorJitter, Erasing, GaussianNoise, PixelFlip, StrokeThickness
from .step import Step

__all__ = [
    "PRESETS",
    "Affine",
    "Augmentation",
    "ColorJitter",
    "Crop",
    "CutMix",
    "ElasticTransform",
    "Erasing",
    "GaussianNoise",
    "HorizontalFlip",
    "MixUp",
    "Perspective",
    "PixelFlip",
    "Step",
    "StrokeThickness",
    "VerticalFlip",
    "as_augmentation",
    "parse",
]
