"""`python -m bench.ceiling`: ensembles, pairs that look alike, and labels that are probably wrong."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets, models

from bench import ceiling


def test_probably_wrong_labels_and_pairs() -> None:
    """Image 3 is labeled b, but both models take it for a c; one of them is wrong on image 0, too."""
    labels = np.array([0, 0, 1, 1, 2, 2])
    sure = 0.97 * np.eye(3)[[0, 0, 1, 2, 2, 2]] + 0.01
    sure[3] = (0.0, 0.01, 0.99)
    doubt = sure.copy()
    doubt[0] = (0.2, 0.4, 0.4)  # only one model is wrong here
    each = np.stack([sure, doubt])
    assert ceiling.doubtful(each, labels).tolist() == [3]
    assert ceiling.pairs(labels, sure.argmax(1), 3) == [(1, 2, 1)]
    assert ceiling.rows(each, labels, "abc") == [
        ("mean of the single models", "75.00%"),
        ("lowest and highest of them", "66.67%, 83.33%"),
        ("ensemble of 2", "83.33%"),
        ("ensemble, first or second class", "100.00%"),
        ("right by at least one model", "83.33%"),
        ("errors b and c", "1 (100%)"),
        ("ensemble, if these 5 pairs counted as right", "100.00%"),
        ("labels that are probably wrong", "1 (16.67%)"),
    ]


def test_command(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    pytest.importorskip("matplotlib")
    few = datasets.glyphs(52, seed=0)
    monkeypatch.setattr(datasets, "load", lambda name, train: few)
    paths = [str(tmp_path / f"{seed}.safetensors") for seed in (0, 1)]
    for seed, path in enumerate(paths):
        models.get("d4", seed, num_classes=len(few.classes)).save(path)
    sheet = tmp_path / "sheet.png"
    assert ceiling.main([*paths, "--sheet", str(sheet)]) == 0
    assert "| ensemble of 2 | " in capsys.readouterr().out
    assert ceiling.main([paths[0], str(tmp_path / "none")]) == 1
    assert "none" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        ceiling.main(paths[:1])
