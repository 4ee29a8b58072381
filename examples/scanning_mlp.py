"""An MLP that scans a sequence is a stack of convolutions: 13 neurons, of which only 6 differ.

An MLP reads a window of four positions, and moves along the sequence. Its lower neurons read only parts of
the window, and the same neurons are repeated for each part. It needs matplotlib.
"""

# %% The MLP
# In the first layer two neurons, which each read two positions, are repeated for three parts of the window;
# in the second three neurons, which read the first layer at two parts, for two; the last layer is one neuron.
# Together these are 2 * 3 + 3 * 2 + 1 = 13 neurons, but only 2 + 3 + 1 = 6 different ones. Equal colors mean
# equal weights.
import cnnfast as cf
import numpy as np
from cnnfast import nn
from matplotlib.figure import Figure

CHANNELS, KERNEL = 2, 2  # values at each position; positions that a neuron reads
NEURONS = (2, 3, 1)
parts = [4, 3, 2, 1]  # positions of the input, then of each layer

names = [[f"x{t}.{c}" for t in range(4) for c in range(CHANNELS)]]
colors = [[-1] * len(names[0])]
edges = []
below = CHANNELS
for layer, count in enumerate(NEURONS):
    letter, shift = "abc"[layer], sum(NEURONS[:layer])
    names.append([f"{letter}{n}.{t}" for t in range(parts[layer + 1]) for n in range(count)])
    colors.append([shift + n for _ in range(parts[layer + 1]) for n in range(count)])
    for t in range(parts[layer + 1]):
        reads = range(t * below, (t + KERNEL) * below)
        edges += [(layer, start, t * count + n) for n in range(count) for start in reads]
    below = count
neurons = sum(map(len, names[1:]))
print(f"{neurons} neurons, {len({color for layer in colors[1:] for color in layer})} different ones")
assert (neurons, sum(NEURONS)) == (13, 6)
titles = ["window: 4 positions\nof 2 values", "2 neurons at\n3 parts", "3 neurons at\n2 parts", "1 neuron"]
cf.plot.neurons(names, edges, colors=colors, titles=titles)

# %% Its matrices
# One block of weights for each layer, (neurons, positions * values). The matrix of the whole layer repeats
# the block, one position further each time, and is 0 elsewhere.
rng = np.random.default_rng(0)
blocks, below = [], CHANNELS
for count in NEURONS:
    blocks.append(rng.standard_normal((count, KERNEL * below)))
    below = count


def whole(block, below, positions):
    """The matrix of a layer: the block for each part of the window."""
    count = len(block)
    matrix = np.zeros((positions * count, (positions + KERNEL - 1) * below))
    for t in range(positions):
        matrix[t * count : (t + 1) * count, t * below : t * below + block.shape[1]] = block
    return matrix


matrices = [
    whole(block, below, p) for block, below, p in zip(blocks, (CHANNELS, *NEURONS), parts[1:], strict=False)
]
print("matrices of the layers:", *(matrix.shape for matrix in matrices))
print(f"{sum(m.size for m in matrices)} weights, {sum(b.size for b in blocks)} different ones that are not 0")

# %% The first matrix
# Rows are the neurons, columns the values of the window. The empty cells are 0.
cf.plot.pixels(matrices[0])

# %% The scan
# At each position: the window of four positions as one row, through the three matrices.
sequence = rng.standard_normal((9, CHANNELS))


def mlp(window):
    h = window.reshape(-1)
    for k, matrix in enumerate(matrices):
        h = matrix @ h
        if k < len(matrices) - 1:
            h = np.maximum(h, 0)
    return h


outputs = [mlp(sequence[t : t + 4]) for t in range(len(sequence) - 3)]
scanned = np.stack(outputs, axis=1)  # (outputs, positions)

# %% The same as convolutions
# A layer is a convolution over the positions: a kernel of two, one filter for each neuron that differs.
model = nn.convert.scanning_mlp_to_cnn(matrices, in_channels=CHANNELS, kernel_sizes=[KERNEL] * 3)
print(model)
x = sequence.T[None].copy()  # (n, c, l)
np.testing.assert_allclose(model(x)[0], scanned, rtol=1e-12)


# %% The MLP beside the stack
# For one window: the neurons of a layer at a position are the channels of the convolution there. Below each
# layer are its filters, as number x (channels, positions).
def beside():
    sizes = zip(NEURONS, (CHANNELS, *NEURONS), strict=False)
    figure = Figure(figsize=(12, 4.6), layout="constrained")
    left, right = figure.subplots(1, 2, width_ratios=(1.1, 1))
    cf.plot.neurons(names, edges, colors=colors, titles=titles, ax=left)
    shapes = [(CHANNELS, 4), *((count, parts[k + 1]) for k, count in enumerate(NEURONS))]
    filters = [f"layer {'abc'[k]}\n{count} x ({below}, {KERNEL})" for k, (count, below) in enumerate(sizes)]
    cf.plot.dimensions(*shapes, names=["window\n", *filters], ax=right)
    return figure


beside()

# %% The shapes of the stack
# A row for each channel, a column for each position; each convolution leaves one position less.
layers = {"sequence": x} | model.trace(x).outputs
labels = [name if name == "sequence" else f"{name} {type(model[name]).__name__}" for name in layers]
cf.plot.dimensions(*(y[0].shape for y in layers.values()), names=labels)

# %% What a scan saves
# The scan computes all 13 neurons at each of 6 positions. The convolutions compute each neuron once at each
# position, and use it in all windows that contain it.
positions = len(sequence) - 3
computed = [count * (len(sequence) - k) for k, count in enumerate(NEURONS, 1)]
print(f"scan: {13 * positions} neurons; convolutions: {' + '.join(map(str, computed))} = {sum(computed)}")
print("the scan and the convolutions are equal")
