"""One convolution in three ways: loops, NumPy's tensordot, and the library, with their times.

All three compute the same sums, forward and backward. The times are those of this machine. It needs
matplotlib.
"""

# %% Loops
# Seven nested loops, the definition. Python takes about a tenth of a microsecond for each multiply-add.
import time

import numpy as np
from cnnfast import functional as F
from matplotlib.figure import Figure

rng = np.random.default_rng(0)
x, weight = rng.standard_normal((2, 3, 12, 12)), rng.standard_normal((4, 3, 3, 3))


def loops(x, weight):
    n, c_in, h, w = x.shape
    c_out, _, k, _ = weight.shape
    y = np.zeros((n, c_out, h - k + 1, w - k + 1))
    for image in range(n):
        for o in range(c_out):
            for i in range(y.shape[2]):
                for j in range(y.shape[3]):
                    for c in range(c_in):
                        for u in range(k):
                            for v in range(k):
                                y[image, o, i, j] += weight[o, c, u, v] * x[image, c, i + u, j + v]
    return y


# %% tensordot
# All windows at once, as a view of x without a copy: (n, c_in, rows, columns, k, k). One matrix product sums
# over channels and kernel.
def tensordot(x, weight):
    windows = np.lib.stride_tricks.sliding_window_view(x, weight.shape[2:], axis=(2, 3))
    return np.tensordot(windows, weight, axes=((1, 4, 5), (1, 2, 3))).transpose(0, 3, 1, 2)


# %% The library
# The same function, in C++ for the instruction set of this processor.
np.testing.assert_allclose(tensordot(x, weight), loops(x, weight), rtol=1e-10)
np.testing.assert_allclose(F.conv2d(x, weight), loops(x, weight), rtol=1e-10)
print("loops, tensordot and the library give equal outputs")


# %% Backward
# dx is dy convolved with the flipped kernels, whose channels are swapped; dw is x convolved with dy.
def tensordot_backward(dy, x, weight):
    k = weight.shape[2] - 1
    padded = np.pad(dy, ((0, 0), (0, 0), (k, k), (k, k)))
    dx = tensordot(padded, weight[:, :, ::-1, ::-1].transpose(1, 0, 2, 3))
    dw = tensordot(x.transpose(1, 0, 2, 3), dy.transpose(1, 0, 2, 3)).transpose(1, 0, 2, 3)
    return dx, dw


dy = rng.standard_normal(F.conv2d(x, weight).shape)
for mine, its in zip(
    tensordot_backward(dy, x, weight), F.conv2d_backward(dy, x, weight, bias=False), strict=False
):
    np.testing.assert_allclose(mine, its, rtol=1e-9, atol=1e-9)
print("so are the gradients")


# %% Times
# 8 to 16 channels of 14 x 14, as in the second layer of d4, in float32; loops on a part of it.
def seconds(call, *arguments):
    """The shortest time of some calls."""
    times = []
    for _ in range(3):
        began = time.perf_counter()
        call(*arguments)
        times.append(time.perf_counter() - began)
    return min(times)


images = rng.standard_normal((32, 8, 14, 14)).astype(np.float32)
kernels = rng.standard_normal((16, 8, 3, 3)).astype(np.float32)
each = {
    "loops": 8 * seconds(loops, images[:1], kernels[:2]),  # 2 of 16 filters
    "tensordot": seconds(tensordot, images, kernels) / len(images),
    "cnnfast": seconds(F.conv2d, images, kernels) / len(images),
}
gradients = F.conv2d(images, kernels)
backward = {
    "tensordot": seconds(tensordot_backward, gradients, images, kernels) / len(images),
    "cnnfast": seconds(F.conv2d_backward, gradients, images, kernels) / len(images),
}
print(f"{'microseconds per image':<24}{'forward':>12}{'backward':>12}")
for name, value in each.items():
    other = f"{1e6 * backward[name]:12,.1f}" if name in backward else ""
    print(f"{name:<24}{1e6 * value:12,.1f}{other}")


# %% As bars
# On a logarithmic axis: each line is a factor of ten.
def bars(values):
    figure = Figure(figsize=(6, 2.2), layout="constrained")
    axes = figure.subplots()
    colors = ["#8a8a8a", "#b3862d", "#33658a"]
    axes.barh(list(values), [1e6 * value for value in values.values()], color=colors)
    axes.invert_yaxis()
    axes.set(xscale="log", xlabel="microseconds for one image, forward")
    axes.grid(axis="x", color="#e6e6e6")
    axes.set_axisbelow(True)
    return figure


bars(each)
