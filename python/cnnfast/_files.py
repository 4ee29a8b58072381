"""File access: opening without blocking on pipes, and atomic writing, which keeps the old file on a crash.

All writing of model files, benchmark results and data sets goes through here.
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

from .errors import DataError

PathName = str | os.PathLike[str]

#: Names of temporary files and folders: process id and a random part. Short, independent of the target's
#: name.
_TEMPORARY = re.compile(r"\.cnnfast-(\d+)-[0-9a-f]{8}\.tmp")
#: Seconds after which the temporary files of killed processes are removed.
_STALE = 3600
#: Errors of renaming over a file that is a mount point, as in containers.
_MOUNTED = (errno.EBUSY, errno.EXDEV)
#: Errors of creating a file in a folder that is not writeable.
_FOLDER_CLOSED = (errno.EACCES, errno.EPERM, errno.EROFS)
#: Errors of reserving disk space if the file system does not support it.
_CANNOT_RESERVE = (errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP)
#: Bytes that are read from a file object at a time.
_PART = 1 << 24
_KINDS = {
    stat.S_IFDIR: "folder",
    stat.S_IFIFO: "named pipe",
    stat.S_IFSOCK: "socket",
    stat.S_IFCHR: "device",
    stat.S_IFBLK: "device",
}


def expand(path: PathName) -> str:
    """The path with `~` replaced by the home directory."""
    return os.path.expanduser(os.fsdecode(path))


@contextlib.contextmanager
def naming(path: PathName) -> Iterator[None]:
    """Context manager: sets `path` as the file name of an OSError, which a full disk does not set, and a
    temporary file sets to its own name.
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
    """Open a regular file for reading; anything else is an error, e.g. a named pipe, on which `open` would
    block.

    Raises:
        OSError: The message begins with `who`, and has the kind of file and that `wanted` was expected.
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


def contents(who: str, file: IO[bytes], most: int) -> bytes:
    """Everything in a file object, which need not be seekable.

    Raises:
        TypeError: A text file.
        DataError: More than `most` bytes.
    """
    parts, size = [], 0
    while part := file.read(min(_PART, most + 1 - size)):
        if not isinstance(part, bytes):
            raise TypeError(
                f"{who}: the file object gives {type(part).__name__}; "
                "open it in binary mode: open(path, 'rb')"
            )
        parts.append(part)
        size += len(part)
        if size > most:
            raise DataError(f"{who}: the file object has more than {most // 10**6:,} million bytes")
    return b"".join(parts)


def check_writable(who: str, path: PathName, size: int = 0) -> Path:
    """Raises OSError if a file could not be written to a path; to be called before a long computation.

    Args:
        who: Start of the error message.
        path: The file; it may exist.
        size: Required free disk space in bytes.

    Returns:
        The path with symbolic links resolved.

    Raises:
        OSError: No such folder; something there that is not a regular file; no permission; a full disk.
    """
    target = _target(who, path)
    with naming(path):
        if target.exists():
            with open(target, "r+b"):
                pass
        handle, temporary = _create_temporary(target)
        try:
            _reserve(handle, size)
        finally:
            os.close(handle)
            temporary.unlink()
    return target


@contextlib.contextmanager
def atomic_write(who: str, path: PathName) -> Iterator[IO[bytes]]:
    """Write to a temporary file and rename it when it is complete and synced to disk.

    A replaced file keeps its permissions and, if permitted, its owner; symbolic links are followed. If a file
    is writeable but cannot be replaced (it is a mount point, or its folder is not writeable), the complete
    temporary file is copied into it. Only regular files are replaced.

    Args:
        who: Start of the error message if the path is invalid.
        path: The file; `~` is the home directory.

    Raises:
        OSError: Names `path`. The old file is unchanged, unless it could not be replaced and copying failed:
            then the message names the complete temporary file.
    """
    target = _target(who, path)
    with naming(path):
        old = target.stat() if target.exists() else None
        if old is not None:
            with open(target, "r+b"):  # a read-only file must not be replaced either
                pass
        remove_stale(target.parent)
        handle, temporary = _create_temporary(target)
        try:
            with os.fdopen(handle, "wb") as file:
                yield file
                file.flush()
                if old is not None:
                    _copy_permissions(temporary, old)
                os.fsync(file.fileno())
            if temporary.parent == target.parent and _moved(temporary, target):
                _sync_folder(target.parent)
                return
            _copy_into(temporary, target)
        except BaseException as error:
            if not isinstance(error, _CopyFailed):
                temporary.unlink(missing_ok=True)
            raise


def temporary_name(folder: Path) -> Path:
    """An unused path in `folder` for a temporary file or folder, which `remove_stale` recognizes."""
    return folder / f".cnnfast-{os.getpid()}-{secrets.token_hex(4)}.tmp"


@contextlib.contextmanager
def temporary_folder(folder: Path) -> Iterator[Path]:
    """Context manager: a new temporary folder in `folder`."""
    import shutil  # here: rarely needed, and slow to import

    remove_stale(folder)
    path = temporary_name(folder)
    path.mkdir()
    try:
        yield path
    finally:
        shutil.rmtree(path, ignore_errors=True)


def remove_stale(folder: Path) -> None:
    """Removes the temporary files of killed processes from `folder`."""
    with contextlib.suppress(OSError), os.scandir(folder) as entries:
        for entry in entries:
            match = _TEMPORARY.fullmatch(entry.name)
            if match is None or _is_running(int(match[1])):
                continue
            with contextlib.suppress(OSError):
                if time.time() - entry.stat(follow_symlinks=False).st_mtime > _STALE:
                    _remove(entry)


class _CopyFailed(OSError):
    """The old file may be damaged; the temporary one is complete."""


def _remove(entry: os.DirEntry[str]) -> None:
    if entry.is_dir(follow_symlinks=False):
        import shutil  # here: rarely needed, and slow to import

        shutil.rmtree(entry.path)
    else:
        os.unlink(entry.path)


def _is_running(process: int) -> bool:
    if os.name == "nt":
        return False  # Windows has no signal 0, and does not remove open files
    try:
        os.kill(process, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except PermissionError:
        pass
    return True


def _kind(mode: int) -> str | None:
    """The kind of a file that is not regular, else None."""
    return None if stat.S_ISREG(mode) else _KINDS.get(stat.S_IFMT(mode), "special file")


def _target(who: str, path: PathName) -> Path:
    """The path of a file with symbolic links resolved."""
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


def _create_temporary(target: Path) -> tuple[int, Path]:
    """A new temporary file beside the target, or elsewhere if the target exists but its folder is not
    writeable."""
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
    """Reserve disk space for a file, if the file system supports it."""
    if size and hasattr(os, "posix_fallocate"):
        try:
            os.posix_fallocate(handle, 0, size)
        except OSError as error:
            if error.errno not in _CANNOT_RESERVE:
                raise


def _copy_permissions(path: Path, old: os.stat_result) -> None:
    """Copy owner and permissions of the replaced file; the owner first, since chown clears some
    permissions."""
    if hasattr(os, "chown"):
        for owner in ((-1, old.st_gid), (old.st_uid, -1)):
            with contextlib.suppress(OSError):
                os.chown(path, *owner)
    with contextlib.suppress(OSError):  # a file system without permissions
        os.chmod(path, stat.S_IMODE(old.st_mode))


def _moved(temporary: Path, target: Path) -> bool:
    """Rename; False if the target is a mount point, which is writeable but cannot be replaced."""
    try:
        os.replace(temporary, target)
    except OSError as error:
        if error.errno not in _MOUNTED:
            raise
        return False
    return True


def _copy_into(temporary: Path, target: Path) -> None:
    import shutil  # here: rarely needed, and slow to import

    try:
        with open(temporary, "rb") as source, open(target, "r+b") as file:
            shutil.copyfileobj(source, file)
            file.truncate()
            file.flush()
            os.fsync(file.fileno())
    except OSError as error:
        reason = error.strerror or error
        raise _CopyFailed(f"{target}: {reason}; the complete content is in {temporary}") from error
    temporary.unlink()


def _sync_folder(path: Path) -> None:
    """Sync a folder's entries to disk, if the system supports it."""
    if os.name == "nt":
        return  # Windows cannot open folders, and does not need it
    with contextlib.suppress(OSError):
        handle = os.open(path, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)
