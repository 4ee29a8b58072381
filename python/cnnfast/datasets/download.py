"""`download`: fetches the published files of a data set into the data folder.

Nothing else in cnnfast uses the network.
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator, Sequence
from pathlib import Path

from .. import _names
from .._stderr import console
from .._text import redacted
from ..errors import DownloadError
from . import checksums
from .checksums import RemoteFile, Source
from .cifar import find_cifar
from .idx_dataset import data_home
from .registry import file_stems
from .registry import names as dataset_names
from .transfer import Report, TransferError, fetch, mismatch


def download(
    name: str,
    root: str | os.PathLike[str] | None = None,
    progress: bool = True,
    *,
    url: str | None = None,
) -> list[Path]:
    """Download the missing files of a data set from its authors' server.

    Args:
        name: ``"mnist"``, ``"fashion-mnist"``, ``"cifar10"`` or ``"cifar100"`` (archives of 163 MB, which are
            not unpacked), ``"emnist"`` (all six splits, 535 MB), or one split such as ``"emnist-letters"``:
            the download is the same single zip file, but only that split is unpacked.
        root: Folder that holds ``emnist/``, ``mnist/`` and so on; default as in `data_home`.
        progress: Show a progress bar on standard error (if the package rich is installed).
        url: Another URL: of a folder that holds the files under their published names, or of EMNIST's zip
            file. Sizes and checksums must match as well.

    An interrupted download is resumed by the next call. EMNIST's ``gzip.zip`` may also be put into the folder
    by hand; it is then unpacked from there and kept.

    Returns:
        The files of the data set, in the folder.

    Raises:
        ValueError: Unknown name, or one that needs no files; `url` is not an http(s) URL.
        DownloadError: No network, or the file is not the published one, or another process is downloading it.
            The message says why, and which file to put where instead.
        MissingDependencyError: The package requests is not installed.

    Example:
        >>> from cnnfast import datasets
        >>> datasets.download("mnist")  # doctest: +SKIP
    """
    source, wanted = _source_and_files(name)
    if url is not None and not url.startswith(("http://", "https://")):
        raise ValueError(f"download: url must start with http:// or https://, got {redacted(url)!r}")
    home = data_home(root)
    folder = home / source.folder
    found = _unpacked_cifar(source, home)
    if found:
        return found
    folder.mkdir(parents=True, exist_ok=True)
    missing = [file for file in wanted if not _is_present(folder, file)]
    addresses = source.addresses if url is None else (url,)
    if missing:
        with _progress_bar(progress) as report:
            if source.archive is None:
                for file in missing:
                    _fetch_from_any(source, file, addresses, folder, missing, report)
            else:
                _from_archive(source, source.archive, addresses, folder, missing, report)
    return [
        _uncompressed(folder, file) if _uncompressed(folder, file).is_file() else folder / file.name
        for file in wanted
    ]


def _source_and_files(name: str) -> tuple[Source, tuple[RemoteFile, ...]]:
    """The source of a data set, and which of its files belong to it."""
    choices = ["emnist", *(other for other in dataset_names() if other != "glyphs")]
    if name == "glyphs":
        raise ValueError("download: 'glyphs' needs no files; it is drawn when loaded")
    known = _names.find(name, choices)
    if known is None:
        hint = _names.did_you_mean(name, choices)
        raise ValueError(f"download: name must be one of {', '.join(choices)}; got {name!r}{hint}")
    whole = {
        "mnist": checksums.MNIST,
        "fashion-mnist": checksums.FASHION_MNIST,
        "emnist": checksums.EMNIST,
        "cifar10": checksums.CIFAR10,
        "cifar100": checksums.CIFAR100,
    }
    if known in whole:
        return whole[known], whole[known].files
    stems = {stem for pair in file_stems(known) for stem in pair}
    return checksums.EMNIST, tuple(f for f in checksums.EMNIST.files if f.name.removesuffix(".gz") in stems)


def _unpacked_cifar(source: Source, home: Path) -> list[Path]:
    """The files of CIFAR, if they are there in another form than the archive that would be downloaded."""
    kinds = {"cifar10": 10, "cifar100": 100}
    if source.folder not in kinds:
        return []
    paths: list[Path] = []
    for train in (True, False):
        part = find_cifar(kinds[source.folder], train, home)
        if part is None or part == [home / source.folder / source.files[0].name]:
            return []
        paths += part
    return list(dict.fromkeys(paths))


def _uncompressed(folder: Path, file: RemoteFile) -> Path:
    return folder / file.name.removesuffix(".gz")


def _is_present(folder: Path, file: RemoteFile) -> bool:
    """A compressed file must be the published one; an uncompressed one, without published checksum, is
    accepted."""
    if _uncompressed(folder, file).is_file():
        return True
    path = folder / file.name
    return path.is_file() and mismatch(path, file) is None


def _from_archive(
    source: Source,
    archive: RemoteFile,
    addresses: Sequence[str],
    folder: Path,
    missing: Sequence[RemoteFile],
    report: Report,
) -> None:
    from .archive import unpack  # late: zipfile would add a tenth to cnnfast's import time

    path = folder / archive.name
    wrong = mismatch(path, archive) if path.is_file() else "not there"
    if wrong is not None:
        reasons = [] if wrong == "not there" else [f"{path} is not the published file: {wrong}"]
        _fetch_from_any(source, archive, addresses, folder, [archive], report, reasons)
    unpack(path, missing, folder)
    if wrong is not None:  # downloaded here; a file put there by hand stays
        path.unlink(missing_ok=True)


def _fetch_from_any(
    source: Source,
    file: RemoteFile,
    addresses: Sequence[str],
    folder: Path,
    by_hand: Sequence[RemoteFile],
    report: Report,
    earlier: Sequence[str] = (),
) -> None:
    reasons = [*earlier]
    for address in addresses:
        url = address if address.endswith(f"/{file.name}") else f"{address.rstrip('/')}/{file.name}"
        try:
            fetch(file, url, folder / file.name, report)
            return
        except TransferError as reason:
            reasons.append(str(reason))
    files = ", ".join(f"{other.name} ({other.size} bytes)" for other in by_hand)
    again = " and run this again" if source.archive is not None else ""
    raise DownloadError(
        f"{source.title} could not be downloaded ({'; '.join(reasons)}): "
        f"put {files} into {folder} by hand{again}"
    )


@contextlib.contextmanager
def _progress_bar(show: bool) -> Iterator[Report]:
    """A progress bar per file on standard error; nothing if `show` is False or rich is not installed."""
    try:
        from rich.progress import BarColumn, DownloadColumn, Progress, TextColumn, TimeRemainingColumn
        from rich.progress import TransferSpeedColumn as SpeedColumn
    except ImportError:
        show = False
    if not show:
        yield lambda name, done, total: None
        return
    screen = console()
    columns = [TextColumn("{task.description}"), DownloadColumn()]
    if screen.width >= 80:  # a file's name and its size take 60
        columns += [SpeedColumn(), TimeRemainingColumn()]
    if screen.width >= 110:
        columns.insert(1, BarColumn(bar_width=24))
    with Progress(*columns, console=screen, transient=screen.is_terminal) as bar:
        tasks = {}

        def report(name: str, done: int, total: int) -> None:
            if name not in tasks:
                tasks[name] = bar.add_task(name, total=total)
            bar.update(tasks[name], completed=done)

        yield report
