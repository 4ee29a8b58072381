"""JAX as a peer: compiled by XLA for the CPU, images and kernels channels-last."""

from __future__ import annotations

import os
from dataclasses import dataclass
from functools import partial
from typing import Any

import numpy as np
from cnnfast._types import Array, Labels
from cnnfast.benchmark.networks import LEARNING_RATE, Call, TrainingStep
from cnnfast.nn import Module

from bench.channels_last import Program, Values, images
from bench.jax_operations import apply

#: Threads of XLA in this process; their number is fixed on first use.
_threads: int | None = None


@dataclass(frozen=True)
class Jax:
    """Inference, and a training step with Adam, each compiled as a whole."""

    name: str = "jax"
    has_float64: bool = False

    def inference(self, model: Module, x: Array, threads: int) -> Call | None:
        if not _take_threads(threads):
            return None
        import jax

        program = Program.of(model)
        run = jax.jit(lambda given, x: program.run(apply, given, x, False)[0])
        given, batch = jax.device_put((program.weights | program.buffers, images(x)))
        return lambda: run(given, batch).block_until_ready()

    def training(self, model: Module, x: Array, target: Labels, threads: int) -> TrainingStep | None:
        if not _take_threads(threads):
            return None
        import jax

        program = Program.of(model)
        loss_of = partial(_cross_entropy, program)
        batch = jax.device_put((images(x), target.astype(np.int32)))
        loss_and_grads = jax.jit(jax.value_and_grad(loss_of, has_aux=True))
        (loss, _), grads = loss_and_grads(program.weights, program.buffers, *batch)
        step = jax.jit(partial(_adam, loss_of), donate_argnums=(0, 1, 2, 3))
        zeros = {key: np.zeros_like(value) for key, value in program.weights.items()}
        state = [*map(jax.device_put, (program.weights, program.buffers, zeros, zeros)), 0.0]

        def run_step() -> float:
            value, *state[:] = step(*state, *batch)
            return float(value)

        return TrainingStep(float(loss), program.as_ours(grads), run_step)


def _take_threads(threads: int) -> bool:
    """Whether XLA uses this number of threads, which the first call sets."""
    global _threads
    if _threads is None:
        os.environ["NPROC"] = str(threads)  # XLA's CPU client reads the size of its thread pool from it
        _threads = threads
    return _threads == threads


def _cross_entropy(
    program: Program, weights: Values, buffers: Values, x: Any, target: Any
) -> tuple[Any, Values]:
    """The mean loss of a training pass, and the updated buffers."""
    import jax
    import jax.numpy as jnp

    logits, moved = program.run(apply, weights | buffers, x, True)
    log_probs = jax.nn.log_softmax(logits, -1)
    return -jnp.take_along_axis(log_probs, target[:, None], 1).mean(), buffers | moved


def _adam(
    loss_of: Any, weights: Values, buffers: Values, m: Values, v: Values, t: Any, x: Any, target: Any
) -> tuple[Any, Values, Values, Values, Values, Any]:
    """(loss, weights, buffers, both moments, steps) after one step with the usual betas."""
    import jax
    import jax.numpy as jnp

    (loss, buffers), g = jax.value_and_grad(loss_of, has_aux=True)(weights, buffers, x, target)
    t = t + 1
    m = jax.tree.map(lambda m, g: 0.9 * m + 0.1 * g, m, g)
    v = jax.tree.map(lambda v, g: 0.999 * v + 0.001 * g * g, v, g)
    rate = LEARNING_RATE / (1 - 0.9**t)
    scale = 1 / (1 - 0.999**t)
    weights = jax.tree.map(lambda w, m, v: w - rate * m / (jnp.sqrt(v * scale) + 1e-8), weights, m, v)
    return loss, weights, buffers, m, v, t
