"""Speed of this machine: what `cnnfast bench` and `python -m bench` run."""

from .runner import run

__all__ = ["run"]
