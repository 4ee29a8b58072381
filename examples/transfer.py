"""Transfer learning: a network that knows the letters a to p learns q to z from five examples of each.

Its last layer is replaced, and trained alone with all other layers frozen; then all layers are trained with a
small learning rate. The same network from scratch, with the same examples, is compared. Takes some seconds;
letters are synthetic, no file is needed. Explained in docs/training.md.
"""

# %% Letters that there are many examples of, and letters of which there are few
import time

import cnnfast as cf
import numpy as np

letters = cf.datasets.glyphs(16000, seed=0)


def part(data, classes, most=None):
    """Images and labels of some classes, the labels from 0 on; at most so many images of each class."""
    rows = [np.flatnonzero(data.labels == data.classes.index(name))[:most] for name in classes]
    labels = np.repeat(np.arange(len(classes)), [len(found) for found in rows])
    return data.images[np.concatenate(rows)], labels


known, new = "abcdefghijklmnop", "qrstuvwxyz"
many, few = part(letters, known), part(letters, new, most=5)
test = part(cf.datasets.glyphs(4000, seed=1), new)

# %% A network that knows the first letters
model = cf.models.d4(seed=0, num_classes=len(known))
cf.fit(model, many, epochs=4, optimizer=cf.optim.Adam(lr=2e-3), seed=0, progress=False)

# %% A new head on a frozen body
# The old head leaves the network; preprocessing and the other layers stay.
model["output"] = cf.nn.Linear(model["output"].weight.shape[1], len(new), seed=1)
model.classes = tuple(new)
model.freeze()
model.unfreeze("output")
print(model.summary().splitlines()[-1])


def learn(model, epochs, rate):
    """Trains on the few examples; prints and returns the accuracy on the test letters."""
    start = time.perf_counter()
    cf.fit(model, few, epochs=epochs, optimizer=cf.optim.Adam(lr=rate), batch_size=10, seed=0, progress=False)
    accuracy = cf.evaluate(model, test).accuracy
    print(f"{100 * accuracy:.1f} % of the test letters correct, {time.perf_counter() - start:.1f} s")
    return accuracy


print("only the head:")
with_head = learn(model, 60, 2e-3)

# %% All layers, with a small learning rate
model.unfreeze()
print("then all layers:")
with_all = learn(model, 30, 3e-4)

# %% For comparison: from scratch
print("from scratch:")
from_scratch = learn(cf.models.d4(seed=0, num_classes=len(new)), 90, 2e-3)
