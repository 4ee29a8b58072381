"""Train and run convolutional networks on ordinary CPUs, fast.

import cnnfast as cf

train = cf.datasets.glyphs(2000, seed=0)
model = cf.models.hello_dl_letters(seed=0)
history = cf.fit(model, train, epochs=1, progress=False)
print(cf.evaluate(model, cf.datasets.glyphs(500, seed=1)))
"""

from typing import TYPE_CHECKING, Any

from . import _load as _load  # isort: skip (before anything loads the engine)
from . import augment, datasets, errors, functional, losses, models, nn, optim
from ._config import show_config
from ._core import __version__, get_num_threads, set_num_threads
from .nn.serialization import load
from .training.callbacks import (
    BestCheckpoint,
    Callback,
    Context,
    CSVLogger,
    EarlyStopping,
    JSONLinesLogger,
    TensorBoard,
    TimeLimit,
)
from .training.evaluation import Evaluation, MultilabelEvaluation, RegressionEvaluation, evaluate
from .training.fit import fit
from .training.gradient_check import GradientReport, check_gradients
from .training.history import EpochRecord, History, StepHistory
from .training.lr_find import LearningRateTest, lr_find
from .training.trainer import Trainer

if TYPE_CHECKING:
    from . import interop, plot, vision
    from .explanation import Explanation, explain
    from .pages import Page, read_page
    from .reporting import Report, calibrated, report

__all__ = [
    "BestCheckpoint",
    "CSVLogger",
    "Callback",
    "Context",
    "EarlyStopping",
    "EpochRecord",
    "Evaluation",
    "Explanation",
    "GradientReport",
    "History",
    "JSONLinesLogger",
    "LearningRateTest",
    "MultilabelEvaluation",
    "Page",
    "RegressionEvaluation",
    "Report",
    "StepHistory",
    "TensorBoard",
    "TimeLimit",
    "Trainer",
    "__version__",
    "augment",
    "calibrated",
    "check_gradients",
    "datasets",
    "errors",
    "evaluate",
    "explain",
    "fit",
    "functional",
    "get_num_threads",
    "interop",
    "load",
    "losses",
    "lr_find",
    "models",
    "nn",
    "optim",
    "plot",
    "read_page",
    "report",
    "set_num_threads",
    "show_config",
    "vision",
]


def __getattr__(name: str) -> Any:
    """On first access, imports what takes time: `interop`, `plot`, `vision`, `explain`, `report`,
    `read_page`."""
    from importlib import import_module

    if name in ("interop", "plot", "vision"):
        return import_module(f".{name}", __name__)
    if name in ("Explanation", "explain"):
        return getattr(import_module(".explanation", __name__), name)
    if name in ("Page", "read_page"):
        return getattr(import_module(".pages", __name__), name)
    if name in ("Report", "calibrated", "report"):
        return getattr(import_module(".reporting", __name__), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
