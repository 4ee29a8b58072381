"""`show_config`: version, build, instruction set, threads and data of this installation."""

from __future__ import annotations

import os
import platform
from dataclasses import asdict, dataclass
from typing import Any

from . import _terminal
from ._core import build_info, get_num_threads


@dataclass(frozen=True)
class Config:
    """Result of `show_config`; `str` formats it as a table, `to_dict` returns a dict for JSON."""

    version: str
    python: str
    numpy: str
    platform: str
    processor: str
    compiler: str
    build_type: str
    eigen: str
    openmp: bool
    isas_built: list[str]
    isas_available: list[str]
    isa: str
    isa_reason: str
    threads: int
    usable_cores: int
    data_folder: str
    data: list[str]

    def to_dict(self) -> dict[str, Any]:
        return asdict(self)

    def __str__(self) -> str:
        rows = {
            "cnnfast": self.version,
            "python, numpy": f"{self.python}, {self.numpy}",
            "platform": self.platform,
            "processor": self.processor,
            "compiler": f"{self.compiler}, {self.build_type} build, Eigen {self.eigen}",
            "variants built": ", ".join(self.isas_built),
            "variant chosen": f"{self.isa}: {self.isa_reason}",
            "OpenMP": "yes" if self.openmp else "no: this build runs on one thread",
            "threads": f"{self.threads} of {self.usable_cores} usable cores",
            "data folder": self.data_folder,
            "data sets present": ", ".join(self.data) or "none: try `cnnfast data`",
        }
        return _terminal.listed(rows.items())

    __repr__ = __str__


def show_config() -> Config:
    """Collect what an error report or a benchmark should include.

    Returns:
        A `Config`; `print` shows it as a table.

    Example:
        >>> config = show_config()
        >>> config.isa in config.isas_available
        True
    """
    import numpy

    from . import datasets

    build = build_info()
    return Config(
        version=build["version"],
        python=platform.python_version(),
        numpy=numpy.__version__,
        platform=platform.platform(terse=True),
        processor=_processor(),
        compiler=build["compiler"],
        build_type=build["build_type"],
        eigen=build["eigen"],
        openmp=build["openmp"],
        isas_built=build["isas_built"],
        isas_available=build["isas_available"],
        isa=build["isa"],
        isa_reason=build["isa_reason"],
        threads=get_num_threads(),
        usable_cores=build["usable_cores"],
        data_folder=os.fspath(datasets.data_home()),
        data=_on_disk(),
    )


def _on_disk() -> list[str]:
    from . import datasets

    try:
        parts = datasets.status()
    except OSError as error:  # the rest is still useful
        return [f"unknown: {error.strerror or error}"]
    return [f"{part.dataset} ({part.split})" for part in parts if part.available and part.folder is not None]


def _processor() -> str:
    """The CPU's name; `platform.processor` is empty on most Linux systems."""
    try:
        with open("/proc/cpuinfo", encoding="utf-8", errors="replace") as lines:
            for line in lines:
                if line.startswith("model name"):
                    return line.partition(":")[2].strip()
    except OSError:
        pass
    return platform.processor() or platform.machine()
