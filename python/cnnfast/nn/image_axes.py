"""Error messages for images whose axes are not in the order (n, channels, height, width)."""

from __future__ import annotations

from collections.abc import Callable

from .._types import Shape

#: An axis of these sizes is that of channels if the others have at least `_LEAST`.
_CHANNELS = (1, 3, 4)
_LEAST = 8


def refuse_channels_last(who: str, shape: Shape) -> None:
    """Raises ValueError for uint8 of shape (h, w, c), probably one image, instead of n very narrow ones.

    Called for networks without an `input_shape`, which accept any shape.

    Raises:
        ValueError: The last axis has 1, 3 or 4 values, the one before it at least 8.
    """
    if _channels_last(shape):
        height, width, channels = shape
        raise ValueError(
            f"{who}: uint8 x of shape {shape} is not taken for {height} images of {width}x{channels}, as it "
            f"could be one of {channels} channels; for one image use x.transpose(2, 0, 1)[None], "
            "for images so narrow x[:, None]"
        )


def axes_cure(shape: Shape, fits: Callable[[Shape], bool]) -> str:
    """A suggestion to transpose an array of this shape, to append to a message, or an empty string.

    Args:
        shape: Shape of the given array.
        fits: Whether the network accepts an input of a shape (without the batch axis).
    """
    if len(shape) == 4 and _channels_last(shape) and fits((shape[3], *shape[1:3])):
        return "; use x.transpose(0, 3, 1, 2)"
    if len(shape) == 3 and _channels_last(shape) and fits((shape[2], *shape[:2])):
        return "; use x.transpose(2, 0, 1)[None] for one image"
    if len(shape) == 3 and shape[0] in _CHANNELS and min(shape[1:]) >= _LEAST and fits(shape):
        return "; use x[None] for one image"
    if len(shape) == 2 and min(shape) >= _LEAST and fits((1, *shape)):
        return "; use x[None, None] for one image"
    return ""


def _channels_last(shape: Shape) -> bool:
    return shape[-1] in _CHANNELS and shape[-2] >= _LEAST
