"""`cnnfast models`, `cnnfast data` and `cnnfast show-config`: what there is."""

from __future__ import annotations

import argparse
import os

from .. import datasets, models, terminal
from .._stderr import Stderr
from ..config import show_config
from ..plain import to_json
from . import arguments
from .complaints import say

_GET = "get it with: "

DATA_DESCRIPTION = """\
Lists the data sets and says which are here; or downloads one.
"""

DOWNLOAD_DESCRIPTION = """\
Downloads a data set from its authors' address into the data folder. Every
file is checked by size and checksum; an interrupted download goes on where it
stopped. EMNIST is one archive of 535 MB with all its splits.
"""


def register(commands: arguments.Subparsers[argparse.ArgumentParser]) -> None:
    command = arguments.add_command(
        commands,
        "models",
        _models,
        "list the networks, or the layers of one",
        "Lists the networks with their size and work; with a name, that one's layers.",
    )
    command.add_argument(
        "name", nargs="?", type=arguments.one_of(models.list()), metavar="NAME", help=", ".join(models.list())
    )

    data = arguments.add_command(commands, "data", _data, "list or download data sets", DATA_DESCRIPTION)
    arguments.add_root(data)
    actions = data.add_subparsers(title="actions", metavar="ACTION")
    download = arguments.add_command(
        actions, "download", _download, "download a data set", DOWNLOAD_DESCRIPTION
    )
    names = ["emnist", *(name for name in datasets.names() if name != "glyphs")]
    download.add_argument("name", type=arguments.one_of(names), metavar="NAME", help=", ".join(names))
    download.add_argument(
        "--url",
        type=arguments.address,
        metavar="URL",
        help="another address to download from; checksums must agree",
    )
    download.add_argument(
        "--root",
        metavar="DIR",
        default=argparse.SUPPRESS,
        help="folder of the data sets (default: as for data)",
    )

    config = arguments.add_command(
        commands,
        "show-config",
        _show_config,
        "show version, build, instruction set, threads and data",
        "Shows what an error report should contain: version, build, instruction set,\nthreads and data.",
    )
    arguments.add_json(config, "it")


def _models(options: argparse.Namespace) -> int:
    say(models.list() if options.name is None else models.get(options.name, seed=0))
    return 0


def _data(options: argparse.Namespace) -> int:
    say(f"data folder {os.fspath(datasets.data_home(options.root))}\n")
    parts = datasets.status(options.root)
    table, remarks = [["data set", "train", "test"]], [""]
    for train, test in zip(parts[::2], parts[1::2], strict=True):
        table.append([train.dataset, *("yes" if part.available else "no" for part in (train, test))])
        remarks.append(_remark(train, test))
    lines = terminal.aligned(table, left=3)
    first = max(map(len, lines)) + 2
    beside = first + max(map(len, remarks)) <= terminal.width()
    for line, remark in zip(lines, remarks, strict=True):
        if beside or not remark:
            say(f"{line:<{first}}{remark}".rstrip())
        else:
            say(f"{line}\n{_below(remark)}")
    return 0


def _below(remark: str) -> str:
    """A remark in lines of its own; a command alone, so that it stays whole."""
    if remark.startswith(_GET):
        return f"    {remark.removeprefix(_GET)}"
    lines = terminal.wrapped(remark, room=terminal.width() - 4).splitlines()
    return "\n".join(f"    {line}" for line in lines)


def _remark(train: datasets.Availability, test: datasets.Availability) -> str:
    """What to do for a data set that is not here, or which of its files is missing."""
    lacking = [part for part in (train, test) if not part.available]
    if not lacking:
        return train.note
    if not train.present and not test.present:
        return f"{_GET}cnnfast data download {train.dataset}"
    return f"missing {', '.join(name for part in lacking for name in part.missing)}"


def _download(options: argparse.Namespace) -> int:
    bar = Stderr().isatty()
    for path in datasets.download(options.name, root=options.root, progress=bar, url=options.url):
        say(os.fspath(path))
    return 0


def _show_config(options: argparse.Namespace) -> int:
    config = show_config()
    say(to_json(config.to_dict()) if options.json else config)
    return 0
