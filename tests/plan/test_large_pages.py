"""Large packed weights are in memory for which large pages were requested."""

from __future__ import annotations

import re
from pathlib import Path

import numpy as np
import pytest
from cnnfast import nn

MAPPINGS = Path("/proc/self/smaps")
SUPPORTED = Path("/sys/kernel/mm/transparent_hugepage/enabled")


def requested() -> int:
    """KB of the mappings with the flag that `madvise` sets."""
    found = re.findall(
        r"^Size: +(\d+) kB$(?:\n(?!Size:).*)*?\nVmFlags:(.*)$", MAPPINGS.read_text(), re.MULTILINE
    )
    return sum(int(size) for size, flags in found if "hg" in flags.split())


@pytest.mark.skipif(not SUPPORTED.exists(), reason="needs Linux with transparent huge pages")
def test_weights_larger_than_the_caches() -> None:
    """36 MB, which no memory that an earlier test has freed can hold."""
    with nn.blank_parameters():
        model = nn.Sequential(nn.Linear(4096, 2304), input_shape=(4096,))
    x = np.zeros((1, 4096), np.float32)
    before = requested()  # NumPy has some, too
    model(x)
    assert requested() - before >= 34 * 1024
