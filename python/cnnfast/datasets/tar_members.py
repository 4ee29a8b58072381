"""Reads given members of an untrusted .tar.gz file into memory.

Nothing is unpacked to disk, so that paths and links in the archive lead nowhere: of all members, only regular
files with exactly the given paths are read. The archive is read once, as a stream of limited length.
"""

from __future__ import annotations

import gzip
import struct
import tarfile
import zlib
from collections.abc import Collection
from typing import IO, Any, cast

from ..errors import DataError
from .sources import Source, name_of, opened

#: Bytes that are unpacked at most; the archives of CIFAR have 186 million.
_MOST_BYTES = 1 << 28
_MOST_MEMBERS = 1000
_PART = 1 << 20
#: What gzip and tarfile raise for damaged files.
_DAMAGE = (
    tarfile.TarError,
    zlib.error,
    struct.error,
    EOFError,
    OSError,
    OverflowError,
    RecursionError,
    ValueError,
)


class _Limited:
    """A file that is read only once, and at most so many bytes of it."""

    def __init__(self, name: str, file: gzip.GzipFile) -> None:
        self._name, self._file, self._rest = name, file, _MOST_BYTES

    def read(self, size: int) -> bytes:
        part = self._file.read(min(size, self._rest + 1))
        self._rest -= len(part)
        if self._rest < 0:
            raise DataError(f"{self._name}: more than {_MOST_BYTES // 10**6} million bytes when unpacked")
        return part


def read_members(who: str, source: Source, wanted: Collection[str]) -> dict[str, bytes]:
    """The content of the members with these paths, such as "folder/file"; of those that there are.

    Raises:
        OSError: The archive cannot be opened.
        DataError: Not a .tar.gz file, damaged, too large, or with two members of the same path. The message
            names the archive.
    """
    name = name_of(source)
    found: dict[str, bytes] = {}
    with opened(who, source) as file:
        stream = _Limited(name, gzip.GzipFile(fileobj=file))
        try:
            with tarfile.open(fileobj=cast(IO[bytes], stream), mode="r|", bufsize=_PART) as archive:
                for count, member in enumerate(archive):
                    if count == _MOST_MEMBERS:
                        raise DataError(f"{name}: more than {_MOST_MEMBERS} members")
                    path = member.name.removeprefix("./")
                    if member.size < 0:
                        raise tarfile.ReadError(f"{path} has {member.size} bytes")
                    if path not in wanted or not _is_plain(member):
                        continue
                    if path in found:
                        raise DataError(f"{name}: two members are called {path}")
                    content: Any = archive.extractfile(member)
                    found[path] = content.read()
            while stream.read(_PART):  # to its end, where gzip compares the checksum
                pass
        except DataError:
            raise
        except _DAMAGE as error:
            reason = " ".join(str(error).split()) or type(error).__name__
            raise DataError(f"{name}: not a readable .tar.gz file ({reason})") from None
    return found


def _is_plain(member: tarfile.TarInfo) -> bool:
    return member.type in (tarfile.REGTYPE, tarfile.AREGTYPE) and not member.issparse()
