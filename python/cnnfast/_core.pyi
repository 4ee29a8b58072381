"""Typed face of the C++ extension. Internal: users meet it through `nn`, `functional` and `train`."""

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Array = NDArray[Any]
Shape = tuple[int, ...]
Pair = int | tuple[int, int]
Padding = int | tuple[int, int] | tuple[tuple[int, int], tuple[int, int]]
Ends = int | tuple[int, int]

__version__: str

class Op:
    """Frozen settings of one operation; the only home of its shape rules.

    Shapes are those of one image, without the batch axis: (c, h, w) or (features,).
    """

    @property
    def name(self) -> str: ...
    def output_shape(self, *inputs: Shape) -> Shape: ...
    def parameter_shapes(self) -> dict[str, Shape]: ...
    def buffers(self) -> list[str]:
        """Those of the parameters that no gradient changes: running averages."""
    def macs(self, *inputs: Shape) -> int: ...
    def settings(self) -> dict[str, Any]: ...

class Conv2d(Op):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Padding | str = 0,
        dilation: Pair = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None: ...

class Conv1d(Op):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: Ends | str = 0,
        dilation: int = 1,
        groups: int = 1,
        bias: bool = True,
    ) -> None: ...

class ConvTranspose2d(Op):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: Pair,
        stride: Pair = 1,
        padding: Padding = 0,
        output_padding: Pair = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: Pair = 1,
    ) -> None: ...

class ConvTranspose1d(Op):
    def __init__(
        self,
        in_channels: int,
        out_channels: int,
        kernel_size: int,
        stride: int = 1,
        padding: Ends = 0,
        output_padding: int = 0,
        groups: int = 1,
        bias: bool = True,
        dilation: int = 1,
    ) -> None: ...

class MaxPool2d(Op):
    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        ceil_mode: bool = False,
        dilation: Pair = 1,
    ) -> None: ...

class MaxPool1d(Op):
    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: Ends = 0,
        ceil_mode: bool = False,
        dilation: int = 1,
    ) -> None: ...

class AvgPool2d(Op):
    def __init__(
        self,
        kernel_size: Pair,
        stride: Pair | None = None,
        padding: Padding = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
        divisor_override: int | None = None,
    ) -> None: ...

class AvgPool1d(Op):
    def __init__(
        self,
        kernel_size: int,
        stride: int | None = None,
        padding: Ends = 0,
        ceil_mode: bool = False,
        count_include_pad: bool = True,
    ) -> None: ...

class AdaptiveMaxPool2d(Op):
    def __init__(self, output_size: Pair) -> None: ...

class AdaptiveMaxPool1d(Op):
    def __init__(self, output_size: int) -> None: ...

class AdaptiveAvgPool2d(Op):
    def __init__(self, output_size: Pair) -> None: ...

class AdaptiveAvgPool1d(Op):
    def __init__(self, output_size: int) -> None: ...

class Linear(Op):
    def __init__(self, in_features: int, out_features: int, bias: bool = True) -> None: ...

class Upsample1d(Op):
    def __init__(self, scale_factor: int, mode: str = "nearest") -> None: ...

class Upsample2d(Op):
    def __init__(self, scale_factor: Pair, mode: str = "nearest") -> None: ...

class Downsample1d(Op):
    def __init__(self, factor: int) -> None: ...

class Downsample2d(Op):
    def __init__(self, factor: Pair) -> None: ...

class ChannelBias(Op):
    def __init__(self, channels: int) -> None: ...

class PositionBias(Op):
    def __init__(self, channels: int, height: int, width: int) -> None: ...

class ReLU(Op):
    def __init__(self) -> None: ...

class GELU(Op):
    def __init__(self, approximate: str = "none") -> None: ...

class LeakyReLU(Op):
    def __init__(self, negative_slope: float = 0.01) -> None: ...

class ELU(Op):
    def __init__(self, alpha: float = 1.0) -> None: ...

class SELU(Op):
    def __init__(self) -> None: ...

class SiLU(Op):
    def __init__(self) -> None: ...

class Mish(Op):
    def __init__(self) -> None: ...

class Sigmoid(Op):
    def __init__(self) -> None: ...

class Tanh(Op):
    def __init__(self) -> None: ...

class Softplus(Op):
    def __init__(self, beta: float = 1.0, threshold: float = 20.0) -> None: ...

class Hardswish(Op):
    def __init__(self) -> None: ...

class Hardsigmoid(Op):
    def __init__(self) -> None: ...

class Flatten(Op):
    def __init__(self, start_dim: int = 1, end_dim: int = -1) -> None: ...

class Reshape(Op):
    def __init__(self, shape: Sequence[int]) -> None: ...

class Softmax(Op):
    def __init__(self) -> None: ...

class LogSoftmax(Op):
    def __init__(self) -> None: ...

class BatchNorm2d(Op):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        held: bool = False,
    ) -> None: ...

class BatchNorm1d(Op):
    def __init__(
        self,
        num_features: int,
        eps: float = 1e-05,
        momentum: float | None = 0.1,
        affine: bool = True,
        held: bool = False,
    ) -> None: ...

class GroupNorm(Op):
    def __init__(
        self, num_groups: int, num_channels: int, eps: float = 1e-05, affine: bool = True
    ) -> None: ...

class LayerNorm(Op):
    def __init__(
        self, normalized_shape: Shape, eps: float = 1e-05, elementwise_affine: bool = True
    ) -> None: ...

class LocalResponseNorm(Op):
    def __init__(self, size: int, alpha: float = 0.0001, beta: float = 0.75, k: float = 1.0) -> None: ...

class Dropout(Op):
    def __init__(self, p: float = 0.5) -> None: ...

class Dropout2d(Op):
    def __init__(self, p: float = 0.5) -> None: ...

class Add(Op):
    def __init__(self) -> None: ...

class Concat(Op):
    def __init__(self) -> None: ...

class Graph:
    """Operations in topological order; value 0 is the input, each `add` makes the next value."""

    def __init__(self, input_shape: Shape) -> None: ...
    def add(self, op: Op, inputs: Sequence[int], name: str = "") -> int: ...
    def shape(self, value: int) -> Shape: ...
    def __len__(self) -> int: ...

class Tape:
    """What one `Plan.forward_train` call remembers for `Plan.backward`."""

    @property
    def nbytes(self) -> int: ...

class Plan:
    """A graph made runnable: parameter windows, arena offsets, kernels of one instruction set.

    dtype: "float32" or "float64". scale, shift: per-channel affine map for uint8 input,
    x_float = x * scale + shift (one entry per input channel). isa: None takes the best.
    exact: every layer by itself with direct kernels, for the bits of the chain of single layers.
    Immutable, and safe to call from several threads. ``print(plan)`` shows nodes, algorithms, memory and
    FLOPs.
    """

    def __init__(
        self,
        graph: Graph,
        dtype: str = "float32",
        scale: Sequence[float] = ...,
        shift: Sequence[float] = ...,
        isa: str | None = None,
        exact: bool = False,
    ) -> None: ...
    @property
    def dtype(self) -> str: ...
    @property
    def isa(self) -> str: ...
    @property
    def input_shape(self) -> Shape: ...
    @property
    def output_shape(self) -> Shape: ...
    @property
    def parameter_count(self) -> int: ...
    @property
    def parameters(self) -> list[tuple[str, int, Shape]]:
        """(name, offset in the flat block, shape) in the order the graph added them."""
    def nodes(self) -> list[dict[str, Any]]:
        """One dict a node: name, op, algorithm, inputs, output_shape, parameters, macs, executed_macs, bytes.

        macs: multiply-adds of the forward pass for one image by definition; executed_macs: by the algorithm.
        """
    def arena_bytes(self, training: bool = False) -> int: ...
    def tile(self, training: bool = False) -> int: ...
    def shards(self, n: int) -> int: ...
    def forward(self, x: Array, params: Array, version: int = -1) -> Array:
        """The output. Weights are brought into kernel layout once for each `version` of `params` that is not
        negative, and else at every call.
        """
    def forward_train(self, x: Array, params: Array, seed: int = 0) -> tuple[Array, Tape]:
        """seed: of what is drawn (dropout)."""
    def backward(self, dy: Array, tape: Tape, params: Array, grads: Array) -> Array:
        """Fills `grads` (overwrites) and returns dx; the tape stays usable."""
    def loss_and_grad(
        self,
        x: Array,
        target: Array,
        params: Array,
        grads: Array,
        index: NDArray[np.int64] | None = None,
        loss: Loss | str = "cross_entropy",
        seed: int = 0,
    ) -> tuple[float, int, float, int]:
        """Mean loss of the batch, the number of right answers (0 where targets are no classes), what the mean
        divides by (the weights of the targets; 0, and the mean NaN, where none counts) and how many targets
        are not ignored; fills `grads` (overwrites). In the place of buffers it leaves there what
        `update_buffers` is to take in.

        target: int64 classes, one for each position of the output, or an array of its shape and dtype.
        index: rows of x and target that make the batch; None takes all. seed: of what is drawn (dropout).
        """
    @property
    def smallest_batch(self) -> int:
        """Images a training pass needs: 2 where batch normalization would find a single value a channel."""
    @property
    def has_buffers(self) -> bool: ...
    def update_buffers(self, params: Array, grads: Array, tape: Tape | None = None) -> None:
        """Running averages take in the batch that `grads` or the tape is of, unless a mean or variance of it
        is not finite; `grads` is zero there after.
        """
    def profile(
        self,
        x: Array,
        target: Array | None,
        params: Array,
        repeats: int = 1,
        loss: Loss | str = "cross_entropy",
        gradients: Literal["both", "input", "weights"] = "both",
    ) -> list[dict[str, Any]]:
        """Seconds per node on one thread, all repeats together: dicts with name, op, forward, backward, macs
        (per image). Without a target, the output stands for its own gradient, and `gradients` picks which
        are computed.
        """

def max_pool_indices(op: Op, x: Array, isa: str | None = None) -> tuple[Array, NDArray[np.int64]]:
    """What a max-pool keeps of x, and where in its channel each value lies, counted row by row."""

class Loss:
    """A loss and its settings, unchecked but for the name; users meet it through `losses`.

    weight: of each class, or (bce_with_logits) of a yes of each channel; empty: all 1. delta: huber's, or
    smooth_l1's beta.
    """

    def __init__(
        self,
        kind: str,
        weight: Sequence[float] = ...,
        label_smoothing: float = 0.0,
        ignore_index: int = -100,
        delta: float = 1.0,
    ) -> None: ...

def row_losses(loss: Loss, x: Array, target: Array, isa: str | None = None) -> tuple[Array, Array, float]:
    """Losses of rows, (n,), of their positions, (n, ...), or of elements; the gradient of each by x; what a
    mean divides their sum by.
    """

def cross_entropy(logits: Array, target: NDArray[np.int64], isa: str | None = None) -> tuple[Array, Array]:
    """Loss of each row (n,) and d loss / d logits of each row (n, c), unreduced; of maps at each position."""

def nll(log_probs: Array, target: NDArray[np.int64], isa: str | None = None) -> tuple[Array, Array]: ...
def sgd_step(
    params: Array,
    grads: Array,
    momentum_buffer: Array | None,
    lr: float,
    momentum: float = 0.0,
    dampening: float = 0.0,
    nesterov: bool = False,
    weight_decay: float = 0.0,
    first: bool = False,
) -> None:
    """In place, PyTorch's arithmetic; `first`: the buffer is set to the gradient."""

def adam_step(
    params: Array,
    grads: Array,
    exp_avg: Array,
    exp_avg_sq: Array,
    step: int,
    lr: float,
    beta1: float = 0.9,
    beta2: float = 0.999,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    decoupled: bool = False,
    max_exp_avg_sq: Array | None = None,
) -> None:
    """In place; `step` counts from 1; `decoupled` is AdamW, `max_exp_avg_sq` AMSGrad."""

def rmsprop_step(
    params: Array,
    grads: Array,
    square_avg: Array,
    grad_avg: Array | None,
    momentum_buffer: Array | None,
    lr: float,
    alpha: float = 0.99,
    eps: float = 1e-8,
    weight_decay: float = 0.0,
    momentum: float = 0.0,
) -> None:
    """In place; centered if there is a `grad_avg`."""

def adagrad_step(
    params: Array, grads: Array, sum: Array, lr: float, eps: float = 1e-10, weight_decay: float = 0.0
) -> None:
    """In place; `lr` as decayed by now."""

def all_finite(values: Array) -> bool:
    """Whether no value is NaN or infinite."""

def magnitude(values: Array) -> float:
    """The largest absolute value; NaN if a value is NaN or infinite."""

def squared_norm(values: Array) -> float:
    """Sum of the squares, added up in float64 in one order whatever the number of threads."""

def operations() -> dict[str, list[tuple[Any, ...]]]:
    """Of every operation, (name, type, default if there is one) of each argument; types as in this file."""

def available_isas() -> list[str]:
    """Variants this build holds and this CPU can run, slowest first."""

def build_info() -> dict[str, Any]:
    """compiler, variants built, variant chosen and why, openmp, eigen version, build type."""

def get_num_threads() -> int: ...
def set_num_threads(n: int) -> None: ...
def fma_peak(isa: str | None = None, dtype: str = "float32", seconds: float = 0.1) -> float:
    """Measured FLOP/s of one thread doing nothing but multiply-adds on registers."""
