"""Reading of pages, compared with truth and with other programs.

    python -m bench.pages [--pages 200] [--seed 0] [--json FILE] [--save FOLDER]
    python -m bench.pages --time

Pages are laid out from the test part of emnist-letters-derived and photographed in eight ways; every ninth
combines two or three of them. The reader "single letters" is given the boxes and the data set's own images
of the letters: what the classifier can read at best. Photographs in the folder pages/ are read, too. Times
are of one page after another; run nothing else meanwhile.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from typing import Any

from bench.pages import generate, peers, timing
from bench.pages.layout import Letters
from bench.pages.metrics import Score, score
from bench.pages.photograph import COMBINED, WAYS
from bench.pages.truth import Page, load_folder

ROOT = Path(__file__).resolve().parents[2]
CONTRIBUTED = ROOT / "pages"
REAL = "real"  # group of the contributed photographs
SINGLE = "single letters"  # reader that is given the letters
COLUMNS = {
    "segmentation_f1": "boxes F1",
    "letter_accuracy": "letters",
    "character_error_rate": "CER",
    "order_error": "order err.",
    "space_error": "space err.",
    "error_at_full_coverage": "err. 100 %",
    "error_at_90_coverage": "err. 90 %",
}

Item = tuple[str, Path, Page]  # group, image, truth


def write_pages(
    folder: Path, count: int, seed: int, names: Sequence[str], letters: Letters
) -> Iterator[Item]:
    """Generates pages as image and JSON files."""
    folder.mkdir(parents=True, exist_ok=True)
    for i in range(count):
        made = generate.page(i, seed, letters, names)
        name = names[i % len(names)]
        path = made.save(folder / f"{i:03d}-{name}")
        path.with_suffix(".json").write_text(
            json.dumps({**made.page.to_dict(), "rows": made.rows}) + "\n", "utf-8"
        )
        yield name, path, made.page


def measure(items: Iterable[Item], readers: Mapping[str, peers.Reader]) -> list[dict[str, Any]]:
    """Reads each page with each reader: a row of group, reader, score and cost."""
    rows = []
    for group, path, truth in items:
        for name, reader in readers.items():
            if (group, name) == (REAL, SINGLE):
                continue
            reading = reader(path)
            rows.append(
                {
                    "group": group,
                    "reader": name,
                    "page": path.name,
                    "score": score(truth, reading.page),
                    "reading": reading,
                }
            )
    return rows


def summary(rows: Sequence[Mapping[str, Any]]) -> list[dict[str, Any]]:
    """For each reader and group the metrics over all its letters, and the same for all generated pages."""
    groups = list(dict.fromkeys(row["group"] for row in rows))
    summaries = []
    for reader in dict.fromkeys(row["reader"] for row in rows):
        for group in (*groups, "all"):
            part = [
                r
                for r in rows
                if r["reader"] == reader and (r["group"] == group or (group == "all" and r["group"] != REAL))
            ]
            if not part:
                continue
            readings = [row["reading"] for row in part]
            total = sum((row["score"] for row in part), Score())
            summaries.append(
                {
                    "reader": reader,
                    "group": group,
                    **total.to_dict(),
                    "failed": sum(reading.error is not None for reading in readings),
                    "median_seconds": median(reading.seconds for reading in readings),
                    "peak_megabytes": max(
                        (r.megabytes for r in readings if r.megabytes is not None), default=None
                    ),
                }
            )
    return summaries


def lines(summaries: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    """The table, in Markdown."""
    heads = ["reader", "pages", "n", *COLUMNS.values(), "failed", "s/page", "MB"]
    yield f"| {' | '.join(heads)} |"
    yield f"| --- | --- |{' ---: |' * (len(heads) - 2)}"
    for row in summaries:
        cells = [row["reader"], row["group"], str(row["pages"])]
        cells += ["" if row[key] is None else f"{100 * row[key]:.1f} %" for key in COLUMNS]
        memory = row["peak_megabytes"]
        cells += [
            str(row["failed"]),
            f"{row['median_seconds']:.2f}",
            "" if memory is None else f"{memory:.0f}",
        ]
        yield f"| {' | '.join(cells)} |"


def parser() -> argparse.ArgumentParser:
    names = (*WAYS, COMBINED)
    result = argparse.ArgumentParser(
        prog="python -m bench.pages",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    result.add_argument(
        "--pages", type=int, default=200, metavar="N", help="pages to generate (default: %(default)s)"
    )
    result.add_argument(
        "--seed", type=int, default=0, help="of text, letters and photos (default: %(default)s)"
    )
    result.add_argument(
        "--ways", nargs="+", choices=names, default=names, metavar="WAY", help=", ".join(names)
    )
    result.add_argument(
        "--model", metavar="FILE", help="letters model of cnnfast (default: the one that is shipped)"
    )
    result.add_argument(
        "--readers", nargs="+", metavar="NAME", help="only these: cnnfast, tesseract, easyocr"
    )
    result.add_argument("--json", type=Path, metavar="FILE", help="write the results")
    result.add_argument(
        "--save", type=Path, metavar="FOLDER", help="keep the pages: images, and truth as JSON"
    )
    result.add_argument(
        "--time", action="store_true", help="only time and memory of cnnfast, for a page of 300 letters"
    )
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    options = parser().parse_args(arguments)
    if options.pages < 0 or options.seed < 0:
        print("bench.pages: --pages and --seed must be at least 0", file=sys.stderr)
        return 2
    if options.time:
        for line in timing.table(options.seed):
            print(line)
        return 0
    readers, left_out = peers.readers(options.model)
    for name in options.readers or ():
        if name not in {**readers, **left_out}:
            print(
                f"bench.pages: there is no reader {name!r}; expected cnnfast, tesseract or easyocr",
                file=sys.stderr,
            )
            return 2
    chosen = {name: reader for name, reader in readers.items() if name in (options.readers or readers)}
    items: list[Item] = []
    with tempfile.TemporaryDirectory() as temporary:
        if options.pages:
            letters = generate.held_out_letters()
            chosen[SINGLE] = peers.single_letters(options.model, letters)
            folder = options.save or Path(temporary)
            items = list(write_pages(folder, options.pages, options.seed, options.ways, letters))
        items += [(REAL, path, page) for path, page in load_folder(CONTRIBUTED)]
        rows = measure(items, chosen)
    summaries = summary(rows)
    for line in lines(summaries):
        print(line)
    for name, why in left_out.items():
        print(f"left out: {name}: {why}")
    for row in rows:
        if row["reading"].error is not None:
            print(f"failed: {row['reader']}, {row['page']}: {row['reading'].error}")
    if options.json:
        pages = [
            {**{k: row[k] for k in ("group", "reader", "page")}, **row["score"].to_dict()} for row in rows
        ]
        result = {"seed": options.seed, "summary": summaries, "pages": pages, "left_out": left_out}
        options.json.write_text(json.dumps(result, indent=1) + "\n", "utf-8")
    return 0


if __name__ == "__main__":
    sys.exit(main())
