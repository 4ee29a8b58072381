"""The warning about networks whose weights are not finite."""

from __future__ import annotations

from typing import TYPE_CHECKING

from .._checks import warn_caller

if TYPE_CHECKING:
    from .parameter_tree import ParameterTree

#: Number of names listed in a message.
_LISTED = 3


def warn_of_weights(who: str, model: ParameterTree) -> bool:
    """Warns if weights of the model are NaN or infinite; returns whether they are."""
    names = model.non_finite()
    if names:
        more = f" and {len(names) - _LISTED} more" if len(names) > _LISTED else ""
        listed = ", ".join(names[:_LISTED]) + more
        warn_caller(f"{who}: the model's {listed} hold NaN or infinity; its predictions are meaningless")
    return bool(names)
