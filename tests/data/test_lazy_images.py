"""`ImageFolder(lazy=True)`: each image is decoded once, when it is needed."""

from __future__ import annotations

import copy
import pickle
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast.datasets import ImageFolder, from_path
from cnnfast.datasets.lazy_images import LazyImageDataset
from cnnfast.errors import DataError
from cnnfast.vision import reading

from tests.support.image_folders import decoding_threads, two_classes
from tests.support.marks import quick_only
from tests.support.refusal import refused


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[Any]:
    """An entry for each image that is decoded."""
    calls: list[Any] = []
    real = reading.to_pixels
    monkeypatch.setattr(reading, "to_pixels", lambda *args: calls.append(args) or real(*args))
    return calls


def test_images_are_decoded_once_when_they_are_used(tmp_path: Path, decodings: list[Any]) -> None:
    two_classes(tmp_path, 20, "RGB")
    data = ImageFolder(tmp_path, lazy=True)
    assert repr(data) == f"ImageDataset('{tmp_path.name}', 40 images of 3x8x8, 2 classes)"
    assert (len(data), data.input_shape, data.classes) == (40, (3, 8, 8), ("cat", "dog"))
    assert decodings == []
    images = data.images
    assert data.images is images
    assert len(decodings) == 40
    eager = ImageFolder(tmp_path)
    np.testing.assert_array_equal(images, eager.images)
    np.testing.assert_array_equal(data.labels, eager.labels)
    assert (data.name, data.description) == (eager.name, eager.description)
    assert decoding_threads() == []


def test_parts_decode_their_own_images(tmp_path: Path, decodings: list[Any]) -> None:
    two_classes(tmp_path, 20)
    data, eager = ImageFolder(tmp_path, lazy=True), ImageFolder(tmp_path)
    del decodings[:]
    rest, held = data.split(0.25, seed=0, stratify=True)
    assert decodings == []
    for part, whole in zip((rest, held), eager.split(0.25, seed=0, stratify=True), strict=True):
        np.testing.assert_array_equal(part.labels, whole.labels)
        np.testing.assert_array_equal(part.images, whole.images)
    assert len(decodings) == 40
    np.testing.assert_array_equal(rest[5:2:-1].images, rest.images[5:2:-1])
    np.testing.assert_array_equal(rest[rest.labels == 1].images, rest.images[15:])
    assert len(decodings) == 40
    with pytest.raises(TypeError, match="got the integer 3"):
        data[3]
    with pytest.raises(IndexError):
        data[[40]]


def test_a_repeated_image_is_decoded_once(tmp_path: Path, decodings: list[Any]) -> None:
    two_classes(tmp_path, 9)
    data, eager = ImageFolder(tmp_path, lazy=True)[6:], ImageFolder(tmp_path)[6:]
    assert isinstance(data, LazyImageDataset)
    data.pending.finish(np.array([11, 4]))
    del decodings[:]
    part = data.balanced(seed=0)  # 3 images of one class, 9 of the other
    assert isinstance(part, LazyImageDataset)
    assert decodings == []
    order = np.random.default_rng(0).permutation(18)
    with part.pending.ahead(order) as wait:
        for rows in (order[:7], order[7:]):
            wait(rows)
            np.testing.assert_array_equal(part.pending.array[rows], eager.balanced(seed=0).images[rows])
    assert len(decodings) == 10
    np.testing.assert_array_equal(part.images, eager.balanced(seed=0).images)
    assert len(decodings) == 10


def test_copies_are_lazy_too(tmp_path: Path) -> None:
    two_classes(tmp_path, 3)
    data = ImageFolder(tmp_path, lazy=True)
    for copied in (copy.deepcopy(data), pickle.loads(pickle.dumps(data))):
        assert not copied.pending.done.any()
        np.testing.assert_array_equal(copied.images, data.images)


@pytest.mark.parametrize("threads", quick_only([1, 3], [3]))
def test_some_hundred_images_are_decoded_in_advance(
    tmp_path: Path, decodings: list[Any], monkeypatch: pytest.MonkeyPatch, threads: int
) -> None:
    monkeypatch.setattr("cnnfast.datasets.image_decoding._MAX_THREADS", threads)
    two_classes(tmp_path, 300)
    data = ImageFolder(tmp_path, lazy=True)
    assert isinstance(data, LazyImageDataset)
    order = np.random.default_rng(0).permutation(600)
    with data.pending.ahead(order) as wait:
        wait(order[:10])
        assert data.pending.done[order[:10]].all()
        assert data.pending.done.sum() == 10
        assert decoding_threads() != []
    assert 10 <= len(decodings) <= 10 + 256 + 16
    assert decoding_threads() == []
    np.testing.assert_array_equal(data.images, ImageFolder(tmp_path).images)


def test_an_unreadable_file_is_an_error_when_it_is_needed(tmp_path: Path) -> None:
    two_classes(tmp_path, 20)
    broken = tmp_path / "dog" / "003.png"
    content = broken.read_bytes()
    broken.write_bytes(content[:50])
    data = ImageFolder(tmp_path, lazy=True)
    message = f'ImageFolder: {broken}: the image is damaged: .*; on_error="skip" leaves such files out'
    for _ in range(2):
        with pytest.raises(DataError, match=message):
            _ = data.images
    assert decoding_threads() == []
    assert data[:20].images.shape == (20, 8, 8)
    broken.write_bytes(content)
    assert (data.images[20:] >= 200).all()


def test_other_errors_of_a_thread_arrive(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*args: object) -> None:
        raise MemoryError("too large")

    two_classes(tmp_path, 20)
    monkeypatch.setattr(reading, "to_pixels", fails)
    with pytest.raises(MemoryError, match="too large"):
        _ = ImageFolder(tmp_path, lazy=True).images
    assert decoding_threads() == []


def test_nothing_is_lazy_with_a_cache_or_when_files_are_skipped(tmp_path: Path) -> None:
    root = two_classes(tmp_path / "root", 3)
    assert isinstance(from_path(root, lazy=True)[0], LazyImageDataset)
    assert not isinstance(ImageFolder(root, lazy=True, cache=tmp_path / "cache.npy"), LazyImageDataset)
    (root / "cat" / "000.png").write_bytes(b"")
    with pytest.warns(UserWarning, match="skipped 1 of 6 files"):
        data = ImageFolder(root, lazy=True, on_error="skip")
    assert len(data) == 5
    with refused(TypeError, "ImageFolder: lazy must be True or False, got 1"):
        ImageFolder(root, lazy=1)  # type: ignore[arg-type]
