"""Data sets: pictures and labels as plain NumPy arrays. Depends on NumPy only, and reads the network only in
`download`."""

from .catalogue import Availability, load, names, status
from .download import download
from .emnist import EMNIST
from .glyphs import glyphs
from .idx import read_idx
from .idx_pair import data_home
from .image_dataset import ImageDataset
from .mnist import MNIST, FashionMNIST

__all__ = [
    "EMNIST",
    "MNIST",
    "Availability",
    "FashionMNIST",
    "ImageDataset",
    "data_home",
    "download",
    "glyphs",
    "load",
    "names",
    "read_idx",
    "status",
]
