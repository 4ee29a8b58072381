"""JAX as a peer: compiled by XLA for the CPU, images and kernels channels-last (NHWC, HWIO)."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from cnnfast import _core
from cnnfast.border import Array, Labels
from cnnfast.contest import LEARNING_RATE, Call, Lesson
from cnnfast.nn import Module
from cnnfast.torch_twin import operations, parameter_name, sides

Weights = dict[str, Any]
#: Threads of XLA in this process; it takes their number when first used and keeps it.
_threads: int | None = None


@dataclass(frozen=True)
class Jax:
    """Inference, and a training step with Adam, each compiled as a whole."""

    name: str = "jax"

    def inference(self, model: Module, x: Array, threads: int) -> Call | None:
        if not _take_threads(threads):
            return None
        import jax

        run = jax.jit(network(model))
        weights, images = _weights(model), jax.device_put(_nhwc(x))
        return lambda: run(weights, images).block_until_ready()

    def training(self, model: Module, x: Array, target: Labels, threads: int) -> Lesson | None:
        if not _take_threads(threads):
            return None
        import jax

        loss_of = partial(_cross_entropy, network(model))
        images, classes = jax.device_put(_nhwc(x)), jax.device_put(target.astype(np.int32))
        loss, grads = jax.jit(jax.value_and_grad(loss_of))(_weights(model), images, classes)
        step = jax.jit(partial(_adam, loss_of), donate_argnums=(0, 1, 2))
        zeros = {key: np.zeros_like(value) for key, value in _weights(model).items()}
        state = [jax.device_put(_weights(model)), jax.device_put(zeros), jax.device_put(zeros), 0.0]

        def advance() -> float:
            value, *state[:] = step(*state, images, classes)
            return float(value)

        return Lesson(float(loss), _as_ours(grads), advance)


def _take_threads(threads: int) -> bool:
    """Whether XLA runs on so many threads; the first caller decides."""
    global _threads
    if _threads is None:
        os.environ["NPROC"] = str(threads)  # what XLA's CPU client asks for the size of its thread pool
        _threads = threads
    return _threads == threads


def _nhwc(x: Array) -> Array:
    return np.ascontiguousarray(np.moveaxis(x, 1, -1)) if x.ndim == 4 else x


def _weights(model: Module) -> dict[str, Array]:
    """In the layout of `network`: kernels HWIO."""
    state = model.state_dict()
    return {key: np.transpose(v, (2, 3, 1, 0)) if v.ndim == 4 else v for key, v in state.items()}


def _as_ours(grads: Mapping[str, Any]) -> dict[str, Array]:
    arrays = {key: np.asarray(value) for key, value in grads.items()}
    return {key: np.transpose(v, (3, 2, 0, 1)) if v.ndim == 4 else v for key, v in arrays.items()}


def network(model: Module) -> Callable[[Weights, Any], Any]:
    """The module as a function of its weights and a batch, NHWC."""
    nodes = operations(model)

    def logits(weights: Weights, x: Any) -> Any:
        values = [x]
        for op, inputs, name in nodes:
            own = [weights[parameter_name(name, key)] for key in op.parameter_shapes()]
            values.append(_apply(op, [values[i] for i in inputs], own))
        return values[-1]

    return logits


def _apply(op: _core.Op, inputs: list[Any], weights: list[Any]) -> Any:
    import jax
    import jax.numpy as jnp
    from jax import lax

    s, x = op.settings(), inputs[0]
    match op.name:
        case "Conv2d":
            layout = ("NHWC", "HWIO", "NHWC")
            how = {"rhs_dilation": s["dilation"], "feature_group_count": s["groups"]}
            y = lax.conv_general_dilated(
                x, weights[0], s["stride"], sides(s["padding"]), dimension_numbers=layout, **how
            )
            return y + weights[1] if len(weights) > 1 else y
        case "MaxPool2d":
            window, stride = (1, *s["kernel_size"], 1), (1, *s["stride"], 1)
            padding = ((0, 0), *_pool_padding(op, x.shape), (0, 0))
            dilation = (1, *s["dilation"], 1)
            return lax.reduce_window(x, -jnp.inf, lax.max, window, stride, padding, window_dilation=dilation)
        case "Linear":
            y = x @ weights[0].T
            return y + weights[1] if len(weights) > 1 else y
        case "ChannelBias":
            return x + weights[0]
        case "PositionBias":
            return x + jnp.moveaxis(weights[0], 0, -1)
        case "ReLU":
            return jax.nn.relu(x)
        case "GELU":
            return jax.nn.gelu(x, approximate=s["approximate"] == "tanh")
        case "Flatten" | "Reshape":
            nchw = jnp.moveaxis(x, -1, 1)
            return jnp.moveaxis(nchw.reshape(len(x), *op.output_shape(nchw.shape[1:])), 1, -1)
        case "Softmax":
            return jax.nn.softmax(x, -1)
        case "LogSoftmax":
            return jax.nn.log_softmax(x, -1)
        case "Add":
            return inputs[0] + inputs[1]
        case "Concat":
            return jnp.concatenate(inputs, -1)
    raise NotImplementedError(f"jax_peer: no JAX counterpart of {op.name} is known")


def _pool_padding(op: _core.Op, shape: tuple[int, ...]) -> list[tuple[int, int]]:
    """(before, after) for height and width; after is what the last window of our output needs."""
    s, (h, w, c) = op.settings(), shape[1:]
    _, *outputs = op.output_shape((c, h, w))
    pads = []
    for i, extent in enumerate((h, w)):
        before, after = sides(s["padding"])[i]
        reach = (outputs[i] - 1) * s["stride"][i] + s["kernel_size"][i]
        pads.append((before, max(after, reach - extent - before)))
    return pads


def _cross_entropy(logits: Callable[..., Any], weights: Weights, x: Any, target: Any) -> Any:
    import jax
    import jax.numpy as jnp

    log_probs = jax.nn.log_softmax(logits(weights, x), -1)
    return -jnp.take_along_axis(log_probs, target[:, None], 1).mean()


def _adam(
    loss_of: Callable[..., Any], weights: Weights, m: Weights, v: Weights, t: Any, x: Any, target: Any
) -> tuple[Any, Weights, Weights, Weights, Any]:
    """(loss, weights, both moments, steps) after one step with the usual betas."""
    import jax
    import jax.numpy as jnp

    loss, g = jax.value_and_grad(loss_of)(weights, x, target)
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    rate = LEARNING_RATE / (1 - 0.9**t)
    scale = 1 / (1 - 0.999**t)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v * scale) + 1e-8), weights, m, v)
    return loss, weights, m, v, t
