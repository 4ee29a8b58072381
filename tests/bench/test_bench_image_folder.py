"""`python -m bench.image_folder`, on a few images."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets

from bench import image_folder


def test_the_files(tmp_path: Path) -> None:
    image_folder.write(tmp_path, 30)
    data = datasets.ImageFolder(tmp_path)
    assert data.images.shape == (30, 3, 64, 64)
    assert np.bincount(data.labels).tolist() == [3] * 10


def test_rates_of_both_epochs(tmp_path: Path) -> None:
    image_folder.write(tmp_path, 30)
    network = image_folder.network()
    assert network.output_shape == (10,)
    for lazy in (False, True):
        rates = image_folder.rates(datasets.ImageFolder(tmp_path, lazy=lazy))
        assert len(rates) == 2
        assert min(rates) > 0


def test_the_table(capsys: pytest.CaptureFixture[str]) -> None:
    assert image_folder.main(["--images", "30", "--rounds", "1"]) == 0
    rows = capsys.readouterr().out.splitlines()
    assert [row.split(" | ")[0] for row in rows[2:]] == ["| 1", "| 2"]
    assert all(row.endswith("% |") for row in rows[2:])
