"""Schedules: the learning rate as a function of how far a training is, with the names and numbers of
`torch.optim.lr_scheduler`.

A schedule is settings only, plain data; `fit(schedule=...)` runs it, and in a loop of one's own `Scheduler`
does.
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
