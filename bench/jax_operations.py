"""Our operations in JAX, channels-last."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from cnnfast import _core
from cnnfast.interop.torch import sides

from bench.channels_last import Values, rearranged
from bench.windows import Windows, how_nearest

LAYOUT = ("NHWC", "HWIO", "NHWC")


def apply(op: _core.Op, inputs: list[Any], own: Values, training: bool) -> tuple[Any, Values]:
    """The output (n, h, w, c), and the updated running averages in training.

    Raises:
        NotImplementedError: An operation without an equivalent.
    """
    if op.name in ("BatchNorm1d", "BatchNorm2d"):
        return _batch_norm(op.settings(), inputs[0], own, training)
    if op.name in ("Dropout", "Dropout2d") and training and op.settings()["p"] > 0:
        raise NotImplementedError(f"{op.name} draws different random numbers in every library")
    return _apply(op, inputs, list(own.values())), {}


def _apply(op: _core.Op, inputs: list[Any], weights: list[Any]) -> Any:
    import jax
    import jax.numpy as jnp

    s, x = op.settings(), inputs[0]
    match op.name:
        case "Conv2d":
            return _add_bias(_conv2d(x, weights[0], s), weights[1:])
        case "ConvTranspose2d":
            return _add_bias(_conv_transpose2d(x, weights[0], s), weights[1:])
        case "MaxPool2d" | "AvgPool2d" | "AdaptiveMaxPool2d" | "AdaptiveAvgPool2d":
            return _pool(op, x)
        case "Upsample2d" if s["mode"] == "nearest":
            high, wide = s["scale_factor"]
            return jnp.repeat(jnp.repeat(x, high, 1), wide, 2)
        case "Pad2d" if min(s["padding"]) >= 0:
            left, right, top, bottom = s["padding"]
            fill = {"constant_values": s["value"]} if s["mode"] == "constant" else {}
            mode = {"replicate": "edge"}.get(s["mode"], s["mode"])
            return jnp.pad(x, ((0, 0), (top, bottom), (left, right), (0, 0)), mode, **fill)
        case "Resize2d" if s["size"] and how_nearest(s) == ("round_prefer_ceil", "half_pixel"):
            return jax.image.resize(x, (len(x), *s["size"], x.shape[3]), "nearest")
        case "Downsample2d":
            return x[:, :: s["factor"][0], :: s["factor"][1]]
        case "Linear":
            return _add_bias(x @ weights[0].T, weights[1:])
        case "ChannelBias" | "PositionBias":
            return x + weights[0]
        case "GroupNorm":
            return _group_norm(x, s["num_groups"], s["eps"], weights)
        case "LayerNorm":
            return _affine(_normalized(x, tuple(range(1, x.ndim)), s["eps"]), weights)
        case "LocalResponseNorm":
            return x / _response_base(x, s["size"], s["alpha"], s["k"]) ** s["beta"]
        case "ReLU":
            return jax.nn.relu(x)
        case "GELU":
            return jax.nn.gelu(x, approximate=s["approximate"] == "tanh")
        case "LeakyReLU":
            return jax.nn.leaky_relu(x, s["negative_slope"])
        case "ELU":
            return jax.nn.elu(x, s["alpha"])
        case "SELU":
            return s["gamma"] * jax.nn.elu(x, s["alpha"])
        case "SiLU":
            return jax.nn.silu(x)
        case "Mish":
            return jax.nn.mish(x)
        case "Sigmoid":
            return jax.nn.sigmoid(x)
        case "Tanh":
            return jnp.tanh(x)
        case "ScaledTanh":
            return s["alpha"] * jnp.tanh(s["beta"] * x)
        case "SelectChannels":
            return jnp.take(x, np.array(s["indices"]), -1)
        case "RBF":
            return s["scale"] * jnp.square(x[:, None] - weights[0]).sum(2)
        case "Softsign":
            return jax.nn.soft_sign(x)
        case "Softplus":
            return jnp.where(s["beta"] * x > s["threshold"], x, jax.nn.softplus(s["beta"] * x) / s["beta"])
        case "Hardswish":
            return jax.nn.hard_swish(x)
        case "Hardsigmoid":
            return jnp.clip(s["alpha"] * x + s["beta"], 0, 1)
        case "Hardtanh":
            return jnp.clip(x, s["min_val"], s["max_val"])
        case "ReLU6":
            return jax.nn.relu6(x)
        case "PReLU":
            return jnp.where(x > 0, x, weights[0] * x)
        case "Softmax":
            return jax.nn.softmax(x, -1)
        case "LogSoftmax":
            return jax.nn.log_softmax(x, -1)
        case "Flatten" | "Reshape":
            return rearranged(op, x, jnp)
        case "Add":
            return inputs[0] + inputs[1]
        case "Mul":
            return inputs[0] * inputs[1]
        case "MatMul":  # channels lie last: both are transposed
            return inputs[1] @ inputs[0]
        case "Concat":
            return jnp.concatenate(inputs, -1)
        case "Dropout" | "Dropout2d":
            return x
    raise NotImplementedError(f"{op.name} has no equivalent")


def _add_bias(y: Any, bias: list[Any]) -> Any:
    return y + bias[0] if bias else y


def _conv2d(x: Any, kernel: Any, s: Values) -> Any:
    from jax import lax

    how = {"rhs_dilation": s["dilation"], "feature_group_count": s["groups"], "dimension_numbers": LAYOUT}
    return lax.conv_general_dilated(x, kernel, s["stride"], sides(s["padding"]), **how)


def _conv_transpose2d(x: Any, kernel: Any, s: Values) -> Any:
    """Convolution with input dilated by `stride` and the kernel flipped. kernel: (h, w, out / g, in)."""
    import jax.numpy as jnp
    from jax import lax

    high, wide, out, c_in = kernel.shape
    groups = s["groups"]
    turned = jnp.reshape(kernel[::-1, ::-1], (high, wide, out, groups, c_in // groups))
    turned = jnp.transpose(turned, (0, 1, 4, 3, 2)).reshape(high, wide, c_in // groups, groups * out)
    padding = []
    for i, (before, after) in enumerate(sides(s["padding"])):
        reach = s["dilation"][i] * (s["kernel_size"][i] - 1)
        padding.append((reach - before, reach - after + s["output_padding"][i]))
    how = {"lhs_dilation": s["stride"], "rhs_dilation": s["dilation"], "feature_group_count": groups}
    return lax.conv_general_dilated(x, turned, (1, 1), padding, dimension_numbers=LAYOUT, **how)


def _pool(op: _core.Op, x: Any) -> Any:
    import jax.numpy as jnp
    from jax import lax

    _, h, w, c = x.shape
    windows = Windows.of(op, (c, h, w))
    kernel, stride, dilation = ((1, *v, 1) for v in (windows.kernel, windows.stride, windows.dilation))
    padding = ((0, 0), *windows.padding, (0, 0))
    if "Max" in op.name:
        return lax.reduce_window(x, -jnp.inf, lax.max, kernel, stride, padding, window_dilation=dilation)
    total = lax.reduce_window(x, 0.0, lax.add, kernel, stride, padding, window_dilation=dilation)
    return total * (1 / windows.divisors[..., None]).astype(np.float32)


def _normalized(x: Any, axes: tuple[int, ...], eps: float) -> Any:
    import jax.numpy as jnp
    from jax import lax

    mean = jnp.mean(x, axes, keepdims=True)
    return (x - mean) * lax.rsqrt(jnp.var(x, axes, keepdims=True) + eps)


def _affine(x: Any, affine: list[Any]) -> Any:
    return x * affine[0] + affine[1] if affine else x


def _group_norm(x: Any, groups: int, eps: float, affine: list[Any]) -> Any:
    import jax.numpy as jnp

    n, *extents, c = x.shape
    apart = jnp.reshape(x, (n, math.prod(extents), groups, c // groups))
    return _affine(_normalized(apart, (1, 3), eps).reshape(x.shape), affine)


def _response_base(x: Any, size: int, alpha: float, k: float) -> Any:
    """The base of the power by which local response normalization divides."""
    from jax import lax

    ones = (1,) * (x.ndim - 1)
    padding = [(0, 0)] * (x.ndim - 1) + [(size // 2, (size - 1) // 2)]
    squares = lax.reduce_window(x * x, 0.0, lax.add, (*ones, size), (*ones, 1), padding)
    return k + alpha / size * squares


def _batch_norm(s: Values, x: Any, own: Values, training: bool) -> tuple[Any, Values]:
    import jax.numpy as jnp
    from jax import lax

    affine = [own[key] for key in ("weight", "bias") if key in own]
    mean, var = own["running_mean"], own["running_var"]
    if not training:
        return _affine((x - mean) * lax.rsqrt(var + s["eps"]), affine), {}
    axes = tuple(range(x.ndim - 1))
    count, share = x.size // x.shape[-1], s["momentum"]
    ours, spread = jnp.mean(x, axes), jnp.var(x, axes)
    y = _affine((x - ours) * lax.rsqrt(spread + s["eps"]), affine)
    moved = {
        "running_mean": (1 - share) * mean + share * lax.stop_gradient(ours),
        "running_var": (1 - share) * var + share * lax.stop_gradient(spread) * (count / (count - 1)),
    }
    return y, moved
