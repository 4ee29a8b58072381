"""The data of the page: values, rules, gradients and maps of one image, as plain data.

An array is a reference into `arrays` (`arrays.py`; `static/data.js` decodes them). Shapes have no batch axis.

    values    0 is the normalized input, k the output of step k - 1. `array` is null for steps that are not
              shown, and for copies in the same order, which equal their input
    steps     name, text, `inputs` (values), `section` of the page; where shown: `rule` (the fields of a class
              in `rules/`, with its `kind`), `parameters`, `slopes` of functions (with a backward pass),
              `receptive_field` (`first` and `end` for each axis and position), `histogram` of the weights
    backward  `loss`, its value, `at` (the value that it reads), `gradients` for each value, `optimizer`.
              Gradients of weights follow from the rules, from values and gradients
    evidence  maps and neighbors, each map with `text` that says why it shows nothing
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from .._checks import ieee_arithmetic
from . import receptive_field
from .arrays import Arrays
from .backward import Backward
from .network import Network, Step
from .objective import class_name, prediction
from .rules import Copy
from .rules.pointwise import Function

if TYPE_CHECKING:
    from .explanation import Explanation

#: Browsers take seconds to open larger pages.
_MOST_BYTES = 100_000_000
#: Bars of a histogram.
_BARS = 40
_SECTIONS = {
    "window_sum": "convolution",
    "window_max": "pooling",
    "window_mean": "pooling",
    "function": "activation",
    "linear": "linear",
    "affine": "normalization",
    "normalize": "normalization",
    "lrn": "normalization",
    "concat": "join",
    "add": "join",
    "mul": "join",
    "matmul": "join",
}


@ieee_arithmetic
def page_data(explanation: Explanation) -> dict[str, Any]:
    """Plain data; arrays are references into `arrays`.

    Raises:
        ValueError: The page would be too large.
    """
    network = explanation.network
    shown = explanation.shown()
    _check_size(network, shown, 1 if explanation.backward is None else 2)
    arrays = Arrays()
    data = {
        "version": 1,
        "title": explanation.title,
        "model": _model(network),
        "image": {"shape": network.pixels.shape, "array": network.pixels},
        "values": _values(network, shown),
        "steps": _steps(network, shown, explanation.backward is not None),
        "output": _output(explanation),
        "backward": None
        if explanation.backward is None
        else _backward(explanation, explanation.backward, shown),
        "evidence": _evidence(explanation),
    }
    return {**arrays.of(data), "arrays": arrays.entries}


def _check_size(network: Network, shown: list[int], arrays_of_values: int) -> None:
    values = sum(network.values[k].size for k in _read(network, shown))
    parameters = sum(array.size for k in shown for array in network.steps[k - 1].parameters.values())
    size = (8 * arrays_of_values * values + 4 * parameters) * 4 / 3  # base64
    if size > _MOST_BYTES:
        raise ValueError(
            f"explain: the page would have {size / 1e6:.0f} MB, at most {_MOST_BYTES / 1e6:.0f} are "
            "possible; choose some layers by layers=[...], on the command line by --layers"
        )


def _model(network: Network) -> dict[str, Any]:
    model = network.model
    return {
        "name": type(model).__name__,
        "parameters": sum(values.size for step in network.steps for values in step.parameters.values()),
        "macs": sum(step.op.macs(*step.shapes) for step in network.steps),
        "classes": model.classes,
        "task": model.task,
        "preprocessing": model.preprocessing.to_config(),
    }


def _read(network: Network, shown: list[int]) -> set[int]:
    """The values that the shown steps read or compute, and the output."""
    inputs = {i for k in shown for i in network.steps[k - 1].inputs}
    return {0, *shown, *inputs, len(network.steps)}


def _values(network: Network, shown: list[int]) -> list[dict[str, Any]]:
    kept = _read(network, shown)
    found = []
    for k, (name, values) in enumerate(zip(network.names(), network.values, strict=True)):
        repeats = k > 0 and k in shown and _keeps_order(network.steps[k - 1])
        array = values if k in kept and not repeats else None
        found.append({"name": name, "shape": values.shape, "array": array})
    return found


def _keeps_order(step: Step) -> bool:
    return isinstance(step.rule, Copy) and step.rule.index is None


def _steps(network: Network, shown: list[int], backward: bool) -> list[dict[str, Any]]:
    fields = receptive_field.fields(network)
    found = []
    for k, step in enumerate(network.steps, 1):
        entry: dict[str, Any] = {
            "name": step.name,
            "op": step.op.name,
            "text": step.text,
            "inputs": step.inputs,
            "section": _section(step),
            "hidden": k not in shown,
            "rule": None,
            "parameters": {},
            "receptive_field": None,
            "histogram": None,
            "slopes": None,
        }
        if k in shown:
            field = fields[k]
            entry |= {
                "rule": step.rule.data(),
                "parameters": step.parameters,
                "histogram": _histogram(step),
            }
            if field:
                entry["receptive_field"] = {
                    "first": [axis.first.tolist() for axis in field],
                    "end": [axis.end.tolist() for axis in field],
                }
            if backward and isinstance(step.rule, Function):
                entry["slopes"] = step.rule.slopes(network.values[step.inputs[0]])
        found.append(entry)
    return found


def _section(step: Step) -> str:
    if step.op.name == "Flatten":
        return "flatten"
    return _SECTIONS.get(step.rule.kind, "other")


def _histogram(step: Step) -> dict[str, Any] | None:
    weight = step.parameters.get("weight")
    if weight is None or not np.isfinite(weight).all():
        return None
    counts, edges = np.histogram(weight, _BARS)
    return {"parameter": "weight", "counts": counts.tolist(), "edges": edges.tolist()}


def _output(explanation: Explanation) -> dict[str, Any]:
    found = explanation.probabilities
    has_one = found is not None and explanation.task != "multilabel"
    best = int(prediction(explanation.network, explanation.task)) if has_one else None
    return {"probabilities": found, "prediction": best}


def _backward(explanation: Explanation, backward: Backward, shown: list[int]) -> dict[str, Any]:
    network, aim = explanation.network, backward.objective
    kept = _read(network, shown)
    _, after = backward.step(explanation.lr)
    reached = [k in kept and backward.reaches(k) for k in range(len(network.values))]
    return {
        "loss": aim.loss.name,
        "target": aim.target[0] if aim.class_index is None else aim.class_index,
        "target_name": aim.name or None,
        "value": backward.loss,
        "at": aim.value,
        "gradients": [
            gradient if reads else None for gradient, reads in zip(backward.gradients, reached, strict=True)
        ],
        "optimizer": {
            "text": f"SGD(lr={explanation.lr:g})",
            "lr": explanation.lr,
            "before": backward.loss,
            "after": after,
        },
    }


def _evidence(explanation: Explanation) -> dict[str, Any]:
    network = explanation.network
    hidden = explanation.occlusion()
    gradient = explanation.input_gradient()
    target = explanation.target_class
    about = "" if target is None else f"of class {class_name(network, target)}"
    return {
        "occlusion": hidden
        and {
            "array": hidden.map.astype(np.float32),
            "size": hidden.size,
            "target": hidden.target,
            "before": hidden.before,
            "text": hidden.text,
        },
        "input_gradient": None
        if gradient is None
        else {"array": gradient.astype(np.float32), "text": f"d score {about} / d input"},
        "grad_cam": [
            {
                "layer": cam.layer,
                "value": network.names().index(cam.layer),
                "array": cam.map.astype(np.float32),
                "text": cam.text,
            }
            for cam in explanation.grad_cam()
        ],
        "neighbors": [
            {"index": near.row, "label": near.label, "distance": near.distance, "image": near.image}
            for near in explanation.neighbors()
        ],
    }
