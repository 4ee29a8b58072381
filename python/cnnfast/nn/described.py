"""`Described`: metadata of a network: shapes, class names, task, preprocessing, and the type trained on."""

from __future__ import annotations

import threading
from abc import abstractmethod
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from .._checks import check_integer, type_of, warn_caller
from .._types import Array, Shape
from ..losses import Loss
from .input_scale import InputKind, wrong_scale
from .parameter_tree import ParameterTree
from .preprocessing import Preprocessing
from .task import OutputKind, Task, check_loss, check_task, task_by_end, task_by_loss

#: Number of float inputs whose scale is checked, as single ones may not be conclusive.
_LOOKS = 4


class Description(NamedTuple):
    """What a copy or a file of a network keeps beside its layers and parameters.

    Attributes:
        task: As its user has set it; None if not.
        loss_task: As the loss of the last training implies it.
        trained_on: Kind of the input of the last training.
    """

    input_shape: Shape | None
    classes: tuple[str, ...] | None
    preprocessing: Preprocessing
    task: Task | None
    loss_task: Task | None
    trained_on: InputKind | None


class Described(ParameterTree):
    """The part of a `Module` with the network's metadata."""

    output_kind: OutputKind = "logits"
    #: Whether the kind of the output is that of the input.
    keeps_output_kind: bool = False
    _input_shape: Shape | None
    _classes: tuple[str, ...] | None
    _preprocessing: Preprocessing
    #: The task set by the user, and the task set by the loss of the last training.
    _task: Task | None
    _loss_task: Task | None
    #: Type of input in the last training.
    trained_on: InputKind | None
    #: Number of float inputs whose scale is still to be checked.
    _looks: int
    _lock: threading.Lock

    @abstractmethod
    def _output_shape(self, input_shape: Shape) -> Shape:
        """Shape of one output for inputs of this shape."""

    @property
    def input_shape(self) -> Shape | None:
        """Shape of one input, (c, h, w) or (features,); None if any suitable shape is accepted."""
        return self._input_shape

    @input_shape.setter
    def input_shape(self, shape: Sequence[int] | None) -> None:
        who = type(self).__name__
        if shape is not None:
            if not isinstance(shape, tuple | list):
                raise TypeError(f"{who}: input_shape must be a tuple like (1, 28, 28), got {shape!r}")
            shape = tuple(check_integer(who, "input_shape", extent, 1) for extent in shape)
            outputs = self._output_shape(shape)
            if self._classes is not None:
                _check_classes(who, self._classes, outputs)
            self.materialize(shape)
        self._input_shape = shape
        self._plans = {}

    @abstractmethod
    def materialize(self, input_shape: Shape) -> None:
        """Makes lazy layers ordinary ones, for inputs of this shape."""

    @property
    def output_shape(self) -> Shape | None:
        """Shape of one output; None without an `input_shape`."""
        return None if self._input_shape is None else self._output_shape(self._input_shape)

    @property
    def classes(self) -> tuple[str, ...] | None:
        """Name of each output, in order; for a single binary output, those of the negative and the positive
        class. None if unknown.
        """
        return self._classes

    @classes.setter
    def classes(self, names: Sequence[str] | None) -> None:
        who = type(self).__name__
        if names is not None:
            if not isinstance(names, tuple | list) or not all(isinstance(name, str) for name in names):
                raise TypeError(f"{who}: classes must be a sequence of names, got {names!r}")
            names = tuple(names)
            if self._input_shape is not None:
                _check_classes(who, names, self._output_shape(self._input_shape))
        self._classes = names

    @property
    def task(self) -> Task | None:
        """The meaning of the outputs, used by `predict`, `predict_proba` and `cnnfast.evaluate`.

        "multiclass": one of several classes. "binary": two classes, one output. "multilabel": two classes for
        each output. "regression": values. None: unknown; then several outputs are class logits.

        A task set here takes precedence. Otherwise the loss of the last training (`Trainer`, `fit`)
        determines it: classification losses mean "multiclass", "bce_with_logits" means "binary" for one
        output and "multilabel" for several, regression losses mean "regression". Otherwise the last layer
        does: Softmax and LogSoftmax mean "multiclass" (regardless of the loss), Sigmoid means "binary" or
        "multilabel".

        Raises:
            ValueError: Another value, or a task that contradicts the last layer.

        Example:
            >>> from cnnfast import nn
            >>> nn.Sequential(nn.Linear(4, 3), nn.Softmax()).task
            'multiclass'
        """
        return self._task or self._loss_task or task_by_end(self.output_kind, self.num_outputs())

    @task.setter
    def task(self, task: Task | None) -> None:
        if task is not None:
            task = check_task(type(self).__name__, task, self.output_kind, self.num_outputs())
        self._task = task
        self._loss_task = None

    @property
    def preprocessing(self) -> Preprocessing:
        """Normalization of uint8 input.

        It is stored in the layers that read the network's input: the first layer of a `Sequential`, every
        branch. So it is kept if these layers, or copies of them, are used in another network.
        """
        return self._preprocessing

    @preprocessing.setter
    def preprocessing(self, value: Preprocessing) -> None:
        who = type(self).__name__
        if not isinstance(value, Preprocessing):
            raise TypeError(f"{who}: preprocessing must be a Preprocessing, got {type_of(value)}")
        if self._input_shape is not None:
            value.affine(self._input_shape)
        self.set_preprocessing(value)

    def description(self) -> Description:
        """What is known of the network beside its layers and parameters."""
        known = self._input_shape, self._classes, self._preprocessing
        return Description(*known, self._task, self._loss_task, self.trained_on)

    def describe(self, description: Description) -> None:
        """Sets all of a description that fits this network, unchecked."""
        self._input_shape, self._classes, preprocessing = description[:3]
        self._task, self._loss_task, self.trained_on = description[3:]
        self.set_preprocessing(preprocessing)

    def check_loss(self, who: str, loss: Loss, outputs: int | None) -> None:
        """Raises ValueError if a loss contradicts the last layer or the task of the network.

        Args:
            outputs: Number of outputs; None if it is not known.
        """
        check_loss(who, loss, self.output_kind, self._task, outputs)

    def _set_up(self) -> None:
        self._lock = threading.Lock()
        self._input_shape = None
        self._classes = None
        self._preprocessing = Preprocessing()
        self._task = None
        self._loss_task = None
        self.trained_on = None
        self._looks = _LOOKS

    def set_preprocessing(self, value: Preprocessing) -> None:
        """Sets `preprocessing`, also of the layers that read the input; unchecked."""
        self._preprocessing = value
        self._plans = {}
        self._looks = _LOOKS

    def num_outputs(self) -> int | None:
        """Number of outputs (for each position); None if unknown."""
        shape = self.output_shape
        return None if shape is None else shape[0]

    def task_for(self, who: str, outputs: int) -> Task:
        """The task of a network with this number of outputs; "multiclass" if it is unknown for several."""
        kind = self.output_kind
        task = self._task or self._loss_task or task_by_end(kind, outputs)
        if task is not None:
            return check_task(who, task, kind, outputs)
        if outputs == 1:
            raise ValueError(
                f"{who}: the meaning of a single output is unknown; set model.task to 'binary' (a logit) or "
                "'regression'"
            )
        return "multiclass"

    def record_loss(self, loss: Loss, outputs: int | None) -> None:
        """Sets the task from the loss of a training, unless it depends on an unknown number of outputs."""
        if outputs is not None and self._task is not None:
            check_task(type(self).__name__, self._task, self.output_kind, outputs)
        said = task_by_loss(loss, self.output_kind, outputs)
        if self._task is None and said is not None:
            self._loss_task = said

    def record_input(self, x: Array) -> None:
        """Records whether training uses uint8 pixels or floats."""
        kind: InputKind = "uint8" if x.dtype == np.uint8 else "float"
        if self.trained_on != kind:
            self.trained_on, self._looks = kind, _LOOKS

    def _look_at_scale(self, x: Array) -> None:
        """Checks one of the first float inputs; warns once if its scale is not that of the network."""
        with self._lock:
            if self._looks == 0:
                return
            self._looks -= 1
            plain = self._preprocessing == Preprocessing()
            of_pixels = self.trained_on == "uint8" or (self.trained_on is None and not plain)
            wrong = wrong_scale(x, self._preprocessing) if of_pixels else None
            if wrong is not None:
                self._looks = 0
        if wrong is not None:
            warn_caller(f"{type(self).__name__}: {wrong}")


def _check_classes(who: str, names: Sequence[str], output_shape: Shape) -> None:
    if output_shape != (len(names),) and not (output_shape == (1,) and len(names) == 2):
        raise ValueError(f"{who}: {len(names)} classes do not fit the output shape {output_shape}")
