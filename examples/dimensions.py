"""From one number to a batch of color images: the shapes of arrays, and of convolutions over them.

Axes are always in this order: image of the batch (n), channel (c), row (h), column (w); a sequence has the
axes n, c and position (l). It needs matplotlib.
"""

# %% A sequence, an image, a color image, a batch
# One axis is a row of numbers. An image has rows and columns; a color image has three of them, one for each
# channel. A batch is several images of one shape: the only form that networks take, even for one image.
import cnnfast as cf
import numpy as np
from cnnfast import functional as F

rng = np.random.default_rng(0)
cf.plot.dimensions(
    *((6,), (4, 6), (3, 4, 6), (3, 3, 4, 6)),
    names=[
        "a sequence\n(l)",
        "a gray image\n(h, w)",
        "a color image\n(c, h, w)",
        "a batch of them\n(n, c, h, w)",
    ],
)


# %% A convolution
# The output has one channel for each filter of the weights, whatever the number of input channels: a filter
# has a kernel for each input channel, and the products of all of them are added. Without padding, the output
# is shorter by the length of the kernel minus 1, in each direction.
def convolved(what, convolution, x, weight):
    """Prints the shapes of a convolution, and checks the first output as a sum of products."""
    y = convolution(x, weight)
    window = x[0][(slice(None), *map(slice, weight.shape[2:]))]
    np.testing.assert_allclose(y[0, 0].flat[0], (window * weight[0]).sum(), rtol=1e-12)
    print(f"{what}: {x.shape} * {weight.shape} = {y.shape}, each output a sum of {window.size} products")
    return y


# %% One dimension, one channel
# A kernel of 3 over 6 positions fits 4 times.
x, weight = rng.standard_normal((1, 1, 6)), rng.standard_normal((1, 1, 3))
y = convolved("1-D, one channel", F.conv1d, x, weight)
cf.plot.dimensions(x.shape[1:], weight.shape[1:], y.shape[1:], names=["x", "kernel", "y"])

# %% One dimension, several channels
# Two filters over three channels: a kernel of 3 positions for each channel, in both filters.
x, weight = rng.standard_normal((1, 3, 6)), rng.standard_normal((2, 3, 3))
y = convolved("1-D, three channels", F.conv1d, x, weight)
cf.plot.dimensions(
    x.shape[1:], *weight.shape[:0], weight.shape[1:], y.shape[1:], names=["x", "one filter", "y"]
)

# %% Two dimensions, a gray image
x, weight = rng.standard_normal((1, 1, 6, 8)), rng.standard_normal((1, 1, 3, 3))
y = convolved("2-D, gray", F.conv2d, x, weight)
cf.plot.dimensions(x.shape[2:], weight.shape[2:], y.shape[2:], names=["x", "kernel", "y"])

# %% Two dimensions, a color image, two filters
# Each filter has three kernels, and makes one plane of the output.
x, weight = rng.standard_normal((1, 3, 6, 8)), rng.standard_normal((2, 3, 3, 3))
y = convolved("2-D, color", F.conv2d, x, weight)
cf.plot.dimensions(x.shape[1:], weight.shape, y.shape[1:], names=["x", "two filters", "y"])

# %% A batch
# The images of a batch are independent: each is convolved with the same filters.
x = rng.standard_normal((4, 3, 6, 8))
y = convolved("a batch", F.conv2d, x, weight)
for image, output in zip(x, y, strict=True):
    np.testing.assert_allclose(F.conv2d(image[None], weight)[0], output, rtol=1e-12)
cf.plot.dimensions(x.shape, y.shape, names=["x", "y"])

# %% Padding and stride
# k - 1 zeros around keep the size; a stride of 2 takes every second position, and halves it.
for settings in ({}, {"padding": 1}, {"padding": 1, "stride": 2}):
    y = F.conv2d(x, weight, **settings)
    k, pad, stride = 3, settings.get("padding", 0), settings.get("stride", 1)
    h, w = ((extent + 2 * pad - k) // stride + 1 for extent in x.shape[2:])
    assert y.shape == (4, 2, h, w)
    print(f"{settings or 'no settings'}: {x.shape[2:]} to {y.shape[2:]}")
print("every first output equals its sum of products")
