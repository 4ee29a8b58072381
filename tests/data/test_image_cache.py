"""The cache of `ImageFolder`: mapped, valid as long as the files are the same, never over another file."""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

import numpy as np
import pytest
from cnnfast.datasets import ImageDataset, ImageFolder, image_folder
from cnnfast.errors import DataError

from tests.support.image_folders import two_classes, write_image
from tests.support.refusal import refused


def is_mapped(array: np.ndarray) -> bool:
    base = array
    while base is not None and not isinstance(base, np.memmap):
        base = base.base
    return base is not None


@pytest.fixture
def root(tmp_path: Path) -> Path:
    return two_classes(tmp_path / "data")


@pytest.fixture
def cache(tmp_path: Path) -> Path:
    return tmp_path / "images.npy"


@pytest.fixture
def decodings(monkeypatch: pytest.MonkeyPatch) -> list[int]:
    """Gets the number of files at each decoding."""
    calls: list[int] = []
    real = image_folder.decoded

    def counting(paths, form):
        calls.append(len(paths))
        return real(paths, form)

    monkeypatch.setattr(image_folder, "decoded", counting)
    return calls


def same(a: ImageDataset, b: ImageDataset) -> None:
    np.testing.assert_array_equal(a.images, b.images)
    np.testing.assert_array_equal(a.labels, b.labels)
    assert (a.classes, a.name, a.description) == (b.classes, b.name, b.description)


@pytest.mark.parametrize("mode", ["L", "RGB"])
def test_equals_reading_and_is_mapped(root: Path, cache: Path, mode, decodings: list[int]) -> None:
    plain = ImageFolder(root, 6, mode)
    for _ in range(2):
        data = ImageFolder(root, 6, mode, cache=cache)
        same(data, plain)
        assert is_mapped(data.images)
        assert not data.images.flags.writeable
    assert decodings == [6, 6]


def test_numpy_opens_the_file_too(root: Path, cache: Path) -> None:
    data = ImageFolder(root, cache=cache)
    with cache.open("rb") as file:
        np.testing.assert_array_equal(np.lib.format.read_array(file, allow_pickle=False), data.images)


@pytest.mark.parametrize("change", ["content", "name", "new", "gone", "class", "size", "mode"])
def test_a_change_makes_it_again(root: Path, cache: Path, change: str, decodings: list[int]) -> None:
    ImageFolder(root, cache=cache)
    size, mode = (5 if change == "size" else None), ("RGB" if change == "mode" else None)
    first = root / "cat" / "000.png"
    if change == "content":
        write_image(first, 99)
        os.utime(first, ns=(1, 1))
    elif change == "name":
        first.rename(root / "cat" / "zzz.png")
    elif change == "new":
        write_image(root / "dog" / "9.png", 250)
    elif change == "gone":
        first.unlink()
    elif change == "class":
        (root / "cat").rename(root / "emu")
    data = ImageFolder(root, size, mode, cache=cache)  # type: ignore[arg-type]
    same(data, ImageFolder(root, size, mode))  # type: ignore[arg-type]
    assert len(decodings) == 3


def test_skipped_files_are_told_again(root: Path, cache: Path) -> None:
    (root / "cat" / "001.png").write_bytes(b"")
    for _ in range(2):
        with pytest.warns(UserWarning, match="skipped 1 of 6 files, which are not readable: "):
            data = ImageFolder(root, on_error="skip", cache=cache)
        assert data.labels.tolist() == [0, 0, 1, 1, 1]
    with pytest.raises(DataError, match=r"001\.png: "):
        ImageFolder(root, cache=cache)


def test_a_failure_leaves_the_old_file(root: Path, cache: Path) -> None:
    ImageFolder(root, cache=cache)
    before = cache.read_bytes()
    (root / "cat" / "001.png").write_bytes(b"")
    with pytest.raises(DataError):
        ImageFolder(root, cache=cache)
    assert cache.read_bytes() == before
    assert sorted(os.listdir(cache.parent)) == ["data", "images.npy"]


@pytest.mark.parametrize("content", [b"", b"my thesis", b"x" * 100])
def test_another_file_is_not_replaced(root: Path, cache: Path, content: bytes) -> None:
    cache.write_bytes(content)
    with refused(DataError, f"ImageFolder: {cache} exists and is not an image cache; name another file"):
        ImageFolder(root, cache=cache)
    assert cache.read_bytes() == content


def test_damage_makes_it_again_or_is_refused(root: Path, cache: Path, rng: np.random.Generator) -> None:
    plain = ImageFolder(root)
    ImageFolder(root, cache=cache)
    whole = cache.read_bytes()
    record = whole.rindex(b'{"fingerprint"')
    for at in (
        record,
        record + 3,
        record + 20,
        len(whole) - 20,
        len(whole) - 16,
        len(whole) - 9,
        len(whole) - 1,
    ):
        damaged = bytearray(whole)
        damaged[at] ^= 0x55
        cache.write_bytes(damaged)
        with contextlib.suppress(DataError):
            same(ImageFolder(root, cache=cache), plain)
    for length in rng.integers(0, len(whole), 10):
        cache.write_bytes(whole[:length])
        with pytest.raises(DataError, match="is not an image cache"):
            ImageFolder(root, cache=cache)
    deep = b"[" * 100_000
    cache.write_bytes(whole[:record] + deep + len(deep).to_bytes(8, "little") + whole[-8:])
    same(ImageFolder(root, cache=cache), plain)


def test_a_folder_that_does_not_exist(root: Path, tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError, match="there is no folder"):
        ImageFolder(root, cache=tmp_path / "nowhere" / "images.npy")
