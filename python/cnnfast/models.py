"""The networks that come with cnnfast, layer for layer as their sources describe them.

All end in logits: where a source ends in softmax or log-softmax, that is the loss "cross_entropy" here.
"""

from __future__ import annotations

import builtins
from collections.abc import Callable

from . import names, terminal
from .border import Seed
from .nn import (
    GELU,
    Conv2d,
    Flatten,
    Linear,
    MaxPool2d,
    Module,
    PositionBias,
    Preprocessing,
    ReLU,
    Sequential,
)
from .nn.summary import rows

_PICTURE = (1, 28, 28)


def d4(seed: Seed = 0, *, num_classes: int = 10) -> Sequential:
    """A small network for MNIST: two convolutions, two fully connected layers, ReLU between them.

    Args:
        seed: For the first values of the parameters; None draws fresh ones.
        num_classes: Number of outputs.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 52,138 parameters with 10 classes.

    Example:
        >>> from cnnfast import models
        >>> models.d4(seed=0).num_parameters()
        52138
    """
    return _network(
        seed,
        Preprocessing(mean=0.1307, std=0.3081),
        [
            *(Conv2d(1, 8, 3, padding=1), ReLU(), MaxPool2d(2)),
            *(Conv2d(8, 16, 3, padding=1), ReLU(), MaxPool2d(2)),
            *(Flatten(), Linear(784, 64), ReLU()),
            Linear(64, num_classes),
        ],
    )


def hello_dl_letters(
    seed: Seed = 0, *, num_classes: int = 26, activation_after_pool: bool = True
) -> Sequential:
    """The letters network of hello-dl: three valid convolutions, each pooled, three fully connected layers,
    GELU.

    The second pooling rounds up (11 to 6). Pixels are normalised with the source's mean 0.172575 and
    deviation 0.25. Of the source's quirks none is kept: the bias is added once to an output channel, labels
    count from 0.

    Args:
        seed: For the first values of the parameters; None draws fresh ones.
        num_classes: Number of outputs.
        activation_after_pool: False leaves out the GELU after each pooling, as the source's listing does.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 137,178 parameters with 26 classes.

    Source: Bert Hubert, hello-dl, https://github.com/berthubert/hello-dl

    Example:
        >>> from cnnfast import models
        >>> models.hello_dl_letters(seed=0).output_shape
        (26,)
    """
    layers: builtins.list[Module] = []
    for c_in, c_out, ceil_mode in ((1, 32, False), (32, 64, True), (64, 128, False)):
        layers += [Conv2d(c_in, c_out, 3), MaxPool2d(2, ceil_mode=ceil_mode)]
        layers += [GELU()] if activation_after_pool else []
    layers += [Flatten(), Linear(512, 64), GELU(), Linear(64, 128), GELU(), Linear(128, num_classes)]
    return _network(seed, Preprocessing(mean=0.172575, std=0.25), layers)


def numpy_mnist(seed: Seed = 0, *, num_classes: int = 10) -> Sequential:
    """The network of a convolution written in plain NumPy: its biases are one number for each position.

    The max-pooling is 3x3 with stride 2; one row and one column of padding stand after the image, so that 28
    becomes 14 and 14 becomes 7. Pixels are divided by 255.

    Args:
        seed: For the first values of the parameters; None draws fresh ones.
        num_classes: Number of outputs.

    Shapes:
        (n, 1, 28, 28) to (n, num_classes); 359,846 parameters with 10 classes.

    Example:
        >>> from cnnfast import models
        >>> models.numpy_mnist(seed=0).output_shape
        (10,)
    """
    layers: builtins.list[Module] = []
    for c_in, c_out, size in ((1, 16, 28), (16, 32, 14), (32, 64, 7)):
        layers += [Conv2d(c_in, c_out, 3, padding=1, bias=False), PositionBias(c_out, size, size), ReLU()]
        layers += [MaxPool2d(3, 2, padding=((0, 1), (0, 1)))] if size > 7 else []
    layers += [Flatten(), Linear(3136, 100), ReLU(), Linear(100, num_classes)]
    return _network(seed, Preprocessing(), layers)


class Catalogue(builtins.list[str]):
    """Names of the networks; printed, a table of them."""

    def __str__(self) -> str:
        lines = [["model", "input", "outputs", "parameters", "MACs"]]
        for name in self:
            model = get(name)
            macs = sum(row.macs or 0 for row in rows(model))
            shapes = str(model.input_shape), str(model.output_shape)
            lines.append([name, *shapes, f"{model.num_parameters():,}", f"{macs:,}"])
        return "\n".join(terminal.aligned(lines, left=2))


def list() -> Catalogue:
    """Names of all networks; `print(models.list())` shows their sizes.

    Example:
        >>> from cnnfast import models
        >>> models.list()
        ['d4', 'hello-dl-letters', 'numpy-mnist']
    """
    return Catalogue(_MODELS)


def get(name: str, seed: Seed = 0, *, num_classes: int | None = None) -> Sequential:
    """The network of that name ("hello-dl-letters", "hello_dl_letters").

    Args:
        name: One of `list()`.
        seed: For the first values of the parameters; None draws fresh ones.
        num_classes: Number of outputs; None takes the network's own.

    Raises:
        ValueError: An unknown name.

    Example:
        >>> from cnnfast import models
        >>> models.get("d4", num_classes=26).output_shape
        (26,)
    """
    found = names.find(name, _MODELS)
    if found is None:
        hint = names.did_you_mean(name, _MODELS)
        raise ValueError(f"models: unknown model {name!r}; known are {', '.join(_MODELS)}{hint}")
    build = _MODELS[found]
    return build(seed) if num_classes is None else build(seed, num_classes=num_classes)


def _network(seed: Seed, preprocessing: Preprocessing, layers: builtins.list[Module]) -> Sequential:
    model = Sequential(*layers, input_shape=_PICTURE, seed=seed)
    model.preprocessing = preprocessing
    return model


_MODELS: dict[str, Callable[..., Sequential]] = {
    "d4": d4,
    "hello-dl-letters": hello_dl_letters,
    "numpy-mnist": numpy_mnist,
}
