"""`cnnfast bench`: how fast this machine trains and runs the three networks, and PyTorch beside them if it
is there.

What is compared is checked first: the same weights must give the same logits, the same loss and the same
gradients, or nothing is timed. `python -m bench` in a checkout adds rows of single kernels to these.
"""

from __future__ import annotations

import importlib.metadata
import importlib.util
import json
import os
import platform
import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from . import _core, models, optim
from .errors import CnnfastError
from .stopwatch import QUICK, Effort, Row
from .train import Trainer

BATCHES = (1, 32, 64, 128, 256)
QUICK_BATCHES = (1, 64)
#: small enough that hundreds of steps on one batch leave the network what it was
LEARNING_RATE = 1e-6
#: largest difference of two answers, relative to the largest value, before a row is refused
SAME = 1e-4
#: the same for gradients, by length: where two values of a pooling window differ by less
#: than a rounding, each library may pick its own, and a gradient moves by a pixel
CLOSE = 1e-2

Write = Callable[[str], None]


@dataclass(frozen=True)
class Options:
    """What to measure and how thoroughly.

    quick: fewer rounds and batch sizes, to see that it works; not to quote.
    threads: of both libraries; None leaves cnnfast's number.
    only: regular expression that the name of a row must contain.
    """

    quick: bool = False
    threads: int | None = None
    only: str | None = None

    @property
    def effort(self) -> Effort:
        return QUICK if self.quick else Effort()

    def wants(self, name: str) -> bool:
        return self.only is None or re.search(self.only, name) is not None


def run(
    *,
    quick: bool = False,
    threads: int | None = None,
    only: str | None = None,
    json_path: str | os.PathLike[str] | None = None,
    write: Write,
) -> dict[str, Any]:
    """Measure the multiply-add peak, and training and inference of the three networks.

    Args:
        quick: Fewer rounds and batch sizes, to see that it works; not to quote.
        threads: Threads of both libraries; None takes cnnfast's present number.
        only: Regular expression a row's name must contain, e.g. ``"train letters.*batch 64"``.
        json_path: File for all samples and conclusions as JSON.
        write: Called with each line of text as soon as it is known, e.g. `print`.

    Returns:
        What the JSON file holds: machine, options, peak and rows, plain data.

    Raises:
        ValueError: `only` is no regular expression, or `threads` is below 1.
        CnnfastError: The two libraries disagree on an answer.

    Example:
        >>> from cnnfast import benchmark
        >>> result = benchmark.run(quick=True, only="peak float32", write=lambda line: None)
        >>> sorted(result)
        ['machine', 'options', 'peak', 'rows']
    """
    return run_rows(Options(quick, threads, only), [network_rows], json_path, write)


def run_rows(
    options: Options,
    sources: list[Callable[[Options], Iterator[Row]]],
    json_path: str | os.PathLike[str] | None,
    write: Write,
) -> dict[str, Any]:
    """The frame of a run: machine, peak, the rows of all sources, JSON; threads are set back at the end."""
    if options.only is not None:
        try:
            re.compile(options.only)
        except re.error as error:
            raise ValueError(f"bench: only={options.only!r} is no regular expression: {error}") from None
    before = _core.get_num_threads()
    try:
        if options.threads is not None:
            _core.set_num_threads(options.threads)
        about = machine()
        result: dict[str, Any] = {"machine": about, "options": vars(options), "peak": [], "rows": []}
        write("  ".join(f"{key} {value}" for key, value in about.items()))
        for entry in peak_rows(options):
            result["peak"].append(entry)
            write(f"{entry['name']:<24} {entry['gflops']:>8.1f} GFLOP/s on one thread")
        for source in sources:
            for row in source(options):
                result["rows"].append(row.to_dict())
                for line in row.lines():
                    write(line)
    finally:
        _core.set_num_threads(before)
    if json_path is not None:
        Path(json_path).write_text(json.dumps(result, indent=1) + "\n", encoding="utf-8")
        write(f"written: {json_path}")
    return result


def machine() -> dict[str, Any]:
    """What a speed depends on: without these a figure means nothing."""
    about = {
        "cpu": cpu_name(),
        "cores": os.cpu_count(),
        "system": f"{platform.system()} {platform.machine()}",
        "isa": default_isa(),
        "threads": _core.get_num_threads(),
        "cnnfast": _core.__version__,
        "python": platform.python_version(),
        "numpy": np.__version__,
    }
    if has_torch():
        about["torch"] = importlib.metadata.version("torch")
    return about


def cpu_name() -> str:
    """The processor's name, as far as the system tells."""
    info = Path("/proc/cpuinfo")
    if info.exists():
        for line in info.read_text(encoding="utf-8", errors="replace").splitlines():
            if line.lower().startswith("model name"):
                return line.partition(":")[2].strip()
    return platform.processor() or platform.machine()


def default_isa() -> str:
    """The variant a Plan takes when none is named."""
    graph = _core.Graph((1,))
    graph.add(_core.ReLU(), [0])
    return _core.Plan(graph).isa


def has_torch() -> bool:
    return importlib.util.find_spec("torch") is not None


def peak_rows(options: Options) -> Iterator[dict[str, Any]]:
    """Multiply-adds on registers, per variant and precision: what no kernel can exceed."""
    for isa in _core.available_isas():
        for dtype in ("float32", "float64"):
            name = f"peak {dtype} {isa}"
            if options.wants(name):
                flops = _core.fma_peak(isa, dtype, 0.02 if options.quick else 0.2)
                yield {"name": name, "isa": isa, "dtype": dtype, "gflops": flops / 1e9}


def network_rows(options: Options) -> Iterator[Row]:
    """Training steps, then inference, of each network at each batch size."""
    threads = _core.get_num_threads()
    for kind, contest in (("train", training_contest), ("infer", inference_contest)):
        for model_name in models.list():
            for n in QUICK_BATCHES if options.quick else BATCHES:
                name = f"{kind} {model_name} batch {n}"
                if options.wants(name):
                    contestants = contest(model_name, n, threads)
                    yield Row.measured(name, n, "images", contestants, options.effort)


def batch_for(model: Any, n: int) -> tuple[np.ndarray[Any, Any], np.ndarray[Any, Any]]:
    """Noise of the model's input shape with a label each: the speed does not depend on the picture."""
    rng = np.random.default_rng([n, 1])
    x = rng.standard_normal((n, *model.input_shape)).astype(np.float32)
    return x, rng.integers(0, model.output_shape[0], n)


def training_contest(model_name: str, n: int, threads: int) -> dict[str, Callable[[], object]]:
    """One forward, backward and Adam update; PyTorch with its fused Adam, in both memory formats."""
    model = models.get(model_name, seed=0)
    x, target = batch_for(model, n)
    trainer = Trainer(model, optim.Adam(lr=LEARNING_RATE))
    contestants: dict[str, Callable[[], object]] = {}
    for label, twin in _twins(model, threads).items():
        torch = twin.torch
        tx, tt = twin.tensor(x), torch.from_numpy(target)
        loss, grads = twin.loss_and_grad(tx, tt)
        our_loss, our_grads = model.loss_and_grad(x, target)
        _demand_same(f"{model_name}: loss", np.array([our_loss]), np.array([loss]))
        for key, grad in our_grads.items():
            _demand_close(f"{model_name}: gradient of {key}", grad, grads[key])
        contestants[label] = _torch_step(twin, tx, tt)
    return {"cnnfast": lambda: trainer.step(x, target), **contestants}


def _torch_step(twin: Any, x: Any, target: Any) -> Callable[[], object]:
    torch = twin.torch
    optimizer = torch.optim.Adam(list(twin.parameters.values()), lr=LEARNING_RATE, fused=True)

    def step() -> float:
        optimizer.zero_grad(set_to_none=True)
        loss = torch.nn.functional.cross_entropy(twin(x), target)
        loss.backward()
        optimizer.step()
        return float(loss.item())

    return step


def inference_contest(model_name: str, n: int, threads: int) -> dict[str, Callable[[], object]]:
    """Logits of one batch; PyTorch in inference mode."""
    model = models.get(model_name, seed=0)
    x, _ = batch_for(model, n)
    contestants: dict[str, Callable[[], object]] = {"cnnfast": lambda: model(x)}
    for label, twin in _twins(model, threads).items():
        call = _torch_inference(twin, twin.tensor(x))
        _demand_same(f"{model_name}: logits", model(x), call().numpy())
        contestants[label] = call
    return contestants


def _torch_inference(twin: Any, x: Any) -> Callable[[], Any]:
    def infer() -> Any:
        with twin.torch.inference_mode():
            return twin(x)

    return infer


def _twins(model: Any, threads: int) -> dict[str, Any]:
    """PyTorch's eager variants of the model on as many threads as ours; none if it is not installed."""
    if not has_torch():
        return {}
    from .torch_twin import TorchTwin

    twins = {"torch eager": TorchTwin(model), "torch channels_last": TorchTwin(model, channels_last=True)}
    twins["torch eager"].torch.set_num_threads(threads)
    return twins


def _demand_same(what: str, ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> None:
    _demand(what, float(np.abs(ours - theirs).max()) / max(float(np.abs(theirs).max()), 1e-12), SAME)


def _demand_close(what: str, ours: np.ndarray[Any, Any], theirs: np.ndarray[Any, Any]) -> None:
    _demand(what, float(np.linalg.norm(ours - theirs)) / max(float(np.linalg.norm(theirs)), 1e-12), CLOSE)


def _demand(what: str, difference: float, limit: float) -> None:
    if not difference <= limit:
        raise CnnfastError(f"bench: {what} differs from PyTorch's by {difference:.3g}: not timed")
