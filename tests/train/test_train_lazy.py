"""`fit` on a folder of images whose images are decoded during the first epoch."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import cnnfast as cf
import numpy as np
import pytest
from cnnfast.datasets import ImageFolder
from cnnfast.errors import DataError
from cnnfast.nn import Flatten, Linear, Module, Sequential

from tests.support.image_folders import decoding_threads, two_classes
from tests.support.marks import quick_only


@pytest.fixture(scope="module")
def root(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return two_classes(tmp_path_factory.mktemp("images"), 300)


def network() -> Module:
    return Sequential(Flatten(), Linear(64, 2), input_shape=(1, 8, 8), seed=0)


def trained(data: Any, **arguments: Any) -> tuple[np.ndarray, list[float]]:
    model = network()
    history = cf.fit(model, data, epochs=2, batch_size=16, progress=False, **arguments)
    return model.flat_parameters.copy(), [record.loss for record in history.epochs]


@pytest.mark.parametrize("threads", quick_only([1, 3], [3]))
@pytest.mark.parametrize(
    "arguments", [{}, {"validation": 0.2, "augment": "shift-and-flip"}, {"micro_batch": 5, "shuffle": False}]
)
def test_the_bits_are_those_of_decoded_images(
    root: Path, monkeypatch: pytest.MonkeyPatch, threads: int, arguments: dict[str, Any]
) -> None:
    monkeypatch.setattr("cnnfast.datasets.image_decoding._MAX_THREADS", threads)
    data = ImageFolder(root, lazy=True)
    found, expected = trained(data, **arguments), trained(ImageFolder(root), **arguments)
    np.testing.assert_array_equal(found[0], expected[0])
    assert found[1] == expected[1]
    assert data.pending.done.all()
    assert decoding_threads() == []


class Watch(cf.Callback):
    """Notes how many images are decoded after each batch; does something after the third."""

    def __init__(self, data: Any, third: Any = None) -> None:
        self.data, self.third, self.decoded = data, third, []

    def on_batch_end(self, context: Any) -> None:
        self.decoded.append(int(self.data.pending.done.sum()))
        if context.step == 3 and self.third is not None:
            self.third(context)


def test_images_are_decoded_while_the_network_trains(root: Path) -> None:
    data = ImageFolder(root, lazy=True)
    watch = Watch(data)
    trained(data, callbacks=[watch])
    batches = len(watch.decoded) // 2
    assert watch.decoded[:batches] == [min(16 * (k + 1), 600) for k in range(batches)]
    assert set(watch.decoded[batches:]) == {600}


def test_an_unreadable_file_ends_the_training(tmp_path: Path) -> None:
    root = two_classes(tmp_path, 40)
    broken = root / "cat" / "007.png"
    broken.write_bytes(broken.read_bytes()[:50])
    model = network()
    with pytest.raises(DataError, match=r"007\.png: the image is damaged: .*; on_error=\"skip\""):
        cf.fit(model, ImageFolder(root, lazy=True), epochs=2, batch_size=16, progress=False)
    assert decoding_threads() == []
    assert np.isfinite(model.flat_parameters).all()


def interrupt(context: Any) -> None:
    raise KeyboardInterrupt


@pytest.mark.parametrize(
    ("third", "stopped"), [(interrupt, "interrupted"), (lambda context: context.stop("enough"), "enough")]
)
def test_a_training_that_ends_in_the_first_epoch_leaves_no_threads(
    root: Path, third: Any, stopped: str
) -> None:
    data = ImageFolder(root, lazy=True)
    history = cf.fit(network(), data, batch_size=16, callbacks=[Watch(data, third)], progress=False)
    assert history.stopped == stopped
    assert data.pending.done.sum() == 48
    assert decoding_threads() == []
    np.testing.assert_array_equal(data.images, ImageFolder(root).images)


def test_with_checkpoints_images_are_decoded_first(root: Path, tmp_path: Path) -> None:
    data = ImageFolder(root, lazy=True)
    watch = Watch(data, interrupt)
    arguments = {"epochs": 2, "batch_size": 16, "progress": False, "checkpoint": tmp_path}
    cf.fit(network(), data, callbacks=[watch], **arguments)
    assert watch.decoded == [600] * 3
    model = network()
    cf.fit(model, ImageFolder(root, lazy=True), resume=True, **arguments)
    np.testing.assert_array_equal(model.flat_parameters, trained(ImageFolder(root))[0])


def test_evaluation_and_rate_finder_decode_all(root: Path) -> None:
    for use in (cf.evaluate, cf.lr_find):
        data = ImageFolder(root, lazy=True)
        use(network(), data)
        assert data.pending.done.all()
