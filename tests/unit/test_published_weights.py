"""`load_safetensors`: files of other programs load into a model, exactly; a bad file changes nothing."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast import nn
from cnnfast.errors import CheckpointError
from cnnfast.interop.torch import from_timm, load_safetensors
from safetensors.numpy import save_file

from tests.support import hostile_checkpoints as hostile
from tests.support.refusal import refused

#: Values with at most 8 significant bits: exact in every type of the format.
EXACT = {
    "0.weight": np.arange(-6, 6, dtype=np.float32).reshape(3, 4) / 4,
    "0.bias": np.array([0.5, -(2.0**-20), 160], np.float32),
}


def small() -> nn.Sequential:
    return nn.Sequential(nn.Linear(4, 3), input_shape=(4,), seed=0)


def written(path: Path, tensors: dict[str, tuple[str, Any, bytes]]) -> Path:
    """A file of tensors given as (type, shape, bytes)."""
    header, data = {}, b""
    for name, (kind, shape, content) in tensors.items():
        header[name] = {
            "dtype": kind,
            "shape": shape,
            "data_offsets": [len(data), len(data) + len(content)],
        }
        data += content
    path.write_bytes(hostile.packed(json.dumps(header).encode(), data))
    return path


def stored(kind: str, value: np.ndarray) -> tuple[str, Any, bytes]:
    """A float32 array as the format holds it."""
    if kind == "BF16":
        content = (value.view(np.uint32) >> 16).astype("<u2").tobytes()
    else:
        content = value.astype({"F16": "<f2", "F32": "<f4", "F64": "<f8"}[kind]).tobytes()
    return kind, list(value.shape), content


@pytest.mark.parametrize("kind", ["F16", "BF16", "F32", "F64"])
def test_every_type_of_floats(kind: str, dtype: str, tmp_path: Path) -> None:
    path = written(tmp_path / "w", {name: stored(kind, value) for name, value in EXACT.items()})
    model = small().to(dtype)
    assert load_safetensors(path, model) == ([], [])
    assert model.dtype == dtype
    for name, value in EXACT.items():
        np.testing.assert_array_equal(model.state_dict()[name], value)


def test_float64_becomes_the_nearest_float32(rng: np.random.Generator, tmp_path: Path) -> None:
    state = {"0.weight": rng.standard_normal((3, 4)), "0.bias": rng.standard_normal(3)}
    save_file(state, tmp_path / "w")
    model = small()
    load_safetensors(tmp_path / "w", model)
    for name, value in state.items():
        np.testing.assert_array_equal(model.state_dict()[name], value.astype(np.float32))


def test_a_new_weight_is_used_at_once(tmp_path: Path) -> None:
    save_file(EXACT, tmp_path / "w")
    model, x = small(), np.ones((1, 4), np.float32)
    model(x)  # packs the weights
    load_safetensors(str(tmp_path / "w"), model)
    np.testing.assert_array_equal(model(x)[0], EXACT["0.weight"].sum(1) + EXACT["0.bias"])


def test_counts_of_batches_are_ignored(tmp_path: Path) -> None:
    model = nn.Sequential(nn.BatchNorm2d(2))
    state = {name: value + 1 for name, value in model.state_dict().items()}
    save_file({**state, "0.num_batches_tracked": np.array(7)}, tmp_path / "w")
    assert load_safetensors(tmp_path / "w", model) == ([], [])
    np.testing.assert_array_equal(model.state_dict()["0.running_var"], [2, 2])


def test_a_file_of_cnnfast_keeps_its_checksum(tmp_path: Path) -> None:
    source, model = small(), small()
    source.save(tmp_path / "w")
    model.initialize(1)
    load_safetensors(tmp_path / "w", model)
    np.testing.assert_array_equal(model.flat_parameters, source.flat_parameters)
    content = (tmp_path / "w").read_bytes()
    (tmp_path / "w").write_bytes(content[:-1] + bytes([content[-1] ^ 1]))
    with pytest.raises(CheckpointError, match="is damaged: its contents do not have the checksum"):
        load_safetensors(tmp_path / "w", model)


def test_names_of_another_kind(tmp_path: Path) -> None:
    save_file({f"model.{name}": value for name, value in EXACT.items()}, tmp_path / "w")
    model = small()

    def without_prefix(state: dict[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {name.removeprefix("model."): value for name, value in state.items()}

    load_safetensors(tmp_path / "w", model, convert=without_prefix)
    np.testing.assert_array_equal(model.state_dict()["0.bias"], EXACT["0.bias"])


def test_not_strict(tmp_path: Path) -> None:
    save_file({"0.bias": EXACT["0.bias"], "extra": np.ones(2)}, tmp_path / "w")
    model = small()
    before = model.state_dict()["0.weight"]
    found = load_safetensors(tmp_path / "w", model, strict=False)
    assert found == (["0.weight"], ["extra"])
    np.testing.assert_array_equal(model.state_dict()["0.bias"], EXACT["0.bias"])
    np.testing.assert_array_equal(model.state_dict()["0.weight"], before)


def test_infinite_weights_warn(tmp_path: Path) -> None:
    save_file({**EXACT, "0.bias": np.array([0, np.nan, 1], np.float32)}, tmp_path / "w")
    with pytest.warns(UserWarning, match="^load_safetensors: .*: the model's 0.bias hold NaN or infinity"):
        load_safetensors(tmp_path / "w", small())


def test_timm_names() -> None:
    weight = np.arange(8.0).reshape(2, 4, 1, 1)
    state = from_timm(
        {
            "features.0.weight": weight,
            "pre_logits.fc1.weight": weight,
            "pre_logits.fc1.bias": weight[:, 0, 0, 0],
        }
    )
    assert list(state) == ["features.0.weight", "classifier.0.weight", "classifier.0.bias"]
    assert state["features.0.weight"] is weight
    np.testing.assert_array_equal(state["classifier.0.weight"], weight[:, :, 0, 0])
    assert state["classifier.0.bias"].shape == (2,)


# ------------------------------------------------------------------ files that are refused


def entry(kind: str, shape: list[int], start: int, end: int) -> dict[str, Any]:
    return {"dtype": kind, "shape": shape, "data_offsets": [start, end]}


def header(entries: dict[str, Any], size: int) -> bytes:
    return hostile.packed(json.dumps(entries).encode(), bytes(size))


MISFITS: dict[str, tuple[Callable[[], bytes], str]] = {
    "overlapping": (
        lambda: header({"0.weight": entry("F32", [3, 4], 0, 48), "0.bias": entry("F32", [3], 44, 56)}, 56),
        "is not a safetensors file, or is damaged: Error while deserializing header: "
        "invalid offset for tensor `0.bias`",
    ),
    "another shape": (
        lambda: header({"0.weight": entry("F32", [4, 3], 0, 48), "0.bias": entry("F32", [3], 48, 60)}, 60),
        "does not fit the model: Sequential: 0.weight must have shape (3, 4), got (4, 3) in the state",
    ),
    "integers": (
        lambda: header({"0.weight": entry("I8", [3, 4], 0, 12), "0.bias": entry("F32", [3], 12, 24)}, 24),
        "does not fit the model: Sequential: 0.weight must be floating point, got int8 in the state",
    ),
    "8 bits": (
        lambda: header(
            {"0.weight": entry("F8_E4M3", [3, 4], 0, 12), "0.bias": entry("F32", [3], 12, 24)}, 24
        ),
        "the tensor 0.weight is of type F8_E4M3; weights must be F64, F32, F16 or BF16",
    ),
    "names": (
        lambda: header({"0.weight": entry("BF16", [3, 4], 0, 24), "bias": entry("F32", [3], 24, 36)}, 36),
        "does not fit the model: Sequential: the state lacks 0.bias and has unknown bias; "
        "strict=False would skip them",
    ),
    "nothing": (
        lambda: header({}, 0),
        "does not fit the model: Sequential: the state lacks 0.weight, 0.bias; strict=False would skip them",
    ),
}


@pytest.mark.parametrize("name", MISFITS)
def test_misfits_are_refused_and_change_nothing(name: str, tmp_path: Path) -> None:
    content, text = MISFITS[name]
    path = tmp_path / "w"
    path.write_bytes(content())
    model = small()
    before = model.flat_parameters.copy()
    with refused(CheckpointError, f"{path}: {text}"):
        load_safetensors(path, model)
    np.testing.assert_array_equal(model.flat_parameters, before)


def test_damaged_files_are_refused(tmp_path: Path) -> None:
    """The same files that `load` refuses."""
    good, path, model = tmp_path / "good", tmp_path / "w", hostile.model()
    model.save(good)
    for name, (content, start) in hostile.damaged_files(good).items():
        path.write_bytes(content)
        with pytest.raises(CheckpointError) as caught:
            load_safetensors(path, model)
        assert str(caught.value).startswith(f"{path}: {start}"), name


def test_no_file_and_no_model(tmp_path: Path) -> None:
    with refused(FileNotFoundError, f"load_safetensors: there is no file {tmp_path / 'w'}"):
        load_safetensors(tmp_path / "w", small())
    with refused(IsADirectoryError, f"load_safetensors: {tmp_path} is a folder, not a safetensors file"):
        load_safetensors(tmp_path, small())
    with refused(TypeError, "load_safetensors: model must be a Module, got dict"):
        load_safetensors(tmp_path / "w", {})  # type: ignore[arg-type]
