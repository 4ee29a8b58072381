"""The command `cnnfast`: one file for each group of subcommands, `arguments` for what their options share."""

from .main import main

__all__ = ["main"]
