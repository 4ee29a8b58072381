"""The data sets by name, and the real files."""

from __future__ import annotations

import hashlib
import time
from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets
from cnnfast.datasets import EMNIST, MNIST, FashionMNIST, ImageDataset, checksums

from tests.support.idx_files import emnist_stems, random_images, write_pair
from tests.support.refusal import refused


@pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
def test_every_loader_returns_new_arrays(tmp_path: Path, packed: bool) -> None:
    """They are writeable, and writing does not affect other arrays."""
    images = random_images(10)
    for folder, stems in (
        ("mnist", ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")),
        ("fashion-mnist", ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")),
        ("emnist", emnist_stems("digits", "train")),
    ):
        write_pair(tmp_path / folder, stems, images, np.arange(10), packed=packed)
    loaders = (
        lambda: MNIST(root=tmp_path),
        lambda: FashionMNIST(root=tmp_path),
        lambda: EMNIST("digits", root=tmp_path),
        lambda: EMNIST("digits", root=tmp_path, raw=True),
        lambda: datasets.load("mnist", root=tmp_path),
        lambda: datasets.glyphs(10, seed=0),
    )
    for load in loaders:
        first, before = load(), load()
        assert first.images.flags.writeable
        assert first.labels.flags.writeable
        first.images[:] = 7
        first.labels[:] = 1
        again = load()
        np.testing.assert_array_equal(again.images, before.images)
        np.testing.assert_array_equal(again.labels, before.labels)


class TestCatalog:
    def test_names(self) -> None:
        assert datasets.names() == [
            "glyphs",
            "emnist-letters",
            "emnist-letters-derived",
            "emnist-balanced",
            "emnist-byclass",
            "emnist-bymerge",
            "emnist-digits",
            "emnist-mnist",
            "mnist",
            "fashion-mnist",
            "cifar10",
            "cifar100",
        ]

    def test_load_by_name(self, tmp_path: Path) -> None:
        write_pair(tmp_path / "emnist", emnist_stems("digits", "test"), random_images(2), [3, 9])
        stems = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
        write_pair(tmp_path / "fashion-mnist", stems, random_images(1), [7])
        assert datasets.load("emnist-digits", train=False, root=tmp_path).labels.tolist() == [3, 9]
        fashion = datasets.load("fashion-mnist", root=tmp_path)
        assert fashion.classes[fashion.labels[0]] == "sneaker"

    def test_load_unknown(self) -> None:
        with refused(
            ValueError,
            f"datasets: name must be one of {', '.join(datasets.names())}; got 'emnist'; "
            "did you mean 'emnist-letters', 'emnist-letters-derived' or 'emnist-balanced'?",
        ):
            datasets.load("emnist")
        with pytest.raises(ValueError, match=r"got 'minst'; did you mean 'mnist'\?$"):
            datasets.load("minst")
        assert datasets.load("Glyphs", train=False).name == "glyphs/test"

    def test_status(self, tmp_path: Path) -> None:
        write_pair(tmp_path / "emnist", emnist_stems("letters", "test"), random_images(1), [1], packed=False)
        write_pair(tmp_path / "emnist", emnist_stems("letters", "train"), random_images(1), [1])
        labels_name = f"{emnist_stems('letters', 'train')[1]}.gz"
        (tmp_path / "emnist" / labels_name).unlink()
        records = {(r.dataset, r.split): r for r in datasets.status(tmp_path)}
        assert len(records) == 2 * len(datasets.names())
        assert [key for key, r in records.items() if r.available] == [
            ("glyphs", "train"),
            ("glyphs", "test"),
            ("emnist-letters", "test"),
        ]
        assert records["glyphs", "train"].folder is None
        test = records["emnist-letters", "test"]
        assert test.folder == tmp_path / "emnist"
        assert [path.name for path in test.present] == list(emnist_stems("letters", "test"))
        assert test.missing == ()
        train = records["emnist-letters", "train"]
        assert [path.name for path in train.present] == ["emnist-letters-train-images-idx3-ubyte.gz"]
        assert train.missing == (labels_name,)

    def test_data_home(self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("CNNFAST_DATA", str(tmp_path))
        assert datasets.data_home() == tmp_path
        assert datasets.data_home("/other") == Path("/other")
        monkeypatch.setenv("CNNFAST_DATA", "")
        assert datasets.data_home().name in ("cnnfast", "Cache")
        monkeypatch.setenv("HOME", str(tmp_path))
        assert datasets.data_home("~/data") == tmp_path / "data"


class TestRealFiles:
    """The published files, if present; see the skip reasons."""

    def test_mnist(self, data_root: Path) -> None:
        data = need(data_root, "mnist", train=False)
        assert data.images.shape == (10_000, 28, 28)
        assert data.labels[:10].tolist() == [7, 2, 1, 0, 4, 1, 4, 9, 5, 9]
        assert data.images[0, 7, 6:16].tolist() == [84, 185, 159, 151, 60, 36, 0, 0, 0, 0]

    def test_fashion_mnist(self, data_root: Path) -> None:
        data = need(data_root, "fashion-mnist", train=False)
        assert np.bincount(data.labels).tolist() == [1000] * 10
        assert data.classes[data.labels[0]] == "ankle boot"

    @pytest.mark.slow
    def test_letters_derived(self, data_root: Path) -> None:
        need(data_root, "emnist-letters-derived", train=False)
        start = time.process_time()
        train = EMNIST("letters-derived", root=data_root)
        assert time.process_time() - start < 4  # about 0.6 s
        test = EMNIST("letters-derived", train=False, root=data_root)
        assert (len(train), len(test)) == (98_535, 10_400)
        assert np.bincount(test.labels).tolist() == [400] * 26
        counts = (
            "4651 2476 3633 4169 8768 3134 1511 3403 4140 1330 1129 5834 3236 5642 8235 2918 1338 5480 6895"
        )
        counts += " 8070 4262 1919 1940 1282 1813 1327"
        assert np.bincount(train.labels).tolist() == [int(count) for count in counts.split()]

    def test_emnist_digits_stand_like_those_of_mnist(self, data_root: Path) -> None:
        emnist = need(data_root, "emnist-mnist", train=False)
        mnist = need(data_root, "mnist", train=False)
        for digit in (2, 3, 4, 5, 6, 7, 9):  # 0, 1 and 8 look much the same transposed
            ours = emnist.images[emnist.labels == digit].mean(axis=0)
            theirs = mnist.images[mnist.labels == digit].mean(axis=0)
            upright = np.corrcoef(ours.ravel(), theirs.ravel())[0, 1]
            transposed = np.corrcoef(ours.T.ravel(), theirs.ravel())[0, 1]
            assert upright > transposed + 0.1, digit

    def test_letters_are_upright(self, data_root: Path) -> None:
        """A T has its bar above the middle, and the bar is level."""
        data = need(data_root, "emnist-letters-derived", train=False)
        mean = data.images[data.labels == 19].mean(axis=0)
        rows, columns = (mean > 0.4 * mean.max()).sum(axis=1), (mean > 0.4 * mean.max()).sum(axis=0)
        assert rows.argmax() < 12
        assert columns.max() > rows.max()

    @pytest.mark.slow
    def test_published_table_matches_the_files(self, data_root: Path) -> None:
        checked = 0
        sources = (checksums.EMNIST, checksums.MNIST, checksums.FASHION_MNIST)
        for source in (*sources, checksums.CIFAR10, checksums.CIFAR100):
            for file in source.files:
                path = data_root / source.folder / file.name
                if path.is_file():
                    content = path.read_bytes()
                    assert len(content) == file.size, path
                    assert hashlib.sha256(content).hexdigest() == file.sha256, path
                    assert file.md5 in (None, hashlib.md5(content).hexdigest()), path
                    checked += 1
        if not checked:
            pytest.skip(f"none of the published files is in {data_root}")


def need(root: Path, name: str, train: bool) -> ImageDataset:
    """Load a data set, or skip the test if its files are not there."""
    record = next(
        r for r in datasets.status(root) if r.dataset == name and r.split == ("train" if train else "test")
    )
    if not record.available:
        pytest.skip(f"{name}: {', '.join(record.missing)} not in {record.folder}")
    return datasets.load(name, train=train, root=root)
