"""The peak memory of a network in a process of its own, beside what the library predicts.

    python -m tests.support.peak_memory NETWORK BATCH (inference | training)

prints both, in bytes. What the first call of anything allocates once, such as threads, is not counted.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
from pathlib import Path

import cnnfast as cf
import numpy as np
from cnnfast import models, nn, optim

ROOT = Path(__file__).resolve().parents[2]


def separable() -> nn.Sequential:
    """Depthwise separable convolutions, as in MobileNet."""
    layers: list[nn.Module] = [nn.Conv2d(3, 32, 3, 2, 1, bias=False), nn.BatchNorm2d(32), nn.ReLU()]
    for c_in, c_out, stride in ((32, 64, 1), (64, 128, 2), (128, 128, 1), (128, 256, 2), (256, 512, 2)):
        layers += [
            nn.Conv2d(c_in, c_in, 3, stride, 1, groups=c_in, bias=False),
            nn.BatchNorm2d(c_in),
            nn.ReLU(),
        ]
        layers += [nn.Conv2d(c_in, c_out, 1, bias=False), nn.BatchNorm2d(c_out), nn.ReLU()]
    layers += [nn.AdaptiveAvgPool2d(1), nn.Flatten(), nn.Linear(512, 1000)]
    return nn.Sequential(*layers, input_shape=(3, 224, 224), seed=0)


NETWORKS = {
    "d4": models.d4,
    "separable": separable,
    "resnet18": lambda: models.resnet(18),
    "alexnet": lambda: models.alexnet(),
    "vgg16": lambda: models.vgg(16),
}


def peak() -> int:
    """Largest resident memory of this process so far. `getrusage` would count the parent's on Linux."""
    if sys.platform == "linux":
        status = Path("/proc/self/status").read_text()
        return int(status.partition("VmHWM:")[2].split()[0]) * 1024
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * (1 if sys.platform == "darwin" else 1024)


def step(model: nn.Module, x: np.ndarray, training: bool, repeats: int) -> None:
    if training:
        trainer = cf.Trainer(model, optim.SGD(lr=0.01, momentum=0.9))
        for _ in range(repeats):
            trainer.step(x, np.arange(len(x)) % 2)
    else:
        for _ in range(repeats):
            model(x)


def measure(name: str, batch: int, training: bool) -> tuple[int, int]:
    """Predicted and measured bytes."""
    small = nn.Sequential(nn.Conv2d(1, 4, 3), nn.BatchNorm2d(4), nn.Flatten(), nn.Linear(24 * 24 * 4, 2))
    step(small, np.ones((64, 1, 26, 26), np.float32), training, 1)
    before = peak()
    model = NETWORKS[name]()
    model.preprocessing = nn.Preprocessing()
    assert model.input_shape is not None
    x = np.ones((batch, *model.input_shape), np.float32)
    step(model, x, training, 3)
    used = peak() - before
    optimizer = optim.SGD(lr=0.01, momentum=0.9) if training else None
    return model.memory(batch, training, optimizer).total, used


def measured(name: str, batch: int, training: bool) -> tuple[int, int]:
    """`measure` in a fresh process."""
    kind = "training" if training else "inference"
    command = [sys.executable, "-m", "tests.support.peak_memory", name, str(batch), kind]
    out = subprocess.run(command, check=True, capture_output=True, cwd=ROOT, timeout=300).stdout
    predicted, used = json.loads(out)
    return predicted, used


if __name__ == "__main__":
    print(json.dumps(measure(sys.argv[1], int(sys.argv[2]), sys.argv[3] == "training")))  # noqa: T201
