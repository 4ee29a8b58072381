"""Print the folder that contains Eigen/Core in the installed package cmeel-eigen; exit 1 if there is none."""

import sys
from importlib import metadata
from pathlib import Path

try:
    files = metadata.files("cmeel-eigen") or []
except metadata.PackageNotFoundError:
    sys.exit(1)
for file in files:
    if file.parts[-2:] == ("Eigen", "Core"):
        print(Path(file.locate()).resolve().parent.parent.as_posix())
        sys.exit(0)
sys.exit(1)
