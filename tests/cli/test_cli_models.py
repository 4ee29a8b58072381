"""`cnnfast models` and `cnnfast models show`: tables, JSON, drawings."""

from __future__ import annotations

import json
import time
from dataclasses import asdict
from pathlib import Path

import pytest
from cnnfast import models
from cnnfast.cli import main
from cnnfast.nn.drawing import svg

from tests.support.command import error_of

pytestmark = pytest.mark.usefixtures("empty_folder")


def test_every_network_is_listed_at_once_below_its_source(capsys: pytest.CaptureFixture[str]) -> None:
    start = time.process_time()
    assert main(["models"]) == 0
    assert time.process_time() - start < 3
    lines = capsys.readouterr().out.splitlines()
    assert lines[0].split() == ["network", "input", "outputs", "parameters", "MACs", "memory"]
    assert max(map(len, lines)) <= 80
    names = [line.split()[0] for line in lines if line.startswith("  ") and not line.startswith("   ")]
    assert sorted(names) == sorted(models.list())
    assert "  lenet5 " in lines[lines.index(_source(lines, "1998  LeCun et al.")) + 1]


def _source(lines: list[str], start: str) -> str:
    return next(line for line in lines if line.startswith(start))


def test_list_as_json(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "--json"]) == 0
    listed = json.loads(capsys.readouterr().out)
    assert [entry["name"] for entry in listed] == models.list()
    assert next(entry for entry in listed if entry["name"] == "d4") == {
        "name": "d4",
        "source": models.info("d4").source,
        "year": None,
        "input_shape": [1, 28, 28],
        "output_shape": [10],
        "parameters": 52_138,
        "macs": 333_056,
        "memory": models.info("d4").memory,
    }


@pytest.mark.parametrize("words", ["d4", "D4", "show d4", "--debug d4", "show --debug d4"])
def test_layers(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", *words.split()]) == 0
    assert capsys.readouterr().out == f"{models.d4()}\n"


@pytest.mark.parametrize("words", ["show d4 --json", "--json d4", "d4 --json", "show --json d4"])
def test_layers_as_json(words: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", *words.split()]) == 0
    result = json.loads(capsys.readouterr().out)
    assert result["parameters"] == 52_138
    assert result["layers"][0] == {
        "name": next(iter(models.d4().children())),
        "operation": "Conv2d",
        "settings": "1 to 8, kernel 3x3, stride 1, padding 1",
        "reads": [-1],
        "output_shape": [8, 28, 28],
        "parameters": 80,
        "buffers": 0,
        "macs": 56_448,
        "bytes": 25_088,
    }


def test_memory_of_a_batch(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["models", "show", "d4", "--batch", "8"]) == 0
    assert capsys.readouterr().out == f"{models.d4().summary(batch=8)}\n"
    assert main(["models", "show", "d4", "--batch", "8", "--json"]) == 0
    result = json.loads(capsys.readouterr().out)
    for key, training in (("memory_of_inference", False), ("memory_of_training", True)):
        memory = models.d4().memory(8, training)
        assert result[key] == {**asdict(memory), "total": memory.total}


def test_graph(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["models", "show", "d4", "--graph", "d4.svg"]) == 0
    assert capsys.readouterr().out == "written d4.svg\n"
    assert (tmp_path / "d4.svg").read_text(encoding="utf-8") == svg(models.d4())


def test_graph_that_cannot_be_written(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    (tmp_path / "folder.svg").mkdir()
    for path, why in (("none/d4.svg", "there is no folder"), ("folder.svg", "folder")):
        message = error_of(capsys, "models", "d4", "--graph", path)
        assert message.startswith("models show: ")
        assert path in message
        assert why in message
