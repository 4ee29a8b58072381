"""Reads the pickles of CIFAR without running code.

Only opcodes that build dicts, lists, tuples, strings, bytes and integers are accepted, and the two names
with which NumPy pickles arrays, which stand here for functions of this file. Nothing is imported or called.
"""

from __future__ import annotations

import io
import math
import pickle
import pickletools
from typing import Any

import numpy as np
import numpy.typing as npt

_OPCODE_NAMES = """
PROTO FRAME STOP MARK NONE NEWTRUE NEWFALSE INT BININT BININT1 BININT2 LONG1 STRING BINSTRING
SHORT_BINSTRING UNICODE BINUNICODE SHORT_BINUNICODE BINBYTES SHORT_BINBYTES EMPTY_DICT DICT SETITEM
SETITEMS EMPTY_LIST LIST APPEND APPENDS EMPTY_TUPLE TUPLE TUPLE1 TUPLE2 TUPLE3 PUT BINPUT LONG_BINPUT
MEMOIZE GET BINGET LONG_BINGET GLOBAL STACK_GLOBAL REDUCE BUILD
"""
_OPCODES = frozenset(_OPCODE_NAMES.split())
_PUTS = ("PUT", "BINPUT", "LONG_BINPUT")


class UnsafePickle(ValueError):
    """A pickle that is damaged, or holds something else than literals and uint8 arrays."""


def load(content: bytes) -> Any:
    """The object in a pickle: dict, list, tuple, int, bool, None, str, bytes (also for strings of Python 2),
    and uint8 arrays.

    Raises:
        UnsafePickle: Anything else in it.
    """
    try:
        argument: Any
        for count, (opcode, argument, _) in enumerate(pickletools.genops(content)):
            if opcode.name not in _OPCODES:
                raise UnsafePickle(f"opcode {opcode.name} is not that of a literal")
            # C's unpickler allocates memory for all numbers below this one
            if opcode.name in _PUTS and not 0 <= argument <= 2 * count:
                raise UnsafePickle(f"memo number {argument}")
        found = _Unpickler(io.BytesIO(content), encoding="bytes").load()
        return _finished(found)
    except UnsafePickle:
        raise
    except Exception as error:  # damaged pickles raise nearly anything
        raise UnsafePickle(" ".join(str(error).split()) or type(error).__name__) from None


class _Unpickler(pickle.Unpickler):
    def find_class(self, module: str, name: str) -> Any:
        if (module, name) in (
            ("numpy.core.multiarray", "_reconstruct"),
            ("numpy._core.multiarray", "_reconstruct"),
        ):
            return _Constructor(_Array)
        if (module, name) == ("numpy", "dtype"):
            return _Constructor(_Dtype)
        if (module, name) == ("numpy", "ndarray"):
            return _Constructor(None)
        raise UnsafePickle(f"it refers to {module}.{name}")


class _Constructor:
    """What a pickle calls to make an array or a dtype; it cannot be changed."""

    __slots__ = ("_kind",)

    def __init__(self, kind: Any) -> None:
        self._kind = kind

    def __call__(self, *arguments: Any) -> Any:
        if self._kind is None:
            raise UnsafePickle("it calls ndarray")
        return self._kind(arguments)

    def __setstate__(self, state: Any) -> None:
        raise UnsafePickle("it changes a function")


class _Dtype:
    """A dtype in a pickle: the arguments it was made with; its state is not used."""

    __slots__ = ("arguments",)

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        self.arguments = arguments

    def __setstate__(self, state: Any) -> None:
        pass


class _Array:
    """A uint8 array in a pickle, whose state is (version, shape, dtype, in Fortran's order, bytes)."""

    __slots__ = ("value",)

    def __init__(self, arguments: tuple[Any, ...]) -> None:
        del arguments  # those of an empty array
        self.value: npt.NDArray[np.uint8] | None = None

    def __setstate__(self, state: Any) -> None:
        _, shape, dtype, is_fortran, content = state
        if not isinstance(dtype, _Dtype) or dtype.arguments[:1] not in (("u1",), (b"u1",)):
            raise UnsafePickle("an array that is not uint8")
        extents = tuple(shape)
        if not all(type(extent) is int and extent >= 0 for extent in extents) or type(content) is not bytes:
            raise UnsafePickle("a damaged array")
        if math.prod(extents) != len(content):
            raise UnsafePickle(f"an array of shape {extents} with {len(content)} bytes")
        flat = np.frombuffer(content, np.uint8)
        self.value = flat.reshape(extents[::-1]).T if is_fortran else flat.reshape(extents)


def _finished(found: Any) -> Any:
    """The dict with its arrays."""
    if not isinstance(found, dict):
        raise UnsafePickle(f"a {type(found).__name__} where a dict is expected")
    if any(isinstance(value, _Array) and value.value is None for value in found.values()):
        raise UnsafePickle("an array without content")
    return {key: value.value if isinstance(value, _Array) else value for key, value in found.items()}
