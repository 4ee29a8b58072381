"""One image through the small network d4, from pixels to loss, with one value of each layer computed by hand.

d4 is (convolution, ReLU, pool) twice, then two fully connected layers. The script trains it for a few
seconds, takes one test image, runs it through the network layer by layer, and computes one value of each
layer from its inputs. Each must equal the library's value. docs/one-digit.md explains it; the notebook of the
same name has the figures. It needs matplotlib.
"""

# %% The network and a few seconds of training
# If MNIST is present (`cnnfast data` says how to download it), d4 classifies digits; otherwise synthetic
# letters. In float64, training gives the same results on every machine, to the digits shown here; in float32,
# instruction sets round differently, which hundreds of steps amplify.
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


# %% The layers
cf.plot.graph(model)

# %% The image
# 28 x 28 numbers from 0 (background) to 255 (ink), and a label. We take one for which the network's
# prediction is uncertain.
chosen = 435
image, label = test.images[chosen], int(test.labels[chosen])
print(f"image {chosen}, a {test.classes[label]!r}, uint8 {image.shape}, every second row:")
for row in image[::2]:
    print("  " + "".join(" .:-=+*#%@"[pixel // 26] for pixel in row))

# %% Its pixels
cf.plot.pixels(image)

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

# %% The kernels of the first convolution
# 8 filters of 3 x 3 weights: the colors show which patterns they respond to.
model.plot_kernels("conv1")

# %% The feature maps of the first half
# 8 channels: the convolution, then without negative values, then the largest of each block of 2 x 2.
cf.plot.feature_maps(model, image, ["input", "conv1", "relu1", "pool1"])

# %% The kernels of the second convolution
# Each of 16 filters has 3 x 3 weights for each of the 8 channels.
model.plot_kernels("conv2")

# %% The feature maps of the second half
cf.plot.feature_maps(model, image, ["conv2", "relu2", "pool2"])

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

# %% The window
# The same sum as a drawing: the window (framed) times the kernel, plus the bias.
cf.plot.window(model, image, "conv1", channel=o, row=i, column=j)

# %% The same kernel at another place
# The window moves, the weights stay. This is a pixel of its block whose value is negative.
low = int(block.argmin())
cf.plot.window(model, image, "conv1", channel=o, row=2 * p + low // 2, column=2 * q + low % 2)

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

# %% Its eight windows
cf.plot.window(model, image, "conv2", channel=o, row=p, column=q)

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

# %% Flattened
# The 16 maps as one row of 784 values, and what the fully connected layers make of it.
cf.plot.feature_maps(model, image, ["pool2", "flatten", "hidden", "relu3", "output"])

# %% Fully connected
# Each hidden value reads all 784 values, each logit all 64 hidden values.
cf.plot.neurons(
    [["x0", "x1", "x2", "…", "x783"], ["hL0", "hL1", "…", "hL63"], ["y0", "y1", "…", f"y{logits.size - 1}"]],
    titles=["flatten", "hidden, ReLU", "output"],
)


# %% Equations
# The first hidden value and the first logit, written out: the terms by their magnitude, the first ones shown.
def equation(weights, inputs, bias, name, shown=6):
    """The sum of the products, largest first, and its value."""
    terms = weights * inputs
    order = np.abs(terms).argsort()[::-1]
    parts = [f"{weights[k]:.4f}*{name}{k}({inputs[k]:.4f})" for k in order[:shown]]
    rest = np.count_nonzero(terms) - shown
    text = f"{' + '.join(parts)} + {rest} terms + bias {bias:.4f}".replace("+ -", "- ")
    return text.replace("+ bias -", "- bias "), terms.sum() + bias


first = model["hidden"]
text, value = equation(first.weight[0], stages[7][0], first.bias[0], "x")
print(f"hL0 = ReLU({text})\n    = ReLU({value:.6f}) = {max(value, 0):.6f}")
np.testing.assert_allclose(max(value, 0), hidden[0], rtol=1e-12, atol=1e-12)
text, value = equation(last.weight[0], hidden, last.bias[0], "hL")
print(f"y0 = {text}\n   = {value:.6f}")
np.testing.assert_allclose(value, logits[0, 0], rtol=1e-12)
best = logits.argmax()
print(f"argmax: the largest of {logits.size} logits is y{best}, class {test.classes[best]!r}")

# %% Probabilities and loss
# exp makes the logits positive, division by their sum makes them probabilities. The largest logit is
# subtracted first: the same probabilities, and no overflow. The loss is -log of the probability of the true
# class.
shifted = logits[0] - logits[0].max()
probabilities = np.exp(shifted) / np.exp(shifted).sum()
np.testing.assert_allclose(probabilities, F.softmax(logits)[0], rtol=1e-12)
print("class  logit     probability")
for k in logits[0].argsort()[::-1][:3]:
    print(f"  {test.classes[k]}   {logits[0, k]:8.4f}   {probabilities[k]:.6f}")
print(f"loss of a uniform prediction: {np.log(len(test.classes)):.4f}")
same("loss", -np.log(probabilities[label]), F.cross_entropy(logits, np.array([label])))

# %% What training would change
# The gradient of the loss by the logits is probabilities - (1 for the true class, else 0): a step raises the
# true class's logit and lowers the others. All earlier layers get their gradients from this one.
gradient = probabilities.copy()
gradient[label] -= 1
logit_gradient = F.cross_entropy_backward(logits, np.array([label]))
same("gradient of the true class's logit", gradient[label], logit_gradient[0, label])

k = largest[0]
_, gradients = model.loss_and_grad(stages[0], np.array([label]))
same("gradient of its bias, the same", gradient[label], gradients["output.bias"][label])
slope = gradients["output.weight"][label, k]
same(f"gradient of its weight {k}, the same times hidden {k}", gradient[label] * hidden[k], slope)

# %% Beside AlexNet
# The network that won ImageNet's competition of 2012 has the same kinds of layers, more and wider ones.
print(f"{'':<28}{'d4':>14}{'alexnet':>14}")
infos = [cf.models.info(name) for name in ("d4", "alexnet")]
with cf.nn.blank_parameters():  # AlexNet's 61 million weights need no values here
    networks = [cf.models.get(info.name) for info in infos]
layers = [[step.op.name for step in network.operations()] for network in networks]
for what, pair in {
    "input": ["x".join(map(str, info.input_shape)) for info in infos],
    "convolutions": [names.count("Conv2d") for names in layers],
    "max-pools": [names.count("MaxPool2d") for names in layers],
    "fully connected": [names.count("Linear") for names in layers],
    "classes": [info.output_shape[0] for info in infos],
    "parameters": [f"{info.parameters:,}" for info in infos],
    "multiply-accumulates": [f"{info.macs:,}" for info in infos],
}.items():
    print(f"{what:<28}{pair[0]!s:>14}{pair[1]!s:>14}")
print("every value computed by hand equals the library's")

# %% The layers of AlexNet
cf.plot.graph(networks[1])
