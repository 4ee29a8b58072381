"""CIFAR from the authors' archives, which are not unpacked, and by name."""

from __future__ import annotations

import io
import pickle
import tarfile
from pathlib import Path

import numpy as np
import pytest
from cnnfast import datasets
from cnnfast.datasets import CIFAR10, CIFAR100, checksums, from_path
from cnnfast.errors import DataError, DownloadError

from tests.data.test_cifar import ROWS, write_ten
from tests.support.fake_release import described, in_folder
from tests.support.file_server import FileServer
from tests.support.refusal import refused

FOLDERS = {"bin": "cifar-10-batches-bin", "python2": "cifar-10-batches-py"}
ARCHIVES = {"bin": "cifar-10-binary.tar.gz", "python2": "cifar-10-python.tar.gz"}


def packed(folder: Path) -> bytes:
    """The .tar.gz file of a folder."""
    stream = io.BytesIO()
    with tarfile.open(fileobj=stream, mode="w:gz") as archive:
        archive.add(folder, folder.name)
    return stream.getvalue()


def ten(tmp_path: Path, form: str) -> bytes:
    write_ten(tmp_path / "source" / FOLDERS[form], form)
    return packed(tmp_path / "source" / FOLDERS[form])


@pytest.mark.parametrize("form", ["bin", "python2"])
def test_archive_by_path_folder_and_content(tmp_path: Path, form: str) -> None:
    content = ten(tmp_path, form)
    home = tmp_path / "home"
    archive = home / "cifar10" / ARCHIVES[form]
    archive.parent.mkdir(parents=True)
    archive.write_bytes(content)
    for root in (home, archive.parent, archive, str(archive), content, io.BytesIO(content)):
        train = CIFAR10(root=root)
        np.testing.assert_array_equal(train.images, np.tile(ROWS.reshape(2, 3, 32, 32), (5, 1, 1, 1)))
        assert train.labels.tolist() == [0, 9, 1, 9, 2, 9, 3, 9, 4, 9]
        assert train.images.flags.writeable
    assert CIFAR10(train=False, root=home).labels.tolist() == [5, 9]
    assert datasets.load("cifar10", root=home).labels.tolist() == train.labels.tolist()
    first, second = from_path(archive)
    assert second is not None
    assert (len(first), len(second)) == (10, 2)
    assert in_folder(archive.parent) == {archive.name}


def test_cifar100(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-100-python"
    folder.mkdir()
    for part, labels in (("train", [99, 0]), ("test", [1, 2])):
        (folder / part).write_bytes(pickle.dumps({"data": ROWS, "fine_labels": labels}, 4))
    archive = tmp_path / "cifar-100-python.tar.gz"
    archive.write_bytes(packed(folder))
    assert CIFAR100(root=archive).labels.tolist() == [99, 0]
    assert [part.labels.tolist() for part in from_path(archive) if part] == [[99, 0], [1, 2]]
    with refused(DataError, f"{archive}: no member is called cifar-10-batches-py/data_batch_1"):
        CIFAR10(root=archive)


def test_names_of_damaged_members(tmp_path: Path) -> None:
    folder = tmp_path / "cifar-10-batches-bin"
    folder.mkdir()
    (folder / "test_batch.bin").write_bytes(bytes(100))
    archive = tmp_path / "cifar-10-binary.tar.gz"
    archive.write_bytes(packed(folder))
    with refused(
        DataError,
        f"{archive}: cifar-10-batches-bin/test_batch.bin: 100 bytes, which is not a multiple of 3073, "
        "the size of an image",
    ):
        CIFAR10(train=False, root=archive)


def test_status(tmp_path: Path) -> None:
    def part(split: str) -> datasets.Availability:
        return next(r for r in datasets.status(tmp_path) if (r.dataset, r.split) == ("cifar10", split))

    assert not part("train").available
    assert part("train").missing == ("cifar-10-python.tar.gz",)
    assert part("train").folder == tmp_path / "cifar10"
    write_ten(tmp_path / "cifar-10-batches-bin", "bin")
    assert part("test").present == (tmp_path / "cifar-10-batches-bin" / "test_batch.bin",)
    assert len(part("train").present) == 5


class TestDownload:
    @pytest.fixture
    def published(self, server: FileServer, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> bytes:
        pytest.importorskip("requests", reason="downloading needs the package requests")
        content = ten(tmp_path, "python2")
        name = "cifar-10-python.tar.gz"
        server.files[name] = content
        fake = checksums.CIFAR10._replace(addresses=(server.url,), files=(described(name, content),))
        monkeypatch.setattr(checksums, "CIFAR10", fake)
        return content

    def test_archive_is_fetched_and_read(self, server: FileServer, published: bytes, tmp_path: Path) -> None:
        home = tmp_path / "home"
        paths = datasets.download("cifar10", root=home, progress=False)
        assert paths == [home / "cifar10" / "cifar-10-python.tar.gz"]
        assert datasets.download("cifar10", root=home, progress=False) == paths
        assert len(server.requests) == 1
        assert len(CIFAR10(root=home)) == 10

    def test_other_forms_are_not_fetched_again(
        self, server: FileServer, published: bytes, tmp_path: Path
    ) -> None:
        write_ten(tmp_path / "cifar-10-batches-bin", "bin")
        paths = datasets.download("cifar10", root=tmp_path, progress=False)
        assert [path.name for path in paths][-2:] == ["data_batch_5.bin", "test_batch.bin"]
        assert server.requests == []

    def test_without_a_network(self, server: FileServer, published: bytes, tmp_path: Path) -> None:
        server.files.clear()
        name = "cifar-10-python.tar.gz"
        with refused(
            DownloadError,
            f"CIFAR-10 could not be downloaded ({server.url}{name} answered 404 Not Found): "
            f"put {name} ({len(published)} bytes) into {tmp_path / 'cifar10'} by hand",
        ):
            datasets.download("cifar10", root=tmp_path, progress=False)
