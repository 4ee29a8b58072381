"""The exceptions cnnfast raises for reasons outside the program, and the check for optional packages.

Wrong arguments are plain ``ValueError`` and ``TypeError``; what stands here can happen to a correct program:
a damaged file, a dead address, a training run that diverges, a package that is not installed.
"""

from __future__ import annotations

import importlib
from types import ModuleType

#: Import name -> name on the package index, where the two differ.
_PACKAGE_NAMES = {"PIL": "pillow", "sklearn": "scikit-learn"}
#: What `pip install "cnnfast[cli]"` brings.
_CLI_PACKAGES = frozenset({"rich", "pillow", "requests"})


class CnnfastError(Exception):
    """Base of all exceptions below; the command line turns it into one line and exit code 1."""


class DataError(CnnfastError, ValueError):
    """A data file or data set is missing, damaged or inconsistent; the message names file and reason."""


class DownloadError(CnnfastError, OSError):
    """A download failed or brought something else than what was published."""


class CheckpointError(CnnfastError, ValueError):
    """A model file cannot be read: truncated, changed, foreign, or written by a newer version."""


class MissingDependencyError(CnnfastError, ImportError):
    """An optional package is not installed; the message has the command that installs it."""


class NonFiniteError(CnnfastError, ArithmeticError):
    """The loss or a gradient became NaN or infinite; the model keeps its last finite weights.

    Attributes:
        step: Number of the update that was refused, counted from 1 over the whole training.
        epoch: Epoch in which it happened, counted from 1; None outside of `fit`.
        loss: The offending mean loss (finite if it was a gradient or weight that was not).
        history: What `fit` had recorded until then (a `History`); None outside of `fit`.
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
    """`check_gradients` found that backward and central differences disagree.

    Attributes:
        report: The `GradientReport`.
    """

    def __init__(self, message: str, report: object = None) -> None:
        super().__init__(message)
        self.report = report


def require(module: str, purpose: str) -> ModuleType:
    """Import an optional package, or say what needs it and how to install it.

    Args:
        module: Import name, e.g. ``"PIL.Image"``.
        purpose: What cannot be done without it, as the start of a sentence: ``"reading images"``.

    Raises:
        MissingDependencyError: The package is not installed. A package that is there but fails to import
            raises its own error: reinstalling cnnfast would not help.

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
        target = '"cnnfast[cli]"' if package in _CLI_PACKAGES else package
        raise MissingDependencyError(
            f"{purpose} needs the package {package}: pip install {target}", name=root
        ) from None
