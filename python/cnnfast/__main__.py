"""`python -m cnnfast` is the command `cnnfast`."""

import sys

from .cli import main

if __name__ == "__main__":
    sys.exit(main())
