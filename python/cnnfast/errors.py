"""The exceptions cnnfast raises for causes outside the program, and the check for optional packages.

Wrong arguments raise ``ValueError`` and ``TypeError``; the exceptions here can occur in a correct program: a
damaged file, an unreachable server, diverging training, a package that is not installed.
"""

from __future__ import annotations

import importlib
from types import ModuleType

#: Import name -> name on the package index, where the two differ.
_PACKAGE_NAMES = {"PIL": "pillow", "sklearn": "scikit-learn", "pillow_heif": "pillow-heif"}
#: Package -> the extra that installs it.
_EXTRAS = {"rich": "cli", "pillow": "cli", "requests": "cli", "matplotlib": "plot", "scipy": "read"}


class CnnfastError(Exception):
    """Base of all exceptions below; the command line reports it on one line, with exit code 1."""


class DataError(CnnfastError, ValueError):
    """A data file or data set is missing, damaged or inconsistent; the message names file and reason."""


class DownloadError(CnnfastError, OSError):
    """A download failed, or the file is not the published one."""


class CheckpointError(CnnfastError, ValueError):
    """A model file or checkpoint cannot be used: truncated, modified, of another format, written by a newer
    version, or of another training."""


class MissingDependencyError(CnnfastError, ImportError):
    """An optional package is not installed; the message has the command that installs it."""


class NonFiniteError(CnnfastError, ArithmeticError):
    """The loss or a gradient became NaN or infinite; the model keeps its last finite weights.

    Attributes:
        step: Number of the failed update, starting at 1 over the whole training.
        epoch: Its epoch, starting at 1; None outside of `fit`.
        loss: Its mean loss (finite if a gradient or weight was not).
        history: The `History` of `fit` so far; None outside of `fit`.
    """

    def __init__(
        self, message: str, *, step: int = 0, epoch: int | None = None, loss: float = float("nan")
    ) -> None:
        super().__init__(message)
        self.step = step
        self.epoch = epoch
        self.loss = loss
        self.history: object = None


class GradientError(CnnfastError, ArithmeticError):
    """In `check_gradients`, backward and central differences disagree.

    Attributes:
        report: The `GradientReport`.
    """

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional package, or raise an error with the command that installs it.

    Args:
        module: Import name, e.g. ``"PIL.Image"``.
        purpose: What needs it, as the start of the message: ``"reading images"``.

    Raises:
        MissingDependencyError: The package is not installed. If it is installed but fails to import, its own
            error is raised.

    Example:
        >>> require("json", "printing JSON").dumps([1])
        '[1]'
        >>> require("telepathy", "guessing")
        Traceback (most recent call last):
        ...
        cnnfast.errors.MissingDependencyError: guessing needs the package telepathy: pip install telepathy
    """
    root = module.partition(".")[0]
    try:
        return importlib.import_module(module)
    except ModuleNotFoundError as error:
        if (error.name or "").partition(".")[0] != root:
            raise
        package = _PACKAGE_NAMES.get(root, root)
        target = f'"cnnfast[{_EXTRAS[package]}]"' if package in _EXTRAS else package
        raise MissingDependencyError(
            f"{purpose} needs the package {package}: pip install {target}", name=root
        ) from None
