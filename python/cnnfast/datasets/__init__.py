"""Data sets: images and labels as NumPy arrays.

Only `download` uses the network, only `ImageFolder` Pillow.
"""

from .any_path import from_path
from .cifar import CIFAR10, CIFAR100
from .download import download
from .emnist import EMNIST
from .glyphs import glyphs
from .idx import read_idx
from .idx_dataset import data_home
from .idx_folder import from_idx
from .image_dataset import ImageDataset
from .image_folder import ImageFolder
from .mnist import MNIST, FashionMNIST
from .numpy_files import from_npy, from_npz
from .pixel_csv import from_csv
from .registry import Availability, load, names, status

__all__ = [
    "CIFAR10",
    "CIFAR100",
    "EMNIST",
    "MNIST",
    "Availability",
    "FashionMNIST",
    "ImageDataset",
    "ImageFolder",
    "data_home",
    "download",
    "from_csv",
    "from_idx",
    "from_npy",
    "from_npz",
    "from_path",
    "glyphs",
    "load",
    "names",
    "read_idx",
    "status",
]
