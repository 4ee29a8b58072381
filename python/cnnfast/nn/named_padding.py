"""Padding under PyTorch's names: `Pad2d` and `Pad1d` of one mode each."""

from __future__ import annotations

from typing import Any

from .. import _core
from .._types import Ends, Sides
from .layer import Layer
from .registry import register


class _OneMode(Layer):
    """A layer with a fixed mode: settings that its constructor does not take are left out."""

    def _settings(self) -> dict[str, Any]:
        return {name: value for name, value in super()._settings().items() if name in self._arguments()}


def _zero2d(padding: Sides) -> _core.Pad2d:
    return _core.Pad2d(padding)


@register
class ZeroPad2d(_OneMode):
    """Adds zeros on the sides of images: `Pad2d` in mode "constant".

    Args:
        padding: One number, or (left, right, top, bottom). Negative numbers crop.

    Shapes:
        As `Pad2d`.

    Raises:
        ValueError: As `Pad2d`, in its name: an input that is cropped entirely.

    Source: PyTorch's ZeroPad2d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ZeroPad2d(1)(np.array([[[[1, 2], [3, 4]]]], dtype=np.float32))[0, 0]
        array([[0., 0., 0., 0.],
               [0., 1., 2., 0.],
               [0., 3., 4., 0.],
               [0., 0., 0., 0.]], dtype=float32)
    """

    _operation = staticmethod(_zero2d)

    def __init__(self, padding: Sides) -> None:
        super().__init__(_zero2d(padding))


def _zero1d(padding: Ends) -> _core.Pad1d:
    return _core.Pad1d(padding)


@register
class ZeroPad1d(_OneMode):
    """Adds zeros at both ends of sequences: `Pad1d` in mode "constant".

    Args:
        padding: One number, or (before, after). Negative numbers crop.

    Shapes:
        As `Pad1d`.

    Raises:
        ValueError: As `Pad1d`, in its name: an input that is cropped entirely.

    Source: PyTorch's ZeroPad1d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ZeroPad1d(1)(np.array([[[1, 2]]], dtype=np.float32))
        array([[[0., 1., 2., 0.]]], dtype=float32)
    """

    _operation = staticmethod(_zero1d)

    def __init__(self, padding: Ends) -> None:
        super().__init__(_zero1d(padding))


def _constant2d(padding: Sides, value: float) -> _core.Pad2d:
    return _core.Pad2d(padding, "constant", value)


@register
class ConstantPad2d(_OneMode):
    """Adds a constant on the sides of images: `Pad2d` in mode "constant".

    Args:
        padding: One number, or (left, right, top, bottom). Negative numbers crop.
        value: Fill value.

    Shapes:
        As `Pad2d`.

    Raises:
        ValueError: As `Pad2d`, in its name: an input that is cropped entirely.

    Source: PyTorch's ConstantPad2d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ConstantPad2d(1, 9)(np.array([[[[1, 2], [3, 4]]]], dtype=np.float32))[0, 0]
        array([[9., 9., 9., 9.],
               [9., 1., 2., 9.],
               [9., 3., 4., 9.],
               [9., 9., 9., 9.]], dtype=float32)
    """

    _operation = staticmethod(_constant2d)

    def __init__(self, padding: Sides, value: float) -> None:
        super().__init__(_constant2d(padding, value))


def _constant1d(padding: Ends, value: float) -> _core.Pad1d:
    return _core.Pad1d(padding, "constant", value)


@register
class ConstantPad1d(_OneMode):
    """Adds a constant at both ends of sequences: `Pad1d` in mode "constant".

    Args:
        padding: One number, or (before, after). Negative numbers crop.
        value: Fill value.

    Shapes:
        As `Pad1d`.

    Raises:
        ValueError: As `Pad1d`, in its name: an input that is cropped entirely.

    Source: PyTorch's ConstantPad1d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ConstantPad1d(1, 9)(np.array([[[1, 2]]], dtype=np.float32))
        array([[[9., 1., 2., 9.]]], dtype=float32)
    """

    _operation = staticmethod(_constant1d)

    def __init__(self, padding: Ends, value: float) -> None:
        super().__init__(_constant1d(padding, value))


def _reflection2d(padding: Sides) -> _core.Pad2d:
    return _core.Pad2d(padding, "reflect")


@register
class ReflectionPad2d(_OneMode):
    """Adds a mirror image on the sides of images: `Pad2d` in mode "reflect".

    Args:
        padding: One number, or (left, right, top, bottom).

    Shapes:
        As `Pad2d`.

    Raises:
        ValueError: As `Pad2d`, in its name: padding as large as the image.

    Source: PyTorch's ReflectionPad2d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ReflectionPad2d(1)(np.array([[[[1, 2], [3, 4]]]], dtype=np.float32))[0, 0]
        array([[4., 3., 4., 3.],
               [2., 1., 2., 1.],
               [4., 3., 4., 3.],
               [2., 1., 2., 1.]], dtype=float32)
    """

    _operation = staticmethod(_reflection2d)

    def __init__(self, padding: Sides) -> None:
        super().__init__(_reflection2d(padding))


def _reflection1d(padding: Ends) -> _core.Pad1d:
    return _core.Pad1d(padding, "reflect")


@register
class ReflectionPad1d(_OneMode):
    """Adds a mirror image at both ends of sequences: `Pad1d` in mode "reflect".

    Args:
        padding: One number, or (before, after).

    Shapes:
        As `Pad1d`.

    Raises:
        ValueError: As `Pad1d`, in its name: padding as large as the input.

    Source: PyTorch's ReflectionPad1d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ReflectionPad1d(1)(np.array([[[1, 2]]], dtype=np.float32))
        array([[[2., 1., 2., 1.]]], dtype=float32)
    """

    _operation = staticmethod(_reflection1d)

    def __init__(self, padding: Ends) -> None:
        super().__init__(_reflection1d(padding))


def _replication2d(padding: Sides) -> _core.Pad2d:
    return _core.Pad2d(padding, "replicate")


@register
class ReplicationPad2d(_OneMode):
    """Repeats the nearest pixel on the sides of images: `Pad2d` in mode "replicate".

    Args:
        padding: One number, or (left, right, top, bottom).

    Shapes:
        As `Pad2d`.

    Raises:
        ValueError: As `Pad2d`, in its name: negative padding.

    Source: PyTorch's ReplicationPad2d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ReplicationPad2d(1)(np.array([[[[1, 2], [3, 4]]]], dtype=np.float32))[0, 0]
        array([[1., 1., 2., 2.],
               [1., 1., 2., 2.],
               [3., 3., 4., 4.],
               [3., 3., 4., 4.]], dtype=float32)
    """

    _operation = staticmethod(_replication2d)

    def __init__(self, padding: Sides) -> None:
        super().__init__(_replication2d(padding))


def _replication1d(padding: Ends) -> _core.Pad1d:
    return _core.Pad1d(padding, "replicate")


@register
class ReplicationPad1d(_OneMode):
    """Repeats the nearest value at both ends of sequences: `Pad1d` in mode "replicate".

    Args:
        padding: One number, or (before, after).

    Shapes:
        As `Pad1d`.

    Raises:
        ValueError: As `Pad1d`, in its name: negative padding.

    Source: PyTorch's ReplicationPad1d.

    Example:
        >>> import numpy as np
        >>> from cnnfast import nn
        >>> nn.ReplicationPad1d(1)(np.array([[[1, 2]]], dtype=np.float32))
        array([[[1., 1., 2., 2.]]], dtype=float32)
    """

    _operation = staticmethod(_replication1d)

    def __init__(self, padding: Ends) -> None:
        super().__init__(_replication1d(padding))
