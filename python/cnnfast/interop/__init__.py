"""Conversion to and from other libraries, which are imported only when they are used."""

from . import torch

__all__ = ["torch"]
