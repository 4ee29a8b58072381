"""The chart of README.md: what is taken from results, and that it can be drawn from them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from cnnfast.benchmark.timing import Row

from bench import chart

RESULTS = Path(__file__).resolve().parents[2] / "docs" / "images" / "throughput.json"


def row(name: str, work: float = 64, **seconds: float) -> dict[str, Any]:
    samples = {name.replace("_", " "): [value] * 4 for name, value in seconds.items()}
    return Row(name, work, "images", samples).to_dict()


def result(*rows: dict[str, Any], quick: bool = False) -> dict[str, Any]:
    machine = {"cpu": "A CPU", "cores": 4, "system": "Linux x86_64", "isa": "avx2", "threads": 2}
    versions = {"cnnfast": "0.1.0", "torch": "2.0.0+cpu"}
    return {"machine": {**machine, **versions}, "options": {"quick": quick}, "rows": list(rows)}


ROWS = (
    row("train d4 batch 64", cnnfast=0.5, torch_eager=2.0, torch_channels_last=1.0),
    row("infer d4 batch 1", 1, cnnfast=0.25, torch_eager=2.0, onnxruntime=0.5),
    row("infer d4 batch 128", 128, cnnfast=0.25),
    row("train d4 batch 64 on one thread", cnnfast=1.0, torch_eager=2.0),
)


def test_panels_have_the_faster_layout_of_pytorch() -> None:
    assert chart.panels(ROWS) == {
        "Training, batch 64": {"d4": {"cnnfast": 128.0, "PyTorch": 64.0}},
        "Inference, batch 1": {"d4": {"cnnfast": 4.0, "PyTorch": 0.5, "ONNX Runtime": 2.0}},
    }


def test_caption_names_machine_threads_and_remarks() -> None:
    text = chart.caption(result(*ROWS))
    assert text.startswith("A CPU, 2 threads on 4 cores, avx2, Linux x86_64. cnnfast 0.1.0, PyTorch 2.0.0.")
    assert "Other processes" not in text
    busy = {**ROWS[0], "is_contended": True}
    text = chart.caption(result(busy, ROWS[1], quick=True))
    assert text.splitlines()[2:] == [
        "Other processes used the machine in 1 of 2 rows.",
        "A quick run: do not quote.",
    ]


def test_chart_is_drawn_and_does_not_vary(tmp_path: Path) -> None:
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    given = tmp_path / "results.json"
    given.write_text(json.dumps(result(*ROWS)), encoding="utf-8")
    for name in ("first.svg", "second.svg"):
        assert chart.main([str(given), str(tmp_path / name)]) == 0
    first = (tmp_path / "first.svg").read_bytes()
    assert b"<svg" in first
    assert first == (tmp_path / "second.svg").read_bytes()


def test_wrong_use_is_told(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert chart.main([]) == 2
    assert capsys.readouterr().err == "usage: python -m bench.chart results.json chart.svg\n"
    pytest.importorskip("matplotlib", reason="matplotlib is not installed")
    given = tmp_path / "results.json"
    given.write_text(json.dumps(result()), encoding="utf-8")
    assert chart.main([str(given), str(tmp_path / "chart.svg")]) == 1
    expected = "error: chart: the results have no rows of whole networks at batch 1 or 64\n"
    assert capsys.readouterr().err == expected


@pytest.mark.skipif(not RESULTS.exists(), reason="the tests run without a checkout: no docs")
def test_results_of_the_chart_are_at_hand() -> None:
    results = json.loads(RESULTS.read_text(encoding="utf-8"))
    found = chart.panels(results["rows"])
    assert list(found) == [heading for heading, _, _ in chart.PANELS]
    assert all(len(panel) >= 2 for panel in found.values())
    assert results["machine"]["cpu"] in chart.caption(results)
