"""The networks that come with cnnfast, layer for layer as their sources describe them.

All end in logits: where a source ends in softmax or log-softmax, that is the loss "cross_entropy" here.
"""

from .d4 import d4
from .hello_dl import hello_dl_letters
from .numpy_mnist import numpy_mnist
from .registry import ModelList, get, list

__all__ = ["ModelList", "d4", "get", "hello_dl_letters", "list", "numpy_mnist"]
