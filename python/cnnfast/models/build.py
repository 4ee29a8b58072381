"""Shared by the files of this package."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import TypeVar

from .._types import Seed, Shape
from ..nn import BatchNorm2d, Conv2d, LocalResponseNorm, Module, Preprocessing, Sequential, init
from ..nn.blank_parameters import is_blank

_Model = TypeVar("_Model", bound=Module)

#: Shape of an input image of EMNIST and MNIST.
IMAGE_28: Shape = (1, 28, 28)
#: Depth of VGG to the number of convolutions of each stage.
VGG_STAGES = {11: (1, 1, 2, 2, 2), 13: (2, 2, 2, 2, 2), 16: (2, 2, 3, 3, 3), 19: (2, 2, 4, 4, 4)}


def network(
    seed: Seed,
    input_shape: Shape,
    preprocessing: Preprocessing,
    layers: Iterable[Module] | Mapping[str, Module],
) -> Sequential:
    """An initialized `Sequential` of the layers, which normalizes uint8 images by `preprocessing`."""
    children = (layers,) if isinstance(layers, Mapping) else layers
    model = Sequential(*children, input_shape=input_shape, seed=seed)
    model.preprocessing = preprocessing
    return model


def image_network(children: Mapping[str, Module], input_shape: Shape, seed: Seed) -> Sequential:
    """An initialized `Sequential` of named layers, which normalizes color images like torchvision.

    The layers are initialized here, so that they may be built within `blank_parameters`: initial values of
    their own would take as much memory again, and most of the time.
    """
    model = Sequential(children, input_shape=input_shape)
    if not is_blank():
        model.initialize(seed)
    return with_image_preprocessing(model)


def with_image_preprocessing(model: _Model) -> _Model:
    """The model, normalizing color images by mean and standard deviation of ImageNet."""
    if model.input_shape is not None and model.input_shape[0] == 3:
        model.preprocessing = Preprocessing(mean=(0.485, 0.456, 0.406), std=(0.229, 0.224, 0.225))
    return model


def paper_response_norm() -> LocalResponseNorm:
    """With the constants of Krizhevsky et al. 2012: k 2, alpha 1e-4 (here divided by the size), beta 0.75."""
    return LocalResponseNorm(5, alpha=5e-4, beta=0.75, k=2.0)


def conv_norm(
    c_in: int,
    c_out: int,
    kernel_size: int,
    stride: int = 1,
    padding: int = 0,
    groups: int = 1,
    eps: float = 1e-5,
) -> list[Module]:
    """A convolution without bias, and batch normalization."""
    return [
        Conv2d(c_in, c_out, kernel_size, stride, padding, groups=groups, bias=False),
        BatchNorm2d(c_out, eps),
    ]


def kaiming(model: Sequential, seed: Seed) -> Sequential:
    """Initializes the convolutions of a network before ReLUs; returns the network.

    Normal of variance 2 / fan_out: He et al. 2015, Delving deep into rectifiers, arXiv:1502.01852.
    """
    if not is_blank():
        rule = init.kaiming_normal(mode="fan_out", nonlinearity="relu")
        for name in _convolutions(model):  # one at a time, as all values at once take the memory of the model
            init.apply(model, {f"{name}.weight": rule}, seed)
    return model


def _convolutions(module: Module, prefix: str = "") -> list[str]:
    """Names of the convolutions inside a module."""
    if isinstance(module, Conv2d):
        return [prefix]
    children = module.children().items()
    return [
        name for key, child in children for name in _convolutions(child, f"{prefix}.{key}" if prefix else key)
    ]
