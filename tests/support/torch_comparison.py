"""A network and the same one written with torch.nn: outputs, loss and gradients with equal weights."""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from cnnfast import nn


def same_outputs_and_gradients(
    model: nn.Sequential, twin: Any, rng: np.random.Generator, tolerance: float
) -> None:
    copy_weights(model, twin)
    assert model.input_shape is not None
    x = rng.standard_normal((3, *model.input_shape)).astype(model.dtype)
    target = np.array([0, 1, 2])
    close(model(x), twin.eval()(torch.from_numpy(x)).detach().numpy(), tolerance, "outputs")
    loss, grads = model.loss_and_grad(x, target)
    want = torch.nn.functional.cross_entropy(twin.train()(torch.from_numpy(x)), torch.from_numpy(target))
    want.backward()
    assert abs(loss - want.item()) <= tolerance * abs(want.item())
    largest = max(np.abs(grad).max() for grad in grads.values())
    for (name, grad), parameter in zip(grads.items(), twin.parameters(), strict=True):
        close(grad, parameter.grad.numpy(), tolerance, name, tolerance * largest / 10)


def copy_weights(model: nn.Sequential, twin: Any) -> None:
    """Ours to PyTorch's, in order; running averages stay those of a new layer."""
    twin.to(getattr(torch, str(model.dtype)))
    ours, theirs = model.parameters().values(), list(twin.parameters())
    with torch.no_grad():
        for value, parameter in zip(ours, theirs, strict=True):
            assert tuple(parameter.shape) == value.shape
            parameter.copy_(torch.from_numpy(np.array(value)))


def close(got: Any, want: Any, tolerance: float, what: str, floor: float = 0.0) -> None:
    """Relative to the largest value, which is what rounding depends on."""
    assert np.abs(got - want).max() <= max(tolerance * np.abs(want).max(), floor), what
