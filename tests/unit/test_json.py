"""Results as JSON: what every reader takes, whatever the numbers."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import cnnfast
import numpy as np
import pytest
from cnnfast import nn
from cnnfast._json import plain, to_json
from cnnfast.benchmark import runner
from cnnfast.cli import main
from cnnfast.nn import serialization
from cnnfast.training.evaluation import Evaluation, evaluate
from cnnfast.training.history import EpochRecord, History

NAN, INF = float("nan"), float("inf")


def strictly(text: str) -> Any:
    """JSON as other languages read it."""

    def refuse(word: str) -> None:
        raise AssertionError(f"{word} is no JSON")

    return json.loads(text, parse_constant=refuse)


@pytest.mark.parametrize(
    ("data", "cleaned", "finite"),
    [
        ({}, {}, True),
        ({"a": (1.5, "x", None, True, 2)}, {"a": [1.5, "x", None, True, 2]}, True),
        ({"a": NAN}, {"a": None}, False),
        ({"a": [{"b": -INF}, 3.0]}, {"a": [{"b": None}, 3.0]}, False),
        ({"a": {"b": (np.float64(INF), 10**400)}}, {"a": {"b": [None, 10**400]}}, False),
    ],
)
def test_what_is_not_finite_becomes_null(data: Any, cleaned: Any, finite: bool) -> None:
    assert plain(data) == (cleaned if finite else {**cleaned, "finite": False})
    assert strictly(to_json(data)) == cleaned
    assert plain(plain(data)) == plain(data)


def test_results_that_are_not_finite() -> None:
    model = nn.Linear(2, 2, bias=False)
    model.weight = np.full((2, 2), 1e38)
    data = np.full((3, 2), 1e38, np.float32), [0, 1, 0]
    result = evaluate(model, data).to_dict()
    assert (result["loss"], result["finite"]) == (None, False)
    history = History([EpochRecord(1, 0.5, 0.5, INF, NAN, 1.0, 3.0)], "non-finite").to_dict()
    assert history["epochs"][0]["val_loss"] is history["epochs"][0]["val_accuracy"] is None
    assert history["finite"] is False
    for data in (result, history):
        assert strictly(json.dumps(data)) == data
    assert "finite" not in Evaluation(0.5, 1.0, 1.0, np.eye(2, dtype=np.int64), 2, ("a", "b"), 0.1).to_dict()


@pytest.fixture
def overflowing(tmp_path: Path) -> str:
    """A file of a model whose outputs are not finite."""
    model = nn.Sequential(nn.Flatten(), nn.Linear(784, 26, bias=False), input_shape=(1, 28, 28))
    model[1].weight = np.full((26, 784), 1e38)
    path = tmp_path / "m.safetensors"
    model.save(path, training={"data": "glyphs", "loss": NAN, "losses": [INF, 0.5]})
    return str(path)


def test_the_file_of_a_model_holds_json(overflowing: str) -> None:
    assert serialization.metadata(overflowing)["training"] == {
        "data": "glyphs",
        "loss": None,
        "losses": [None, 0.5],
    }
    header = Path(overflowing).read_bytes()[8:].partition(b"}}")[0]
    assert b"NaN" not in header
    assert b"Infinity" not in header


def test_older_files_with_nan_stay_readable(overflowing: str) -> None:
    from tests.support import hostile_checkpoints as hostile

    path = Path(overflowing)
    path.write_bytes(hostile.forged(path, hostile.raw_text(training='{"loss": NaN}')))
    assert np.isnan(serialization.metadata(path)["training"]["loss"])
    assert cnnfast.load(path).num_parameters() == 784 * 26


def test_the_command_line_prints_json(
    overflowing: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    image = pytest.importorskip("PIL.Image")
    image_file = tmp_path / "l.png"
    letter = np.full((40, 40), 255, np.uint8)
    letter[5:35, 15:20] = 0
    image.fromarray(letter).save(image_file)
    main(["evaluate", overflowing, "--json"])
    assert strictly(capsys.readouterr().out)["finite"] is False
    assert main(["predict", str(image_file), "--model", overflowing, "--json"]) == 1
    assert capsys.readouterr().out == ""  # nothing that could be taken for an answer
    main(["show-config", "--json"])
    strictly(capsys.readouterr().out)


def test_a_benchmark_writes_json(tmp_path: Path) -> None:
    runner._save({"rows": [{"of_peak": NAN}]}, tmp_path / "b.json")
    assert strictly((tmp_path / "b.json").read_text()) == {"rows": [{"of_peak": None}]}


def test_json_is_written_in_one_place() -> None:
    root = Path(cnnfast.__file__).parent
    writers = {
        path.relative_to(root).as_posix()
        for path in root.rglob("*.py")
        if re.search(r"json\.dumps?\(", path.read_text(encoding="utf-8"))
    }
    # The header of safetensors has only text and integers; a checkpoint keeps NaN, which fit reads back.
    assert writers == {"_json.py", "_safetensors.py", "training/checkpoint.py"}
