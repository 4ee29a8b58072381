"""Accuracy and time of the recipes, over several seeds.

    python -m bench.results run RECIPE... [--seeds 5] [--jobs 1] [--keep FOLDER]
                                                         trains what docs/results.jsonl lacks, and adds it
    python -m bench.results page                         writes the table of docs/results.md and the curves

Each training is `cnnfast train --recipe RECIPE --seed SEED` in a process of its own, one after the other, or
--jobs at a time that share the processors: the same weights sooner, but no minutes and images/s to quote. A
validation part of the training images decides which epoch is kept, in recipes without one the last is; the
test images are used once, after the training. To repeat a run, remove its line from docs/results.jsonl first.
With --keep, the models are kept as FOLDER/RECIPE-SEED.safetensors (for `python -m bench.ceiling`).
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor, as_completed
from pathlib import Path
from statistics import mean, stdev
from typing import Any

from cnnfast import __version__
from cnnfast._files import atomic_write
from cnnfast.benchmark.runner import machine
from cnnfast.cli import recipes
from cnnfast.nn import serialization

ROOT = Path(__file__).resolve().parents[1]
RUNS = ROOT / "docs" / "results.jsonl"
PAGE = ROOT / "docs" / "results.md"
CURVES = ROOT / "docs" / "images" / "results.svg"
START, END = "<!-- results -->\n", "<!-- end -->"

Run = dict[str, Any]  # a line of the file


def read() -> list[Run]:
    """The runs so far."""
    return [json.loads(line) for line in RUNS.read_text("utf-8").splitlines()] if RUNS.exists() else []


def train(recipe: str, seed: int, folder: Path, jobs: int) -> Run:
    """Trains and tests once, beside `jobs` - 1 others; the model is written into the folder."""
    out = folder / f"{recipe}-{seed}.safetensors"
    about = machine()
    threads = max(1, about["threads"] // jobs)
    command = [sys.executable, "-m", "cnnfast", "train", "--recipe", recipe, "--seed", str(seed)]
    process = subprocess.Popen([*command, "--threads", str(threads), "--out", str(out)])
    _, status, used = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise subprocess.CalledProcessError(process.returncode, process.args)
    training = serialization.metadata(out)["training"]
    epochs = training["history"]["epochs"]
    return {
        "recipe": recipe,
        "seed": seed,
        "options": recipes.options(recipe),
        "test_accuracy": training["test"]["accuracy"],
        "test_images": training["test"]["n"],
        "val_accuracy": [rounded(epoch["val_accuracy"]) for epoch in epochs],
        "best_epoch": training["history"]["best_epoch"],
        "seconds": round(sum(epoch["seconds"] + (epoch["val_seconds"] or 0) for epoch in epochs), 1),
        "cpu_seconds": round(used.ru_utime + used.ru_stime, 1),
        "images_per_second": round(max(epoch["images_per_second"] for epoch in epochs)),
        "cnnfast": __version__,
        "jobs": jobs,
        "machine": {**{key: about[key] for key in ("cpu", "cores", "isa")}, "threads": threads},
    }


def rounded(accuracy: float | None) -> float | None:
    """The accuracy to five decimal places; None without validation."""
    return None if accuracy is None else round(accuracy, 5)


def table(runs: Sequence[Run]) -> list[str]:
    """A row for each recipe: mean and standard deviation over seeds, shortest time of those that ran alone,
    least CPU time."""
    lines = [
        "| recipe | data | network | seeds | test accuracy | epochs | minutes | CPU minutes | images/s |",
        "| --- | --- | --- | ---: | --- | ---: | ---: | ---: | ---: |",
    ]
    for name in dict.fromkeys(run["recipe"] for run in runs):
        own = [run for run in runs if run["recipe"] == name]
        accuracy = [100 * run["test_accuracy"] for run in own]
        spread = f" ± {stdev(accuracy):.2f}" if len(own) > 1 else ""
        options = own[-1]["options"]
        alone = [run for run in own if run["jobs"] == 1]
        shortest = minutes(min(run["seconds"] for run in alone)) if alone else "not measured"
        rate = f"{max(run['images_per_second'] for run in alone):,}" if alone else "not measured"
        lines.append(
            f"| `{name}` | {option(options, '--data')} | {option(options, '--model')} | {len(own)} "
            f"| {mean(accuracy):.2f} %{spread} | {len(own[0]['val_accuracy'])} "
            f"| {shortest} | {minutes(min(run['cpu_seconds'] for run in own))} | {rate} |"
        )
    return lines


def minutes(seconds: float) -> str:
    """Minutes, with two decimal places below one."""
    return f"{seconds / 60:.2f}" if seconds < 60 else f"{seconds / 60:.1f}"


def option(options: Sequence[str], name: str) -> str:
    """The value of an option of a recipe."""
    return options[list(options).index(name) + 1]


def write_page(runs: Sequence[Run]) -> None:
    """Replaces the table of the page and draws the curves."""
    text = PAGE.read_text("utf-8")
    before, rest = text.split(START)
    after = rest.split(END, 1)[1]
    with atomic_write("results", PAGE) as file:
        file.write((before + START + "\n".join(table(runs)) + "\n" + END + after).encode())
    draw(runs)


def draw(runs: Sequence[Run]) -> None:
    """Validation error after each epoch, a panel for each data set, a line for each run with validation."""
    import matplotlib
    from matplotlib.figure import Figure
    from matplotlib.ticker import FuncFormatter, LogLocator, MaxNLocator, NullFormatter

    runs = [run for run in runs if None not in run["val_accuracy"]]
    data = list(dict.fromkeys(option(run["options"], "--data") for run in runs))
    with matplotlib.rc_context({"svg.hashsalt": "cnnfast", "font.size": 9.0}):
        figure = Figure(figsize=(4.2 * len(data), 3.2), facecolor="white", layout="constrained")
        for axes, name in zip(figure.subplots(1, len(data), squeeze=False)[0], data, strict=True):
            own = [run for run in runs if option(run["options"], "--data") == name]
            colors = {recipe: f"C{i}" for i, recipe in enumerate(dict.fromkeys(run["recipe"] for run in own))}
            for recipe, color in colors.items():
                for i, run in enumerate(run for run in own if run["recipe"] == recipe):
                    errors = [100 * (1 - value) for value in run["val_accuracy"]]
                    label = recipe if i == 0 else None
                    axes.plot(range(1, len(errors) + 1), errors, color=color, linewidth=1, label=label)
            axes.set(title=name, xlabel="epoch", ylabel="validation error, %", yscale="log")
            axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 5)))
            axes.yaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value:g}"))
            axes.yaxis.set_minor_formatter(NullFormatter())
            axes.xaxis.set_major_locator(MaxNLocator(integer=True))
            axes.spines[["top", "right"]].set_visible(False)
            axes.legend(frameon=False)
        figure.savefig(CURVES, metadata={"Date": None})


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m bench.results",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    commands = parser.add_subparsers(dest="command", required=True)
    run = commands.add_parser("run", help="train")
    run.add_argument("recipes", nargs="+", choices=recipes.names(), metavar="RECIPE")
    run.add_argument(
        "--seeds", type=int, default=5, metavar="N", help="seeds 0 to N - 1 (default: %(default)s)"
    )
    run.add_argument(
        "--jobs", type=int, default=1, metavar="N", help="trainings at a time (default: %(default)s)"
    )
    run.add_argument("--keep", type=Path, metavar="FOLDER", help="keep the models in this folder")
    commands.add_parser("page", help="write docs/results.md and its curves")
    options = parser.parse_args(arguments)
    if options.command == "run" and options.jobs < 1:
        parser.error(f"argument --jobs: must be at least 1, got {options.jobs}")
    if options.command == "page":
        write_page(read())
        return 0
    with tempfile.TemporaryDirectory() as temporary:
        folder = options.keep or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        done = {(run["recipe"], run["seed"]) for run in read()}
        wanted = [(recipe, seed) for seed in range(options.seeds) for recipe in options.recipes]
        lock = threading.Lock()

        def add(recipe: str, seed: int) -> None:
            line = json.dumps(train(recipe, seed, folder, options.jobs))
            with lock, RUNS.open("a", encoding="utf-8") as file:
                file.write(line + "\n")

        with ThreadPoolExecutor(options.jobs) as pool:
            running = [pool.submit(add, *each) for each in wanted if each not in done]
            try:
                for each in as_completed(running):
                    each.result()
            except BaseException:  # Ctrl-C, which ends the trainings, too
                pool.shutdown(cancel_futures=True)
                raise
    return 0


if __name__ == "__main__":
    sys.exit(main())
