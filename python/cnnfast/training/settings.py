"""`Settings` of a run, checked by `fit`."""

from __future__ import annotations

from dataclasses import dataclass

from ..optim.lr_scheduler import Schedule


@dataclass(frozen=True, eq=False)
class Settings:
    """Settings of a run.

    Args:
        epochs: Number of passes over the training samples; None if only the time is limited.
        batches: Positions of each batch in the order of an epoch.
        order_seed: Seed of the order; None keeps that of the data.
        micro_batch: As in `Trainer.step`.
        schedule: None for a constant learning rate.
        ema: Decay of the exponential moving average of the weights; None for none.
        time_limit: Seconds; None is unlimited.
        history_steps: Whether to record every step.
    """

    epochs: int | None
    batches: tuple[slice, ...]
    order_seed: int | None
    micro_batch: int | None
    schedule: Schedule | None
    ema: float | None = None
    time_limit: float | None = None
    history_steps: bool = False
