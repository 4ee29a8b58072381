"""Files are written whole or not at all, replace only regular files, and are opened without waiting."""

from __future__ import annotations

import errno
import os
import socket
import stat
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from cnnfast import _files, load, models
from cnnfast._files import atomic_write, check_writable, open_regular, temporary_folder
from cnnfast.benchmark import runner

from tests.support.refusal import refused

posix = pytest.mark.skipif(os.name == "nt", reason="POSIX files")
linux = pytest.mark.skipif(sys.platform != "linux", reason="RLIMIT_FSIZE and mount points as on Linux")


@pytest.fixture
def public() -> Iterator[Path]:
    """A folder that other users can look into, which those of pytest are not."""
    with tempfile.TemporaryDirectory() as name:
        os.chmod(name, 0o755)
        yield Path(name)


def write(path: Path | str, content: bytes = b"new") -> None:
    with atomic_write("test", path) as file:
        file.write(content)


def failing(number: int, name: str) -> Callable[..., None]:
    def fail(*_: object, **__: object) -> None:
        raise OSError(number, os.strerror(number), name)

    return fail


# ------------------------------------------------------------------ writing


@pytest.mark.parametrize("length", [1, 230, 242, 255])
def test_a_name_of_any_legal_length(length: int, tmp_path: Path) -> None:
    path = tmp_path / ("m" * length)
    write(path)
    write(path, b"newer")
    assert path.read_bytes() == b"newer"
    assert list(tmp_path.iterdir()) == [path]


@posix
@pytest.mark.parametrize("mode", [0o600, 0o660, 0o644, 0o777])
def test_a_replaced_file_keeps_its_permissions(mode: int, tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"old")
    path.chmod(mode)
    write(path)
    assert (path.read_bytes(), stat.S_IMODE(path.stat().st_mode)) == (b"new", mode)


@pytest.mark.skipif(os.name == "nt" or os.geteuid() != 0, reason="only root can give files away")
def test_a_replaced_file_keeps_its_owner(tmp_path: Path) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"old")
    os.chown(path, 12345, 54321)
    path.chmod(0o640)
    write(path)
    found = path.stat()
    assert (found.st_uid, found.st_gid, stat.S_IMODE(found.st_mode)) == (12345, 54321, 0o640)


@posix
def test_a_new_file_has_the_permissions_of_the_umask(tmp_path: Path) -> None:
    old = os.umask(0o027)
    try:
        write(tmp_path / "m")
    finally:
        os.umask(old)
    assert stat.S_IMODE((tmp_path / "m").stat().st_mode) == 0o640


@posix
def test_a_tilde_is_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.chdir(tmp_path)
    model = models.d4(seed=0)
    model.save("~/m.safetensors")
    assert load("~/m.safetensors").num_parameters() == model.num_parameters()
    runner.run(quick=True, only="no such row", json_path="~/b.json", write=lambda line: None)
    assert sorted(os.listdir(tmp_path)) == ["b.json", "m.safetensors"]


@posix
@pytest.mark.parametrize("behind_a_link", [False, True])
@pytest.mark.parametrize("kind", ["named pipe", "socket", "folder"])
def test_only_regular_files_are_replaced(
    kind: str, behind_a_link: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # names of sockets are short
    if kind == "named pipe":
        os.mkfifo("there")
    elif kind == "folder":
        os.mkdir("there")
    else:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind("there")
    os.symlink("there", "link")
    path = "link" if behind_a_link else "there"
    before = os.lstat("there")
    error = IsADirectoryError if kind == "folder" else OSError
    with refused(error, f"save: cannot write {path}: it is a {kind}"):
        models.d4(seed=0).save(path)
    with refused(error, f"bench: cannot write {path}: it is a {kind}"):
        runner.run(quick=True, only="no such row", json_path=path, write=lambda line: None)
    assert (os.lstat("there").st_mode, os.lstat("there").st_ino) == (before.st_mode, before.st_ino)
    assert sorted(os.listdir()) == ["link", "there"]
    with refused(error, f"load: {path} is a {kind}, not a model file"):
        load(path)


@posix
def test_a_device_is_not_replaced() -> None:
    with refused(OSError, f"test: cannot write {os.devnull}: it is a device"):
        check_writable("test", os.devnull)


@posix
def test_a_link_stays_and_leads_to_the_new_file(tmp_path: Path) -> None:
    (tmp_path / "elsewhere").mkdir()
    target, link = tmp_path / "elsewhere" / "m", tmp_path / "link"
    link.symlink_to(target)
    for content in (b"first", b"second"):
        write(link, content)
        assert link.is_symlink()
        assert target.read_bytes() == content


@posix
def test_a_protected_file_stays(public: Path) -> None:
    path = public / "m"
    path.write_bytes(b"old")
    path.chmod(0o444)
    as_nobody(public, f"save({str(path)!r})", f"PermissionError: [Errno 13] Permission denied: '{path}'")
    assert path.read_bytes() == b"old"


@posix
def test_a_folder_that_takes_no_files_but_whose_file_may_be_written(public: Path) -> None:
    path = public / "m"
    path.write_bytes(b"old" * 1000)
    path.chmod(0o666)
    as_nobody(public, f"save({str(path)!r})", "")
    assert path.read_bytes() == b"new"
    as_nobody(
        public,
        f"save({str(public / 'other')!r})",
        f"PermissionError: [Errno 13] Permission denied: '{public / 'other'}'",
    )


@posix
def test_no_permission_is_not_called_no_such_file(public: Path) -> None:
    closed = public / "closed"
    closed.mkdir()
    models.d4(seed=0).save(closed / "m")
    models.d4(seed=0).save(public / "m")
    (public / "m").chmod(0)
    closed.chmod(0)
    for path in (closed / "m", public / "m"):
        said = f"PermissionError: [Errno 13] Permission denied: '{path}'"
        as_nobody(public, f"open_regular('load', {str(path)!r})", said)
        as_nobody(public, f"save({str(path)!r})", said)
    closed.chmod(0o700)


NOBODY = """
import os, shutil, sys, tempfile, types  # before it may no longer read them
sys.modules["cnnfast"] = types.ModuleType("cnnfast")  # without its __init__, which needs NumPy
sys.modules["cnnfast"].__path__ = [{folder!r}]
from cnnfast import _files
from cnnfast._files import open_regular
if os.geteuid() == 0:
    os.setgroups([])
    os.setgid(65534)
    os.setuid(65534)

def save(path):
    with _files.atomic_write("test", path) as file:
        file.write(b"new")

{action}
"""


def as_nobody(folder: Path, action: str, said: str) -> None:
    """Runs a line of Python without root's rights; the last line on stderr must be `said`."""
    program = NOBODY.format(folder=os.path.dirname(_files.__file__), action=action)
    if os.geteuid() != 0:
        folder.chmod(0o555)
    done = subprocess.run([sys.executable, "-S", "-c", program], capture_output=True, text=True, check=False)
    folder.chmod(0o755)
    assert (done.stderr.splitlines() or [""])[-1] == said


# ------------------------------------------------------------------ failures


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EIO, errno.EDQUOT])
def test_a_full_disk_is_named_with_the_file(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"old")
    for name in ("fsync", "replace", "open"):
        with monkeypatch.context() as patch:
            patch.setattr(os, name, failing(number, "temporary"))
            with refused(OSError, f"[Errno {number}] {os.strerror(number)}: {str(path)!r}"):
                write(path)
        assert path.read_bytes() == b"old"
        assert list(tmp_path.iterdir()) == [path]


@linux
def test_the_size_is_asked_for_before_the_work(tmp_path: Path) -> None:
    program = (
        "import resource, signal; from cnnfast._files import check_writable\n"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN)\n"
        "resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000))\n"
        "check_writable('test', 'm', 90_000)\n"
        "check_writable('test', 'm', 110_000)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program], cwd=tmp_path, capture_output=True, text=True, check=False
    )
    assert done.stderr.splitlines()[-1] == "OSError: [Errno 27] File too large: 'm'"
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
def test_a_file_system_that_cannot_reserve_space_is_not_full(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "posix_fallocate", failing(number, "temporary"), raising=False)
    assert check_writable("test", tmp_path / "m", 1000) == Path(os.path.realpath(tmp_path / "m"))
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("number", [errno.EBUSY, errno.EXDEV])
def test_a_mount_point_is_written_in_place(
    number: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "m"
    path.write_bytes(b"longer than the new one")
    before = path.stat().st_ino
    monkeypatch.setattr(os, "replace", failing(number, "temporary"))
    write(path)
    assert (path.read_bytes(), path.stat().st_ino) == (b"new", before)
    assert list(tmp_path.iterdir()) == [path]


def test_a_mount_point_that_cannot_be_written_leaves_the_copy(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    import shutil

    path = tmp_path / "m"
    path.write_bytes(b"old")
    monkeypatch.setattr(os, "replace", failing(errno.EBUSY, "temporary"))
    monkeypatch.setattr(shutil, "copyfileobj", failing(errno.ENOSPC, "temporary"))
    with pytest.raises(OSError, match=r"No space left on device; the complete content is in ") as caught:
        write(path)
    copy = Path(str(caught.value).partition("is in ")[2])
    assert copy.read_bytes() == b"new"


# ------------------------------------------------------------------ what killed processes leave


def test_what_killed_processes_left_is_removed(tmp_path: Path) -> None:
    dead = subprocess.Popen([sys.executable, "-S", "-c", ""])
    dead.wait()
    names = {
        f".cnnfast-{dead.pid}-0123abcd.tmp": False,  # of a process that is gone
        f".cnnfast-{os.getpid()}-0123abcd.tmp": os.name != "nt",  # of a living one
        ".cnnfast-1-0123abcd.tm": True,  # not our pattern
        "cnnfast-letters.safetensors": True,
    }
    for name in names:
        (tmp_path / name).write_bytes(b"")
        os.utime(tmp_path / name, (1, 1))
    fresh = tmp_path / f".cnnfast-{dead.pid}-89abcdef.tmp"
    fresh.write_bytes(b"")
    folder = tmp_path / f".cnnfast-{dead.pid}-00000000.tmp"
    folder.mkdir()
    (folder / "member").write_bytes(b"")
    os.utime(folder, (1, 1))
    write(tmp_path / "m")
    kept = [name for name, stays in names.items() if stays]
    assert sorted(os.listdir(tmp_path)) == sorted([*kept, fresh.name, "m"])


def test_a_temporary_folder_goes_with_its_content(tmp_path: Path) -> None:
    with temporary_folder(tmp_path) as folder:
        assert folder.parent == tmp_path
        (folder / "member").write_bytes(b"")
    assert list(tmp_path.iterdir()) == []


# ------------------------------------------------------------------ reading


def test_reading(tmp_path: Path) -> None:
    path = tmp_path / "m"
    with refused(FileNotFoundError, f"test: there is no file {path}"):
        open_regular("test", path)
    path.write_bytes(b"\r\n\x1a")
    with open_regular("test", path) as file:
        assert file.read() == b"\r\n\x1a"
