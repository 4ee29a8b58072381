"""Locks a file against other processes and threads. The lock of a process that is killed is released."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

#: The byte that is locked on Windows, which cannot be read by others; far behind the content.
_LOCKED_BYTE = 1 << 30


def acquire(path: Path) -> int:
    """A handle of the file, which is created if missing. It is locked until the handle is closed, where the
    file system has locks.

    Raises:
        BlockingIOError: It is locked already.
        OSError: It cannot be created.
    """
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o666)
        try:
            _lock(handle)
        except BlockingIOError:
            os.close(handle)
            raise
        except OSError:
            return handle  # a file system without locks
        if _is_same_file(handle, path):
            return handle
        os.close(handle)  # another process has just removed or renamed this file


def release(handle: int, path: Path) -> None:
    """Remove the file and its lock."""
    if os.name == "nt":  # which does not remove open files
        os.close(handle)
    with contextlib.suppress(OSError):
        path.unlink()
    if os.name != "nt":
        os.close(handle)


def _lock(handle: int) -> None:
    if sys.platform == "win32":
        import msvcrt

        os.lseek(handle, _LOCKED_BYTE, os.SEEK_SET)
        try:
            msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)
        except OSError as error:
            raise BlockingIOError(error.errno, "locked") from None
    else:
        import fcntl

        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)


def _is_same_file(handle: int, path: Path) -> bool:
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False
