"""Every function of `cnnfast.functional`, by its signature: what is no array, or no setting, is refused
by name."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from cnnfast import functional

from tests.support.refusal import refused


def _ones(*shape: int) -> np.ndarray:
    return np.ones(shape)


IMAGES, LINES, FILTERS2D, FILTERS1D = _ones(2, 4, 6, 6), _ones(2, 4, 6), _ones(4, 4, 3, 3), _ones(4, 4, 3)

#: What each function needs besides x, if anything; `x` where it is not IMAGES.
ARGUMENTS: dict[str, dict[str, Any]] = {
    "adaptive_avg_pool1d": {"x": LINES, "output_size": 2},
    "adaptive_avg_pool2d": {"output_size": 2},
    "adaptive_max_pool1d": {"x": LINES, "output_size": 2},
    "adaptive_max_pool2d": {"output_size": 2},
    "avg_pool1d": {"x": LINES, "kernel_size": 2},
    "avg_pool2d": {"kernel_size": 2},
    "batch_norm": {"running_mean": _ones(4), "running_var": _ones(4), "weight": _ones(4), "bias": _ones(4)},
    "channel_bias": {"bias": _ones(4)},
    "conv1d": {"x": LINES, "weight": FILTERS1D, "bias": _ones(4)},
    "conv2d": {"weight": FILTERS2D, "bias": _ones(4)},
    "conv_transpose1d": {"x": LINES, "weight": FILTERS1D, "bias": _ones(4)},
    "conv_transpose2d": {"weight": FILTERS2D, "bias": _ones(4)},
    "downsample1d": {"x": LINES, "factor": 2},
    "downsample2d": {"factor": 2},
    "dropout": {"seed": 0},
    "dropout2d": {"seed": 0},
    "group_norm": {"num_groups": 2, "weight": _ones(4), "bias": _ones(4)},
    "layer_norm": {"weight": _ones(4, 6, 6), "bias": _ones(4, 6, 6)},
    "linear": {"x": _ones(2, 4), "weight": _ones(3, 4), "bias": _ones(3)},
    "local_response_norm": {"size": 3},
    "max_pool1d": {"x": LINES, "kernel_size": 2},
    "max_pool2d": {"kernel_size": 2},
    "max_unpool1d": {"x": LINES, "indices": np.zeros((2, 4, 6), dtype=np.int64), "kernel_size": 2},
    "max_unpool2d": {"indices": np.zeros((2, 4, 6, 6), dtype=np.int64), "kernel_size": 2},
    "pad": {"pad": (1, 2)},
    "pad1d": {"x": LINES, "padding": 1},
    "pad2d": {"padding": 1},
    "position_bias": {"bias": _ones(4, 6, 6)},
    "matmul": {"a": _ones(2, 4, 6), "b": _ones(2, 6, 3)},
    "prelu": {"weight": _ones(4)},
    "rbf": {"x": _ones(2, 4), "weight": _ones(3, 4)},
    "reshape": {"shape": (12, 12)},
    "resize1d": {"x": LINES, "size": 9},
    "resize2d": {"size": 9},
    "select_channels": {"indices": (2, 0)},
    "upsample1d": {"x": LINES, "scale_factor": 2},
    "upsample2d": {"scale_factor": 2},
}
#: Parameters that are arrays.
ARRAYS = ["x", "dy", "a", "b", "arrays", "logits", "log_probs", "target", "weight", "bias", "pos_weight"]
ARRAYS += ["running_mean", "running_var"]
CLASSES = np.zeros((2, 6, 6), dtype=np.int64)
#: Parameters that take a sequence of numbers, or the classes of rows.
SEQUENCES = {"cross_entropy": ("target", "weight"), "nll_loss": ("target", "weight")}
SEQUENCES |= {f"{name}_backward": given for name, given in SEQUENCES.items()}


def arguments_of(name: str) -> dict[str, Any]:
    """Arguments the function takes: all arrays, and settings without a default."""
    function = getattr(functional, name)
    known = inspect.signature(function).parameters
    forward = name.removesuffix("_backward")
    fitting = {"x": IMAGES, "a": IMAGES, "b": IMAGES, "logits": IMAGES, "log_probs": IMAGES}
    fitting |= {"target": CLASSES if name in SEQUENCES else IMAGES} | ARGUMENTS.get(forward, {})
    given = {key: value for key, value in fitting.items() if key in known}
    if name.endswith("_backward"):
        given.pop("bias", None)  # a flag there, or no argument
        if "dy" in known:
            given["dy"] = np.ones_like(_forward_output(forward))
    return given


def _forward_output(name: str) -> np.ndarray:
    if name == "concat":
        return functional.concat(IMAGES)
    output: np.ndarray = getattr(functional, name)(**arguments_of(name))
    return output


def call(name: str, given: dict[str, Any]) -> Any:
    function: Callable[..., Any] = getattr(functional, name)
    if name == "concat":
        return function(given.get("arrays", IMAGES))
    if name == "concat_backward":
        return function(given["dy"], given.get("arrays", IMAGES))
    return function(**given)


def array_parameters() -> list[tuple[str, str]]:
    pairs = []
    for name in functional.__all__:
        known = inspect.signature(getattr(functional, name)).parameters
        pairs += [
            (name, parameter)
            for parameter in known
            if parameter in ARRAYS
            and parameter not in SEQUENCES.get(name, ())
            and known[parameter].annotation != "bool"
            and parameter != "pos_weight"
        ]
    return pairs


@pytest.mark.parametrize("name", functional.__all__)
def test_the_arguments_of_these_tests_are_right(name: str) -> None:
    call(name, arguments_of(name))


@pytest.mark.parametrize(("name", "parameter"), array_parameters())
def test_what_is_no_array_is_refused_by_name(name: str, parameter: str) -> None:
    given = arguments_of(name)
    optional = "None" in str(inspect.signature(getattr(functional, name)).parameters[parameter].annotation)
    named = "arrays[0]" if parameter == "arrays" else parameter
    if not optional:
        with refused(TypeError, f"{name}: {named} must be a NumPy array, got None"):
            call(name, {**given, parameter: None})
    cure = f'use np.asarray({named}, dtype="float'
    with pytest.raises(TypeError) as caught:
        call(name, {**given, parameter: [1.0, 2.0]})
    assert str(caught.value).startswith(f"{name}: {named} must be a NumPy array, got list; {cure}")
    masked = np.ma.masked_array(given.get(parameter, IMAGES), mask=True)
    with refused(
        TypeError,
        f"{name}: {named} is a masked array, which is not supported; "
        f"use {named}.filled(...) with a value of your choice",
    ):
        call(name, {**given, parameter: masked})


@pytest.mark.parametrize("name", functional.__all__)
def test_a_setting_given_as_none_is_refused_by_name(name: str) -> None:
    given = arguments_of(name)
    for parameter, known in inspect.signature(getattr(functional, name)).parameters.items():
        if parameter in ARRAYS or "None" in str(known.annotation) or str(known.annotation) == "bool":
            continue
        with pytest.raises((TypeError, ValueError), match=rf"^\w+: {parameter} must .*None"):
            call(name, {**given, parameter: None})


@pytest.mark.parametrize("name", SEQUENCES)
def test_classes_given_as_none_or_masked(name: str) -> None:
    given = arguments_of(name)
    with refused(TypeError, f"{name}: target must be integers, got None"):
        call(name, {**given, "target": None})
    with refused(
        TypeError,
        f"{name}: target is a masked array, which is not supported; "
        "use target.filled(-100), the label that losses ignore (ignore_index)",
    ):
        call(name, {**given, "target": np.ma.masked_array(CLASSES, mask=True)})
    kind = {"cross_entropy": "CrossEntropy", "nll_loss": "NLL"}[name.removesuffix("_backward")]
    with refused(
        TypeError,
        f"{kind}: weight is a masked array, which is not supported; "
        "use weight.filled(...) with a value of your choice",
    ):
        call(name, {**given, "weight": np.ma.masked_array(np.ones(4), mask=True)})


@pytest.mark.parametrize(("name", "parameter"), array_parameters())
def test_other_kinds_of_arrays_are_taken_as_arrays(name: str, parameter: str, tmp_path: Any) -> None:
    given = arguments_of(name)
    value = given.get(parameter, IMAGES)
    mapped = np.memmap(tmp_path / "array", dtype=value.dtype, mode="w+", shape=value.shape)
    mapped[:] = value
    expected, got = call(name, given), call(name, {**given, parameter: mapped})
    for mine, theirs in zip(
        expected if isinstance(expected, tuple) else (expected,),
        got if isinstance(got, tuple) else (got,),
        strict=True,
    ):
        np.testing.assert_array_equal(mine, theirs)
        assert not isinstance(theirs, np.memmap)


def test_a_list_of_arrays_to_join() -> None:
    for arrays, kind in (([IMAGES, IMAGES], "list"), ((IMAGES,), "tuple")):
        with refused(TypeError, f"concat: takes arrays one by one, got a {kind} of them; unpack it with *"):
            functional.concat(arrays)  # type: ignore[arg-type]
    assert functional.concat(*[IMAGES, IMAGES]).shape == (2, 8, 6, 6)


def test_a_matrix_and_foreign_kinds() -> None:
    matrix = np.ones((2, 3)).view(np.matrix)  # no warning of deprecation
    assert type(functional.relu(matrix)) is np.ndarray
    assert type(functional.add(matrix, matrix)) is np.ndarray
    np.testing.assert_array_equal(functional.linear(matrix, matrix), [[3.0, 3.0], [3.0, 3.0]])

    class Sparse:
        def toarray(self) -> np.ndarray:
            return np.ones((2, 3))

    class Tensor:
        def detach(self) -> Tensor:
            return self

    with refused(TypeError, "relu: x must be a NumPy array, got Sparse; use x.toarray()"):
        functional.relu(Sparse())  # type: ignore[arg-type]
    with refused(TypeError, "relu: x must be a NumPy array, got Tensor; use x.detach().cpu().numpy()"):
        functional.relu(Tensor())  # type: ignore[arg-type]
    rows = np.empty(2, dtype=object)
    rows[:] = [np.ones(3), np.ones(3)]
    with refused(
        TypeError,
        'relu: x must be float32 or float64, got object; use np.stack(x).astype("float32")',
    ):
        functional.relu(rows)
    with refused(TypeError, 'relu: x must be float32 or float64, got object; use x.astype("float32")'):
        functional.relu(np.ones((2, 2), dtype=object))


# ------------------------------------------------------------------ any rank, where the operation has none

SHAPES = [(), (0,), (7,), (3, 0), (0, 3), (2, 3), (2, 0, 4), (2, 3, 4), (2, 1, 2, 2, 3)]
ELEMENTWISE = [
    name
    for name in functional.__all__
    if list(inspect.signature(getattr(functional, name)).parameters)[:1] == ["x"]
    and f"{name}_backward" in functional.__all__
    and functional.__dict__[name].__module__.endswith(".activation")
]
LOSSES = ["mse_loss", "l1_loss", "smooth_l1_loss", "huber_loss", "binary_cross_entropy_with_logits"]


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", ELEMENTWISE)
def test_activations_take_any_shape(name: str, shape: tuple[int, ...]) -> None:
    x = np.linspace(-3, 3, int(np.prod(shape))).reshape(shape)
    y = getattr(functional, name)(x)
    dx = getattr(functional, f"{name}_backward")(np.ones_like(x), x)
    assert y.shape == dx.shape == shape
    assert y is not x
    if x.size:
        flat = x.reshape(-1, 1)
        np.testing.assert_array_equal(y.ravel(), getattr(functional, name)(flat).ravel())
        dx_flat = getattr(functional, f"{name}_backward")(np.ones_like(flat), flat)
        np.testing.assert_array_equal(dx.ravel(), dx_flat.ravel())


def test_there_are_activations_to_try() -> None:
    assert {"relu", "gelu", "tanh", "softplus"} <= set(ELEMENTWISE)


@pytest.mark.parametrize("shape", SHAPES)
def test_dropout_takes_any_shape(shape: tuple[int, ...]) -> None:
    y = functional.dropout(np.ones(shape), 0.5, seed=1)
    assert y.shape == shape
    np.testing.assert_array_equal(functional.dropout_backward(np.ones(shape), 0.5, seed=1), y)


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("name", LOSSES)
def test_losses_of_numbers_take_any_shape(name: str, shape: tuple[int, ...]) -> None:
    x, target = np.full(shape, 0.5), np.full(shape, 1.0)
    loss, backward = getattr(functional, name), getattr(functional, f"{name}_backward")
    each = loss(x, target, reduction="none")
    assert np.shape(each) == backward(x, target).shape == shape
    total = loss(x, target, reduction="sum")
    assert total == pytest.approx(float(np.sum(each)))
    mean = loss(x, target)
    assert np.isnan(mean) if x.size == 0 else mean == pytest.approx(total / x.size)
    with pytest.raises(ValueError, match=f"^{name}: target must have shape"):
        loss(x, np.ones((5, 5)))


@pytest.mark.parametrize("shape", [shape for shape in SHAPES if len(shape) > 1])
@pytest.mark.parametrize("name", ["softmax", "log_softmax"])
def test_soft_maxima_take_any_shape_with_channels(name: str, shape: tuple[int, ...]) -> None:
    x = np.linspace(-3, 3, int(np.prod(shape))).reshape(shape)
    y, dx = getattr(functional, name)(x), getattr(functional, f"{name}_backward")(np.ones(shape), x)
    assert y.shape == dx.shape == shape
    if x.size:
        total = (y if name == "softmax" else np.exp(y)).sum(axis=1)
        np.testing.assert_allclose(total, np.ones_like(total))


@pytest.mark.parametrize("shape", [(2, 3, 2, 2, 2), (2, 3, 0, 2), (0, 3, 2), (2, 3, 1, 2, 1, 2)])
def test_losses_of_classes_take_maps_of_any_rank(shape: tuple[int, ...]) -> None:
    x = np.linspace(-3, 3, int(np.prod(shape))).reshape(shape)
    target = np.zeros((shape[0], *shape[2:]), np.int64)
    each = functional.cross_entropy(x, target, reduction="none")
    assert np.shape(each) == target.shape
    assert functional.cross_entropy_backward(x, target).shape == shape
    if x.size:
        flat = functional.cross_entropy(x.reshape(*shape[:2], -1), target.reshape(shape[0], -1))
        assert functional.cross_entropy(x, target) == flat
