"""The report as one HTML file without scripts or network, and its figures as PNG files."""

from __future__ import annotations

import base64
import io
import os
from html import escape
from importlib.resources import files
from typing import TYPE_CHECKING

from .._files import PathName, atomic_write
from ..plot.figure import save as save_figure
from .figures import figures

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from .results import Report

_POLICY = "default-src 'none'; img-src data:; style-src 'unsafe-inline'"
_STYLE = """
main { max-width: 64rem; margin: 0 auto; padding: 1rem; }
section { margin: 2rem 0; }
figure { margin: 0.75rem 0; overflow-x: auto; background: #fff; padding: 0.5rem;
  border: 1px solid var(--line); border-radius: 8px; }
figure img { display: block; max-width: 100%; min-width: min(30rem, 100%); height: auto; margin: 0 auto; }
figure.wide img { min-width: 40rem; }
.big { font-size: 2rem; font-weight: 600; }
"""
#: Name of a figure: heading, explanation, and whether it scrolls on a small screen.
_SECTIONS = {
    "robustness": (
        "Robustness",
        "Accuracy on images that are shifted at random, in both directions, and on images of which some "
        "pixels are inverted.",
        True,
    ),
    "confusion": (
        "Confusion matrix",
        "A row for each true class, a column for each prediction.",
        True,
    ),
    "confused": ("Most confused pairs", "The images of each pair, the most confident mistakes first.", True),
    "calibration": (
        "Calibration",
        "Of the predictions with 80 % confidence, 80 % should be right: the diagonal. The red curve divides "
        "the logits by a temperature that was fitted to the other half of the images. "
        "Points of few images are left out.",
        False,
    ),
    "mistakes": ("Worst mistakes", "The wrong predictions of the highest confidence.", True),
    "samples": ("Samples", "Images drawn at random, with class and confidence.", True),
    "classes": (
        "Examples of each class",
        "From the surest correct prediction on the left to the worst mistake on the right; below each name "
        "the number of images.",
        True,
    ),
    "history": ("Learning curves", "The training of the model.", True),
}


def save(found: Report, path: PathName) -> None:
    """Write the page."""
    text = html(found)
    with atomic_write("report", path) as file:
        file.write(text.encode())


def save_images(found: Report, folder: PathName) -> list[str]:
    """Write the figures as PNG files."""
    written = []
    for name, figure in figures(found).items():
        save_figure("report", figure, os.path.join(os.fsdecode(folder), f"{name}.png"))
        written.append(f"{name}.png")
    return written


def html(found: Report) -> str:
    """The page."""
    drawn = figures(found)
    style = files("cnnfast.explanation").joinpath("static", "style.css").read_text(encoding="utf-8")
    title = escape(f"{found.name} on {found.data.name}")
    parts = [_section(name, drawn[name]) for name in _SECTIONS if name in drawn]
    parts.insert(3 if "confused" in drawn else 2, _classes(found))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        f'<meta http-equiv="Content-Security-Policy" content="{_POLICY}">'
        '<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{title}</title><style>{style}{_STYLE}</style></head>"
        f"<body><main><h1>{title}</h1>{_summary(found)}{''.join(parts)}</main></body></html>\n"
    )


def _summary(found: Report) -> str:
    result, (low, high) = found.evaluation, found.interval
    lines = [
        f"<p>{escape(found.data.description)}</p>" if found.data.description else "",
        f'<p><span class="big">{result.accuracy:.2%}</span> accuracy, 95 % interval {low:.2%} to {high:.2%} '
        f"(Wilson), {result.n:,} images</p>",
        f"<p>{result.top2_accuracy:.2%} with the second best guess (top-2), "
        f"cross entropy {result.loss:.4f}</p>",
        f"<p>Calibration error {found.reliability.error:.2%}; {found.scaled.error:.2%} with a temperature. "
        f"Fitted to all images it is {found.temperature:.3f}.</p>",
    ]
    if found.compared is not None:
        lines.append(f"<p>{escape(found.compared[0])}: {found.compared[1]:.2%} accuracy</p>")
    if found.missing:
        lines.append(f'<p class="error">Classes without images: {escape(", ".join(found.missing))}</p>')
    return f'<div class="card">{"".join(lines)}</div>'


def _classes(found: Report) -> str:
    result = found.evaluation
    values = zip(
        result.classes, result.precision, result.recall, result.f1, result.confusion.sum(axis=1), strict=True
    )
    rows = "".join(
        f"<tr><td>{escape(name)}</td>{''.join(f'<td class=right>{v:.2%}</td>' for v in (p, r, f))}"
        f"<td class=right>{n:,}</td></tr>"
        for name, p, r, f, n in values
    )
    head = "".join(f"<th class=right>{name}</th>" for name in ("precision", "recall", "F1", "images"))
    return (
        "<section><h2>Classes</h2><div class=scroll><table><thead><tr><th>class</th>"
        f"{head}</tr></thead><tbody>{rows}</tbody></table></div></section>"
    )


def _section(name: str, figure: Figure) -> str:
    heading, text, wide = _SECTIONS[name]
    file = io.BytesIO()
    figure.savefig(file, format="png", dpi=110, metadata={"Software": None})
    image = base64.b64encode(file.getvalue()).decode()
    return (
        f"<section><h2>{heading}</h2><p>{text}</p><figure{' class=wide tabindex=0' if wide else ''}>"
        f'<img alt="{heading}" src="data:image/png;base64,{image}"></figure></section>'
    )
