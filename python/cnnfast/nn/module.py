"""`Module`: what every layer and every network is: settings, parameters, and the passes through the engine.

The arithmetic is the engine's: a module describes itself as a graph of operations, and the Plan made of that
graph (kept for each input shape) does all the work.
"""

from __future__ import annotations

import secrets
from abc import abstractmethod
from collections.abc import Mapping, Sequence
from glob import escape
from os import PathLike
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from .._checks import check_array, check_integer, check_number, dtype_cure, ieee_arithmetic, type_of
from .._core import Graph, Plan, Reshape, Tape, all_finite
from .._types import Array, Shape
from ..losses import Loss, as_loss, targets
from .block import Block, count
from .described import Described
from .finite import warn_of_weights
from .freezing import copy_frozen
from .image_axes import axes_cure, refuse_channels_last
from .task import answers, check_loss, probabilities, warn_of_nan

if TYPE_CHECKING:
    from typing_extensions import Self

    from .._core import Op

#: Plans kept for each module; a network fed with ever new image sizes forgets the oldest.
_MAX_PLANS = 32


class GraphBuilder(Protocol):
    """What a module adds its operations to: the engine's Graph, or something that watches."""

    def add(self, op: Op, inputs: Sequence[int], name: str = "") -> int: ...


class Module(Described):
    """One layer or a whole network: callable, trainable, savable.

    `m(x)` is inference: it keeps nothing, and may be called from several threads at once. `forward`,
    `backward` and `loss_and_grad` are training passes: they write to the module, so one thread at a time.
    """

    _tape: tuple[Plan, Tape, Shape] | None

    # ---------------------------------------------------------------- what a kind of module defines

    @abstractmethod
    def children(self) -> dict[str, Module]:
        """The modules directly inside this one, by name; empty for a layer."""

    @abstractmethod
    def to_config(self) -> dict[str, Any]:
        """Type and settings as plain nested data (no parameters); `nn.from_config` builds it again."""

    @abstractmethod
    def _add_to(self, graph: GraphBuilder, value: int, prefix: str) -> int:
        """Adds this module's operations behind `value` and returns the value that comes out."""

    @abstractmethod
    def _blank_copy(self) -> Self:
        """The same architecture with its own block, all parameters zero."""

    @classmethod
    @abstractmethod
    def _from_settings(cls, settings: Mapping[str, Any], depth: int) -> Module:
        """The module that `settings` (plain data) describe, all parameters zero."""

    @classmethod
    @abstractmethod
    def _shapes_of(cls, settings: Mapping[str, Any], prefix: str, depth: int) -> list[tuple[str, Shape]]:
        """`_named_shapes` of the module that `settings` describe, without building it."""

    # ---------------------------------------------------------------- inference

    def __call__(self, x: Array, *, exact: bool = False) -> Array:
        """Inference: the output for each row of x; nothing is remembered.

        Args:
            x: (n, *input_shape) in the module's dtype, or uint8 images (n, c, h, w), (n, h, w) if c is 1;
                those are normalized by `preprocessing` on the way.
            exact: True runs every layer by itself and sums the products of a convolution themselves; False
                may use Winograd's algorithm, which is faster and rounds more, and fuse layers.

        Raises:
            TypeError: Not an array, or of another dtype.
            ValueError: A shape that does not fit.

        Warns:
            UserWarning: Once, if floats cannot be the pixels that the network was made for.

        Cost: one call into the engine; the Plan is made on the first call with a new shape.

        Example:
            >>> from cnnfast import nn
            >>> nn.ReLU()(np.array([[-1.0, 2.0]], dtype=np.float32))
            array([[0., 2.]], dtype=float32)
        """
        plan, x = self._prepare(x, exact)
        if self._looks and x.dtype != np.uint8:
            self._look_at_scale(x)
        return plan.forward(x, self._values, self._block.version)

    def predict_proba(self, x: Array) -> Array:
        """Probabilities, by the network's `task`.

        Args:
            x: As in a call.

        Shapes:
            "multiclass": (n, classes), the softmax of the outputs along axis 1.
            "binary": (n, 2), the probabilities of class 0 (no) and class 1 (yes), as scikit-learn has them.
            "multilabel": (n, outputs), each output's own probability of yes.
            Outputs with positions, (n, c, h, w), keep them behind axis 1.

        Raises:
            ValueError: The task is "regression", or not known while there is only one output.
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
        task = self._task_of(f"{type(self).__name__}.predict_proba", y.shape[1])
        if task == "regression":
            raise ValueError(
                f"{type(self).__name__}.predict_proba: there are no probabilities where model.task is "
                '"regression"; use predict(x) or model(x)'
            )
        return probabilities(task, self._output_kind, y)

    def predict(self, x: Array) -> Array:
        """The answer for each row, by the network's `task`.

        Args:
            x: As in a call.

        Shapes:
            "multiclass": (n,) int64, the number of the most likely class, the first one among equals.
            "binary": (n,) int64, 1 where class 1 has a probability above 0.5, else 0.
            "multilabel": (n, outputs) int64, the same for each output.
            "regression": (n, outputs), the outputs themselves.
            Outputs with positions, (n, c, h, w), have an answer for each: (n, h, w), or (n, c, h, w).

        Raises:
            ValueError: The task is not known while there is only one output.
            TypeError, ValueError: As in a call.

        Warns:
            UserWarning: Outputs are NaN, or weights NaN or infinite.
        """
        y = self(x)
        self._warn_of_outputs("predict", x, y)
        task = self._task_of(f"{type(self).__name__}.predict", y.shape[1])
        return answers(task, self._output_kind, y)

    # ---------------------------------------------------------------- training passes

    def forward(self, x: Array, seed: int | None = None) -> Array:
        """A training pass: the output, remembering what `backward` needs. Shapes as in a call.

        Batch normalization takes mean and variance of this batch, and moves its running averages.

        Args:
            seed: Of what dropout draws; None draws again each time.
        """
        plan, x = self._prepare(x)
        y, tape = plan.forward_train(x, self._values, noise_seed(type(self).__name__, seed))
        if plan.has_buffers:
            plan.update_buffers(self._values, self._flat_gradients, tape)
            self._block.touch()
        self._tape = (plan, tape, y.shape)
        return y

    def backward(self, dy: Array) -> Array:
        """Back through the last `forward`: fills `gradients()` (overwriting) and returns d loss / d x.

        Args:
            dy: d loss / d y, shape and dtype of what `forward` returned.

        Raises:
            RuntimeError: No `forward` before it.
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
        return plan.backward(np.ascontiguousarray(dy), tape, self._values, self._flat_gradients)

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
                (c, h, w); for losses of numbers, an array of the shape and dtype of the output; for
                "cross_entropy" either (then probabilities).
            loss: A name, "cross_entropy" (for logits), "nll" (for log-probabilities), "mse", "l1",
                "smooth_l1", "huber" or "bce_with_logits"; or an object of `cnnfast.losses`, where those with
                settings are.
            seed: As of `forward`.
            weight: Times this, the loss and all gradients. With its share of the rows as the weight of each
                part of a batch, losses and gradients of the parts add up to those of the batch.

        Returns:
            The loss, and copies of the gradients keyed like `state_dict()`, frozen parameters included.

        Raises:
            TypeError, ValueError: As in a call; labels that are no integers, or outside of the classes; no
                rows; a loss that contradicts the end of the network or its `task`.
        """
        who = type(self).__name__
        loss = as_loss(who, loss)
        weight = check_number(who, "weight", weight, 0, float("inf"))
        plan, x = self._prepare(x)
        check_loss(who, loss, self._output_kind, self._task, plan.output_shape[0])
        target = targets(who, "target", target, loss, plan.output_shape, self.dtype, len(x))
        if self._trained_on is None:
            self._train_on(x)
        engine, noise = loss._engine(), noise_seed(who, seed)
        value, *_ = plan.loss_and_grad(x, target, self._values, self._flat_gradients, None, engine, noise)
        if plan.has_buffers:
            plan.update_buffers(self._values, self._flat_gradients)
            self._block.touch()
        if weight != 1:
            value *= weight
            self._flat_gradients[:] *= self.dtype.type(weight)
        return value, {name: grad.copy() for name, grad in self.gradients().items()}

    # ---------------------------------------------------------------- copies and files

    def copy(self) -> Self:
        """An independent module with the same settings and equal parameters, frozen where this one is."""
        twin = self._blank_copy().to(self.dtype)
        twin._values[:] = self._values
        twin._input_shape, twin._classes = self._input_shape, self._classes
        twin._hold_preprocessing(self._preprocessing)
        twin._task, twin._trained_for, twin._trained_on = self._task, self._trained_for, self._trained_on
        copy_frozen(self, twin)
        return twin

    def __reduce__(self) -> tuple[Any, ...]:
        settings = (self._input_shape, self._classes, self._preprocessing)
        learned = (self._task, self._trained_for, self._trained_on)
        return _restore, (self.to_config(), self._values.copy(), settings, self.frozen, learned)

    def save(self, path: str | PathLike[str], *, training: Mapping[str, Any] | None = None) -> None:
        """Write the model to one file, atomically; see `cnnfast.nn.serialization.save`."""
        from .serialization import save

        save(self, path, training=training)

    # ---------------------------------------------------------------- what the engine makes of it

    def plan(self, input_shape: Sequence[int] | None = None, *, exact: bool = False) -> Plan:
        """What the engine makes of this module: ``print(model.plan())`` shows which layers run as one, by
        which algorithm, with how many FLOPs and how much memory.

        Args:
            input_shape: Of one input; None takes the module's own.
            exact: As of a call.

        Raises:
            ValueError: No shape is known, or it does not fit.

        Example:
            >>> from cnnfast import models
            >>> "winograd 4x4" in str(models.hello_dl_letters().plan())
            True
        """
        shape = self._input_shape if input_shape is None else tuple(input_shape)
        if shape is None:
            raise ValueError(
                f"{type(self).__name__}: plan needs an input_shape, this module has none of its own"
            )
        return self._plan_for(shape, exact)

    def summary(self) -> str:
        """A table of the layers, what it costs to run them on one image, and totals.

        Columns: the output shape; parameters, and buffers (such as running averages, which are not learned)
        where there are any; multiply-accumulates (MACs); bytes of the output, all of which a training pass
        would keep if every layer ran by itself; settings, without those at their default except kernel,
        stride and padding. A network with branches has a column of what each layer reads, empty where that
        is the line above. Where the terminal is too narrow, a layer takes several lines. Below stands the
        memory the engine really takes for an image: for values, what backward needs of them, and gradients,
        after fusing layers and reusing memory; and how many parameters are frozen. Without an `input_shape`
        there are no shapes, MACs and bytes.

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
        from .summary import table

        return table(self)

    def __str__(self) -> str:
        return self.summary()

    # ---------------------------------------------------------------- inside

    def _place(self, block: Block, start: int) -> int:
        self._plans = {}
        self._tape = None
        return super()._place(block, start)

    def _output_shape(self, input_shape: Shape) -> Shape:
        graph = Graph(input_shape)
        return graph.shape(self._add_to(graph, 0, ""))

    def _warn_of_outputs(self, call: str, x: Array, y: Array) -> None:
        if not all_finite(y) and not warn_of_weights(f"{type(self).__name__}: {call}", self):
            warn_of_nan(f"{type(self).__name__}: {call}", x, y)

    def _takes_other_sizes(self, shape: Shape) -> bool:
        """Whether the network also takes images much larger than `shape`. A Linear behind a Flatten does not;
        one pixel more might pass it unseen, lost in a pool.
        """
        return len(shape) > 1 and self._layers_take((shape[0], *(2 * extent for extent in shape[1:])))

    def _layers_take(self, shape: Shape) -> bool:
        """Whether an input of this shape would fit, whatever `input_shape` says."""
        try:
            self._output_shape(shape)
        except ValueError:
            return False
        return True

    def _prepare(self, x: Array, exact: bool = False) -> tuple[Plan, Array]:
        """The Plan for this input, and the input as the engine takes it."""
        if type(x) is not np.ndarray:
            x = check_array(type(self).__name__, "x", x, self.dtype)
        given = x
        if x.dtype == np.uint8:
            if x.ndim == 3:
                if self._input_shape is None:
                    refuse_channels_last(type(self).__name__, x.shape)
                x = x[:, None]
            elif x.ndim != 4:
                raise ValueError(
                    f"{type(self).__name__}: uint8 x must be images, (n, h, w) or (n, c, h, w), "
                    f"got {x.shape}{axes_cure(x.shape, self._takes)}"
                )
        elif x.dtype != self._values.dtype:
            raise TypeError(
                f"{type(self).__name__}: x must be {self.dtype} or uint8, got {x.dtype}; "
                f"{dtype_cure('x', x, self.dtype)}"
            )
        plan = None if exact else self._plans.get(x.shape[1:])
        if plan is None:
            plan = self._make_plan(x.shape[1:], given.shape, exact)
        if not x.flags.c_contiguous:
            x = np.ascontiguousarray(x)
        return plan, x

    def _make_plan(self, shape: Shape, given: Shape, exact: bool) -> Plan:
        """The Plan for rows of this shape, of an array that was given with another one, perhaps."""
        expected = self._input_shape
        if len(given) < 2 or 0 in shape or (expected is not None and shape != expected):
            rows = "(n, ...)" if expected is None else f"(n, {', '.join(map(str, expected))})"
            cure = axes_cure(given, self._takes)
            if not cure and expected is not None and 0 not in shape and self._layers_take(shape):
                free = self._takes_other_sizes(expected)
                cure = "; the layers take any size: set input_shape to None to allow it" if free else ""
            raise ValueError(f"{type(self).__name__}: x must have shape {rows}, got {given}{cure}")
        try:
            return self._plan_for(shape, exact)
        except ValueError as error:
            cure = axes_cure(given, self._takes)
            if not cure:
                raise
            raise ValueError(f"{error}{cure}") from None

    def _takes(self, shape: Shape) -> bool:
        """Whether an input of this shape fits."""
        if self._input_shape is not None or 0 in shape or len(shape) == 0:
            return shape == self._input_shape
        return self._layers_take(shape)

    def _plan_for(self, shape: Shape, exact: bool = False) -> Plan:
        key: tuple[int | str, ...] = ("exact", *shape) if exact else shape
        with self._lock:
            plans = self._plans
            if key not in plans:
                plan = self._build_plan(shape, exact)
                if len(plans) >= _MAX_PLANS:
                    del plans[next(iter(plans))]
                plans[key] = plan
            return plans[key]

    def _build_plan(self, shape: Shape, exact: bool) -> Plan:
        graph = Graph(shape)
        self._add_to(graph, 0, "")
        if len(graph) == 0:  # nothing but Identity; a plan has to do something
            graph.add(Reshape(shape), [0])
        plan = Plan(graph, self.dtype.name, *self._preprocessing.affine(shape), exact=exact)
        start = 0
        for (name, expected), window in zip(self._named_shapes(), plan.parameters, strict=True):
            assert window == (name, start, expected), (window, name, start, expected)
            start += count([expected])
        return plan


def noise_seed(who: str, seed: int | None) -> int:
    """What the engine draws from in one training pass."""
    return secrets.randbits(64) if seed is None else check_integer(who, "seed", seed, 0) % 2**64


def _restore(
    config: Mapping[str, Any],
    values: Array,
    settings: tuple[Any, ...],
    frozen: tuple[str, ...] = (),
    learned: tuple[Any, ...] = (None, None, None),
) -> Module:
    from .registry import blank

    module = blank(config).to(values.dtype)
    module._values[:] = values
    module._input_shape, module._classes, preprocessing = settings
    module._task, module._trained_for, module._trained_on = learned
    module._hold_preprocessing(preprocessing)
    if frozen:
        module.freeze(*(escape(name) for name in frozen))
    return module
