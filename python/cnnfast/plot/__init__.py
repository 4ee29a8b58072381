"""Plots with matplotlib: learning curves, kernels, feature maps, activations, schedules, confusion matrices
and graphs.

Each function returns a matplotlib ``Figure`` and shows nothing; ``figure.savefig("name.png")`` writes it.
matplotlib is needed (``pip install "cnnfast[plot]"``), and imported when a plot is made.
"""

from .activation import activation
from .confusion_matrix import confusion_matrix
from .feature_maps import feature_maps
from .graph import graph
from .history import history
from .kernels import kernels
from .lr_find import lr_find
from .schedule import schedule

__all__ = [
    "activation",
    "confusion_matrix",
    "feature_maps",
    "graph",
    "history",
    "kernels",
    "lr_find",
    "schedule",
]
