"""`explain`: every number that a network computes for one image, as the sum that makes it."""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from os import PathLike

import numpy as np

from .._checks import check_number
from .._files import atomic_write
from .._types import Array
from ..datasets import ImageDataset
from ..nn import Module
from ..nn.task import probabilities
from . import receptive_field
from .backward import Backward, score_gradients
from .grad_cam import GradCam, grad_cam
from .neighbors import Neighbor, neighbors
from .network import Network
from .objective import class_index, class_name, objective, prediction, score_value, task_of
from .occlusion import Occlusion, occlusion
from .terms import Index, Terms, flat_index, gradient_terms, value_terms, weight_terms

_WHO = "explain"
#: Training images shown.
_NEIGHBORS = 8


def explain(
    model: Module,
    image: Array,
    *,
    target: object = None,
    backward: bool = False,
    lr: float = 0.1,
    layers: Sequence[str] | None = None,
    train: ImageDataset | None = None,
    title: str = "",
) -> Explanation:
    """Every number that a network computes for one image, as the sum that makes it, and as an HTML page.

    The network is computed in float64, one layer at a time, as in inference: dropout does nothing, and batch
    normalization uses its running averages, also in the backward pass.

    Args:
        model: Any network; it is not changed.
        image: uint8 (h, w) or (c, h, w), which the network normalizes, or floats in the shape of its input.
            `vision.to_model_input` makes one of a photo.
        target: The class for loss, occlusion map and Grad-CAM, by name or number, or an array as of
            `Module.loss_and_grad`, without batch axis; None: the network's prediction.
        backward: Compute the loss of the network's task and all gradients.
        lr: Learning rate of the step of SGD that is shown with `backward`.
        layers: Names of the layers that the page shows, for large networks; None: all.
        train: Training images, of which the nearest in the last hidden layer are shown.
        title: Title of the page; empty: the type of the model.

    Raises:
        TypeError: Not a model, an image or a data set.
        ValueError: An image of another shape; an unknown class or layer; a layer in `layers` that cannot be
            explained, such as a `PythonLayer`; no target for a regression with `backward`.

    Cost: a pass through the network in float64, layer by layer; the page of a network of 50,000 parameters
        for 28x28 images takes less than a second.

    Example:
        >>> import cnnfast as cf
        >>> model = cf.models.d4(seed=0)
        >>> explanation = cf.explain(model, np.zeros((28, 28), np.uint8))
        >>> terms = explanation.terms("conv2", (3, 5, 5))
        >>> len(terms), abs(terms.value - terms.engine) < 1e-12
        (72, True)
        >>> explanation.receptive_field("conv2", (3, 5, 5))
        ((7, 15), (7, 15))
    """
    return Explanation(
        model, image, target, backward, check_number(_WHO, "lr", lr, 0, float("inf")), layers, train, title
    )


class Explanation:
    """What `explain` returns.

    Attributes:
        network: The computation: steps and values.
        backward: The gradients; None without a backward pass.
        title: Of the page.
    """

    def __init__(
        self,
        model: Module,
        image: Array,
        target: object,
        backward: bool,
        lr: float,
        layers: Sequence[str] | None,
        train: ImageDataset | None,
        title: str,
    ) -> None:
        self.network = Network(_WHO, model, image)
        self.title = title or f"{type(model).__name__}, one image"
        self.lr = lr
        self._model, self._train = model, train
        self._shown = None if layers is None else {self._explicable(name) for name in layers}
        self.task = task_of(self.network)
        self._target = target
        self.backward: Backward | None = None
        if backward:
            self.backward = Backward(_WHO, self.network, objective(_WHO, self.network, target))

    # ---------------------------------------------------------------- one number

    def terms(self, layer: str, index: Index) -> Terms:
        """The sum that makes one value of a layer.

        Args:
            layer: Name of the layer, as in `Module.trace`.
            index: (channel, row, column), or as many numbers as its output has axes.

        Raises:
            ValueError: There is no such layer or value, or the layer cannot be explained.
        """
        return value_terms(_WHO, self.network, layer, index)

    def gradient_terms(self, layer: str, index: Index) -> Terms:
        """d loss / d value, as the sum over the values that are computed from it: the gradient of each,
        times its derivative by this value.

        Args:
            layer: Name of a layer, or "input".
            index: As of `terms`.

        Raises:
            ValueError: As in `terms`; no backward pass.
        """
        return gradient_terms(_WHO, self.network, self._passed(), layer, index)

    def weight_terms(self, parameter: str, index: Index) -> Terms:
        """d loss / d weight, as the sum over the positions at which the weight is used.

        Args:
            parameter: Name in `state_dict()`, such as "conv1.weight".
            index: As many numbers as the parameter has axes.

        Raises:
            ValueError: There is no such parameter or entry; no backward pass.
        """
        return weight_terms(_WHO, self.network, self._passed(), parameter, index)

    def receptive_field(self, layer: str, index: Index) -> tuple[tuple[int, int], ...]:
        """The part of the input that a value depends on: (first, end) of its rows and of its columns.

        Args:
            layer, index: As of `terms`.
        """
        value = self.network.find(_WHO, layer)
        flat, _ = flat_index(_WHO, layer, index, self.network.values[value].shape)
        return receptive_field.field_of(self.network, value, flat)

    # ---------------------------------------------------------------- evidence

    @cached_property
    def probabilities(self) -> Array | None:
        """As `Module.predict_proba` of the image; None for a regression or an output with positions."""
        if self.task is None or self.task == "regression" or self.network.output.ndim > 1:
            return None
        y = self.network.output[None].copy()
        found: Array = probabilities(self.task, self.network.model.output_kind, y)[0]
        return found

    def prediction(self) -> tuple[str, float] | None:
        """Name and probability of the class that the network predicts; None without probabilities, or with a
        label for each output.
        """
        if self.probabilities is None or self.task == "multilabel":
            return None
        best = int(prediction(self.network, self.task))
        return class_name(self.network, best), float(self.probabilities[best])

    @cached_property
    def target_class(self) -> int | None:
        """The class that the maps are about: the target or the prediction; None if there are no classes."""
        if self.network.output.ndim > 1 or isinstance(self._target, np.ndarray):
            return None
        if self._target is not None:
            return class_index(_WHO, self.network, self._target)
        if self.task in (None, "regression", "multilabel"):
            return int(self.network.output.argmax())
        return int(prediction(self.network, self.task))

    def occlusion(self) -> Occlusion | None:
        """How much less likely the class becomes when a square of the image is hidden; None without
        classes.
        """
        if self.target_class is None or self.network.pixels.ndim == 1:
            return None
        return occlusion(self._model, self.network.pixels, self.target_class, self.task)

    def input_gradient(self) -> Array | None:
        """d score / d input, in the shape of the normalized input; None without classes."""
        return None if self._score_gradients is None else self._score_gradients[0]

    def grad_cam(self, layer: str | None = None) -> list[GradCam]:
        """Grad-CAM maps of a layer, or of all shown layers with positions; empty without classes.

        Raises:
            ValueError: There is no such layer, or its output has no positions.
        """
        gradients = self._score_gradients
        chosen = [k for k in self.shown() if self.network.values[k].ndim > 1]
        if layer is not None:
            chosen = [self.network.find(_WHO, layer)]
            if self.network.values[chosen[0]].ndim == 1:
                raise ValueError(f"{_WHO}: the output of layer {layer!r} has no positions for a Grad-CAM map")
        if gradients is None:
            return []
        names, values = self.network.names(), self.network.values
        return [grad_cam(names[k], values[k], gradients[k]) for k in chosen]

    def neighbors(self, count: int = _NEIGHBORS) -> list[Neighbor]:
        """The training images nearest in the last hidden layer; empty without training images."""
        return [] if self._train is None else neighbors(_WHO, self.network, self._train, count)

    @cached_property
    def _score_gradients(self) -> list[Array] | None:
        if self.target_class is None:
            return None
        value = score_value(self.network)
        if self.task == "binary":  # a single output, which speaks for class 1
            return score_gradients(self.network, value, 0, 1.0 if self.target_class else -1.0)
        return score_gradients(self.network, value, self.target_class)

    # ---------------------------------------------------------------- page

    def shown(self) -> list[int]:
        """The values of the layers that the page shows."""
        return [k for k in range(1, len(self.network.values)) if self._shown is None or k in self._shown]

    def html(self) -> str:
        """The page: one self-contained HTML file.

        Raises:
            ValueError: The page would be too large; the message says how to choose layers.
        """
        from .page import html
        from .page_data import page_data

        return html(page_data(self), self.title)

    def save(self, path: str | PathLike[str]) -> None:
        """Write the page to a file, atomically.

        Raises:
            ValueError: As in `html`.
            OSError: The file cannot be written.
        """
        data = self.html().encode()
        with atomic_write("Explanation.save", path) as file:
            file.write(data)

    def _passed(self) -> Backward:
        if self.backward is None:
            raise ValueError(f"{_WHO}: there are no gradients without backward=True")
        return self.backward

    def _explicable(self, layer: str) -> int:
        value = self.network.find(_WHO, layer)
        if value > 0:
            self.network.rule_of(_WHO, value)
        return value
