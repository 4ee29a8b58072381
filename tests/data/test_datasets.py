"""`ImageDataset`, the loaders by split, the catalog and the real files where CNNFAST_DATA has them."""

from __future__ import annotations

import string
from pathlib import Path

import numpy as np
import pytest
from cnnfast.datasets import EMNIST, MNIST, FashionMNIST, ImageDataset
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
