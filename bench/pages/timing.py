"""Time and memory of reading one page, in a fresh process: `python -m bench.pages --time`.

A page of 300 letters as generated, and the same as a JPEG of 12 megapixels. "first" includes importing
cnnfast and loading the model, "again" is the best of three more reads.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
from PIL import Image

from bench.pages import generate
from bench.pages.layout import Letters, lay_out
from bench.pages.photograph import choose, photograph
from bench.pages.text import lines

ROOT = Path(__file__).resolve().parents[2]
LETTERS = 300
PIXELS = 12_000_000
REPEATS = 3

SCRIPT = f"""
import json, resource, sys, time
start = time.perf_counter()
import cnnfast as cf
model = cf.models.pretrained("letters")
def read():
    begin, used = time.perf_counter(), time.process_time()
    found = len(list(cf.read_page(sys.argv[1], model).letters))
    return time.perf_counter() - begin, time.process_time() - used, found
found = read()[2]
first = time.perf_counter() - start
again, used, _ = min(read() for _ in range({REPEATS}))
peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 / 1e6
print(json.dumps(dict(letters=found, first=first, again=again, cpu=used, megabytes=peak)))
"""


def pages(folder: Path, letters: Letters, seed: int) -> Iterator[tuple[str, Path]]:
    """Two files of the same page."""
    rng = np.random.default_rng(seed)
    text, n = [], 0
    for line in lines(rng, 40, 28):
        if n < LETTERS:
            text.append(line)
            n += sum(map(len, line))
    shot = choose(("skew", "light"), rng)
    made = photograph(lay_out(text, letters, rng), shot, ("skew", "light"), rng)
    yield "as generated", made.save(folder / "page")
    w, h = made.image.size
    scale = (PIXELS / (w * h)) ** 0.5
    large = made.image.resize((round(w * scale), round(h * scale)), Image.Resampling.BICUBIC)
    large.save(folder / "large.jpg", quality=90)
    yield "12 megapixels", folder / "large.jpg"


def table(seed: int) -> Iterator[str]:
    """The table, in Markdown."""
    yield "| page | letters | first | again | CPU | peak MB |"
    yield "| --- | ---: | ---: | ---: | ---: | ---: |"
    with tempfile.TemporaryDirectory() as folder:
        for name, path in pages(Path(folder), generate.held_out_letters(), seed):
            row = measured(path)
            yield (
                f"| {name} | {row['letters']} | {row['first']:.2f} s | {row['again']:.2f} s | "
                f"{row['cpu']:.2f} s | {row['megabytes']:.0f} |"
            )


def measured(path: Path) -> dict[str, float]:
    """What SCRIPT prints for a page."""
    command = [sys.executable, "-c", SCRIPT, str(path)]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=True)
    result: dict[str, float] = json.loads(done.stdout)
    return result
