"""TensorFlow as a peer: one compiled function (`tf.function`), images and kernels channels-last, by
TensorFlow's own kernels or by XLA.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import Any

import numpy as np
from cnnfast._types import Array, Labels
from cnnfast.benchmark.networks import LEARNING_RATE, Call, TrainingStep
from cnnfast.nn import Module

from bench.channels_last import Program, Values, images
from bench.tensorflow_operations import apply


@dataclass(frozen=True)
class TensorFlow:
    """Inference, its weights constants; training with the fused Adam of TensorFlow's optimizers."""

    xla: bool = False
    has_float64: bool = False

    @property
    def name(self) -> str:
        return "tensorflow xla" if self.xla else "tensorflow"

    def inference(self, model: Module, x: Array, threads: int) -> Call | None:
        if not _take_threads(threads):
            return None
        tf, program = _tensorflow(), Program.of(model)
        given, batch = program.weights | program.buffers, tf.constant(images(x))

        def logits(x: Any) -> Any:
            constants = {key: tf.constant(value) for key, value in given.items()}
            return program.run(apply, constants, x, False)[0]

        run = self._compiled(logits, batch)
        return lambda: run(batch)

    def training(self, model: Module, x: Array, target: Labels, threads: int) -> TrainingStep | None:
        if not _take_threads(threads):
            return None
        tf, program = _tensorflow(), Program.of(model)
        batch = tf.constant(images(x)), tf.constant(target.astype(np.int32))
        weights = {key: tf.Variable(value) for key, value in program.weights.items()}
        buffers = {key: tf.Variable(value, trainable=False) for key, value in program.buffers.items()}
        adam = _Adam(weights)

        def training_step(x: Any, target: Any) -> tuple[Any, Values, Values]:
            with tf.GradientTape() as tape:
                logits, moved = program.run(apply, weights | buffers, x, True)
                losses = tf.nn.sparse_softmax_cross_entropy_with_logits(labels=target, logits=logits)
                loss = tf.reduce_mean(losses)
            return loss, tape.gradient(loss, weights), moved

        def step(x: Any, target: Any) -> Any:
            loss, grads, moved = training_step(x, target)
            adam.apply(grads)
            for key, value in moved.items():
                buffers[key].assign(value)
            return loss

        loss, grads, _ = self._compiled(training_step, *batch)(*batch)
        run = self._compiled(step, *batch)
        return TrainingStep(float(loss), program.as_ours(grads), lambda: float(run(*batch)))

    def _compiled(self, function: Any, *given: Any) -> Any:
        """The function compiled for these shapes; None if TensorFlow lacks a kernel."""
        tf = _tensorflow()
        compiled = tf.function(function, jit_compile=self.xla, autograph=False).get_concrete_function(*given)
        try:
            compiled(*given)
        except (tf.errors.UnimplementedError, tf.errors.InvalidArgumentError) as error:
            raise NotImplementedError(_reason(error.message)) from None
        return compiled


class _Adam:
    """Moments, and one update by TensorFlow's own kernel, with the usual betas.

    Its epsilon is added before the bias correction, which does not change the cost.
    """

    def __init__(self, weights: Values) -> None:
        tf = _tensorflow()
        self._weights = weights
        self._moments = {
            key: [tf.Variable(tf.zeros_like(value), trainable=False) for _ in range(2)]
            for key, value in weights.items()
        }
        self._powers = [tf.Variable(beta, trainable=False) for beta in (0.9, 0.999)]

    def apply(self, grads: Values) -> None:
        tf = _tensorflow()
        for key, weight in self._weights.items():
            tf.raw_ops.ResourceApplyAdam(
                var=weight.handle,
                m=self._moments[key][0].handle,
                v=self._moments[key][1].handle,
                beta1_power=self._powers[0],
                beta2_power=self._powers[1],
                lr=LEARNING_RATE,
                beta1=0.9,
                beta2=0.999,
                epsilon=1e-8,
                grad=grads[key],
            )
        for power, beta in zip(self._powers, (0.9, 0.999), strict=True):
            power.assign(power * beta)


def _reason(message: str) -> str:
    """The line of an error message with the reason, without the stack."""
    around = ("Graph execution error", "Detected at node", " ", "\t")
    return next((line for line in message.splitlines() if line and not line.startswith(around)), message)


def _tensorflow() -> Any:
    """Imports TensorFlow on first use, without log output, for the CPU only."""
    os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")
    import tensorflow

    return tensorflow


def _take_threads(threads: int) -> bool:
    """Whether TensorFlow uses this number of threads, which the first call sets."""
    tf = _tensorflow()
    config = tf.config.threading
    if config.get_intra_op_parallelism_threads() != threads:
        try:
            config.set_intra_op_parallelism_threads(threads)
            config.set_inter_op_parallelism_threads(1)
            tf.config.set_visible_devices([], "GPU")
        except RuntimeError:  # it has already run with another number
            return False
    return True
