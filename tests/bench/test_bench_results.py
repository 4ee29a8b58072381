"""`python -m bench.results`: runs are added once, and the page is made from them."""

from __future__ import annotations

import subprocess
import time
from pathlib import Path
from typing import Any

import pytest
from cnnfast.cli import recipes

from bench import results

ROOT = Path(__file__).resolve().parents[2]


def run_of(recipe: str, seed: int, accuracy: float, seconds: float = 60.0, jobs: int = 1) -> dict[str, Any]:
    return {
        "recipe": recipe,
        "seed": seed,
        "options": recipes.options(recipe),
        "test_accuracy": accuracy,
        "val_accuracy": [0.5, 0.75],
        "seconds": seconds,
        "cpu_seconds": 2 * seconds,
        "images_per_second": round(1e6 / seconds),
        "jobs": jobs,
    }


def test_a_row_has_mean_spread_and_the_fastest_time() -> None:
    runs = [run_of("quick", 0, 0.94, 90), run_of("mnist", 0, 0.995), run_of("quick", 1, 0.95, 30)]
    assert results.table(runs)[2:] == [
        "| `quick` | emnist-letters-derived | hello-dl-letters | 2 | 94.50 % ± 0.71 "
        "| 2 | 0.50 | 1.0 | 33,333 |",
        "| `mnist` | mnist | character-resnet | 1 | 99.50 % | 2 | 1.0 | 2.0 | 16,667 |",
    ]


def test_minutes_are_those_of_trainings_that_ran_alone() -> None:
    runs = [
        run_of("quick", 0, 0.94, 90),
        run_of("quick", 1, 0.94, 60, jobs=2),
        run_of("mnist", 0, 0.99, jobs=2),
    ]
    first, second = results.table(runs)[2:]
    assert first.endswith("| 2 | 1.5 | 2.0 | 11,111 |")
    assert second.endswith("| 2 | not measured | 2.0 | not measured |")


def test_runs_that_are_there_are_not_repeated(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "RUNS", tmp_path / "runs.jsonl")
    trained = []

    def train(recipe: str, seed: int, folder: Path, jobs: int) -> dict[str, Any]:
        assert folder.is_dir()
        trained.append((recipe, seed))
        return run_of(recipe, seed, 0.9, jobs=jobs)

    monkeypatch.setattr(results, "train", train)
    assert results.main(["run", "quick", "--seeds", "2"]) == 0
    assert results.main(["run", "quick", "mnist", "--seeds", "2", "--keep", str(tmp_path / "kept")]) == 0
    assert (tmp_path / "kept").is_dir()
    assert trained == [("quick", 0), ("quick", 1), ("mnist", 0), ("mnist", 1)]
    assert results.main(["run", "best", "--seeds", "3", "--jobs", "2"]) == 0
    assert sorted(trained[4:]) == [("best", 0), ("best", 1), ("best", 2)]
    assert [run["jobs"] for run in results.read()] == [1] * 4 + [2] * 3


def test_a_training_that_fails_ends_the_others(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(results, "RUNS", tmp_path / "runs.jsonl")
    trained = []

    def train(recipe: str, seed: int, folder: Path, jobs: int) -> dict[str, Any]:
        trained.append(seed)
        time.sleep(0.01)
        if seed == 1:
            raise subprocess.CalledProcessError(1, "train")
        return run_of(recipe, seed, 0.9)

    monkeypatch.setattr(results, "train", train)
    with pytest.raises(subprocess.CalledProcessError):
        results.main(["run", "quick", "--seeds", "99"])
    assert len(trained) < 99
    assert [run["seed"] for run in results.read()] == [seed for seed in trained if seed != 1]


def test_the_page_has_the_table_of_the_runs() -> None:
    text = (ROOT / "docs" / "results.md").read_text("utf-8")
    table = text.split(results.START)[1].split(results.END)[0]
    assert table.splitlines() == results.table(results.read())


@pytest.mark.slow
def test_curves_of_runs_with_validation(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    pytest.importorskip("matplotlib")
    monkeypatch.setattr(results, "CURVES", tmp_path / "curves.svg")
    runs = [run_of("quick", 0, 0.94), run_of("best", 0, 0.95), run_of("mnist", 0, 0.99)]
    drawings = []
    for validation in ([0.6, 0.8], [None, None]):
        runs[1]["val_accuracy"] = validation
        for some in (runs, [runs[0], runs[2]]):
            results.draw(some)
            drawings.append((tmp_path / "curves.svg").read_text())
    assert drawings[0].count("<svg") == 1
    assert drawings[0] != drawings[1]
    assert drawings[1] == drawings[2] == drawings[3]
