"""`from_csv`, `from_npz`, `from_npy`, `from_idx`: images and labels in other people's files."""

from __future__ import annotations

import gzip
import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from cnnfast.datasets import from_csv, from_idx, from_npy, from_npz
from cnnfast.errors import DataError

from tests.support.idx_files import idx_bytes, random_images
from tests.support.refusal import refused

PIXEL = "pixels must be integers from 0 to 255"
PIXELS = np.arange(12, dtype=np.uint8).reshape(3, 2, 2) * 20


def csv_text(labels: list[Any], pixels: np.ndarray = PIXELS, delimiter: str = ",") -> str:
    rows = pixels.reshape(len(pixels), -1)
    pairs = zip(labels, rows, strict=True)
    return "".join(delimiter.join(map(str, [label, *row])) + "\n" for label, row in pairs)


class TestCsv:
    @pytest.mark.parametrize("header", ["", "label,p1,p2,p3,p4\n", "\ufefflabel,p1,p2,p3,p4\r\n"])
    @pytest.mark.parametrize("packed", [False, True])
    def test_label_first(self, tmp_path: Path, header: str, packed: bool) -> None:
        content = (header + csv_text([7, 3, 7])).encode()
        path = tmp_path / "digits.train.csv"
        path.write_bytes(gzip.compress(content) if packed else content)
        for source in (path, str(path), path.read_bytes()):
            data = from_csv(source)
            np.testing.assert_array_equal(data.images, PIXELS)
            assert data.labels.tolist() == [1, 0, 1]
            assert data.classes == ("3", "7")
        assert from_csv(path).name == "digits"

    @pytest.mark.parametrize("delimiter", [",", ";", "\t"])
    def test_label_by_column(self, delimiter: str) -> None:
        lines = [
            delimiter.join(map(str, [*row, name]))
            for row, name in zip(PIXELS.reshape(3, 4), "aba", strict=True)
        ]
        plain = "\n".join(lines).encode()
        header = delimiter.join(["p0", "p1", "p2", "p3", "kind"]).encode() + b"\n"
        for data in (from_csv(plain, -1), from_csv(plain, 4), from_csv(header + plain, "kind")):
            np.testing.assert_array_equal(data.images, PIXELS)
            assert data.labels.tolist() == [0, 1, 0]
            assert data.classes == ("a", "b")
        named = delimiter.join(["p0", "p1", "p2", "p3", "Class"]).encode() + b"\n"
        assert from_csv(named + plain).classes == ("a", "b")

    def test_shape_and_transposed(self) -> None:
        text = csv_text([0, 1, 2]).encode()
        np.testing.assert_array_equal(from_csv(text, shape=(1, 4)).images, PIXELS.reshape(3, 1, 4))
        np.testing.assert_array_equal(from_csv(text, transposed=True).images, PIXELS.transpose(0, 2, 1))
        color = csv_text([0, 1], np.arange(24, dtype=np.uint8).reshape(2, 12)).encode()
        assert from_csv(color, shape=(3, 2, 2)).images.shape == (2, 3, 2, 2)
        with refused(
            DataError,
            "from_csv: the data in memory has 12 pixels in each row, which is not a square; "
            "give shape=(h, w) or (c, h, w)",
        ):
            from_csv(color)

    def test_classes(self) -> None:
        text = csv_text([2, 0, 2]).encode()
        assert from_csv(text, classes=["a", "b", "c"]).labels.tolist() == [2, 0, 2]
        assert from_csv(csv_text([2, 1, 2]).encode(), classes=["1", "2"]).labels.tolist() == [1, 0, 1]
        with refused(
            DataError,
            "from_csv: label 2 at row 0 of the data in memory is outside of 0 .. 1 (2 classes)",
        ):
            from_csv(text, classes=["a", "b"])

    @pytest.mark.parametrize(
        ("text", "reason"),
        [
            (b"", "the data in memory is empty"),
            (b"label,p0\n", "the data in memory has a header, but no rows"),
            (b"1,2,3\n1,2\n", "row 1 of the data in memory has 2 columns, the first one has 3"),
            (
                b"1,256\n2,0\n",
                "row 0 of the data in memory has the pixel '256'; " + PIXEL,
            ),
            (
                b"1,0\n2,-1\n",
                "row 1 of the data in memory has the pixel '-1'; " + PIXEL,
            ),
            (
                b"1,0\n2,0.5\n",
                "row 1 of the data in memory has the pixel '0.5'; " + PIXEL,
            ),
            (
                b"1,0\n2,\n",
                "row 1 of the data in memory has the pixel ''; " + PIXEL,
            ),
            (b"1,0\n1,3\n", "the data in memory has one class ('1'); a classifier needs at least two"),
            (b"5\n6\n", "the data in memory has one column; a row needs a label and pixels"),
            (b"\xff\xfe\xff", "the data in memory is not a text file"),
        ],
    )
    def test_damaged(self, text: bytes, reason: str) -> None:
        with refused(DataError, f"from_csv: {reason}"):
            from_csv(text)

    def test_columns_that_do_not_exist(self) -> None:
        text = b"label,p0\n1,0\n2,0\n"
        with refused(
            DataError,
            "from_csv: the data in memory has no column 'labels_'; its columns are label, p0; "
            "did you mean 'label'?",
        ):
            from_csv(text, "labels_")
        with refused(DataError, "from_csv: label=2, but the data in memory has 2 columns, from 0"):
            from_csv(text, 2)
        with pytest.raises(DataError, match="has no header, so no column is called 'kind'"):
            from_csv(b"1,0\n2,0\n", "kind")

    def test_cut_off_gzip(self) -> None:
        whole = gzip.compress(csv_text([0, 1, 2]).encode())
        with pytest.raises(DataError, match="damaged gzip data"):
            from_csv(whole[:-9])


def npz(**arrays: Any) -> bytes:
    file = io.BytesIO()
    np.savez(file, **arrays)
    return file.getvalue()


class TestNumpyFiles:
    @pytest.mark.parametrize("keys", [("x", "y"), ("X", "y"), ("images", "labels"), ("x_train", "y_train")])
    def test_names_of_arrays(self, tmp_path: Path, keys: tuple[str, str]) -> None:
        path = tmp_path / "own.npz"
        path.write_bytes(npz(**dict(zip(keys, (PIXELS, np.array(["b", "a", "b"])), strict=True))))
        data = from_npz(path)
        np.testing.assert_array_equal(data.images, PIXELS)
        assert (data.labels.tolist(), data.classes, data.name) == ([1, 0, 1], ("a", "b"), "own")

    def test_test_part(self) -> None:
        content = npz(x_train=PIXELS, y_train=[0, 1, 1], x_test=PIXELS[:1], y_test=[1])
        train = from_npz(content)
        assert from_npz(content, train=False, classes=train.classes).labels.tolist() == [1]

    @pytest.mark.parametrize(
        ("images", "wanted"),
        [
            (PIXELS.astype(np.int64), PIXELS),
            (PIXELS.astype(np.float64), PIXELS),
            (PIXELS / np.float32(255), PIXELS),
            (PIXELS.reshape(3, 4), PIXELS),
            (np.zeros((3, 8, 9, 3), np.uint8), np.zeros((3, 3, 8, 9), np.uint8)),
            (PIXELS > 100, 255 * (PIXELS > 100)),
        ],
    )
    def test_forms_of_images(self, images: np.ndarray, wanted: np.ndarray) -> None:
        np.testing.assert_array_equal(from_npz(npz(x=images, y=[0, 1, 1])).images, wanted)

    @pytest.mark.parametrize(
        ("arrays", "reason"),
        [
            ({"a": PIXELS}, "holds 'a'; need 'x_train' and 'y_train' or 'X_train' and 'y_train' or"),
            ({"x": PIXELS, "y": [0, 1]}, "has 3 images, but 2 labels"),
            ({"x": PIXELS, "y": [1, 1, 1]}, "has one class ('1')"),
            ({"x": PIXELS - 300.0, "y": [0, 1, 1]}, "must be integers from 0 to 255 or floats from 0 to 1"),
            ({"x": PIXELS, "y": [0.5, 1, 1]}, "must be integers or names, (n,), got float64 (3,)"),
            ({"x": PIXELS, "y": np.eye(3)}, "got float64 (3, 3); of one-hot labels take labels.argmax(1)"),
            ({"x": np.array([{}, 1], dtype=object), "y": [0, 1]}, "Object arrays cannot be loaded"),
        ],
    )
    def test_other_content(self, arrays: dict[str, Any], reason: str) -> None:
        with pytest.raises(DataError) as caught:
            from_npz(npz(**arrays))
        assert str(caught.value).startswith("from_npz: ")
        assert reason in str(caught.value)

    def test_damaged(self, rng: np.random.Generator) -> None:
        whole = npz(x=PIXELS, y=[0, 1, 1])
        for length in rng.integers(0, len(whole) - 1, 20):
            with pytest.raises(DataError, match=r"from_npz: the data in memory is not a readable \.npz file"):
                from_npz(whole[:length])

    def test_npy_is_mapped(self, tmp_path: Path) -> None:
        np.save(tmp_path / "images.npy", PIXELS)
        np.save(tmp_path / "labels.npy", np.array([3, 4, 3]))
        data = from_npy(tmp_path / "images.npy", tmp_path / "labels.npy")
        base: Any = data.images
        while base is not None and not isinstance(base, np.memmap):
            base = base.base
        assert base is not None
        np.testing.assert_array_equal(data.images, PIXELS)
        assert data.classes == ("3", "4")
        (tmp_path / "images.npy").write_bytes(b"\x93NUMPY")
        with pytest.raises(DataError, match=r"images\.npy is not a readable \.npy file"):
            from_npy(tmp_path / "images.npy", tmp_path / "labels.npy")


class TestIdx:
    @pytest.mark.parametrize(
        "name",
        [
            "train-images-idx3-ubyte",
            "train-images.idx3-ubyte",
            "train-images-idx3-ubyte.gz",
            "MNIST/raw/train-images-idx3-ubyte",
            "emnist-letters-train-images-idx3-ubyte.gz",
        ],
    )
    def test_usual_names(self, tmp_path: Path, name: str) -> None:
        images = random_images(3)
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        for place, array in (
            (name, images),
            (name.replace("images", "labels").replace("idx3", "idx1"), [1, 2, 1]),
        ):
            content = idx_bytes(array)
            (tmp_path / place).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
        wanted = images.transpose(0, 2, 1) if name.startswith("emnist") else images
        for source in (tmp_path, path):
            data = from_idx(source)
            np.testing.assert_array_equal(data.images, wanted)
            assert (data.labels.tolist(), data.classes) == ([0, 1, 0], ("1", "2"))
        with refused(DataError, f"from_idx: {tmp_path} has no idx files such as t10k-images-idx3-ubyte"):
            from_idx(tmp_path, train=False)

    def test_what_is_missing(self, tmp_path: Path) -> None:
        images = tmp_path / "train-images-idx3-ubyte"
        images.write_bytes(idx_bytes(random_images(3)))
        with refused(DataError, f"from_idx: there is no train-labels-idx1-ubyte beside {images}"):
            from_idx(tmp_path)
        (tmp_path / "b-train-images-idx3-ubyte").write_bytes(b"")
        with pytest.raises(DataError, match=r"has several data sets \(b-train-images"):
            from_idx(tmp_path)
        other = tmp_path / "other"
        other.write_bytes(b"")
        with pytest.raises(DataError, match="other: not named like an images file"):
            from_idx(other)
