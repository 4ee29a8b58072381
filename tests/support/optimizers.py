"""Optimizers with settings to test, and their names as test ids."""

from __future__ import annotations

from cnnfast import optim

SGD_SETTINGS = [
    {},
    {"momentum": 0.9},
    {"momentum": 0.9, "dampening": 0.3},
    {"momentum": 0.8, "nesterov": True},
    {"weight_decay": 0.1},
    {"momentum": 0.9, "nesterov": True, "weight_decay": 0.01},
    {"momentum": 0.9, "weight_decay": 0.01, "maximize": True},
]
ADAM_SETTINGS = [
    {},
    {"betas": (0.5, 0.9), "eps": 1e-3},
    {"weight_decay": 0.1},
    {"amsgrad": True, "maximize": True},
]
RMSPROP_SETTINGS = [
    {},
    {"alpha": 0.5, "eps": 1e-3, "weight_decay": 0.1},
    {"momentum": 0.9},
    {"centered": True},
    {"centered": True, "momentum": 0.5, "weight_decay": 0.01},
    {"weight_decay": 0.01, "maximize": True},
]
ADAGRAD_SETTINGS = [
    {},
    {"lr_decay": 0.1, "weight_decay": 0.1},
    {"initial_accumulator_value": 0.5, "eps": 1e-3},
    {"weight_decay": 0.1, "maximize": True},
]
CASES = [
    *((optim.SGD, {"lr": 0.05, **settings}) for settings in SGD_SETTINGS),
    *((optim.Adam, {"lr": 0.01, **settings}) for settings in ADAM_SETTINGS),
    *((optim.AdamW, {"lr": 0.01, **settings}) for settings in ADAM_SETTINGS),
    *((optim.RMSprop, {"lr": 0.01, **settings}) for settings in RMSPROP_SETTINGS),
    *((optim.Adagrad, {"lr": 0.1, **settings}) for settings in ADAGRAD_SETTINGS),
]


def names(case: object) -> str:
    return case.__name__ if isinstance(case, type) else ",".join(f"{k}={v}" for k, v in case.items())
