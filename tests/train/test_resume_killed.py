"""Processes that are killed (SIGKILL) or terminated (SIGTERM) while they train, and resumed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import cnnfast
import numpy as np
import pytest

from tests.support.resumed import EPOCHS, STEPS_PER_EPOCH, outcome, train

ROOT = Path(__file__).resolve().parents[2]
LAST = EPOCHS * STEPS_PER_EPOCH

pytestmark = pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")


def start(folder: Path, case: int, threads: int, step: int = -1) -> subprocess.Popen[str]:
    package = str(Path(cnnfast.__file__).parents[1])
    path = os.pathsep.join([package, str(ROOT), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-m", "tests.support.resumed", *map(str, (folder, case, threads, step))]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONPATH": path}
    )


def killed_at_a_step(folder: Path, case: int, threads: int, step: int) -> None:
    with start(folder, case, threads, step) as child:
        assert child.wait(timeout=60) == -signal.SIGKILL


def killed_at_a_time(folder: Path, case: int, threads: int, seconds: float) -> None:
    """Somewhere in a step, in a validation, or while a file is written."""
    with start(folder, case, threads) as child:
        assert child.stdout is not None
        child.stdout.readline()
        time.sleep(seconds)
        child.kill()


def check(case: int, tmp_path: Path, kills: int) -> None:
    rng = np.random.default_rng(case)
    for kill in range(kills):
        threads = int(rng.integers(1, 4))
        folder = tmp_path / "killed"
        if kill % 2:
            killed_at_a_time(folder, case, threads, float(rng.uniform(0, 0.1)))
        else:
            killed_at_a_step(folder, case, threads, int(rng.integers(1 + 4 * kill, LAST + 1)))
    whole = outcome(case, tmp_path / "whole", train(case, tmp_path / "whole"))
    assert outcome(case, tmp_path / "killed", train(case, tmp_path / "killed")) == whole


def test_killed(tmp_path: Path) -> None:
    check(3, tmp_path, 2)


@pytest.mark.slow
@pytest.mark.parametrize("case", range(50))
def test_killed_often(case: int, tmp_path: Path) -> None:
    """Twice each: a hundred kills."""
    check(case, tmp_path, 2)


PROGRAM = """
import sys, time
import cnnfast as cf
from tests.support.training import At, blobs, mlp

def told(context):
    print("step", context.step, flush=True)
    time.sleep(0.02)

history = cf.fit(mlp(), blobs(), 1000, batch_size=10, checkpoint=sys.argv[1], resume=True, progress=False,
                 callbacks=[At("batch_end", told)])
print(history.stopped, flush=True)
"""


def test_sigterm_saves_and_ends_like_ctrl_c(tmp_path: Path) -> None:
    package = str(Path(cnnfast.__file__).parents[1])
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join([package, str(ROOT)])}
    command = [sys.executable, "-c", PROGRAM, str(tmp_path)]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True, env=environment) as child:
        assert child.stdout is not None
        for _ in range(6):
            child.stdout.readline()
        child.terminate()
        lines = child.stdout.read().splitlines()
        assert child.wait(timeout=60) == 0
    assert lines[-1] == "interrupted"
    steps = int(lines[-2].split()[1]) if len(lines) > 1 else 6
    newest = max(path.name for path in tmp_path.glob("step-*"))
    assert newest == f"step-{steps:09}.safetensors"
    assert steps < 100
