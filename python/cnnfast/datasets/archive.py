"""Extracts given members of an untrusted zip file: neither its paths nor its sizes are trusted."""

from __future__ import annotations

import os
import struct
import zipfile
import zlib
from collections.abc import Iterator, Sequence
from pathlib import Path, PurePosixPath, PureWindowsPath

from .._files import naming, temporary_folder
from ..errors import DownloadError
from .checksums import RemoteFile
from .transfer import mismatch

_CHUNK = 1 << 20
#: What zipfile raises for damaged files besides BadZipFile: for a negative seek, a truncated header, an
#: unknown compression method, an encrypted member, an undecodable name.
_DAMAGE = (
    zipfile.BadZipFile,
    zlib.error,
    struct.error,
    EOFError,
    NotImplementedError,
    OSError,
    OverflowError,
    RuntimeError,
    ValueError,
)


def unpack(archive: Path, wanted: Sequence[RemoteFile], folder: Path) -> list[Path]:
    """Extract the members named in `wanted`, from any folder of the archive, directly into `folder`.

    Everything is extracted and checked in a temporary folder first; the files are moved only if all are
    valid.

    Raises:
        DownloadError: Not a zip file; a member's path leads out of the archive; a wanted member is missing,
            duplicated, damaged, encrypted, or not the published file. Nothing has been extracted then.
    """
    try:
        source = zipfile.ZipFile(archive)
    except _DAMAGE as error:
        raise _unreadable(archive, error) from None
    with source, temporary_folder(folder) as staging:
        members = _find(source, archive, wanted)
        for file in wanted:
            staged = staging / file.name
            with naming(folder / file.name), staged.open("wb") as stream:
                for chunk in _content(source, archive, members[file.name]):
                    stream.write(chunk)
                    if stream.tell() > file.size:  # `mismatch` reports it
                        break
            wrong = mismatch(staged, file)
            if wrong is not None:
                raise DownloadError(f"{archive}: member {file.name}: {wrong}; nothing was unpacked")
        for file in wanted:
            os.replace(staging / file.name, folder / file.name)
    return [folder / file.name for file in wanted]


def _content(source: zipfile.ZipFile, archive: Path, member: zipfile.ZipInfo) -> Iterator[bytes]:
    """The decompressed bytes of one member, in chunks."""
    try:
        with source.open(member) as packed:
            while chunk := packed.read(_CHUNK):
                yield chunk
    except _DAMAGE as error:
        raise _unreadable(archive, error) from None


def _unreadable(archive: Path, error: Exception) -> DownloadError:
    return DownloadError(f"{archive}: not a readable zip file ({error}); nothing was unpacked")


def _find(source: zipfile.ZipFile, archive: Path, wanted: Sequence[RemoteFile]) -> dict[str, zipfile.ZipInfo]:
    names = {file.name for file in wanted}
    members: dict[str, zipfile.ZipInfo] = {}
    for info in source.infolist():
        if _leads_out(info.orig_filename):
            raise DownloadError(
                f"{archive}: member {info.orig_filename!r} leads out of the archive; nothing was unpacked"
            )
        base = PurePosixPath(info.filename).name
        if info.is_dir() or base not in names:
            continue
        if base in members:
            raise DownloadError(f"{archive}: two members are called {base}; nothing was unpacked")
        members[base] = info
    for file in wanted:
        if file.name not in members:
            raise DownloadError(f"{archive}: no member is called {file.name}; nothing was unpacked")
        if members[file.name].file_size != file.size:
            raise DownloadError(
                f"{archive}: member {file.name} has {members[file.name].file_size} bytes, "
                f"expected {file.size}; nothing was unpacked"
            )
    return members


def _leads_out(name: str) -> bool:
    windows = PureWindowsPath(name)  # splits at both kinds of slash
    return bool(windows.drive or windows.root or ".." in windows.parts or "\0" in name)
