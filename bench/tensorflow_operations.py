"""Our operations in TensorFlow, channels-last."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
from cnnfast import _core
from cnnfast.interop.torch import sides

from bench.channels_last import Values, rearranged
from bench.windows import Pairs, Windows, how_nearest


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
    import tensorflow as tf

    s, x = op.settings(), inputs[0]
    match op.name:
        case "Conv2d":
            how = {"padding": _explicit(sides(s["padding"])), "dilations": s["dilation"]}
            return _add_bias(tf.nn.conv2d(x, weights[0], s["stride"], **how), weights[1:])
        case "ConvTranspose2d" if s["groups"] == 1:
            return _add_bias(_conv_transpose2d(op, x, weights[0]), weights[1:])
        case "MaxPool2d" | "AvgPool2d" | "AdaptiveMaxPool2d" | "AdaptiveAvgPool2d":
            return _pool(op, x)
        case "Upsample2d" if s["mode"] == "nearest":
            high, wide = s["scale_factor"]
            return tf.repeat(tf.repeat(x, high, 1), wide, 2)
        case "Pad2d" if min(s["padding"]) >= 0 and s["mode"] != "replicate":
            left, right, top, bottom = s["padding"]
            around = ((0, 0), (top, bottom), (left, right), (0, 0))
            return tf.pad(x, around, s["mode"].upper(), s["value"])
        case "Resize2d" if s["size"] and how_nearest(s) == ("round_prefer_ceil", "half_pixel"):
            return tf.image.resize(x, s["size"], "nearest")
        case "Downsample2d":
            return x[:, :: s["factor"][0], :: s["factor"][1]]
        case "Linear":
            return _add_bias(tf.linalg.matmul(x, weights[0], transpose_b=True), weights[1:])
        case "ChannelBias":
            return tf.nn.bias_add(x, weights[0])
        case "PositionBias":
            return x + weights[0]
        case "GroupNorm":
            return _group_norm(x, s["num_groups"], s["eps"], weights)
        case "LayerNorm":
            return _affine(_normalized(x, list(range(1, len(x.shape))), s["eps"]), weights)
        case "LocalResponseNorm" if len(x.shape) == 4 and s["size"] % 2:
            how = {"bias": s["k"], "alpha": s["alpha"] / s["size"], "beta": s["beta"]}
            return tf.nn.local_response_normalization(x, s["size"] // 2, **how)
        case "ReLU":
            return tf.nn.relu(x)
        case "GELU":
            return tf.nn.gelu(x, approximate=s["approximate"] == "tanh")
        case "LeakyReLU":
            return tf.nn.leaky_relu(x, s["negative_slope"])
        case "ELU":
            y = tf.nn.elu(x)
            return y if s["alpha"] == 1 else tf.where(x > 0, y, s["alpha"] * y)
        case "SELU":
            y = tf.nn.elu(x)
            return s["gamma"] * tf.where(x > 0, y, s["alpha"] * y)
        case "SiLU":
            return tf.nn.silu(x)
        case "Mish":
            return x * tf.tanh(tf.nn.softplus(x))
        case "Sigmoid":
            return tf.sigmoid(x)
        case "Tanh":
            return tf.tanh(x)
        case "ScaledTanh":
            return s["alpha"] * tf.tanh(s["beta"] * x)
        case "SelectChannels":
            return tf.gather(x, s["indices"], axis=-1)
        case "RBF":
            return s["scale"] * tf.reduce_sum(tf.square(x[:, None] - weights[0]), 2)
        case "Softsign":
            return tf.nn.softsign(x)
        case "Softplus":
            steep = s["beta"] * x
            return tf.where(steep > s["threshold"], x, tf.nn.softplus(steep) / s["beta"])
        case "Hardswish":
            return x * (tf.nn.relu6(x + 3) / 6)
        case "Hardsigmoid":
            return tf.clip_by_value(s["alpha"] * x + s["beta"], 0, 1)
        case "Hardtanh":
            return tf.clip_by_value(x, s["min_val"], s["max_val"])
        case "ReLU6":
            return tf.nn.relu6(x)
        case "PReLU":
            return tf.where(x > 0, x, weights[0] * x)
        case "Softmax":
            return tf.nn.softmax(x)
        case "LogSoftmax":
            return tf.nn.log_softmax(x)
        case "Flatten" | "Reshape":
            return rearranged(op, x, tf)
        case "Add":
            return inputs[0] + inputs[1]
        case "Mul":
            return inputs[0] * inputs[1]
        case "MatMul":  # channels lie last: both are transposed
            return inputs[1] @ inputs[0]
        case "Concat":
            return tf.concat(inputs, -1)
        case "Dropout" | "Dropout2d":
            return x
    raise NotImplementedError(f"{op.name} has no equivalent")


def _explicit(padding: Pairs) -> Any:
    """The padding of height and width in TensorFlow's format."""
    if not any(map(any, padding)):
        return "VALID"
    return [[0, 0], *map(list, padding), [0, 0]]


def _same(windows: Windows, extents: tuple[int, ...]) -> bool:
    """Whether the windows are those of "SAME", the only padding of pools that XLA supports."""
    each = zip(extents, windows.kernel, windows.stride, windows.divisors.shape, windows.padding, strict=True)
    for extent, kernel, stride, count, (before, _) in each:
        around = max((count - 1) * stride + kernel - extent, 0)
        if count != -(-extent // stride) or before != around // 2:
            return False
    return True


def _add_bias(y: Any, bias: list[Any]) -> Any:
    import tensorflow as tf

    return tf.nn.bias_add(y, bias[0]) if bias else y


def _conv_transpose2d(op: _core.Op, x: Any, kernel: Any) -> Any:
    import tensorflow as tf

    s, (n, h, w, c) = op.settings(), x.shape
    out, high, wide = op.output_shape((c, h, w))
    how = {"padding": _explicit(sides(s["padding"])), "dilations": s["dilation"]}
    return tf.nn.conv2d_transpose(x, kernel, (n, high, wide, out), s["stride"], **how)


def _pool(op: _core.Op, x: Any) -> Any:
    import tensorflow as tf

    _, h, w, c = x.shape
    windows = Windows.of(op, (c, h, w))
    around = [(0, 0), *windows.padding, (0, 0)]
    if "Max" in op.name:
        if max(windows.dilation) == 1:
            padding = "SAME" if _same(windows, (h, w)) else _explicit(windows.padding)
            return tf.nn.max_pool2d(x, windows.kernel, windows.stride, padding)
        if max(windows.stride) > 1:
            raise NotImplementedError(f"{op.name} with dilation and stride has no equivalent")
        wide = tf.pad(x, around, constant_values=-math.inf)
        return tf.nn.pool(wide, windows.kernel, "MAX", dilations=windows.dilation)
    if max(windows.dilation) > 1:
        raise NotImplementedError(f"{op.name} with dilation has no equivalent")
    x = tf.pad(x, around) if any(map(any, windows.padding)) else x
    mean = tf.nn.avg_pool2d(x, windows.kernel, windows.stride, "VALID")
    shares = math.prod(windows.kernel) / windows.divisors
    return mean if (shares == 1).all() else mean * shares[..., None].astype(np.float32)


def _normalized(x: Any, axes: list[int], eps: float) -> Any:
    import tensorflow as tf

    mean, var = tf.nn.moments(x, axes, keepdims=True)
    return (x - mean) * tf.math.rsqrt(var + eps)


def _affine(x: Any, affine: list[Any]) -> Any:
    return x * affine[0] + affine[1] if affine else x


def _group_norm(x: Any, groups: int, eps: float, affine: list[Any]) -> Any:
    import tensorflow as tf

    n, *extents, c = x.shape
    apart = tf.reshape(x, (n, math.prod(extents), groups, c // groups))
    return _affine(tf.reshape(_normalized(apart, [1, 3], eps), x.shape), affine)


def _batch_norm(s: Values, x: Any, own: Values, training: bool) -> tuple[Any, Values]:
    """TensorFlow's fused operation, which returns the unbiased variance, as for running averages."""
    import tensorflow as tf

    n, *extents, c = x.shape
    image = x if len(extents) == 2 else tf.reshape(x, (n, math.prod(extents), 1, c))
    mean, var, share = own["running_mean"], own["running_var"], s["momentum"]
    weight = own.get("weight", np.ones(c, np.float32))
    bias = own.get("bias", np.zeros(c, np.float32))
    given = {} if training else {"mean": mean, "variance": var}
    y, ours, spread = tf.compat.v1.nn.fused_batch_norm(
        image, weight, bias, epsilon=s["eps"], is_training=training, **given
    )
    moved = {
        "running_mean": (1 - share) * mean + share * ours,
        "running_var": (1 - share) * var + share * spread,
    }
    return tf.reshape(y, x.shape), moved if training else {}
