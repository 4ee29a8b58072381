"""Other libraries beside cnnfast: each gives our answers on whole networks and on single operations, and says
which operation it does not know.
"""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from pathlib import Path

import pytest

from bench.networks import NETWORKS
from tests.cases import CASES
from tests.support.peer_answers import DIFFERING

ROOT = Path(__file__).resolve().parents[2]

NEEDED = {
    "onnxruntime": ("onnxruntime", "onnx"),
    "openvino": ("openvino", "onnx"),
    "jax": ("jax",),
    "tensorflow": ("tensorflow",),
    "tensorflow xla": ("tensorflow",),
}
TRAINING = ("jax", "tensorflow", "tensorflow xla")
ONE_DIMENSIONAL = {op for op in (case.op for case in CASES) if op.endswith("1d")}
#: Operations of which no case is known.
UNKNOWN = {
    "onnxruntime": set(),
    "openvino": set(),
    "jax": ONE_DIMENSIONAL,
    "tensorflow": ONE_DIMENSIONAL,
}
#: What TensorFlow itself says when it has no kernel.
OWN_WORDS = {"tensorflow": ("Current CPU implementations do not yet support dilation rates larger than 1. ",)}
#: TensorFlow's own kernels have no gradient of dilated convolutions.
NOTES = {
    ("tensorflow", "everything"): " tensorflow: not timed, Current CPU implementations do not yet support "
    "dilation rates larger than 1.",
}


def ask(kind: str, peer: str) -> list[str]:
    for package in NEEDED[peer]:
        if importlib.util.find_spec(package) is None:
            pytest.skip(f"not installed: {package}")
    command = [sys.executable, "-m", "tests.support.peer_answers", kind, peer]
    quick = {"JAX_DISABLE_MOST_OPTIMIZATIONS": "true"}  # most of the time would be XLA's, compiling
    environment = {**os.environ, **quick}
    done = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=500)
    assert done.returncode == 0, done.stderr
    return done.stdout.splitlines()


@pytest.mark.parametrize("peer", NEEDED)
@pytest.mark.slow
def test_peers_give_our_answers(peer: str) -> None:
    wanted = []
    for name in (*(network.name for network in NETWORKS), "everything"):
        if (peer, name) in DIFFERING:
            continue
        trains = f" {peer}" if peer in TRAINING else ""
        wanted += [f"{name} cnnfast {peer}", f"{name} cnnfast{NOTES.get((peer, name), trains)}"]
    assert ask("networks", peer) == wanted


@pytest.mark.parametrize("peer", UNKNOWN)
@pytest.mark.slow
def test_every_operation_is_ours_or_refused_by_name(peer: str) -> None:
    lines = ask("operations", peer)
    assert [line for line in lines if line.split()[1] not in ("right", "refused")] == []
    for line in lines:
        op, answer, reason = f"{line} ".split(" ", 2)
        assert answer == "right" or op in reason or reason in OWN_WORDS.get(peer, ()), line
    right = {line.split()[0] for line in lines if line.endswith(" right")}
    assert {case.op for case in CASES} - right == UNKNOWN[peer]


@pytest.mark.parametrize("peer", ["jax", "tensorflow"])
def test_running_averages_move_as_ours(peer: str) -> None:
    lines = ask("averages", peer)
    assert [line.split()[1] for line in lines] == ["right"] * 4
