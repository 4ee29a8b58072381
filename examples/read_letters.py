"""Classifies photos of letters: trains on synthetic letters, prepares photos, predicts, and plots the result
as docs/images/letters.png.

The photos are synthetic too: large letters in blue ink on unevenly lit paper. Needs Pillow and matplotlib
(pip install ".[docs]"). With a file name as argument, the plot is written to that file instead. The cells
(`# %%`) open as a notebook in most editors.
"""

# %% A network that knows letters
import sys
from pathlib import Path

import cnnfast as cf
import numpy as np
from matplotlib.figure import Figure

train, test = cf.datasets.glyphs(8000, seed=0), cf.datasets.glyphs(2000, seed=1)
model = cf.models.hello_dl_letters(seed=0)
cf.fit(model, train, epochs=4, optimizer=cf.optim.Adam(lr=2e-3), seed=0, progress=False)
print(cf.evaluate(model, test))

# %% Photos
# Unseen letters, 100 x 100 pixels, on a page of 160 x 160 that is darker on one side.
word, side, letter_side = "cnnfast", 160, 100
unseen = cf.datasets.glyphs(150, seed=3, size=letter_side)
rng = np.random.default_rng(0)
paper, pen = np.array([244, 238, 222]), np.array([35, 50, 120])  # red, green, blue


def photo(glyph):
    """The letter (uint8, 255 is ink) as uint8 (side, side, 3)."""
    top, left = rng.integers(0, side - letter_side, 2)
    ink = np.zeros((side, side, 1))
    ink[top : top + letter_side, left : left + letter_side, 0] = glyph / 255
    down, right = np.mgrid[0 : 1 : side * 1j, 0 : 1 : side * 1j]
    angle = rng.uniform(0, 2 * np.pi)
    light = 0.8 + 0.2 * (np.cos(angle) * (down - 0.5) + np.sin(angle) * (right - 0.5))
    noise = rng.normal(0, 2, (side, side, 1))
    return np.clip(light[..., None] * (paper + ink * (pen - paper)) + noise, 0, 255).astype(np.uint8)


chosen = []  # for each letter of the word the next glyph of its class
for letter in word:
    label = unseen.classes.index(letter)
    chosen.append(next(k for k in np.flatnonzero(unseen.labels == label) if k not in chosen))
photos = [photo(glyph) for glyph in unseen.images[chosen]]

# %% What the network sees, and what it predicts
# Background removed, letter cropped, centered and scaled as in EMNIST: uint8 (28, 28), ink 255 on 0.
inputs = np.stack([cf.vision.to_model_input(image) for image in photos])
probabilities = model.predict_proba(inputs)  # (7, 26)
predicted = "".join(model.classes[k] for k in probabilities.argmax(axis=1))
print("predicted:", predicted)

# %% The figure
figure = Figure(figsize=(9.2, 3.5), facecolor="white")
axes = figure.subplots(3, len(word), height_ratios=(1, 1, 0.75))
for column, (image, x, scores) in enumerate(zip(photos, inputs, probabilities, strict=True)):
    axes[0, column].imshow(image)
    axes[1, column].imshow(x, cmap="gray")
    axes[2, column].text(0.5, 0.66, predicted[column], ha="center", va="center", fontsize=32)
    axes[2, column].text(0.5, 0.1, f"{scores.max():.1%}", ha="center", va="center", fontsize=10)
for row, title in zip(axes, ("photo", "28x28 input", "prediction"), strict=True):
    row[0].set_ylabel(title, fontsize=10)
    for axis in row:
        axis.set(xticks=[], yticks=[])
        axis.spines[:].set_visible(False)
figure.subplots_adjust(left=0.05, right=0.99, top=0.98, bottom=0.02, wspace=0.06, hspace=0.06)
default = Path(__file__).resolve().parents[1] / "docs" / "images" / "letters.png"
figure.savefig(sys.argv[1] if len(sys.argv) > 1 else default, dpi=120)
