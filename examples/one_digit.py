"""One image through the small network d4, from pixels to loss, with one value of each layer computed by hand.

d4 is (convolution, ReLU, pool) twice, then two fully connected layers. The script trains it for a few
seconds, takes one test image, runs it through the network layer by layer, and computes one value of each
layer from its inputs. Each must equal the library's value. The cells (`# %%`) open as a notebook in most
editors; docs/one-digit.md explains them.
"""

# %% The network and a few seconds of training If MNIST is present (`cnnfast data` says how to download it),
# d4 classifies digits; otherwise synthetic letters. In float64, training gives the same results on every
# machine, to the digits shown here; in float32, instruction sets round differently, which hundreds of steps
# amplify.
import cnnfast as cf
import numpy as np
from cnnfast import functional as F

try:
    train, test = cf.datasets.MNIST(train=True)[:6000], cf.datasets.MNIST(train=False)
except cf.errors.DataError:
    train, test = cf.datasets.glyphs(8000, seed=0), cf.datasets.glyphs(2000, seed=1)

model = cf.models.d4(seed=0, num_classes=len(train.classes)).to("float64")
cf.fit(model, train, epochs=2, optimizer=cf.optim.Adam(lr=2e-3), seed=0, progress=False)
print(
    f"d4 after two epochs of {train.name}: {cf.evaluate(model, test).accuracy:.1%} of {test.name} correct\n"
)


def same(what, by_hand, library):
    """Check that the value computed by hand equals the library's, up to rounding (float64)."""
    np.testing.assert_allclose(by_hand, library, rtol=1e-12, atol=1e-12, err_msg=what)
    print(f"{what}: by hand {by_hand:.6f}, library {library:.6f}, equal\n")


# %% The image 28 x 28 numbers from 0 (background) to 255 (ink), and a label. We take one for which the
# network's prediction is uncertain.
chosen = 435
image, label = test.images[chosen], int(test.labels[chosen])
print(f"image {chosen}, a {test.classes[label]!r}, uint8 {image.shape}, every second row:")
for row in image[::2]:
    print("  " + "".join(" .:-=+*#%@"[pixel // 26] for pixel in row))

# %% Normalized
# The first layer expects pixels of mean about 0 and standard deviation about 1 (those of MNIST are 0.1307 and
# 0.3081 of the full scale).
mean, std = model.preprocessing.mean, model.preprocessing.std
x = (image / 255 - mean) / std  # (28, 28), float64
print(f"\nmean {mean:.4f}, standard deviation {std:.4f} of all training images;")
print(f"background becomes {(0 / 255 - mean) / std:.4f}, full ink {(255 / 255 - mean) / std:.4f}\n")

# %% Every layer
# A batch of one image of one channel. stages[k] is the input of layer k, stages[k + 1] its output.
stages = [x[None, None]]  # (1, 1, 28, 28)
for layer in model:
    stages.append(layer(stages[-1]))

print(f"{'layer':<36}{'output (n, c, h, w)':<22}{'min':>9}{'max':>9}")
names = ["the image, normalized", *(f"{name} {layer!r}" for name, layer in model.children().items())]
for name, y in zip(names, stages, strict=True):
    print(f"{name:<36}{y.shape!s:<22}{y.min():>9.4f}{y.max():>9.4f}")
# Layer by layer in float64, or fused in float32 from the uint8 image: the same network.
np.testing.assert_allclose(stages[-1], model.copy().to("float32")(image[None]), rtol=1e-4, atol=1e-4)

# %% One value of the first convolution
# Filter o looks at 3 x 3 pixels around (i, j): nine products, their sum, plus the bias of the filter. We take
# a block of 2 x 2 neighbors that has both a large and a clearly negative value, and in it the largest.
# Axes of blocks: filter, block row, row within, block column, column within.
blocks = stages[1].reshape(8, 14, 2, 14, 2)
contrast = np.minimum(blocks.max(axis=(2, 4)), -blocks.min(axis=(2, 4)))  # (8, 14, 14)
o, p, q = (int(k) for k in np.unravel_index(contrast.argmax(), contrast.shape))
block = blocks[o, p, :, q]  # (2, 2)
i, j = 2 * p + int(block.argmax()) // 2, 2 * q + int(block.argmax()) % 2

conv = model["conv1"]
padded = np.pad(x, 1)  # (30, 30): with a border of zeros every pixel is the middle of a window
window = padded[i : i + 3, j : j + 3]  # rows i - 1 to i + 1 and columns j - 1 to j + 1 of the image
weight, bias = conv.weight[o, 0], conv.bias[o]
products = window * weight
print(f"\nfirst convolution, filter {o} at ({i}, {j}): window * weights = products")
for line in zip(window, weight, products, strict=True):
    print("  {}   *   {}   =   {}".format(*(" ".join(f"{value:8.4f}" for value in part) for part in line)))
print(f"  sum {products.sum():.6f} + bias {bias:.6f}")
same("  that value", products.sum() + bias, stages[1][0, o, i, j])

# %% ReLU and pool
# ReLU replaces negative values by 0; the pool keeps the largest of four neighbors.
print(f"its block: {block.round(4).tolist()}, after ReLU {np.maximum(block, 0).round(4).tolist()}")
same(f"  pooled value ({p}, {q})", np.maximum(block, 0).max(), stages[3][0, o, p, q])

# %% One value of the second convolution
# Its filters use all 8 channels: 8 windows, 8 times nine products, one bias.
conv = model["conv2"]
channels = np.pad(stages[3][0], ((0, 0), (1, 1), (1, 1)))  # (8, 16, 16)
o = int(stages[4][0, :, p, q].argmax())  # the filter with the largest output at this position
contributions = [float((channels[c, p : p + 3, q : q + 3] * conv.weight[o, c]).sum()) for c in range(8)]
print(f"second convolution, filter {o} at ({p}, {q})")
for c, contribution in enumerate(contributions):
    print(f"  channel {c}: nine products, sum {contribution:9.4f}")
print(f"  all channels {sum(contributions):.6f} + bias {conv.bias[o]:.6f}")
same("  that value", sum(contributions) + conv.bias[o], stages[4][0, o, p, q])

# %% Flatten, and the fully connected layers
# 16 channels of 7 x 7 become one row of 784: value (c, row, column) is number 49 c + 7 row + column.
flat = stages[7][0]  # (784,)
row, column = p // 2, q // 2
number = 49 * o + 7 * row + column
same(f"flatten: ({o}, {row}, {column}) is number {number}", flat[number], stages[6][0, o, row, column])

hidden, last = stages[9][0], model["output"]  # (64,) after ReLU; the layer from 64 to the classes
terms = hidden * last.weight[label]
largest = [int(k) for k in np.abs(terms).argsort()[::-1][:4]]
print(f"logit of {test.classes[label]!r}: {np.count_nonzero(hidden)} of 64 hidden values > 0, largest terms:")
for k in largest:
    print(f"  hidden {k:2d}: {hidden[k]:8.4f} * {last.weight[label, k]:8.4f} = {terms[k]:8.4f}")
print(f"  all 64 terms {terms.sum():.6f} + bias {last.bias[label]:.6f}")
logits = stages[10]  # (1, classes)
same("  the logit", terms.sum() + last.bias[label], logits[0, label])

# %% Probabilities and loss exp makes the logits positive, division by their sum makes them probabilities. The
# largest logit is subtracted first: the same probabilities, and no overflow. The loss is -log of the
# probability of the true class.
shifted = logits[0] - logits[0].max()
probabilities = np.exp(shifted) / np.exp(shifted).sum()
np.testing.assert_allclose(probabilities, F.softmax(logits)[0], rtol=1e-12)
print("class  logit     probability")
for k in logits[0].argsort()[::-1][:3]:
    print(f"  {test.classes[k]}   {logits[0, k]:8.4f}   {probabilities[k]:.6f}")
print(f"loss of a uniform prediction: {np.log(len(test.classes)):.4f}")
same("loss", -np.log(probabilities[label]), F.cross_entropy(logits, np.array([label])))

# %% What training would change The gradient of the loss by the logits is probabilities - (1 for the true
# class, else 0): a step raises the true class's logit and lowers the others. All earlier layers get their
# gradients from this one.
gradient = probabilities.copy()
gradient[label] -= 1
logit_gradient = F.cross_entropy_backward(logits, np.array([label]))
same("gradient of the true class's logit", gradient[label], logit_gradient[0, label])

k = largest[0]
_, gradients = model.loss_and_grad(stages[0], np.array([label]))
same("gradient of its bias, the same", gradient[label], gradients["output.bias"][label])
slope = gradients["output.weight"][label, k]
same(f"gradient of its weight {k}, the same times hidden {k}", gradient[label] * hidden[k], slope)
print("every value computed by hand equals the library's")
