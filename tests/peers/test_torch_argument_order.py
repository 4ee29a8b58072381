"""What can be given by position stands where PyTorch has it: a call that is ported word for word means the
same here, or raises.
"""

from __future__ import annotations

import inspect
import re
from collections.abc import Callable, Iterator
from typing import Any

import pytest
from cnnfast import functional, losses, nn, optim
from cnnfast.optim import lr_scheduler

torch = pytest.importorskip("torch")

#: Ours is called something else.
RENAMED = {
    ("F", "x"): "input",
    ("F", "logits"): "input",
    ("F", "log_probs"): "input",
    **{(f"F.{name}", "a"): "input" for name in ("add", "mul", "matmul")},
    **{(f"F.{name}", "b"): "other" for name in ("add", "mul", "matmul")},
    ("optim", "grads"): "parameters",  # gradients themselves, not what holds them
    ("lr_scheduler", "schedules"): "schedulers",  # settings, without an optimizer in them
    ("init.constant", "value"): "val",
    ("init.calculate_gain", "a"): "param",
}
#: What PyTorch's take first and ours do not: tensors go to `step` or the call, the optimizer to a Scheduler.
ELSEWHERE = {"optim": "params", "lr_scheduler": "optimizer", "init": "tensor"}
#: Same name, other thing.
OTHERS = {
    "F.concat": "takes the arrays one by one, which PyTorch refuses as we refuse its sequence",
    "nn.Sequential": "takes any number of layers, as PyTorch's, which calls them args",
    "nn.Module": "abstract",
    "optim.Optimizer": "abstract",
}

Pair = tuple[str, Callable[..., Any], Callable[..., Any]]


def pairs() -> Iterator[Pair]:
    """(package, name, ours, PyTorch's) of all that both have."""
    for name in nn.__all__:
        if inspect.isclass(getattr(nn, name)) and hasattr(torch.nn, name):
            yield f"nn.{name}", getattr(nn, name), getattr(torch.nn, name)
    for name in functional.__all__:
        peer = getattr(torch.nn.functional, name, None) or getattr(torch, name, None)
        if peer is not None:
            yield f"F.{name}", getattr(functional, name), peer
    for kind in losses.KINDS.values():
        yield f"losses.{kind.__name__}", kind, getattr(torch.nn, f"{kind.__name__}Loss")
    for name in optim.__all__:
        peer = getattr(torch.optim, name, None) or getattr(torch.nn.utils, name, None)
        if callable(peer):
            yield f"optim.{name}", getattr(optim, name), peer
    for name in lr_scheduler.__all__:
        if hasattr(torch.optim.lr_scheduler, name):
            yield f"lr_scheduler.{name}", getattr(lr_scheduler, name), getattr(torch.optim.lr_scheduler, name)
    for name in nn.init.__all__:
        peer = getattr(torch.nn.init, f"{name}_", None) or getattr(torch.nn.init, name, None)
        if callable(peer):
            yield f"init.{name}", getattr(nn.init, name), peer


def by_position(function: Callable[..., Any]) -> list[str]:
    positional = (inspect.Parameter.POSITIONAL_ONLY, inspect.Parameter.POSITIONAL_OR_KEYWORD)
    return [p.name for p in inspect.signature(function).parameters.values() if p.kind in positional]


def of_torch(function: Callable[..., Any]) -> list[str]:
    """Of a function without a signature the first line of its docstring has it."""
    try:
        found = by_position(function)
        if found or not any(
            p.kind is p.VAR_POSITIONAL for p in inspect.signature(function).parameters.values()
        ):
            return found
    except ValueError:
        pass
    written = re.match(r"\s*\w+\((.*?)\)", function.__doc__ or "")
    if written is None or inspect.isclass(function):
        return []
    words = written.group(1).partition("*")[0].split(",")
    return [word.partition("=")[0].strip() for word in words if word.strip()]


PAIRS = {name: (ours, theirs) for name, ours, theirs in pairs() if name not in OTHERS}


@pytest.mark.parametrize("name", PAIRS)
def test_positions_are_those_of_torch(name: str) -> None:
    ours, theirs = PAIRS[name]
    package = name.partition(".")[0]
    ported = [RENAMED.get((name, p)) or RENAMED.get((package, p)) or p for p in by_position(ours)]
    peer = of_torch(theirs)
    if peer[:1] == [ELSEWHERE.get(package)]:
        peer = peer[1:]
    assert ported == peer[: len(ported)]


@pytest.mark.parametrize("name", [name for name in functional.__all__ if name.endswith("_backward")])
def test_a_backward_function_takes_dy_and_then_what_forward_takes(name: str) -> None:
    """As far as backward needs it: no bias, no indices."""
    forward = by_position(getattr(functional, name.removesuffix("_backward")))
    backward = [p for p in by_position(getattr(functional, name)) if p != "dy"]
    assert [p for p in forward if p in backward] == backward


def test_all_packages_are_looked_at() -> None:
    counts: dict[str, int] = {}
    for name in PAIRS:
        counts[name.partition(".")[0]] = counts.get(name.partition(".")[0], 0) + 1
    assert counts["nn"] > 35
    assert counts["F"] > 35
    assert counts["losses"] == 7
    assert counts["optim"] >= 7
    assert counts["lr_scheduler"] >= 12
    assert counts["init"] >= 10
    assert of_torch(torch.nn.functional.conv2d)[:4] == ["input", "weight", "bias", "stride"]
    assert of_torch(torch.nn.functional.max_pool2d)[-2:] == ["ceil_mode", "return_indices"]


@pytest.mark.parametrize(
    "call",
    [
        lambda: nn.MaxPool2d(2, 2, 0, 1, False),  # torch: return_indices
        lambda: nn.Linear(3, 4, True, "cpu"),
        lambda: nn.Conv2d(3, 4, 3, 1, 0, 1, 1, True, "zeros"),
        lambda: losses.CrossEntropy(None, True),  # torch: size_average
        lambda: losses.BCEWithLogits([1.0]),  # torch: weight
        lambda: optim.SGD(0.1, 0.9, 0.0, 1e-4, True, False),
        lambda: lr_scheduler.StepLR(3, 0.1, -1),  # torch: last_epoch
        lambda: lr_scheduler.OneCycleLR(0.1, 30, 10),  # torch: epochs
        lambda: functional.mse_loss([0.0], [0.0], "sum"),
    ],
)
def test_what_would_mean_something_else_raises(call: Callable[[], Any]) -> None:
    with pytest.raises(TypeError, match="positional argument"):
        call()
