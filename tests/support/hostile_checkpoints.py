"""Model files that must be refused: damaged, of another program, or forged with a correct checksum."""

from __future__ import annotations

import json
import struct
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from cnnfast import _safetensors, nn
from cnnfast.nn import serialization
from safetensors.numpy import load_file, save

SAME = "weights must be all F16, all F32 or all F64, got"
DAMAGED = "is not a safetensors file, or is damaged: "
Texts = dict[str, str]
Tensors = dict[str, np.ndarray]


def model() -> nn.Sequential:
    built = nn.Sequential(nn.Flatten(), nn.Linear(4, 3), input_shape=(1, 2, 2), seed=0)
    built.classes = ("a", "b", "ß")
    built.preprocessing = nn.Preprocessing(0.5, (0.25,))
    return built


def packed(header: bytes, data: bytes = b"", length: int | None = None) -> bytes:
    return struct.pack("<Q", len(header) if length is None else length) + header + data


def split(content: bytes) -> tuple[Texts, dict[str, Any], bytes]:
    """Metadata, the entries of the tensors, and the bytes of the data."""
    (length,) = struct.unpack("<Q", content[:8])
    header = json.loads(content[8 : 8 + length])
    return header.pop("__metadata__"), header, content[8 + length :]


def forged(good: Path, change: Callable[[Texts, Tensors], object]) -> bytes:
    """A valid file with metadata and tensors changed, and the checksum of the result."""
    texts, _, _ = split(good.read_bytes())
    tensors = load_file(good)
    change(texts, tensors)
    if "sha256" in texts:
        texts["sha256"] = _safetensors.digest(texts, tensors)
    return save(tensors, texts)


def set_text(**values: Any) -> Callable[[Texts, Tensors], object]:
    return lambda texts, tensors: texts.update({k: json.dumps(v) for k, v in values.items()})


def raw_text(**values: str) -> Callable[[Texts, Tensors], object]:
    return lambda texts, tensors: texts.update(values)


def without(name: str) -> Callable[[Texts, Tensors], object]:
    return lambda texts, tensors: texts.pop(name)


def tensor(name: str, value: Any) -> Callable[[Texts, Tensors], object]:
    return lambda texts, tensors: tensors.update({name: value})


def cast(dtype: str, names: tuple[str, ...]) -> Callable[[Texts, Tensors], object]:
    return lambda texts, tensors: tensors.update({n: tensors[n].astype(dtype) for n in names})


def linear(n_in: Any, n_out: Any) -> dict[str, Any]:
    return {"type": "Linear", "in_features": n_in, "out_features": n_out, "bias": True}


def chain(*layers: Any) -> dict[str, Any]:
    return {"type": "Sequential", "layers": {str(i): layer for i, layer in enumerate(layers)}}


def circle() -> dict[str, Any]:
    """Two nodes that are each other's inputs."""
    nodes = {str(i): {"layer": {"type": "ReLU"}, "inputs": [str(1 - i)]} for i in range(2)}
    return {"type": "Graph", "nodes": nodes}


def doubling(times: int) -> list[dict[str, Any]]:
    """A few bytes of description for 2^times channels."""
    same = {"type": "Identity"}
    return [{"type": "Branches", "branches": {"a": same, "b": same}} for _ in range(times)]


def nested(depth: int) -> dict[str, Any]:
    config: dict[str, Any] = {"type": "ReLU"}
    for _ in range(depth):
        config = {"type": "Residual", "body": config}
    return config


def damaged_files(good: Path) -> dict[str, tuple[bytes, str]]:
    """Name: (content, start of the error text after the file's name)."""
    content = good.read_bytes()
    texts, entries, data = split(content)
    overlapping = {name: {**entry, "data_offsets": [0, len(data)]} for name, entry in entries.items()}
    huge = {"w": {"dtype": "F32", "shape": [2**40, 2**40], "data_offsets": [0, 2**62]}}
    return {
        "empty": (b"", DAMAGED),
        "seven bytes": (content[:7], DAMAGED),
        "only a length": (content[:8], DAMAGED),
        "half a header": (content[:100], DAMAGED),
        "truncated by one byte": (content[:-1], DAMAGED),
        "one byte too many": (content + b"\0", DAMAGED),
        "length beyond the end": (packed(b"{}", length=2**20), DAMAGED),
        "absurd length": (packed(b"{}", length=2**63), DAMAGED),
        "not json": (packed(b"{nonsense"), DAMAGED),
        "json, but a list": (packed(b"[1, 2]"), DAMAGED),
        "deep json": (packed(b"[" * 100_000), DAMAGED),
        "not utf-8": (packed(b'{"\xff": 1}'), DAMAGED),
        "overlapping tensors": (
            packed(json.dumps({"__metadata__": texts, **overlapping}).encode(), data),
            DAMAGED,
        ),
        "terabytes in the header": (packed(json.dumps({"__metadata__": texts, **huge}).encode()), DAMAGED),
        "metadata that is no text": (packed(json.dumps({"__metadata__": {"format": 1}}).encode()), DAMAGED),
        "a pickle": (b"\x80\x04\x95\x0b\x00\x00\x00\x00\x00\x00\x00\x8c\x07builtins\x94.", DAMAGED),
        "a zip": (b"PK\x03\x04" + bytes(100), DAMAGED),
        "a web page": (b"<!DOCTYPE html><html><body>404</body></html>", DAMAGED),
        "another byte in the weights": (
            content[:-1] + bytes([content[-1] ^ 1]),
            "is damaged: its contents do not have the checksum it was written with",
        ),
        "another class": (
            content.replace(b'\\"a\\"', b'\\"c\\"'),
            "is damaged: its contents do not have the checksum it was written with",
        ),
    }


BUILD = "cannot build its architecture: "
WORK = "does not describe a working model: "
FOREIGN = (
    "is a safetensors file, but not a cnnfast model (weights without an architecture); "
    "build the model and use interop.torch.load_safetensors"
)


def forged_files(good: Path) -> dict[str, tuple[bytes, str]]:
    """Correct form and checksum, wrong content: name: (content, the error text after the file's name)."""
    version = serialization.__version__
    eye = np.eye(3, dtype=np.float32)
    both = ("1.weight", "1.bias")
    changes: dict[str, tuple[Callable[[Texts, Tensors], object], str]] = {
        "of another program": (raw_text(format="pt"), FOREIGN),
        "of the future": (
            raw_text(format_version="2", cnnfast_version="9.1"),
            f"was written by a newer cnnfast (9.1, format 2); this one ({version}) reads formats up to 1: "
            "pip install --upgrade cnnfast",
        ),
        "version zero": (raw_text(format_version="0"), "has the format version '0', which is no version"),
        "version word": (raw_text(format_version="one"), "has the format version 'one', which is no version"),
        "version of a thousand digits": (
            raw_text(format_version="9" * 1000),
            f"has the format version '{'9' * 20}', which is no version",
        ),
        "no checksum": (without("sha256"), "lacks sha256 in its metadata"),
        "no classes": (without("classes"), "lacks classes in its metadata"),
        "much metadata": (
            raw_text(training=" " * 16_100_000 + "1"),
            "has {size} characters of metadata, at most 16000000 are read",
        ),
        "architecture not json": (
            raw_text(architecture="Sequential()"),
            "architecture in its metadata is not JSON",
        ),
        "deep architecture": (
            raw_text(architecture="[" * 200_000),
            "architecture in its metadata is not JSON",
        ),
        "architecture a list": (
            set_text(architecture=[]),
            BUILD + "from_config: a layer must be described by a dict, got list",
        ),
        "unknown layer": (
            set_text(architecture={"type": "os.system"}),
            BUILD + "from_config: unknown layer type 'os.system'; nn.layer_types() has the known ones, "
            "a class of your own needs @nn.register_layer",
        ),
        "layer type a list": (
            set_text(architecture={"type": ["ReLU"]}),
            BUILD + "from_config: unknown layer type ['ReLU']; nn.layer_types() has the known ones, "
            "a class of your own needs @nn.register_layer",
        ),
        "text for a number": (
            set_text(architecture=linear("4", 3)),
            BUILD + "Linear: in_features must be an int, got '4'",
        ),
        "negative size": (
            set_text(architecture=linear(4, -3)),
            BUILD + "Linear: out_features must be from 1 to 268435456, got -3",
        ),
        "size of a hundred digits": (
            set_text(architecture=linear(4, 10**100)),
            BUILD + "Linear: out_features is out of range, got " + str(10**100),
        ),
        "containers without end": (
            set_text(architecture=nested(70)),
            BUILD + "from_config: more than 64 containers inside each other",
        ),
        "a graph that runs in a circle": (
            set_text(architecture=chain(circle(), linear(4, 3))),
            WORK + "Graph: node '0' reads '1', which does not come before it; it can read input",
        ),
        "a graph of no nodes": (
            set_text(architecture={"type": "Graph", "nodes": {"0": None}}),
            BUILD + "Graph: node '0' must be a dict of layer and inputs",
        ),
        "channels that double without end": (
            set_text(architecture=chain({"type": "Flatten"}, linear(4, 3), *doubling(60))),
            WORK + 'layer "28.concat": Concat: every extent of a shape must be from 1 to 268435456, '
            "got (402653184,)",
        ),
        "a terabyte of weights": (
            set_text(architecture=chain({"type": "Flatten"}, linear(2**19, 2**19))),
            "the weights 1.weight have shape (3, 4), the architecture (524288, 524288)",
        ),
        "weights of another shape": (
            tensor("1.weight", eye),
            "the weights 1.weight have shape (3, 3), the architecture (3, 4)",
        ),
        "weights missing": (
            set_text(architecture=chain({"type": "Flatten"}, linear(4, 3), linear(3, 3))),
            "lacks the weights 2.weight",
        ),
        "weights too many": (
            tensor("2.weight", eye),
            "holds weights 2.weight that its architecture has no place for",
        ),
        "half floats, one of two": (
            cast("f2", both[:1]),
            "weights must be all F16, all F32 or all F64, got F16, F32",
        ),
        "integers": (cast("i8", both), "weights must be all F16, all F32 or all F64, got I64"),
        "two kinds of floats": (
            cast("f8", both[:1]),
            "weights must be all F16, all F32 or all F64, got F32, F64",
        ),
        "classes a number": (set_text(classes=3), "classes in its metadata must not be int"),
        "preprocessing a list": (
            set_text(preprocessing=[]),
            "preprocessing in its metadata must not be list",
        ),
        "input shape text": (set_text(input_shape="122"), "input_shape in its metadata must not be str"),
        "too few classes": (
            set_text(classes=["a"]),
            WORK + "Sequential: 1 classes do not fit the output shape (3,)",
        ),
        "classes of numbers": (
            set_text(classes=[1, 2, 3]),
            WORK + "Sequential: classes must be a sequence of names, got [1, 2, 3]",
        ),
        "input shape that does not fit": (
            set_text(input_shape=[1, 2, 3]),
            WORK + 'layer "1": Linear: expected 4 input features, got 6',
        ),
        "input shape of zeros": (
            set_text(input_shape=[0, 0, 0]),
            WORK + "Sequential: input_shape must be at least 1, got 0",
        ),
        "deviation zero": (
            set_text(preprocessing={"mean": 0.0, "std": 0.0}),
            WORK + "Preprocessing: std must be larger than 0, got 0.0",
        ),
        "two means for one channel": (
            set_text(preprocessing={"mean": [0.0, 1.0], "std": 1.0}),
            WORK + "Preprocessing: mean has 2 values but the input has 1 channels",
        ),
        "unknown preprocessing": (
            set_text(preprocessing={"gamma": 2}),
            WORK + "Preprocessing.__init__() got an unexpected keyword argument 'gamma'",
        ),
    }
    files = {}
    for name, (change, text) in changes.items():
        content = forged(good, change)
        size = sum(map(len, split(content)[0].values()))
        files[name] = (content, text.replace("{size}", str(size)))
    files["weights alone"] = (save({"w": eye}), FOREIGN)
    return files
