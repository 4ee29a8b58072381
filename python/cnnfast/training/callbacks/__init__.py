"""Callbacks of `fit`: `Callback` with its moments, and those that come with the package."""

from .best_checkpoint import BestCheckpoint
from .callback import Callback, Context
from .early_stopping import EarlyStopping
from .logs import CSVLogger, JSONLinesLogger
from .tensorboard import TensorBoard
from .time_limit import TimeLimit

__all__ = [
    "BestCheckpoint",
    "CSVLogger",
    "Callback",
    "Context",
    "EarlyStopping",
    "JSONLinesLogger",
    "TensorBoard",
    "TimeLimit",
]
