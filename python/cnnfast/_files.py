"""Files as users name them: opened for reading without waiting, written so that a crash leaves the old file.

The one home of writing for model files, benchmark results and data sets.
"""

from __future__ import annotations

import contextlib
import errno
import os
import re
import secrets
import stat
import time
from collections.abc import Iterator
from pathlib import Path
from typing import IO

PathName = str | os.PathLike[str]

#: Temporary files and folders: whose process, and something random. Short whatever the target is called.
_TEMPORARY = re.compile(r"\.cnnfast-(\d+)-[0-9a-f]{8}\.tmp")
#: Seconds after which what a killed process left is removed.
_STALE = 3600
#: What renaming over a file fails with where the file itself is a mount point, as containers make them.
_MOUNTED = (errno.EBUSY, errno.EXDEV)
#: What creating a file beside another fails with where only the other may be written.
_FOLDER_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
#: What reserving space fails with where the file system does not know how.
_CANNOT_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
_KINDS = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def expand(path: PathName) -> str:
    """The path with `~` replaced by the home folder, as a shell does it."""
    return os.path.expanduser(os.fsdecode(path))


@contextlib.contextmanager
def naming(path: PathName) -> Iterator[None]:
    """An OSError from within names this file, as that of a full disk does not and that of a temporary file
    should.
    """
    try:
        yield
    except OSError as error:
        if error.errno is not None:
            error.filename = os.fsdecode(path)
            if error.filename2 is not None:
                del error.filename2  # None would be shown
        raise


def open_regular(who: str, path: PathName, wanted: str = "regular file") -> IO[bytes]:
    """Open a file for reading; a named pipe without a writer, say, is refused, where `open` would wait for
    ever.

    Raises:
        OSError: The message begins with `who` and says what the path is where that is not a file, and that
            `wanted` was expected.
    """
    name = expand(path)
    try:
        kind = _kind(os.stat(name).st_mode)
    except FileNotFoundError:
        raise FileNotFoundError(f"{who}: there is no file {os.fsdecode(path)}") from None
    if kind is not None:
        refusal = IsADirectoryError if kind == "folder" else OSError
        raise refusal(f"{who}: {os.fsdecode(path)} is a {kind}, not a {wanted}")
    flags = os.O_RDONLY | getattr(os, "O_NONBLOCK", 0) | getattr(os, "O_BINARY", 0)
    return os.fdopen(os.open(name, flags), "rb")


def check_writable(who: str, path: PathName, size: int = 0) -> Path:
    """Refuses a path where no file could be written, before hours are spent on what it should hold.

    Args:
        who: Begins the message of an error.
        path: The file; it may exist.
        size: Bytes that the disk must have room for.

    Returns:
        Where the file is or will be, links followed.

    Raises:
        OSError: No such folder; something there that is not a regular file; no permission; a full disk.
    """
    target = _target(who, path)
    with naming(path):
        if target.exists():
            with open(target, "r+b"):
                pass
        handle, aside = _create_aside(target)
        try:
            _reserve(handle, size)
        finally:
            os.close(handle)
            aside.unlink()
    return target


@contextlib.contextmanager
def atomic_write(who: str, path: PathName) -> Iterator[IO[bytes]]:
    """Write a file under a temporary name and move it into place once it is complete and on the disk.

    A file that is replaced keeps its permissions and, where that is allowed, its owner; links are followed.
    Where a file can be written but not replaced (it is a mount point, or its folder is closed to us), the
    complete temporary file is copied into it. Only regular files are replaced.

    Args:
        who: Begins the message where the path is refused.
        path: The file; `~` is the home folder.

    Raises:
        OSError: It names `path`. The old file is untouched, unless it could not be replaced and the copying
            failed: then the message names the complete copy.
    """
    target = _target(who, path)
    with naming(path):
        old = target.stat() if target.exists() else None
        if old is not None:
            with open(target, "r+b"):  # one that is protected from writing is not to be replaced either
                pass
        remove_stale(target.parent)
        handle, aside = _create_aside(target)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                if old is not None:
                    _take_over(aside, old)
                os.fsync(file.fileno())
            if aside.parent == target.parent and _moved(aside, target):
                _sync_folder(target.parent)
                return
            _copy_into(aside, target)
        except BaseException as error:
            if not isinstance(error, _CopyFailed):
                aside.unlink(missing_ok=True)
            raise


def temporary_name(folder: Path) -> Path:
    """A path in `folder` that nothing has yet, for a file or a folder; `remove_stale` knows its name."""
    return folder / f".cnnfast-{os.getpid()}-{secrets.token_hex(4)}.tmp"


@contextlib.contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """A new folder in `folder`, gone afterwards."""
    import shutil  # here: rarely needed, and slow to import

    remove_stale(folder)
    path = temporary_name(folder)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Removes what processes that were killed while writing have left in `folder`."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _TEMPORARY.fullmatch(entry.name)
            if match is None or _is_running(int(match[1])):
                continue
            with contextlib.suppress(OSError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                    _remove(entry)


class _CopyFailed(OSError):
    """The old file may be spoilt, and the temporary one is what is left."""


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        import shutil  # here: rarely needed, and slow to import

        shutil.rmtree(entry.path)
    else:
        os.unlink(entry.path)


def _is_running(process: int) -> bool:
    if os.name == "nt":
        return False  # there is no harmless signal; a file that is open cannot be removed there
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _kind(mode: int) -> str | None:
    """What a path is that is not a regular file."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "special file")


def _target(who: str, path: PathName) -> Path:
    """Where a file is or will be, links followed."""
    name = expand(path)
    shown = os.fsdecode(path)
    with naming(path):
        try:
            kind = _kind(os.stat(name).st_mode)
        except FileNotFoundError:
            kind = None
    if kind is not None:
        refusal = IsADirectoryError if kind == "folder" else OSError
        raise refusal(f"{who}: cannot write {shown}: it is a {kind}")
    target = Path(os.path.realpath(name))
    with naming(path):
        try:
            is_folder = stat.S_ISDIR(target.parent.stat().st_mode)
        except FileNotFoundError:
            is_folder = False
    if not is_folder:
        raise FileNotFoundError(f"{who}: cannot write {shown}: there is no folder {target.parent}")
    return target


def _create_aside(target: Path) -> tuple[int, Path]:
    """A new file beside the target; elsewhere if the target exists and only its folder is closed to us."""
    try:
        return _create(target.parent)
    except OSError as error:
        if error.errno not in _FOLDER_CLOSED or not target.exists():
            raise
    import tempfile  # here: rarely needed, and slow to import

    return _create(Path(tempfile.gettempdir()))


def _create(folder: Path) -> tuple[int, Path]:
    path = temporary_name(folder)
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | getattr(os, "O_BINARY", 0), 0o666), path


def _reserve(handle: int, size: int) -> None:
    """Disk space for a file, where the file system can tell."""
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError as error:
            if error.errno not in _CANNOT_RESERVE:
                raise


def _take_over(path: Path, old: os.stat_result) -> None:
    """Owner and permissions of the file that will be replaced; the owner first, which clears some."""
    if hasattr(os, "chown"):
        for owner in ((-1, old.st_gid), (old.st_uid, -1)):
            with contextlib.suppress(OSError):
                os.chown(path, *owner)
    with contextlib.suppress(OSError):  # a file system without permissions
        os.chmod(path, stat.S_IMODE(old.st_mode))


def _moved(aside: Path, target: Path) -> bool:
    """False where the target is a mount point: it can be written, not replaced."""
    try:
        os.replace(aside, target)
    except OSError as error:
        if error.errno not in _MOUNTED:
            raise
        return False
    return True


def _copy_into(aside: Path, target: Path) -> None:
    import shutil  # here: rarely needed, and slow to import

    try:
        with open(aside, "rb") as source, open(target, "r+b") as file:
            shutil.copyfileobj(source, file)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = error.strerror or error
        raise _CopyFailed(f"{target}: {reason}; what it should hold is in {aside}") from error
    aside.unlink()


def _sync_folder(path: Path) -> None:
    """Waits until the folder's list of files is on the disk, where one may ask for that."""
    if os.name == "nt":
        return  # Windows cannot open folders, and does not need it
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
