"""`cnnfast data`: lists or downloads data sets."""

from __future__ import annotations

import argparse
import os

from .. import _terminal, datasets
from .._stderr import Stderr
from . import arguments, preview
from .errors import say

_GET = "get it with: "

DATA_DESCRIPTION = """\
Lists the data sets and whether their files are present; or downloads one.
"""

DOWNLOAD_DESCRIPTION = """\
Downloads a data set from its authors' server into the data folder. Every
file is checked by size and checksum; an interrupted download is resumed.
EMNIST is one archive of 535 MB with all its splits.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    data = arguments.add_command(commands, "data", run, "list or download data sets", DATA_DESCRIPTION)
    arguments.add_root(data)
    actions = data.add_subparsers(title="actions", metavar="ACTION")
    download = arguments.add_command(
        actions, "download", _download, "download a data set", DOWNLOAD_DESCRIPTION
    )
    names = ["emnist", *(name for name in datasets.names() if name != "glyphs")]
    download.add_argument("name", type=arguments.one_of(names), metavar="NAME", help=", ".join(names))
    download.add_argument(
        "--url",
        type=arguments.url,
        metavar="URL",
        help="another URL to download from; checksums must match",
    )
    download.add_argument(
        "--root",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the data sets (default: as for data)",
    )
    preview.register(actions)


def run(options: argparse.Namespace) -> int:
    say(f"data folder {os.fspath(datasets.data_home(options.root))}\n")
    parts = datasets.status(options.root)
    table, remarks = [["data set", "train", "test"]], [""]
    for train, test in zip(parts[::2], parts[1::2], strict=True):
        table.append([train.dataset, *("yes" if part.available else "no" for part in (train, test))])
        remarks.append(_remark(train, test))
    lines = _terminal.aligned(table, left=3)
    first = max(map(len, lines)) + 2
    beside = first + max(map(len, remarks)) <= _terminal.width()
    for line, remark in zip(lines, remarks, strict=True):
        if beside or not remark:
            say(f"{line:<{first}}{remark}".rstrip())
        else:
            say(f"{line}\n{_below(remark)}")
    return 0


def _below(remark: str) -> str:
    """A remark on separate lines; a command alone, so that it is not broken."""
    if remark.startswith(_GET):
        return f"    {remark.removeprefix(_GET)}"
    lines = _terminal.wrapped(remark, room=_terminal.width() - 4).splitlines()
    return "\n".join(f"    {line}" for line in lines)


def _remark(train: datasets.Availability, test: datasets.Availability) -> str:
    """How to download a missing data set, or which of its files are missing."""
    incomplete = [part for part in (train, test) if not part.available]
    if not incomplete:
        return train.note
    if not train.present and not test.present:
        return f"{_GET}cnnfast data download {train.dataset}"
    return f"missing {', '.join(name for part in incomplete for name in part.missing)}"


def _download(options: argparse.Namespace) -> int:
    bar = Stderr().isatty()
    for path in datasets.download(options.name, root=options.root, progress=bar, url=options.url):
        say(os.fspath(path))
    return 0
