"""PyTorch as a peer in the benchmarks: eager, in one of its memory formats. Imported only when used."""

from __future__ import annotations

import importlib.util
from dataclasses import dataclass
from typing import Any

from .._types import Array, Labels
from ..interop.torch import TorchModel
from ..nn import Module
from .networks import LEARNING_RATE, Call, TrainingStep


@dataclass(frozen=True)
class TorchPeer:
    """Inference in inference mode; training with PyTorch's fused Adam."""

    channels_last: bool = False
    has_float64: bool = True

    @property
    def name(self) -> str:
        return "torch channels_last" if self.channels_last else "torch eager"

    def inference(self, model: Module, x: Array, threads: int) -> Call:
        twin = self._torch_model(model, threads)
        tensor = twin.tensor(x)

        def infer() -> Any:
            with twin.torch.inference_mode():
                return twin(tensor)

        return infer

    def training(self, model: Module, x: Array, target: Labels, threads: int) -> TrainingStep:
        twin = self._torch_model(model, threads)
        torch = twin.torch
        tx, tt = twin.tensor(x), torch.from_numpy(target)
        loss, grads = twin.loss_and_grad(tx, tt)
        twin.training = True
        optimizer = torch.optim.Adam(list(twin.parameters.values()), lr=LEARNING_RATE, fused=True)

        def step() -> float:
            optimizer.zero_grad(set_to_none=True)
            loss = torch.nn.functional.cross_entropy(twin(tx), tt)
            loss.backward()
            optimizer.step()
            return float(loss.item())

        return TrainingStep(loss, grads, step)

    def _torch_model(self, model: Module, threads: int) -> TorchModel:
        twin = TorchModel(model, self.channels_last)
        twin.torch.set_num_threads(threads)
        return twin


def has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def torch_peers() -> list[TorchPeer]:
    """Both memory formats; none if PyTorch is not installed."""
    return [TorchPeer(), TorchPeer(channels_last=True)] if has_torch() else []
