"""Large packed weights are in memory for which large pages were requested."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

SUPPORTED = Path("/sys/kernel/mm/transparent_hugepage/enabled")
#: Prints how many KB of mappings get the flag that `madvise` sets. In a process of its own: memory freed by
#: earlier tests may have the flag, too, as NumPy requests large pages for large arrays.
PROGRAM = """
import re
from pathlib import Path
import numpy as np
from cnnfast import nn

def requested():
    text = Path("/proc/self/smaps").read_text()
    found = re.findall(r"^Size: +(\\d+) kB$(?:\\n(?!Size:).*)*?\\nVmFlags:(.*)$", text, re.MULTILINE)
    return sum(int(size) for size, flags in found if "hg" in flags.split())

with nn.blank_parameters():
    model = nn.Sequential(nn.Linear(4096, 2304), input_shape=(4096,))
x = np.zeros((1, 4096), np.float32)
before = requested()
model(x)
print(requested() - before)
"""


@pytest.mark.skipif(not SUPPORTED.exists(), reason="needs Linux with transparent huge pages")
def test_weights_larger_than_the_caches() -> None:
    done = subprocess.run([sys.executable, "-c", PROGRAM], capture_output=True, text=True, check=True)
    assert int(done.stdout) >= 34 * 1024  # of 36 MB
