"""The package on a processor without AVX-512, as valgrind emulates one: no instruction of a variant it does
not have may run, and no kernel may touch memory that is not its own.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

import pytest
from cnnfast import _core

SCRIPT = """
import numpy as np
from cnnfast import _core

_core.set_num_threads(1)
for layers in (
    [_core.Conv2d(5, 19, 3, padding=1), _core.MaxPool2d(2, ceil_mode=True), _core.GELU()],
    [_core.Conv2d(5, 7, 3, stride=2), _core.ReLU(), _core.Flatten(), _core.Linear(84, 11)],
):
    graph, value = _core.Graph((5, 9, 7)), 0
    for layer in layers:
        value = graph.add(layer, [value])
    plan = _core.Plan(graph)
    params = np.full(plan.parameter_count, 0.01, np.float32)
    y, tape = plan.forward_train(np.ones((3, 5, 9, 7), np.float32), params)
    plan.backward(np.ones_like(y), tape, params, np.empty_like(params))
print(*_core.available_isas())
"""


@pytest.mark.slow  # ten seconds in the emulator
@pytest.mark.skipif(shutil.which("valgrind") is None, reason="valgrind is not installed")
@pytest.mark.skipif("avx512" not in _core.build_info()["isas_built"], reason="no AVX-512 in this build")
def test_runs_without_avx512_and_stays_in_its_memory() -> None:
    environment = {
        **os.environ,
        "CNNFAST_ISA": "avx2",
        "OPENBLAS_NUM_THREADS": "1",
        "OPENBLAS_CORETYPE": "Haswell",  # OpenBLAS asks the real processor
        "PYTHONMALLOC": "malloc",
    }
    command = ["valgrind", "--error-limit=no", sys.executable, "-c", SCRIPT]
    ran = subprocess.run(command, capture_output=True, text=True, env=environment, timeout=300, check=False)
    assert ran.returncode == 0, ran.stderr[-3000:]
    assert ran.stdout.split() == ["baseline", "avx2"]
    blocks = ran.stderr.split("== Invalid ")[1:]
    assert not [block[:1000] for block in blocks if "_core" in block[:1000]]
