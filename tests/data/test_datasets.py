"""`ImageDataset`, the loaders by split, the catalog and the real files where CNNFAST_DATA has them."""

from __future__ import annotations

import hashlib
import string
import time
from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets
from cnnfast.datasets import EMNIST, MNIST, FashionMNIST, ImageDataset, checksums
from cnnfast.errors import DataError

from tests.support.idx_files import emnist_stems, random_images, write_pair
from tests.support.refusal import refused

MERGED = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabdefghnqrt"
CLASSES = {
    "letters": string.ascii_lowercase,
    "balanced": MERGED,
    "bymerge": MERGED,
    "byclass": string.digits + string.ascii_uppercase + string.ascii_lowercase,
    "digits": string.digits,
    "mnist": string.digits,
}


def small(n: int = 10) -> ImageDataset:
    labels = np.arange(n, dtype=np.int64) % 3
    return ImageDataset(random_images(n), labels, ("x", "y", "z"), "small", "for tests")


class TestImageDataset:
    def test_keeps_arrays_without_copy(self) -> None:
        images, labels = random_images(4), np.zeros(4, np.int64)
        images.flags.writeable = False
        data = ImageDataset(images, labels, ["a"])  # type: ignore[arg-type]
        assert data.images is images
        assert data.labels is labels
        assert data.classes == ("a",)
        assert len(data) == 4
        assert repr(data) == "ImageDataset('unnamed', 4 images of 1x28x28, 1 classes)"

    def test_non_contiguous_images_are_copied_once(self) -> None:
        images = random_images(4).transpose(0, 2, 1)
        data = ImageDataset(images, np.zeros(4, np.int64), ("a",))
        assert data.images.flags.c_contiguous
        np.testing.assert_array_equal(data.images, images)

    def test_colour_and_empty(self) -> None:
        data = ImageDataset(np.zeros((0, 3, 8, 9), np.uint8), np.zeros(0, np.int64), ("a",))
        assert data.input_shape == (3, 8, 9)
        assert len(data) == 0
        assert small().input_shape == (1, 28, 28)

    def test_rows(self) -> None:
        data = small()
        part = data[2:5]
        assert np.shares_memory(part.images, data.images)
        assert part.labels.tolist() == [2, 0, 1]
        assert (part.classes, part.name, part.description) == (data.classes, "small", "for tests")
        np.testing.assert_array_equal(data[[7, 0]].images, data.images[[7, 0]])
        np.testing.assert_array_equal(data[np.array([7, 0])].labels, [1, 0])
        assert data[data.labels == 2].labels.tolist() == [2, 2, 2]
        assert len(data[[]]) == 0
        assert data[::-1].images.flags.c_contiguous
        with pytest.raises(IndexError):
            data[[10]]

    def test_one_row_is_refused_with_the_cure(self) -> None:
        with refused(
            TypeError,
            "ImageDataset: rows must be a slice or an array of row numbers, got the integer 3; "
            "use dataset[[3]] for a data set of one image, dataset.images[3] for the image",
        ):
            small()[3]  # type: ignore[index]

    def test_iteration_does_not_pretend_to_work(self) -> None:
        with pytest.raises(TypeError, match="rows must be a slice"):
            next(iter(small()))

    def test_split(self) -> None:
        data = small(100)
        rest, part = data.split(0.25, seed=7)
        assert (len(rest), len(part)) == (75, 25)
        rows = {image.tobytes() for image in rest.images} | {image.tobytes() for image in part.images}
        assert len(rows) == 100
        again = data.split(0.25, seed=7)[1]
        np.testing.assert_array_equal(part.images, again.images)
        assert not np.array_equal(part.images, data.split(0.25, seed=8)[1].images)
        order = [int(np.flatnonzero((data.images == image).all((1, 2)))[0]) for image in part.images]
        assert order == sorted(order)
        assert order != list(range(25))

    def test_split_does_not_touch_global_random_state(self) -> None:
        before = np.random.get_state()[1].copy()  # type: ignore[index,union-attr]
        small().split(0.5, seed=0)
        np.testing.assert_array_equal(np.random.get_state()[1], before)  # type: ignore[index]

    def test_split_refusals(self) -> None:
        with refused(ValueError, "ImageDataset.split: fraction must lie between 0 and 1, got 1.0"):
            small().split(1.0, seed=0)
        with refused(ValueError, "ImageDataset.split: fraction must lie between 0 and 1, got nan"):
            small().split(float("nan"), seed=0)
        with refused(
            ValueError,
            "ImageDataset.split: fraction 0.01 of 10 images leaves 10 and 0; both must have at least 1",
        ):
            small().split(0.01, seed=0)

    def test_refusals(self) -> None:
        images, labels = random_images(3), np.array([0, 1, 2])
        cases = [
            (
                TypeError,
                (images.astype(np.float32), labels, "abc"),
                "ImageDataset: images must be a uint8 array (0 .. 255), got float32 array; "
                "for values from 0 to 1 use (255 * images).round().astype(np.uint8)",
            ),
            (
                TypeError,
                ([[1]], labels, "abc"),
                "ImageDataset: images must be a uint8 array (0 .. 255), got list; use np.asarray(images)",
            ),
            (
                TypeError,
                (images, labels.astype(np.int32), "abc"),
                "ImageDataset: labels must be an int64 array, got int32 array; use labels.astype(np.int64)",
            ),
            (
                TypeError,
                (images, [0, 1, 2], "abc"),
                "ImageDataset: labels must be an int64 array, got list; use np.asarray(labels, np.int64)",
            ),
            (
                DataError,
                (images[0], labels, "abc"),
                "ImageDataset: images must be (n, h, w) or (n, c, h, w), got shape (28, 28)",
            ),
            (
                DataError,
                (images[:, :0], labels, "abc"),
                "ImageDataset: images must have at least one pixel, got shape (3, 0, 28)",
            ),
            (
                DataError,
                (images, labels[:, None], "abc"),
                "ImageDataset: labels must be (n,), got shape (3, 1)",
            ),
            (DataError, (images, labels[:2], "abc"), "ImageDataset: 3 images but 2 labels"),
            (
                DataError,
                (images, labels, "ab"),
                "ImageDataset: label 2 at row 2 is outside of 0 .. 1 (2 classes, 1 such labels)",
            ),
            (
                DataError,
                (images, labels - 1, "abc"),
                "ImageDataset: label -1 at row 0 is outside of 0 .. 2 (3 classes, 1 such labels)",
            ),
            (DataError, (images, labels, ""), "ImageDataset: classes is empty; every label needs a name"),
            (DataError, (images, labels, "aba"), "ImageDataset: class 'a' is named 2 times"),
        ]
        for error, (bad_images, bad_labels, classes), text in cases:
            with refused(error, text):
                ImageDataset(bad_images, bad_labels, tuple(classes))  # type: ignore[arg-type]
        with refused(TypeError, "ImageDataset: classes must be a sequence of names, got the string 'abc'"):
            ImageDataset(images, labels, "abc")  # type: ignore[arg-type]
        with refused(TypeError, "ImageDataset: classes must be names, got int 0"):
            ImageDataset(images, labels, (0, 1, 2))  # type: ignore[arg-type]


class TestEMNIST:
    @pytest.mark.parametrize("split", CLASSES)
    @pytest.mark.parametrize("packed", [True, False], ids=["gzip", "plain"])
    def test_every_class_upright_and_from_0(self, tmp_path: Path, split: str, packed: bool) -> None:
        classes = CLASSES[split]
        images = random_images(len(classes))
        first = 1 if split == "letters" else 0
        labels = np.arange(len(classes)) + first
        write_pair(tmp_path / "emnist", emnist_stems(split, "test"), images, labels, packed=packed)
        data = EMNIST(split, train=False, root=tmp_path)
        assert data.labels.tolist() == list(range(len(classes)))
        assert data.labels.dtype == np.int64
        assert "".join(data.classes) == classes
        assert data.name == f"emnist-{split}/test"
        np.testing.assert_array_equal(data.images, images.transpose(0, 2, 1))
        raw = EMNIST(split, train=False, root=tmp_path, raw=True)
        np.testing.assert_array_equal(raw.images, images)
        assert raw.labels.tolist() == data.labels.tolist()

    def test_more_images_than_one_block(self, tmp_path: Path) -> None:
        images = random_images(1100)
        write_pair(tmp_path / "emnist", emnist_stems("mnist", "train"), images, np.arange(1100) % 10)
        np.testing.assert_array_equal(EMNIST("mnist", root=tmp_path).images, images.transpose(0, 2, 1))

    def test_unknown_split(self) -> None:
        with refused(
            ValueError,
            "EMNIST: split must be one of letters, balanced, byclass, bymerge, digits, mnist, "
            "letters-derived; got 'Lettres'; did you mean 'letters'?",
        ):
            EMNIST("Lettres")

    def test_missing_files(self, tmp_path: Path) -> None:
        with refused(
            DataError,
            "EMNIST letters (train): no emnist-letters-train-images-idx3-ubyte.gz and "
            f"emnist-letters-train-labels-idx1-ubyte.gz in {tmp_path / 'emnist'}; run 'cnnfast data download "
            "emnist-letters', or put it there by hand: it is in "
            "https://biometrics.nist.gov/cs_links/EMNIST/gzip.zip",
        ):
            EMNIST("letters", root=tmp_path)


@pytest.mark.parametrize(
    ("loader", "folder"), [(MNIST, "mnist"), (FashionMNIST, "fashion-mnist")], ids=["mnist", "fashion-mnist"]
)
class TestMNIST:
    def test_as_stored(self, tmp_path: Path, loader: type, folder: str) -> None:
        images, labels = random_images(10), np.arange(10)
        stems = ("t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte")
        write_pair(tmp_path / folder, stems, images, labels)
        data = loader(train=False, root=tmp_path)
        np.testing.assert_array_equal(data.images, images)
        assert data.labels.tolist() == list(range(10))
        assert len(data.classes) == 10
        assert data.name == f"{folder}/test"

    def test_missing_labels(self, tmp_path: Path, loader: type, folder: str) -> None:
        stems = ("train-images-idx3-ubyte", "train-labels-idx1-ubyte")
        write_pair(tmp_path / folder, stems, random_images(1), [0])
        (tmp_path / folder / f"{stems[1]}.gz").unlink()
        title = {"mnist": "MNIST", "fashion-mnist": "Fashion-MNIST"}[folder]
        with pytest.raises(DataError) as caught:
            loader(root=tmp_path)
        assert str(caught.value).startswith(
            f"{title} (train): no train-labels-idx1-ubyte.gz in {tmp_path / folder}; "
            f"run 'cnnfast data download {folder}', or put it there by hand from http"
        )


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

    def test_published_table_matches_the_files(self, data_root: Path) -> None:
        checked = 0
        for source in (checksums.EMNIST, checksums.MNIST, checksums.FASHION_MNIST):
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
