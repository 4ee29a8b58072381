"""Downloads, against a server on this machine and small random files in place of the published ones."""

from __future__ import annotations

import zipfile
from pathlib import Path

import pytest
from cnnfast import datasets
from cnnfast.datasets import archive, checksums
from cnnfast.errors import DownloadError

from tests.support.fake_release import described, in_folder, set_archive, zipped
from tests.support.file_server import FileServer
from tests.support.refusal import refused

pytest.importorskip("requests", reason="downloading needs the package requests")

PAGE = b"<html><body>moved</body></html>"


class TestFiles:
    """Data sets that are published file by file."""

    def test_all_files_arrive(self, mnist: dict[str, bytes], tmp_path: Path) -> None:
        paths = datasets.download("mnist", root=tmp_path, progress=False)
        assert paths == [tmp_path / "mnist" / name for name in mnist]
        assert [path.read_bytes() for path in paths] == list(mnist.values())
        assert in_folder(tmp_path / "mnist") == set(mnist)

    def test_what_is_there_is_not_fetched_again(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        first, second, third, fourth = mnist
        folder = tmp_path / "mnist"
        folder.mkdir()
        (folder / first).write_bytes(mnist[first])
        (folder / second).write_bytes(mnist[second][:-1] + b"?")  # as long, but not the published one
        (folder / third.removesuffix(".gz")).write_bytes(b"unpacked by the user")
        paths = datasets.download("mnist", root=tmp_path, progress=False)
        assert [path for path, _ in server.requests] == [second, fourth]
        assert [path.name for path in paths] == [first, second, third.removesuffix(".gz"), fourth]
        assert (folder / second).read_bytes() == mnist[second]
        server.requests.clear()
        datasets.download("mnist", root=tmp_path, progress=False)
        assert server.requests == []

    def test_second_address_serves_where_the_first_fails(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        two = checksums.MNIST._replace(addresses=(f"{server.url}dead/", server.url))
        monkeypatch.setattr(checksums, "MNIST", two)
        assert len(datasets.download("mnist", root=tmp_path, progress=False)) == 4

    def test_url_replaces_the_address(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setattr(checksums, "MNIST", checksums.MNIST._replace(addresses=("http://127.0.0.1:9/",)))
        server.files = {f"mirror/{name}": content for name, content in mnist.items()}
        for url in (f"{server.url}mirror", f"{server.url}mirror/"):
            paths = datasets.download("mnist", root=tmp_path, progress=False, url=url)
            assert [path.read_bytes() for path in paths] == list(mnist.values())

    def test_progress_is_shown_on_standard_error(
        self, mnist: dict[str, bytes], tmp_path: Path, capsys: pytest.CaptureFixture[str]
    ) -> None:
        pytest.importorskip("rich", reason="the bar needs the package rich")
        datasets.download("mnist", root=tmp_path)
        out, err = capsys.readouterr()
        assert out == ""
        assert "train-images" in err

    def test_same_name_in_the_folder_stays_until_the_new_one_is_whole(
        self, server: FileServer, mnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        name = next(iter(mnist))
        (tmp_path / "mnist").mkdir()
        (tmp_path / "mnist" / name).write_bytes(b"old")
        server.cut_after = 0
        with pytest.raises(DownloadError):
            datasets.download("mnist", root=tmp_path, progress=False)
        assert (tmp_path / "mnist" / name).read_bytes() == b"old"


class TestArchive:
    """EMNIST: one zip file, of which only the wanted members are unpacked."""

    def test_everything(self, emnist: dict[str, bytes], tmp_path: Path) -> None:
        paths = datasets.download("emnist", root=tmp_path, progress=False)
        assert len(paths) == 24
        assert {path.name: path.read_bytes() for path in paths} == emnist
        assert in_folder(tmp_path / "emnist") == set(emnist)  # the zip file is gone

    @pytest.mark.parametrize(
        ("name", "prefixes"),
        [
            ("emnist-letters", ["emnist-letters-train", "emnist-letters-test"]),
            ("emnist-letters-derived", ["emnist-byclass-test", "emnist-bymerge-test"]),
        ],
    )
    def test_only_one_split(
        self, emnist: dict[str, bytes], tmp_path: Path, name: str, prefixes: list[str]
    ) -> None:
        paths = datasets.download(name, root=tmp_path, progress=False)
        assert len(paths) == 4
        assert in_folder(tmp_path / "emnist") == {path.name for path in paths}
        assert all(any(path.name.startswith(prefix) for prefix in prefixes) for path in paths)

    def test_full_url_of_the_zip_file(
        self, server: FileServer, emnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        url = f"{server.url}gzip.zip"
        assert len(datasets.download("emnist-mnist", root=tmp_path, progress=False, url=url)) == 4

    def test_zip_file_put_there_by_hand(
        self, server: FileServer, emnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        (tmp_path / "emnist").mkdir()
        (tmp_path / "emnist" / "gzip.zip").write_bytes(server.files["gzip.zip"])
        paths = datasets.download("emnist-digits", root=tmp_path, progress=False)
        assert server.requests == []
        assert in_folder(tmp_path / "emnist") == {"gzip.zip", *(path.name for path in paths)}

    def test_wrong_zip_file_put_there_by_hand(
        self, server: FileServer, emnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        path = tmp_path / "emnist" / "gzip.zip"
        path.parent.mkdir()
        path.write_bytes(PAGE)
        size = len(server.files["gzip.zip"])
        url = f"{server.url}gzip.zip"
        server.files.clear()
        with refused(
            DownloadError,
            f"EMNIST could not be downloaded ({path} is not the published file: {len(PAGE)} bytes, "
            f"expected {size}; {url} answered 404 Not Found): put gzip.zip ({size} bytes) into {path.parent} "
            "by hand and run this again",
        ):
            datasets.download("emnist", root=tmp_path, progress=False)
        assert path.read_bytes() == PAGE

    def test_interrupted_archive_is_resumed(
        self, server: FileServer, emnist: dict[str, bytes], tmp_path: Path
    ) -> None:
        whole = server.files["gzip.zip"]
        (tmp_path / "emnist").mkdir()
        (tmp_path / "emnist" / "gzip.zip.part").write_bytes(whole[:1000])
        datasets.download("emnist-letters", root=tmp_path, progress=False)
        assert server.requests == [("gzip.zip", "bytes=1000-")]
        assert "gzip.zip.part" not in in_folder(tmp_path / "emnist")

    def test_changed_member_leaves_nothing_behind(
        self,
        server: FileServer,
        emnist: dict[str, bytes],
        tmp_path: Path,
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        last = sorted(name for name in emnist if "letters" in name)[-1]
        members = {f"gzip/{name}": content for name, content in emnist.items()}
        members[f"gzip/{last}"] = bytes(3000)
        set_archive(server, monkeypatch, emnist, members)
        with pytest.raises(
            DownloadError, match=rf"gzip\.zip: member {last}: sha256 is .*; nothing was unpacked$"
        ):
            datasets.download("emnist-letters", root=tmp_path, progress=False)
        assert in_folder(tmp_path / "emnist") == {"gzip.zip"}

    def test_archive_module_unpacks_into_the_folder_only(self, tmp_path: Path) -> None:
        content = b"abc"
        path = tmp_path / "some.zip"
        path.write_bytes(zipped({"deep/down/x.gz": content, "deep/down/other.gz": b"?"}, zipfile.ZIP_STORED))
        assert archive.unpack(path, [described("x.gz", content)], tmp_path) == [tmp_path / "x.gz"]
        assert in_folder(tmp_path) == {"some.zip", "x.gz"}
