"""Data sets: images and labels as NumPy arrays.

Only `download` uses the network, only `ImageFolder` Pillow.
"""

from .download import download
from .emnist import EMNIST
from .glyphs import glyphs
from .idx import read_idx
from .idx_dataset import data_home
from .image_dataset import ImageDataset
from .image_folder import ImageFolder
from .mnist import MNIST, FashionMNIST
from .registry import Availability, load, names, status

__all__ = [
    "EMNIST",
    "MNIST",
    "Availability",
    "FashionMNIST",
    "ImageDataset",
    "ImageFolder",
    "data_home",
    "download",
    "glyphs",
    "load",
    "names",
    "read_idx",
    "status",
]
