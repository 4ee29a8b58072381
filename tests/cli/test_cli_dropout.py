"""`cnnfast train --dropout`, and `--no-stratify`."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from cnnfast import models, nn
from cnnfast.cli import main
from cnnfast.nn import serialization


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    labels = np.tile([3, 8], 40)
    for side in (12, 28):
        images = (labels * 25)[:, None, None] * np.ones((1, side, side), np.int64)
        np.savez(f"own{side}.npz", x=images, y=labels)


def dropouts(model: nn.Module) -> list[float]:
    layers = model.children().values()
    return [layer.to_config()["p"] for layer in layers if isinstance(layer, nn.Dropout)]


@pytest.mark.parametrize(("side", "network"), [(12, None), (28, "mlp")])
def test_networks_that_have_it(side: int, network: str | None) -> None:
    named = [] if network is None else ["--model", network]
    words = ["train", "--data", f"own{side}.npz", *named, "--dropout", "0.25", "--epochs", "8"]
    assert main([*words, "--out", "a.safetensors", "--no-stratify"]) == 0
    assert set(dropouts(serialization.load("a.safetensors"))) == {0.25}
    training = serialization.metadata("a.safetensors")["training"]
    assert (training["dropout"], training["stratify"]) == (0.25, False)


def test_networks_that_have_none(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["train", "--data", "own28.npz", "--model", "d4", "--dropout", "0.5"]) == 1
    text = capsys.readouterr().err
    assert text.startswith("error: --dropout: d4 has no dropout to set; these have: ")
    assert " mlp, " in text
    with pytest.raises(ValueError, match=r"^models: all-conv has no dropout to set; these have: "):
        models.get("all-conv", dropout=0.5)  # its argument is True or False


def test_get() -> None:
    with nn.blank_parameters():
        classifier = models.get("vgg11", dropout=0.1).children()["classifier"]
    assert dropouts(classifier) == [0.1, 0.1]
    assert dropouts(models.for_images((1, 8, 8), 2)) == []
    assert dropouts(models.for_images((1, 8, 8), 2, dropout=0.5)) == [0.5]
