"""Plots with matplotlib: learning curves, kernels, feature maps, activations, schedules, confusion matrices
and graphs.

Each function returns a matplotlib ``Figure`` and shows nothing; ``figure.savefig("name.png")`` writes it.
matplotlib is needed (``pip install "cnnfast[plot]"``), and imported when a plot is made.
"""

from .activation import activation
from .confusion_matrix import confusion_matrix
from .dimensions import dimensions
from .feature_maps import feature_maps
from .graph import graph
from .history import history
from .influence import influence
from .kernels import kernels
from .lr_find import lr_find
from .neurons import neurons
from .pixels import pixels
from .schedule import schedule
from .window import window

__all__ = [
    "activation",
    "confusion_matrix",
    "dimensions",
    "feature_maps",
    "graph",
    "history",
    "influence",
    "kernels",
    "lr_find",
    "neurons",
    "pixels",
    "schedule",
    "window",
]
