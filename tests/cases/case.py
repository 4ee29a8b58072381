"""One operation at one geometry."""

from __future__ import annotations

import inspect
import zlib
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tests import oracle

Array = np.ndarray[Any, Any]
Shape = tuple[int, ...]


@dataclass(frozen=True)
class Case:
    """One operation at one geometry: `settings` construct the Op, `inputs` are shapes of one image."""

    op: str
    n: int
    inputs: tuple[Shape, ...]
    settings: dict[str, Any] = field(default_factory=dict)
    row: str = ""  # the name of its row in the bench, if it has one
    jacobian: bool = False  # small enough for whole central-difference Jacobians

    @property
    def id(self) -> str:
        shape = "+".join("x".join(map(str, s)) for s in self.inputs)
        text = ",".join(f"{k}={v}" for k, v in self.settings.items())
        return f"{self.op}({text})-n{self.n}-{shape}".replace(" ", "")

    @property
    def parameters(self) -> dict[str, Shape]:
        """Names and shapes of the parameters, written down a second time to check the Op against."""
        s = self.settings
        match self.op:
            case "Conv2d":
                kernel, in_group = s["kernel_size"], s["in_channels"] // s.get("groups", 1)
                window = (kernel, kernel) if isinstance(kernel, int) else kernel
                shapes = {"weight": (s["out_channels"], in_group, *window), "bias": (s["out_channels"],)}
            case "Conv1d":
                in_group = s["in_channels"] // s.get("groups", 1)
                shapes = {
                    "weight": (s["out_channels"], in_group, s["kernel_size"]),
                    "bias": (s["out_channels"],),
                }
            case "ConvTranspose1d" | "ConvTranspose2d":
                kernel, out_group = s["kernel_size"], s["out_channels"] // s.get("groups", 1)
                if isinstance(kernel, int):
                    kernel = (kernel,) if self.op == "ConvTranspose1d" else (kernel, kernel)
                shapes = {"weight": (s["in_channels"], out_group, *kernel), "bias": (s["out_channels"],)}
            case "Linear":
                shapes = {"weight": (s["out_features"], s["in_features"]), "bias": (s["out_features"],)}
            case "RBF":
                shapes = {"weight": (s["out_features"], s["in_features"])}
            case "PReLU":
                shapes = {"weight": (s["num_parameters"],)}
            case "ChannelBias":
                shapes = {"bias": (s["channels"],)}
            case "PositionBias":
                shapes = {"bias": self.inputs[0]}
            case "GroupNorm" | "LayerNorm":
                learned = s.get("affine", s.get("elementwise_affine"))
                shape = self.inputs[0][:1] if self.op == "GroupNorm" else self.inputs[0]
                shapes = {"weight": shape, "bias": shape} if learned else {}
            case _:
                shapes = {}
        return {k: v for k, v in shapes.items() if k != "bias" or s.get("bias", True)}

    @property
    def call(self) -> dict[str, Any]:
        """The settings that a function on arrays still needs: what the arrays' shapes do not say."""
        words = inspect.signature(oracle.PAIRS[self.op][0]).parameters
        return {k: v for k, v in self.settings.items() if k in words}

    def draw(self, *shape: int, salt: str = "", integers: bool = False) -> Array:
        """float32 values, the same in every run: normal ones, or small integers whose sums are exact."""
        rng = np.random.default_rng(zlib.crc32(f"{self.id}{salt}".encode()))
        values = rng.integers(-2, 3, shape) if integers else rng.standard_normal(shape)
        return values.astype(np.float32)

    def arrays(self, integers: bool = False) -> tuple[Array, ...]:
        """The inputs with their batch axis, then the parameters."""
        inputs = [self.draw(self.n, *s, salt=f"x{i}", integers=integers) for i, s in enumerate(self.inputs)]
        return (*inputs, *(self.draw(*s, salt=k, integers=integers) for k, s in self.parameters.items()))
