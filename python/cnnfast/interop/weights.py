"""Published weights: safetensors files of other programs, and names of parameters in other libraries."""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping
from typing import Any

from .._checks import type_of
from .._safetensors import Contents, check_digest, opened
from .._types import Array
from ..errors import CheckpointError
from ..nn import Module
from ..nn.finite import warn_of_weights
from ..nn.state import Unmatched

#: Beginnings of the names of types that NumPy does not have.
_NARROW = ("F4", "F6_", "F8_")
#: The fully connected layers of timm's VGG, and torchvision's names for them.
_TIMM_VGG = {"pre_logits.fc1": "classifier.0", "pre_logits.fc2": "classifier.3", "head.fc": "classifier.6"}


def load_safetensors(
    path: str | os.PathLike[str],
    model: Module,
    strict: bool = True,
    *,
    convert: Callable[[dict[str, Array]], Mapping[str, Any]] | None = None,
) -> Unmatched:
    """Load a safetensors file written by PyTorch, Hugging Face or timm into a model; on any error nothing is
    changed.

    Every value becomes the nearest one of the model's dtype: float16 and bfloat16 are exact in float32 and
    float64. An unneeded `num_batches_tracked` is ignored. PyTorch is not needed. Only numbers are read from
    the file, never code.

    Args:
        path: The file.
        model: Its names and shapes of parameters must be those of the file, as for `load_state_dict`; the
            networks of torchvision in `cnnfast.models` have torchvision's names.
        strict: False skips missing and unknown names, as long as something matches.
        convert: Gets the arrays of the file by name, and returns them under the names of the model:
            `from_timm`, or a function of your own, for example to remove a prefix.

    Returns:
        Names that are missing in the file, and names that the model does not have: both empty if strict.

    Raises:
        CheckpointError: Not a safetensors file, or damaged; a tensor has another shape or is not floating
            point; names are missing or unknown (if strict). The message names the file and the tensor.
        OSError: The file does not exist or cannot be read.
        TypeError: `model` is not a Module.

    Example:
        >>> import pathlib, tempfile
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> from safetensors.numpy import save_file
        >>> path = pathlib.Path(tempfile.mkdtemp()) / "weights.safetensors"
        >>> save_file({"weight": np.ones((2, 3), np.float16), "bias": np.zeros(2, np.float16)}, path)
        >>> layer = nn.Linear(3, 2)
        >>> load_safetensors(path, layer)
        Unmatched(missing_keys=[], unexpected_keys=[])
        >>> layer.weight[0]
        array([1., 1., 1.], dtype=float32)
    """
    if not isinstance(model, Module):
        raise TypeError(f"load_safetensors: model must be a Module, got {type_of(model)}")
    name = os.fsdecode(path)
    with opened("load_safetensors", path, "safetensors file") as contents:
        _check_types(name, contents)
        arrays = {key: contents.array(key) for key in contents.shapes}
    if contents.texts.get("format") == "cnnfast" and "sha256" in contents.texts:
        check_digest(name, contents.texts, arrays)
    state = arrays if convert is None else convert(arrays)
    try:
        unmatched = model.load_state_dict(state, strict)
    except (TypeError, ValueError) as error:
        raise CheckpointError(f"{name}: does not fit the model: {error}") from None
    warn_of_weights(f"load_safetensors: {name}", model)
    return unmatched


def _check_types(name: str, contents: Contents) -> None:
    for key, (_, kind) in contents.shapes.items():
        if kind.startswith(_NARROW):
            raise CheckpointError(
                f"{name}: the tensor {key[:80]} is of type {kind}; weights must be F64, F32, F16 or BF16"
            )


def from_timm(state: Mapping[str, Any]) -> dict[str, Any]:
    """A state of timm's VGG or ResNet under the names of `models.vgg` and `models.resnet`, which are
    torchvision's.

    timm's VGG has its fully connected layers as convolutions, `pre_logits.fc1` and `pre_logits.fc2`, and
    `head.fc`: they become `classifier.0`, `classifier.3` and `classifier.6`, with weights of two axes. Other
    names, and all names of timm's ResNet, are the same in both.

    Args:
        state: Arrays or tensors by name, as of ``timm_model.state_dict()``.

    Example:
        >>> import numpy as np
        >>> state = {"pre_logits.fc2.weight": np.zeros((8, 4, 1, 1)), "features.0.bias": np.ones(4)}
        >>> {name: value.shape for name, value in from_timm(state).items()}
        {'classifier.3.weight': (8, 4), 'features.0.bias': (4,)}
    """
    renamed = {}
    for name, value in state.items():
        layer, _, parameter = name.rpartition(".")
        if layer in _TIMM_VGG:
            name = f"{_TIMM_VGG[layer]}.{parameter}"
            value = value.reshape(len(value), -1) if parameter == "weight" else value
        renamed[name] = value
    return renamed
