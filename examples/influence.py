"""The gradient of an input as a sum over the outputs it influences, for convolutions and pools.

A value of x acts on some outputs y, on each by its derivative. So dx is the sum of these derivatives, each
times dy. The figures show the outputs and derivatives for one value; each sum must equal the library's
backward. It needs matplotlib.
"""

# %% A convolution
# The value is in four windows of 2 x 2, at another place of the kernel in each. In the order of the outputs,
# its derivatives are the kernel from the last weight to the first: the flipped kernel.
import cnnfast as cf
import numpy as np
from cnnfast import functional as F
from cnnfast import nn

x = np.array([[[1.0, 5, 2, 0], [3, 4, 8, 6], [7, 9, 2, 1], [0, 2, 3, 5]]])
dy = np.array([[[1.0, 2, 3], [4, 5, 6], [7, 8, 9]]])
conv = nn.Conv2d(1, 1, 2, bias=False)
conv.weight = np.array([[[[1, 2], [3, 4]]]], np.float32)
cf.plot.influence(conv, x, (0, 1, 2), dy=dy)

# %% As the library computes it
kernel = conv.weight.astype(float)
dx = F.conv2d_backward(dy[None], x[None], kernel, bias=False)[0][0]
by_hand = 4 * 2 + 3 * 3 + 2 * 5 + 1 * 6  # flipped kernel times the dy of its four windows
print(f"convolution: dx[0, 1, 2] by hand {by_hand}, library {dx[0, 1, 2]:g}")
assert dx[0, 1, 2] == by_hand
np.testing.assert_allclose(
    dx, F.conv2d(np.pad(dy[None], ((0, 0), (0, 0), (1, 1), (1, 1))), kernel[:, :, ::-1, ::-1].copy())[0]
)

# %% At the edge
# A corner is in one window only.
cf.plot.influence(conv, x, (0, 0, 0), dy=dy)

# %% Two filters
# The value acts on both maps, and the sum goes over both.
two = nn.Conv2d(1, 2, 2, bias=False)
two.weight = np.array([[[[1, 2], [3, 4]]], [[[-1, 0], [1, 0.5]]]], np.float32)
cf.plot.influence(two, x, (0, 1, 2), dy=np.concatenate([dy, np.ones_like(dy)]))

# %% Stride 2
# Windows at every second position: the value is in one of them. The dropped outputs had no influence.
strided = nn.Conv2d(1, 1, 2, 2, bias=False)
strided.weight = conv.weight
cf.plot.influence(strided, x, (0, 1, 2), dy=dy[:, ::2, ::2])

# %% Max pool
# A value acts on the windows whose largest value it is, with derivative 1: the gradient goes to the winner.
pool = nn.MaxPool2d(2)
cf.plot.influence(pool, x, (0, 1, 2), dy=dy[:, :2, :2])

# %% One that does not win
# 0: the output would not change.
cf.plot.influence(pool, x, (0, 1, 1), dy=dy[:, :2, :2])

# %% Overlapping max pool
# 8 is the largest value in three of its four windows; in the other one it is 9. The gradients are added.
cf.plot.influence(nn.MaxPool2d(2, 1), x, (0, 1, 2), dy=dy)

# %% Mean pool
# Every value of a window acts on its mean, with 1/4.
cf.plot.influence(nn.AvgPool2d(2), x, (0, 1, 1), dy=dy[:, :2, :2])

# %% As the library computes them
overlapping = F.max_pool2d_backward(dy[None], x[None], 2, 1)[0]
mean = F.avg_pool2d_backward(dy[None, :, :2, :2].copy(), x[None], 2)[0]
print(f"overlapping max pool: dx[0, 1, 2] = 2 + 3 + 6 = {overlapping[0, 1, 2]:g}")
print(f"mean pool: dx[0, 1, 1] = 1/4 * 1 = {mean[0, 1, 1]:g}")
assert overlapping[0, 1, 2] == 2 + 3 + 6
assert mean[0, 1, 1] == 1 / 4
print("every gradient equals the library's")
