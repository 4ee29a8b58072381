"""The row of `python -m bench` on checkpoints, callbacks and a progress bar."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cnnfast.benchmark.timing import Effort, Options

from bench import bookkeeping


@pytest.mark.slow
def test_the_row(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Options, "effort", Effort(rounds=2, sample=0.0))
    (row,) = bookkeeping.bookkeeping_rows(Options(quick=True, only="bookkeeping"))
    assert row.name == "bookkeeping, 1 epoch of d4 over 1,000 images"
    assert list(row.seconds) == ["steps alone", "with bookkeeping"]


def test_all_of_it_is_done(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    data = np.zeros((64, 28, 28), np.uint8), np.zeros(64, np.int64)
    terminal = bookkeeping.Terminal()
    monkeypatch.setattr(bookkeeping, "Terminal", lambda: terminal)
    arguments = bookkeeping.bookkeeping(tmp_path)
    bookkeeping.training(data, 2, lambda folder: arguments)()
    for log in ("log.csv", "log.jsonl"):
        assert (tmp_path / log).read_text().strip().count("\n") >= 1
    assert len(list((tmp_path / "checkpoints").glob("step-*"))) == 2
    assert "epoch 2/2" in terminal.getvalue()
    assert arguments["callbacks"][-1].loss > 0
