"""Schedules: the learning rate as a function of the completed steps and epochs, with the names and values of
`torch.optim.lr_scheduler`.

A schedule is stateless, an immutable dataclass; `fit(schedule=...)` applies it, and in a custom training loop
`Scheduler` does.
"""

from .chaining import ChainedScheduler, SequentialLR
from .cosine import CosineAnnealingLR, CosineAnnealingWarmRestarts, OneCycleLR
from .named import names, schedule_of
from .plateau import ReduceLROnPlateau
from .ramps import ConstantLR, LinearLR, PolynomialLR
from .schedule import Schedule, from_config
from .scheduler import Scheduler
from .steps import ExponentialLR, MultiStepLR, StepLR

__all__ = [
    "ChainedScheduler",
    "ConstantLR",
    "CosineAnnealingLR",
    "CosineAnnealingWarmRestarts",
    "ExponentialLR",
    "LinearLR",
    "MultiStepLR",
    "OneCycleLR",
    "PolynomialLR",
    "ReduceLROnPlateau",
    "Schedule",
    "Scheduler",
    "SequentialLR",
    "StepLR",
    "from_config",
    "names",
    "schedule_of",
]
