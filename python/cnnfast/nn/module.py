"""`Module`: base class of layers and networks, with settings, parameters and the passes through the engine.

Arithmetic is done by the engine: a module describes itself as a graph of operations, and the Plan made of
that graph (cached for each input shape) runs it.
"""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Mapping
from glob import escape
from os import PathLike
from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import check_array, check_integer, check_number, dtype_cure, ieee_arithmetic, type_of
from .._core import all_finite
from .._types import Array, Shape
from ..losses import Loss, as_loss, targets
from .described import Description
from .drawing import draw
from .finite import warn_of_weights
from .freezing import copy_frozen
from .planned import Planned
from .registry import blank
from .serialization import save
from .summary import table
from .task import answers, probabilities, warn_of_nan
from .trace import Trace, trace_of

if TYPE_CHECKING:
    from matplotlib.axes import Axes
    from matplotlib.figure import Figure
    from typing_extensions import Self


class Module(Planned):
    """One layer or a whole network: callable, trainable, savable.

    `m(x)` is inference: it is stateless, and may be called from several threads at once. `forward`,
    `backward` and `loss_and_grad` are training passes: they write to the module, so only one thread may use
    them at a time.
    """

    # ---------------------------------------------------------------- to be defined by subclasses

    @abstractmethod
    def children(self) -> dict[str, Module]:
        """The modules directly inside this one, by name; empty for a layer."""

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """Type and settings as nested plain data (without parameters); `nn.from_config` rebuilds the
        module."""

    @abstractmethod
    def blank_copy(self) -> Self:
        """The same architecture with its own block, all parameters zero."""

    @classmethod
    @abstractmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        """The module that `settings` (plain data) describe, all parameters zero."""

    @classmethod
    @abstractmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        """`named_shapes` of the module that `settings` describe, without building it."""

    # ---------------------------------------------------------------- inference

    def __call__(self, x: Array, *, exact: bool = False) -> Array:
        """Inference: the output for each row of x.

        Args:
            x: (n, *input_shape) in the module's dtype, or uint8 images (n, c, h, w), (n, h, w) if c is 1;
                those are normalized by `preprocessing`.
            exact: True runs every layer separately and uses direct summation in convolutions; False may use
                Winograd's algorithm, which is faster but rounds more, and fuse layers.

        Raises:
            TypeError: Not an array, or of another dtype.
            ValueError: A shape that does not fit.

        Warns:
            UserWarning: Once, if floats are probably not on the scale the network was trained on.

        Cost: one call into the engine; the Plan is made on the first call with a new shape.

        Example:
            >>> from cnnfast import nn
            >>> nn.ReLU()(np.array([[-1.0, 2.0]], dtype=np.float32))
            array([[0., 2.]], dtype=float32)
        """
        plan, x = self.prepare(x, exact)
        if self._looks and x.dtype != np.uint8:
            self._look_at_scale(x)
        return plan.forward(x, self.flat_parameters, self._block.version)

    def predict_proba(self, x: Array) -> Array:
        """Probabilities, by the network's `task`.

        Args:
            x: As in a call.

        Shapes:
            "multiclass": (n, classes), the softmax of the outputs along axis 1.
            "binary": (n, 2), the probabilities of class 0 and class 1, as in scikit-learn.
            "multilabel": (n, outputs), the probability of each label.
            Outputs with positions, (n, c, h, w), keep these axes.

        Raises:
            ValueError: The task is "regression", or unknown for a single output.
            TypeError, ValueError: As in a call.

        Warns:
            UserWarning: Outputs are NaN, or weights NaN or infinite.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Sequential(nn.Linear(2, 1), nn.Sigmoid(), seed=0)
            >>> model.predict_proba(np.zeros((5, 2), dtype=np.float32)).shape
            (5, 2)
        """
        y = self(x)
        self._warn_of_outputs("predict_proba", x, y)
        task = self.task_for(f"{type(self).__name__}.predict_proba", y.shape[1])
        if task == "regression":
            raise ValueError(
                f"{type(self).__name__}.predict_proba: there are no probabilities if model.task is "
                '"regression"; use predict(x) or model(x)'
            )
        return probabilities(task, self.output_kind, y)

    def predict(self, x: Array) -> Array:
        """The prediction for each row, by the network's `task`.

        Args:
            x: As in a call.

        Shapes:
            "multiclass": (n,) int64, the index of the most likely class, the first of equal ones.
            "binary": (n,) int64, 1 if class 1 has a probability above 0.5, else 0.
            "multilabel": (n, outputs) int64, the same for each output.
            "regression": (n, outputs), the outputs.
            Outputs with positions, (n, c, h, w), have a prediction for each: (n, h, w), or (n, c, h, w).

        Raises:
            ValueError: The task is unknown for a single output.
            TypeError, ValueError: As in a call.

        Warns:
            UserWarning: Outputs are NaN, or weights NaN or infinite.
        """
        y = self(x)
        self._warn_of_outputs("predict", x, y)
        task = self.task_for(f"{type(self).__name__}.predict", y.shape[1])
        return answers(task, self.output_kind, y)

    # ---------------------------------------------------------------- training passes

    def forward(self, x: Array, seed: int | None = None) -> Array:
        """A training pass: returns the output, and stores what `backward` needs. Shapes as in a call.

        Batch normalization uses mean and variance of this batch, and updates its running averages.

        Args:
            seed: Seed for dropout; None draws new random numbers each time.
        """
        plan, x = self.prepare(x)
        y, tape = plan.forward_train(x, self.flat_parameters, noise_seed(type(self).__name__, seed))
        if plan.has_buffers:
            plan.update_buffers(self.flat_parameters, self.flat_gradients, tape)
            self._block.touch()
        self._tape = (plan, tape, y.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """Backpropagate through the last `forward`: overwrites `gradients()` and returns d loss / d x.

        Args:
            dy: d loss / d y, shape and dtype of what `forward` returned.

        Raises:
            RuntimeError: `forward` was not called before.
            TypeError: Not an array of the module's dtype.
            ValueError: Another shape than the output's.
        """
        who = type(self).__name__
        if self._tape is None:
            raise RuntimeError(f"{who}: backward needs a forward before it")
        plan, tape, shape = self._tape
        dy = check_array(who, "dy", dy, self.dtype)
        if dy.dtype != self.dtype:
            cure = dtype_cure("dy", dy, self.dtype)
            raise TypeError(f"{who}: dy must be a {self.dtype} array, got {type_of(dy)}; {cure}")
        if dy.shape != shape:
            raise ValueError(f"{who}: dy must have the shape of the output {shape}, got {dy.shape}")
        return plan.backward(np.ascontiguousarray(dy), tape, self.flat_parameters, self.flat_gradients)

    @ieee_arithmetic
    def loss_and_grad(
        self,
        x: Array,
        target: Array,
        loss: Loss | str = "cross_entropy",
        seed: int | None = None,
        *,
        weight: float = 1.0,
    ) -> tuple[float, dict[str, Array]]:
        """Mean loss of the rows, and its gradient by each parameter, in one pass through the engine.

        Args:
            x: As in a call.
            target: (n,) integers, the class of each row, or (n, h, w), that of each position of an output
                (c, h, w); for regression losses, an array of the shape and dtype of the output; for
                "cross_entropy" either (then probabilities).
            loss: A name, "cross_entropy" (for logits), "nll" (for log-probabilities), "mse", "l1",
                "smooth_l1", "huber" or "bce_with_logits"; or an object of `cnnfast.losses`, with settings.
            seed: As in `forward`.
            weight: Factor of the loss and all gradients. If it is the part's fraction of the rows, losses and
                gradients of the parts of a batch add up to those of the batch.

        Returns:
            The loss, and copies of the gradients keyed like `state_dict()`, frozen parameters included.

        Raises:
            TypeError, ValueError: As in a call; labels that are not integers, or out of range; no rows; a
                loss that contradicts the last layer of the network or its `task`.
        """
        who = type(self).__name__
        loss = as_loss(who, loss)
        weight = check_number(who, "weight", weight, 0, float("inf"))
        plan, x = self.prepare(x)
        self.check_loss(who, loss, plan.output_shape[0])
        target = targets(who, "target", target, loss, plan.output_shape, self.dtype, len(x))
        if self.trained_on is None:
            self.record_input(x)
        engine, noise = loss.engine_loss(), noise_seed(who, seed)
        value, *_ = plan.loss_and_grad(
            x, target, self.flat_parameters, self.flat_gradients, None, engine, noise
        )
        if plan.has_buffers:
            plan.update_buffers(self.flat_parameters, self.flat_gradients)
            self._block.touch()
        if weight != 1:
            value *= weight
            self.flat_gradients[:] *= self.dtype.type(weight)
        return value, {name: grad.copy() for name, grad in self.gradients().items()}

    def trace(
        self,
        x: Array,
        *,
        backward: bool = False,
        target: Array | None = None,
        loss: Loss | str = "cross_entropy",
        dy: Array | None = None,
        training: bool = False,
        seed: int | None = None,
    ) -> Trace:
        """Output of every layer, computed one layer at a time; the module is not changed.

        The values equal those of the chain of single layers in exact mode, bit for bit. They may differ by
        rounding from `model(x)`, which fuses layers.

        Args:
            x: As in a call.
            backward: Compute the gradients too, which needs a target or `dy`. This is a training pass.
            target, loss: As of `loss_and_grad`.
            dy: d loss / d output, shape and dtype of the output, in place of a target.
            training: Batch normalization uses the statistics of this batch, and dropout draws.
            seed: As of `forward`; every dropout layer gets it.

        Returns:
            A `Trace`: `outputs`, `output_gradients` and `gradients`, dicts by name in the order of
            computation. Names are the prefixes in `state_dict()`, "" for a single layer; the joins of
            containers are "add" and "concat". `Identity` has no operation and no entry.

        Raises:
            TypeError: As in a call; `dy` of another dtype.
            ValueError: As in a call; not exactly one of `target` and `dy` for a backward pass, or one of them
                without it; `dy` of another shape.

        Cost: a plan for every layer and memory for all outputs: for inspection, not for training.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Sequential(nn.Linear(2, 3), nn.ReLU(), seed=0)
            >>> trace = model.trace(np.ones((1, 2), dtype=np.float32))
            >>> {name: y.shape for name, y in trace.outputs.items()}
            {'0': (1, 3), '1': (1, 3)}
        """
        who = f"{type(self).__name__}.trace"
        kind = None if target is None else as_loss(who, loss)
        return trace_of(who, self, x, backward, target, kind, dy, training, noise_seed(who, seed))

    # ---------------------------------------------------------------- copies and files

    def copy(self) -> Self:
        """An independent copy with the same settings, parameters and frozen parameters."""
        twin = self.blank_copy().to(self.dtype)
        twin.flat_parameters[:] = self.flat_parameters
        twin.describe(self.description())
        copy_frozen(self, twin)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        return _restore, (self.to_config(), self.flat_parameters.copy(), self.description(), self.frozen)

    def save(
        self,
        path: str | PathLike[str],
        *,
        training: Mapping[str, Any] | None = None,
        dtype: str | None = None,
    ) -> None:
        """Write the model to one file, atomically; see `cnnfast.nn.serialization.save`."""
        save(self, path, training=training, dtype=dtype)

    # ---------------------------------------------------------------- as text

    def summary(self, batch: int | None = None) -> str:
        """A table of the layers, their cost for one image, and totals.

        Columns: the output shape; parameters, and buffers (such as running averages, which are not trained),
        if any; multiply-accumulates (MACs); bytes of the output; settings, without defaults except kernel,
        stride and padding. A network with branches has a column with the inputs of each layer, empty if that
        is the line above. On a narrow terminal, a layer takes several lines. Below the table are the memory
        that the engine needs for one image (values, what backward needs, and gradients, after fusing layers
        and reusing memory) and the number of frozen parameters. Without an `input_shape` there are no shapes,
        MACs and bytes.

        Args:
            batch: Number of images for which the whole memory is shown instead, as `memory` predicts it.

        Example:
            >>> from cnnfast import nn
            >>> model = nn.Residual(nn.Linear(2, 2))
            >>> model.input_shape = (2,)
            >>> print("\\n".join(model.summary().splitlines()[:5]))
            Residual, input (2,)
            layer        reads        output shape  parameters  MACs  bytes  settings
            -------------------------------------------------------------------------
            body Linear               (2,)                   6     4      8  2 to 2
            add Add      body, input  (2,)                   0     0      8
        """
        return table(self, batch)

    def draw(self, path: str | PathLike[str]) -> None:
        """Write an image of the network's graph to an SVG file, atomically.

        Layers are boxes from top to bottom, with name, settings, output shape and parameters; branches are
        side by side. Activations, normalization, dropout and Flatten are in the box of the layer before them,
        unless that is read by others too.

        Args:
            path: The file; must end in .svg.

        Raises:
            TypeError: `path` is not the name of a file.
            ValueError: It does not end in .svg, or the network has no `input_shape`.
            OSError: The file cannot be written.

        Example:
            >>> import tempfile
            >>> from cnnfast import models
            >>> path = tempfile.mkdtemp() + "/d4.svg"
            >>> models.d4().draw(path)
            >>> with open(path) as file:
            ...     file.read(4)
            '<svg'
        """
        draw(self, path)

    def plot_kernels(self, layer: str | None = None, *, most: int = 16, ax: Axes | None = None) -> Figure:
        """Draw the kernels of a convolution with matplotlib; see `cnnfast.plot.kernels`."""
        from ..plot.kernels import kernels

        return kernels(self, layer, most=most, ax=ax)

    def __str__(self) -> str:
        return repr(self) if self.is_lazy() else self.summary()

    def _warn_of_outputs(self, call: str, x: Array, y: Array) -> None:
        if not all_finite(y) and not warn_of_weights(f"{type(self).__name__}: {call}", self):
            warn_of_nan(f"{type(self).__name__}: {call}", x, y)


def noise_seed(who: str, seed: int | None) -> int:
    """The engine's random seed for one training pass."""
    return secrets.randbits(64) if seed is None else check_integer(who, "seed", seed, 0) % 2**64


def _restore(
    config: Mapping[str, Any], values: Array, description: Description, frozen: tuple[str, ...]
) -> Module:
    module = blank(config).to(values.dtype)
    module.flat_parameters[:] = values
    module.describe(description)
    if frozen:
        module.freeze(*(escape(name) for name in frozen))
    return module
