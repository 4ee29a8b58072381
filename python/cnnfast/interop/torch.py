"""Converts a network to PyTorch with the same weights, for benchmarks and comparison tests.

It is built from the operations a module passes to the engine, not from its layers, so that any network can be
converted. PyTorch is imported only when it is used.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

import numpy as np

from ..errors import require

if TYPE_CHECKING:
    from .._core import Op
    from .._types import Array
    from ..nn import Module


class _Recorder:
    """Records the operations added to it, in place of the engine's Graph."""

    def __init__(self) -> None:
        self.nodes: list[tuple[Op, list[int], str]] = []

    def add(self, op: Op, inputs: Sequence[int], name: str = "") -> int:
        self.nodes.append((op, list(inputs), name))
        return len(self.nodes)


def operations(model: Module) -> list[tuple[Op, list[int], str]]:
    """The operations a module passes to the engine: (op, indices of its inputs, name of its layer).

    Value 0 is the input, and each operation adds the next value; `parameter_name` gives the names of its
    weights.
    """
    recorder = _Recorder()
    model._add_to(recorder, 0, "")
    return recorder.nodes


class TorchModel:
    """The PyTorch version of a model, called with tensors.

    Args:
        model: Any cnnfast module; its parameters are copied.
        channels_last: Use PyTorch's channels-last memory format for images and kernels.
    """

    def __init__(self, model: Module, channels_last: bool = False) -> None:
        self.torch: Any = require("torch", "conversion to PyTorch")
        self.nodes = operations(model)
        self.format = self.torch.channels_last if channels_last else self.torch.contiguous_format
        buffers = set(model.buffers())
        self.state: dict[str, Any] = {
            name: self._placed(self.torch.from_numpy(value)).requires_grad_(name not in buffers)
            for name, value in model.state_dict().items()
        }
        self.parameters = {name: value for name, value in self.state.items() if name not in buffers}
        #: Whether batch normalization and dropout are in training mode.
        self.training = False

    def _placed(self, tensor: Any) -> Any:
        if tensor.ndim == 4:
            return tensor.contiguous(memory_format=self.format)
        return tensor.contiguous()

    def tensor(self, x: Array) -> Any:
        """An array as a tensor in the model's memory format."""
        return self._placed(self.torch.from_numpy(np.ascontiguousarray(x)))

    def __call__(self, x: Any) -> Any:
        values = [x]
        for op, inputs, name in self.nodes:
            weights = [self.state[parameter_name(name, key)] for key in op.parameter_shapes()]
            values.append(self._apply(op, [values[i] for i in inputs], weights))
        return values[-1]

    def _apply(self, op: Op, inputs: list[Any], weights: list[Any]) -> Any:
        F, s = self.torch.nn.functional, op.settings()
        x = inputs[0]
        match op.name:
            case "Conv2d":
                (top, bottom), (left, right) = sides(s["padding"])
                how = {key: s[key] for key in ("stride", "dilation", "groups")}
                if top == bottom and left == right:
                    return F.conv2d(x, *weights, padding=(top, left), **how)
                return F.conv2d(F.pad(x, (left, right, top, bottom)), *weights, **how)
            case name if "Pool" in name:
                return pooled(F, name, s, x)
            case "Conv1d":
                how = {key: s[key] for key in ("stride", "dilation", "groups")}
                before, after = s["padding"]
                if before == after:
                    return F.conv1d(x, *weights, padding=before, **how)
                return F.conv1d(F.pad(x, (before, after)), *weights, **how)
            case "ConvTranspose1d" | "ConvTranspose2d":
                return self._transposed(x, weights, s)
            case "Upsample1d" | "Upsample2d":
                return self._upsampled(x, s["scale_factor"], s["mode"])
            case "Downsample1d":
                return x[:, :, :: s["factor"]]
            case "Downsample2d":
                return x[:, :, :: s["factor"][0], :: s["factor"][1]]
            case "Linear":
                return F.linear(x, *weights)
            case "ChannelBias":
                return x + weights[0][:, None, None]
            case "PositionBias":
                return x + weights[0]
            case "ReLU":
                return F.relu(x)
            case "GELU":
                return F.gelu(x, approximate=s["approximate"])
            case "GroupNorm":
                return F.group_norm(x, s["num_groups"], *weights, eps=s["eps"])
            case "LayerNorm":
                return F.layer_norm(x, s["normalized_shape"], *weights, eps=s["eps"])
            case "LocalResponseNorm":
                # over channels of 3-d input and more
                lifted = x[..., None] if x.ndim == 2 else x
                y = F.local_response_norm(lifted, s["size"], s["alpha"], s["beta"], s["k"])
                return y[..., 0] if x.ndim == 2 else y
            case "BatchNorm1d" | "BatchNorm2d":
                return self._batch_norm(x, dict(zip(op.parameter_shapes(), weights, strict=True)), s)
            case "Dropout" | "Dropout2d":
                drop = F.dropout if op.name == "Dropout" else F.dropout2d
                return drop(x, s["p"], self.training)
            case "LeakyReLU":
                return F.leaky_relu(x, s["negative_slope"])
            case "ELU":
                return F.elu(x, s["alpha"])
            case "SELU":
                return F.selu(x)
            case "SiLU":
                return F.silu(x)
            case "Mish":
                return F.mish(x)
            case "Sigmoid":
                return self.torch.sigmoid(x)
            case "Tanh":
                return self.torch.tanh(x)
            case "Softplus":
                return F.softplus(x, s["beta"], s["threshold"])
            case "Hardswish":
                return F.hardswish(x)
            case "Hardsigmoid":
                return F.hardsigmoid(x)
            case "Flatten":
                return x.flatten(s["start_dim"], s["end_dim"])
            case "Reshape":
                return x.flatten(1).unflatten(1, s["shape"])  # reshape leaves no extent open in a batch of 0
            case "Softmax":
                return F.softmax(x, 1)
            case "LogSoftmax":
                return F.log_softmax(x, 1)
            case "Add":
                return inputs[0] + inputs[1]
            case "Concat":
                return self.torch.cat(inputs, dim=1)
        raise NotImplementedError(f"{op.name} has no PyTorch equivalent")

    def _batch_norm(self, x: Any, of: dict[str, Any], s: dict[str, Any]) -> Any:
        """Batch normalization; without momentum, a cumulative average, which PyTorch computes in its
        layer."""
        momentum = s["momentum"]
        if momentum is None and self.training:
            of["num_batches_tracked"] += 1
            momentum = 1 / of["num_batches_tracked"].item()
        learned = of.get("weight"), of.get("bias")
        running = of["running_mean"], of["running_var"]
        batch_norm = self.torch.nn.functional.batch_norm
        return batch_norm(x, *running, *learned, self.training, momentum or 0.0, s["eps"])

    def _transposed(self, x: Any, weights: list[Any], s: dict[str, Any]) -> Any:
        """Transposed convolution; asymmetric padding is cropped from the unpadded output, as PyTorch's is
        symmetric."""
        F, line = self.torch.nn.functional, x.ndim == 3
        how = {key: s[key] for key in ("stride", "groups", "dilation")}
        kernel, dilation, extra = (
            (s[k],) if line else s[k] for k in ("kernel_size", "dilation", "output_padding")
        )
        stride = (s["stride"],) if line else s["stride"]
        padding = (s["padding"],) if line else sides(s["padding"])
        if all(before == after for before, after in padding):
            cut = tuple(before for before, _ in padding)
            run = F.conv_transpose1d if line else F.conv_transpose2d
            return run(x, *weights, padding=cut, output_padding=extra, **how)
        run = F.conv_transpose1d if line else F.conv_transpose2d
        y = run(x, *weights, output_padding=extra, **how)
        for axis, (before, after) in enumerate(padding):
            size = (
                (x.shape[2 + axis] - 1) * stride[axis] + (kernel[axis] - 1) * dilation[axis] + 1 + extra[axis]
            )
            y = y.narrow(2 + axis, before, size - before - after)
        return y

    def _upsampled(self, x: Any, factor: Any, mode: str) -> Any:
        factors = (factor,) if x.ndim == 3 else factor
        if mode == "nearest":
            return self.torch.nn.functional.interpolate(x, scale_factor=tuple(map(float, factors)))
        large = [(size - 1) * f + 1 for size, f in zip(x.shape[2:], factors, strict=True)]
        y = x.new_zeros((*x.shape[:2], *large))
        y[(..., *(slice(None, None, f) for f in factors))] = x
        return y

    def loss_and_grad(self, x: Any, target: Any) -> tuple[float, dict[str, Array]]:
        """Mean cross entropy and the gradient of each parameter, as `Module.loss_and_grad` returns them."""
        for p in self.parameters.values():
            p.grad = None
        self.training = True
        try:
            loss = self.torch.nn.functional.cross_entropy(self(x), target)
        finally:
            self.training = False
        loss.backward()
        grads = {name: np.ascontiguousarray(p.grad.numpy()) for name, p in self.parameters.items()}
        return float(loss.item()), grads


def pooled(F: Any, name: str, s: dict[str, Any], x: Any) -> Any:
    """Any pooling. PyTorch pads symmetrically by at most half the kernel; other padding is applied before."""
    if name.startswith("Adaptive"):
        functions = {
            "AdaptiveAvgPool1d": F.adaptive_avg_pool1d,
            "AdaptiveAvgPool2d": F.adaptive_avg_pool2d,
            "AdaptiveMaxPool1d": F.adaptive_max_pool1d,
            "AdaptiveMaxPool2d": F.adaptive_max_pool2d,
        }
        return functions[name](x, s["output_size"])
    line = name.endswith("1d")
    kernel, stride, ceil_mode = s["kernel_size"], s["stride"], s["ceil_mode"]
    pads = (s["padding"],) if line else sides(s["padding"])
    kernels = np.broadcast_to(kernel, len(pads))
    even = all(before == after and 2 * before <= k for (before, after), k in zip(pads, kernels, strict=True))
    if not even and ceil_mode:  # the start of the last window depends on the side
        raise NotImplementedError("PyTorch cannot pad one side and round up")
    around = [end for ends in reversed(pads) for end in ends]
    padding = tuple(before for before, _ in pads) if even else 0
    if name.startswith("Max"):
        pool = F.max_pool1d if line else F.max_pool2d
        x = x if even else F.pad(x, around, value=float("-inf"))
        return pool(x, kernel, stride, padding, s["dilation"], ceil_mode=ceil_mode)
    pool = F.avg_pool1d if line else F.avg_pool2d
    include = s["count_include_pad"]
    divisor = () if line else (s["divisor_override"],)
    if even:
        return pool(x, kernel, stride, padding, ceil_mode, include, *divisor)
    y = pool(F.pad(x, around), kernel, stride, 0, False, True, *divisor)
    if include or any(divisor):
        return y
    return y / pool(
        F.pad(x.new_ones(1, 1, *x.shape[2:]), around), kernel, stride
    )  # the fraction of the window on the image


def parameter_name(name: str, parameter: str) -> str:
    """The key in `state_dict()` of a layer's parameter."""
    return f"{name}.{parameter}" if name else parameter


def sides(padding: Any) -> tuple[tuple[int, int], tuple[int, int]]:
    """1, (1, 2) or ((0, 1), (2, 3)) -> ((top, bottom), (left, right))."""
    height, width = (padding, padding) if isinstance(padding, int) else padding
    top_bottom = (height, height) if isinstance(height, int) else (int(height[0]), int(height[1]))
    left_right = (width, width) if isinstance(width, int) else (int(width[0]), int(width[1]))
    return top_bottom, left_right
