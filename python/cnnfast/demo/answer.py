"""What the page shows of one image: the network's input, the values of every layer, the classes."""

from __future__ import annotations

import base64
from typing import Any

import numpy as np

from .._types import Array
from ..nn import Module
from ..vision import InkColor, prepare, to_color_input
from ..vision.normalize import Style

#: Classes that are named first.
TOP = 3
#: Maps of a layer that are sent; of more, the page says how many there are.
MOST_MAPS = 128


def check_model(model: Module) -> None:
    """Check that a network classifies images that can be drawn.

    Raises:
        ValueError: It does not.
    """
    shape, outputs = model.input_shape, model.output_shape
    if shape is None or len(shape) != 3 or shape[0] not in (1, 3):
        raise ValueError(f"demo: the network reads {shape}, not images of one or three channels")
    if shape[0] == 1 and shape[1] != shape[2]:
        raise ValueError(f"demo: the network reads images of {shape[1]}x{shape[2]}, which are not square")
    if model.task not in (None, "multiclass") or outputs is None or len(outputs) != 1 or outputs[0] < 2:
        raise ValueError(f"demo: the network outputs {outputs}, not one logit for each of several classes")


def prepared(image: Any, model: Module, style: Style, ink: InkColor = "auto") -> tuple[Array, str]:
    """The network's input, uint8 (c, h, w), and a warning if it does not look like one character.

    Args:
        image: Bytes of an image file, or an array, see `vision.to_model_input`.
        model: One that `check_model` accepts.

    Raises:
        DataError: Not an image, or a blank one.
    """
    shape = model.input_shape
    assert shape is not None
    if shape[0] == 3:
        return to_color_input(image, (int(shape[1]), int(shape[2]))), ""
    found = prepare(image, int(shape[1]), style, ink)
    return found.pixels[None], found.warning


def answer(model: Module, pixels: Array) -> dict[str, Any]:
    """The values of every layer and the classes, as plain data.

    Args:
        pixels: uint8 (c, h, w).
    """
    probabilities = model.predict_proba(pixels[None])[0]
    names = class_names(model)
    order = np.argsort(-probabilities, kind="stable")[:TOP]
    return {
        "input": encoded(pixels),
        "classes": names,
        "probabilities": [round(float(value), 6) for value in probabilities],
        "top": [[names[k], round(float(probabilities[k]), 6)] for k in order],
        "layers": layers(model, pixels),
    }


def layers(model: Module, pixels: Array) -> list[dict[str, Any]]:
    """Name, operation and values of every layer, the first maps of each."""
    trace = model.trace(pixels[None])
    kinds = {operation.name: operation.op.name for operation in model.operations()}
    return [
        {
            "name": name,
            "operation": kinds.get(name, ""),
            "maps": len(values[0]),
            "values": encoded(values[0][:MOST_MAPS].astype(np.float32)),
        }
        for name, values in trace.outputs.items()
    ]


def kernels(model: Module, gradients: bool = False) -> dict[str, Any] | None:
    """The first convolution's kernels, (out, in, h, w), or their gradient; None without a convolution."""
    source = model.gradients() if gradients else model.parameters()
    for name, values in source.items():
        if values.ndim == 4:
            return {"name": name, "values": encoded(values[:MOST_MAPS, :3].astype(np.float32))}
    return None


def class_names(model: Module) -> list[str]:
    """Names of the classes; numbers if the model has none."""
    count = model.output_shape[0] if model.output_shape else 0
    return list(model.classes or map(str, range(int(count))))


def encoded(values: Array) -> dict[str, Any]:
    """An array as base64 of little-endian numbers, as data.js of the explain page reads it."""
    whole = np.ascontiguousarray(values, values.dtype.newbyteorder("<"))
    return {
        "dtype": values.dtype.name,
        "shape": list(values.shape),
        "data": base64.b64encode(whole.tobytes()).decode(),
    }
