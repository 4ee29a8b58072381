"""The derived letters split: the recipe on small arrays, and the recorded sha256 from real files."""

from __future__ import annotations

import hashlib
import os
from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets
from cnnfast.datasets import EMNIST, derived_letters
from cnnfast.datasets.checksums import DERIVED_LETTERS
from cnnfast.datasets.derived_letters import select_letters
from cnnfast.errors import DataError

from tests.support.idx_files import emnist_stems, idx_bytes, random_images, write_pair
from tests.support.refusal import refused

BYMERGE = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
SOURCES = [name for split in ("byclass", "bymerge") for name in emnist_stems(split, "test")]


def key(image: np.ndarray) -> bytes:
    return hashlib.sha256(image.tobytes()).digest()


def test_recipe_by_hand() -> None:
    """The same split, spelled out image by image with Python's dict and sort."""
    byclass = random_images(700, seed=1), np.arange(700) % 62
    bymerge = random_images(600, seed=2), np.arange(600) % 47
    byclass[1][:500] = 10  # more than 400 of one letter, so that some go to train
    shared = [30, 31, 32, 520, 600]
    bymerge[0][: len(shared)] = byclass[0][shared]
    letter_62 = [None] * 10 + [*range(26)] * 2
    letter_47 = [None] * 10 + [ord(c.lower()) - ord("a") for c in BYMERGE[10:]]
    bymerge[1][: len(shared)] = [letter_47.index(letter_62[byclass[1][row]]) for row in shared]

    seen: dict[bytes, tuple[int, bool]] = {}
    for (images, labels), letters, in_byclass in ((byclass, letter_62, True), (bymerge, letter_47, False)):
        for image, label in zip(images, labels, strict=True):
            if letters[label] is not None:
                seen.setdefault(key(image), (letters[label], in_byclass))
    expected_test, expected_train, taken = [], [], [0] * 26
    for digest in sorted(seen):
        letter, in_byclass = seen[digest]
        if in_byclass and taken[letter] < 400:
            taken[letter] += 1
            expected_test.append((digest, letter))
        else:
            expected_train.append((digest, letter))

    train, test = select_letters(byclass, bymerge)
    assert [(key(i), int(x)) for i, x in zip(*test, strict=True)] == expected_test
    assert [(key(i), int(x)) for i, x in zip(*train, strict=True)] == expected_train
    assert taken[0] == 400
    assert len(expected_train) > 200


@pytest.fixture
def fake_sources(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A data folder with small ByClass and ByMerge test files, and the table of sha256 to go with them."""
    byclass = random_images(124, seed=1), np.arange(124) % 62
    bymerge = random_images(94, seed=2), np.arange(94) % 47
    for split, (images, labels) in (("byclass", byclass), ("bymerge", bymerge)):
        write_pair(tmp_path / "emnist", emnist_stems(split, "test"), images, labels)
    parts = select_letters(byclass, bymerge)
    for part, (images, labels) in zip(("train", "test"), parts, strict=True):
        for stem, array in zip(derived_letters.stems(part), (images, labels + 1), strict=True):
            monkeypatch.setitem(DERIVED_LETTERS, stem, hashlib.sha256(idx_bytes(array)).hexdigest())
    return tmp_path


def test_made_stored_and_read_again(fake_sources: Path) -> None:
    folder = fake_sources / "emnist"
    record = next(r for r in datasets.status(fake_sources) if r.dataset == "emnist-letters-derived")
    assert record.available
    assert record.note == "made from the ByClass and ByMerge test files when loaded"
    made = EMNIST("letters-derived", train=False, root=fake_sources)
    assert len(made) == 2 * 52
    assert made.name == "emnist-letters-derived/test"
    assert "Not an official split" in made.description
    stored = sorted(path.name for path in folder.iterdir() if path.name not in {f"{s}.gz" for s in SOURCES})
    assert stored == sorted(DERIVED_LETTERS)
    for path in folder.glob("emnist-*"):
        path.unlink()  # from now on only the stored files can serve
    read = EMNIST("letters-derived", train=False, root=fake_sources)
    np.testing.assert_array_equal(read.images, made.images)
    np.testing.assert_array_equal(read.labels, made.labels)
    record = next(r for r in datasets.status(fake_sources) if r.dataset == "emnist-letters-derived")
    assert record.note == ""
    assert len(record.present) == 2


def test_folder_that_cannot_be_written_keeps_it_in_memory(
    fake_sources: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*args: object, **kwargs: object) -> None:
        raise PermissionError("read-only")

    monkeypatch.setattr(derived_letters, "_kept_in_memory", {})
    monkeypatch.setattr(derived_letters, "temporary_folder", refuse)
    test = EMNIST("letters-derived", train=False, root=fake_sources)
    for path in (fake_sources / "emnist").iterdir():
        path.unlink()
    train = EMNIST("letters-derived", train=True, root=fake_sources)  # no work, no files
    assert (len(test), len(train)) == (104, 74)
    assert not any((fake_sources / "emnist").iterdir())
    for raw in (True, False):  # what is kept is nobody's to change
        data = EMNIST("letters-derived", train=True, root=fake_sources, raw=raw)
        data.images[:] = 0
        data.labels[:] = 0
    again = EMNIST("letters-derived", train=True, root=fake_sources)
    np.testing.assert_array_equal(again.images, train.images)
    np.testing.assert_array_equal(again.labels, train.labels)


def test_sources_that_are_not_the_published_ones(fake_sources: Path) -> None:
    images, labels = random_images(94, seed=3), np.arange(94) % 47
    write_pair(fake_sources / "emnist", emnist_stems("bymerge", "test"), images, labels)
    with pytest.raises(DataError) as caught:
        EMNIST("letters-derived", root=fake_sources)
    text = str(caught.value)
    assert text.startswith(
        "EMNIST letters-derived: made from the ByClass and ByMerge test files in "
        f"{fake_sources / 'emnist'}, letters-from-byclass-bymerge-train-images-idx3-ubyte has sha256 "
    )
    assert text.endswith(": these are not the published files")
    assert not list((fake_sources / "emnist").glob("letters-from-*"))


def test_neither_files_nor_sources(tmp_path: Path) -> None:
    with refused(
        DataError,
        "EMNIST letters-derived: neither letters-from-byclass-bymerge-*.gz nor the files they are made from "
        f"(emnist-byclass-test-*.gz, emnist-bymerge-test-*.gz) are in {tmp_path / 'emnist'}; "
        "run 'cnnfast data download emnist-letters-derived'",
    ):
        EMNIST("letters-derived", root=tmp_path)


@pytest.mark.slow
def test_real_files_reproduce_the_recorded_split(data_root: Path, tmp_path: Path) -> None:
    """The recipe checks each file's sha256 itself; here the stored bytes are hashed once more."""
    folder = tmp_path / "emnist"
    folder.mkdir()
    for name in SOURCES:
        source = data_root / "emnist" / f"{name}.gz"
        if not source.is_file():
            pytest.skip(f"{source} is not there")
        os.symlink(source, folder / source.name)
    made = EMNIST("letters-derived", train=False, root=tmp_path)
    for name, sha256 in DERIVED_LETTERS.items():
        assert hashlib.sha256((folder / name).read_bytes()).hexdigest() == sha256
    if (data_root / "emnist" / f"{derived_letters.stems('test')[0]}.gz").is_file():
        given = EMNIST("letters-derived", train=False, root=data_root)
        np.testing.assert_array_equal(made.images, given.images)
        np.testing.assert_array_equal(made.labels, given.labels)
