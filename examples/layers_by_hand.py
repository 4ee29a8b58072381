"""Each layer of a convolutional network by hand, forward and backward, beside the library's call.

Plain NumPy: loops over positions, einsum over the rest, shapes in comments. It follows the order of a first
course on deep learning (CMU 11-785 and its like): linear, activations, loss; convolution of stride 1, then
downsampling; upsampling, then convolution; pooling; batch normalization and dropout; SGD with momentum; and
all of them as one network. Every result must equal the library's in float64. docs/layers-by-hand.md has the
formulas and where the gradients come from.
"""

# %% Comparison
import math

import cnnfast as cf
import numpy as np
from cnnfast import functional as F
from cnnfast import nn, optim

rng = np.random.default_rng(0)
compared = 0


def draw(*shape):
    """Normally distributed numbers, float64."""
    return rng.standard_normal(shape)


def same(what, by_hand, library):
    """Check that arrays computed by hand equal the library's, up to rounding."""
    global compared
    assert len(by_hand) == len(library), what
    for mine, its in zip(by_hand, library, strict=True):
        np.testing.assert_allclose(its, mine, rtol=1e-11, atol=1e-11, err_msg=what)
    compared += len(by_hand)
    print(f"  {what:<46} equal: {', '.join(str(np.shape(mine)) for mine in by_hand)}")


def through(layer, x, dy, **parameters):
    """(y, dx, gradients of the parameters) of a layer of cnnfast.nn with these parameters."""
    layer = layer.to("float64")
    layer.load_state_dict(parameters, strict=False)
    return layer.forward(x), layer.backward(dy), *layer.gradients().values()


# %% Linear
# x (n, in), weight (out, in), bias (out,), y (n, out).
def linear(x, weight, bias):
    return np.einsum("ni,oi->no", x, weight) + bias  # x @ weight.T + bias


def linear_backward(dy, x, weight):
    dx = np.einsum("no,oi->ni", dy, weight)  # dy @ weight
    dweight = np.einsum("no,ni->oi", dy, x)  # dy.T @ x
    return dx, dweight, dy.sum(axis=0)


x, weight, bias, dy = draw(4, 5), draw(3, 5), draw(3), draw(4, 3)
print("linear")
y, gradients = linear(x, weight, bias), linear_backward(dy, x, weight)
same("linear", [y], [F.linear(x, weight, bias)])
same("linear_backward", gradients, F.linear_backward(dy, x, weight))
same("nn.Linear", [y, *gradients], through(nn.Linear(5, 3), x, dy, weight=weight, bias=bias))


# %% Activations
# Elementwise, so the gradient is dy times the derivative at x.
def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def normal_cdf(x):
    return 0.5 * (1 + np.vectorize(math.erf)(x / math.sqrt(2)))


x, dy = draw(3, 7), draw(3, 7)
density = np.exp(-(x**2) / 2) / math.sqrt(2 * math.pi)
print("activations")
same("relu", [np.where(x > 0, x, 0), np.where(x > 0, dy, 0)], [F.relu(x), F.relu_backward(dy, x)])
slope = sigmoid(x) * (1 - sigmoid(x))
same("sigmoid", [sigmoid(x), dy * slope], [F.sigmoid(x), F.sigmoid_backward(dy, x)])
same("tanh", [np.tanh(x), dy * (1 - np.tanh(x) ** 2)], [F.tanh(x), F.tanh_backward(dy, x)])
slope = normal_cdf(x) + x * density  # product rule on x * normal_cdf(x)
same("gelu", [x * normal_cdf(x), dy * slope], [F.gelu(x), F.gelu_backward(dy, x)])


# %% Softmax and cross entropy
# logits (n, classes), target (n,) the class of each row; the loss is the mean over the rows.
def softmax(logits):
    e = np.exp(logits - logits.max(axis=1, keepdims=True))  # same probabilities, no overflow
    return e / e.sum(axis=1, keepdims=True)


def cross_entropy(logits, target):
    return -np.log(softmax(logits)[np.arange(len(target)), target]).mean()


def cross_entropy_backward(logits, target):
    onehot = np.eye(logits.shape[1])[target]  # (n, classes)
    return (softmax(logits) - onehot) / len(target)


logits, target, dy = draw(5, 4), np.array([0, 3, 1, 1, 2]), draw(5, 4)
p = softmax(logits)
print("softmax and cross entropy")
dx = p * (dy - (dy * p).sum(axis=1, keepdims=True))  # d p_k / d x_j = p_k (k == j) - p_k p_j
same("softmax", [p, dx], [F.softmax(logits), F.softmax_backward(dy, logits)])
same("cross_entropy", [cross_entropy(logits, target)], [F.cross_entropy(logits, target)])
got = F.cross_entropy_backward(logits, target)
same("cross_entropy_backward", [cross_entropy_backward(logits, target)], [got])


# %% 1-D convolution, stride 1
# x (n, c_in, l), weight (c_out, c_in, k), bias (c_out,), y (n, c_out, l - k + 1).
def conv1d(x, weight, bias):
    k = weight.shape[2]
    y = np.zeros((len(x), len(weight), x.shape[2] - k + 1))
    for i in range(y.shape[2]):
        window = x[:, :, i : i + k]  # (n, c_in, k)
        y[:, :, i] = np.einsum("nck,ock->no", window, weight) + bias
    return y


def conv1d_backward(dy, x, weight):
    k = weight.shape[2]
    dx, dweight = np.zeros_like(x), np.zeros_like(weight)
    for i in range(dy.shape[2]):  # the same loop: window i contributed to y[i], so it receives dy[i]
        dx[:, :, i : i + k] += np.einsum("no,ock->nck", dy[:, :, i], weight)
        dweight += np.einsum("no,nck->ock", dy[:, :, i], x[:, :, i : i + k])
    return dx, dweight, dy.sum(axis=(0, 2))


x, weight, bias, dy = draw(2, 3, 10), draw(4, 3, 3), draw(4), draw(2, 4, 8)
print("1-D convolution")
same("conv1d", [conv1d(x, weight, bias)], [F.conv1d(x, weight, bias)])
same("conv1d_backward", conv1d_backward(dy, x, weight), F.conv1d_backward(dy, x, weight))


# %% Downsampling, and so any stride
# Every f-th value. Backward: the other values had no influence, their gradient is 0.
def downsample1d(x, f):
    return x[:, :, ::f]


def downsample1d_backward(dy, length, f):
    dx = np.zeros((*dy.shape[:2], length))
    dx[:, :, ::f] = dy
    return dx


full = conv1d(x, weight, bias)  # (2, 4, 8)
y = downsample1d(full, 3)  # (2, 4, 3)
dy = draw(*y.shape)
dfull = downsample1d_backward(dy, full.shape[2], 3)
print("a stride is downsampling after the convolution")
same("downsample1d", [y, dfull], [F.downsample1d(full, 3), F.downsample1d_backward(dy, full, 3)])
same("conv1d, stride 3", [y], [F.conv1d(x, weight, bias, stride=3)])
gradients = conv1d_backward(dfull, x, weight)
same("conv1d_backward, stride 3", gradients, F.conv1d_backward(dy, x, weight, stride=3))
conv = nn.Conv1d(3, 4, 3, stride=3)
same("nn.Conv1d", [y, *gradients], through(conv, x, dy, weight=weight, bias=bias))


# %% 2-D convolution
# x (n, c_in, h, w), weight (c_out, c_in, k, k), y (n, c_out, h - k + 1, w - k + 1). Padding: zeros around x.
def pad(x, p):
    return np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))


def conv2d(x, weight, bias):
    k = weight.shape[2]
    y = np.zeros((len(x), len(weight), x.shape[2] - k + 1, x.shape[3] - k + 1))
    for i in range(y.shape[2]):
        for j in range(y.shape[3]):
            window = x[:, :, i : i + k, j : j + k]  # (n, c_in, k, k)
            y[:, :, i, j] = np.einsum("ncuv,ocuv->no", window, weight) + bias
    return y


def conv2d_backward(dy, x, weight):
    k = weight.shape[2]
    dx, dweight = np.zeros_like(x), np.zeros_like(weight)
    for i in range(dy.shape[2]):
        for j in range(dy.shape[3]):
            window = x[:, :, i : i + k, j : j + k]
            dx[:, :, i : i + k, j : j + k] += np.einsum("no,ocuv->ncuv", dy[:, :, i, j], weight)
            dweight += np.einsum("no,ncuv->ocuv", dy[:, :, i, j], window)
    return dx, dweight, dy.sum(axis=(0, 2, 3))


x, weight, bias = draw(2, 3, 7, 9), draw(4, 3, 3, 3), draw(4)
padded = pad(x, 1)  # (2, 3, 9, 11)
full = conv2d(padded, weight, bias)  # (2, 4, 7, 9)
y = full[:, :, ::2, ::2]  # (2, 4, 4, 5)
dy = draw(*y.shape)
dfull = np.zeros_like(full)
dfull[:, :, ::2, ::2] = dy
dpadded, dweight, dbias = conv2d_backward(dfull, padded, weight)
dx = dpadded[:, :, 1:-1, 1:-1]  # the gradient of the padding is not needed
print("2-D convolution")
same("conv2d, padding 1", [full], [F.conv2d(x, weight, bias, padding=1)])
same("downsample2d", [y, dfull], [F.downsample2d(full, 2), F.downsample2d_backward(dy, full, 2)])
same("conv2d, padding 1, stride 2", [y], [F.conv2d(x, weight, bias, padding=1, stride=2)])
got = F.conv2d_backward(dy, x, weight, padding=1, stride=2)
same("conv2d_backward, padding 1, stride 2", [dx, dweight, dbias], got)
conv = nn.Conv2d(3, 4, 3, stride=2, padding=1)
same("nn.Conv2d", [y, dx, dweight, dbias], through(conv, x, dy, weight=weight, bias=bias))


# %% Upsampling, and so transposed convolution
# f - 1 zeros between neighbors; then a convolution of stride 1. The library's weights, (c_in, c_out, k), are
# those of that convolution with channels swapped and filters flipped; and it has k - 1 zeros on each side.
def upsample1d(x, f):
    y = np.zeros((*x.shape[:2], f * (x.shape[2] - 1) + 1))
    y[:, :, ::f] = x
    return y


def upsample1d_backward(dy, f):
    return dy[:, :, ::f]


x, weight, bias = draw(2, 3, 5), draw(4, 3, 3), draw(4)  # weight (c_out, c_in, k) of the convolution
wide = upsample1d(x, 2)  # (2, 3, 9)
y = conv1d(wide, weight, bias)  # (2, 4, 7)
dy = draw(*y.shape)
dwide, dweight, dbias = conv1d_backward(dy, wide, weight)
dx = upsample1d_backward(dwide, 2)
print("upsampling, then convolution")
got = F.upsample1d(x, 2, mode="zeros"), F.upsample1d_backward(dwide, x, 2, mode="zeros")
same("upsample1d, zeros", [wide, dx], got)


def flipped(weight):
    """(c_out, c_in, k) as (c_in, c_out, k), with the filters flipped; its own inverse."""
    return weight.transpose(1, 0, 2)[:, :, ::-1]


settings = {"stride": 2, "padding": 2}  # k - 1: the course's convolution adds no zeros of its own
got = F.conv_transpose1d(x, flipped(weight), bias, **settings)
same("conv_transpose1d, stride 2", [y], [got])
dx_got, dweight_got, dbias_got = F.conv_transpose1d_backward(dy, x, flipped(weight), **settings)
same("conv_transpose1d_backward", [dx, dweight, dbias], [dx_got, flipped(dweight_got), dbias_got])
got = through(nn.ConvTranspose1d(3, 4, 3, **settings), x, dy, weight=flipped(weight), bias=bias)
same("nn.ConvTranspose1d", [y, dx, flipped(dweight), dbias], got)

# In two dimensions, with k - 1 zeros on each side, as in the library without padding.
x, weight, bias = draw(2, 3, 4, 3), draw(4, 3, 3, 3), draw(4)
wide = np.zeros((2, 3, 7, 5))
wide[:, :, ::2, ::2] = x
wide = pad(wide, 2)  # (2, 3, 11, 9)
y = conv2d(wide, weight, bias)  # (2, 4, 9, 7)
dy = draw(*y.shape)
dwide, dweight, dbias = conv2d_backward(dy, wide, weight)
dx = dwide[:, :, 2:-2:2, 2:-2:2]
backwards = weight.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
same("conv_transpose2d, stride 2", [y], [F.conv_transpose2d(x, backwards, bias, stride=2)])
dx_got, dweight_got, dbias_got = F.conv_transpose2d_backward(dy, x, backwards, stride=2)
dweight_got = dweight_got.transpose(1, 0, 2, 3)[:, :, ::-1, ::-1]
same("conv_transpose2d_backward", [dx, dweight, dbias], [dx_got, dweight_got, dbias_got])


# %% Pools
# x (n, c, h, w), windows of k x k at every s-th position, y (n, c, (h - k) // s + 1, (w - k) // s + 1).
def windows(x, k, s):
    """(i, j, window) for each position of the output."""
    for i in range((x.shape[2] - k) // s + 1):
        for j in range((x.shape[3] - k) // s + 1):
            yield i, j, x[:, :, i * s : i * s + k, j * s : j * s + k]  # a view: writing changes x


def pooled_shape(x, k, s):
    return (*x.shape[:2], (x.shape[2] - k) // s + 1, (x.shape[3] - k) // s + 1)


def max_pool2d(x, k, s):
    y = np.zeros(pooled_shape(x, k, s))
    for i, j, window in windows(x, k, s):
        y[:, :, i, j] = window.max(axis=(2, 3))
    return y


def max_pool2d_backward(dy, x, k, s):
    dx = np.zeros_like(x)
    for (i, j, window), (_, _, dwindow) in zip(windows(x, k, s), windows(dx, k, s), strict=True):
        winner = window.reshape(*x.shape[:2], k * k).argmax(axis=2)  # (n, c), the first among equals
        onehot = np.eye(k * k)[winner].reshape(window.shape)
        dwindow += onehot * dy[:, :, i, j, None, None]
    return dx


def avg_pool2d(x, k, s):
    y = np.zeros(pooled_shape(x, k, s))
    for i, j, window in windows(x, k, s):
        y[:, :, i, j] = window.mean(axis=(2, 3))
    return y


def avg_pool2d_backward(dy, x, k, s):
    dx = np.zeros_like(x)
    for i, j, dwindow in windows(dx, k, s):
        dwindow += dy[:, :, i, j, None, None] / k**2  # all values in the window have the same weight
    return dx


x = draw(2, 3, 7, 9)
print("pools")
for k, s in ((2, 2), (3, 1), (3, 2)):  # side by side; overlapping, stride 1; overlapping, downsampled
    dy = draw(*pooled_shape(x, k, s))
    wanted = max_pool2d(x, k, s), max_pool2d_backward(dy, x, k, s)
    got = F.max_pool2d(x, k, s), F.max_pool2d_backward(dy, x, k, s)
    same(f"max_pool2d, {k}x{k}, stride {s}", wanted, got)
    same(f"nn.MaxPool2d({k}, {s})", wanted, through(nn.MaxPool2d(k, s), x, dy))
    wanted = avg_pool2d(x, k, s), avg_pool2d_backward(dy, x, k, s)
    got = F.avg_pool2d(x, k, s), F.avg_pool2d_backward(dy, x, k, s)
    same(f"avg_pool2d, {k}x{k}, stride {s}", wanted, got)
    same(f"nn.AvgPool2d({k}, {s})", wanted, through(nn.AvgPool2d(k, s), x, dy))
same("a stride is downsampling, again", [max_pool2d(x, 3, 1)[:, :, ::2, ::2]], [F.max_pool2d(x, 3, 2)])


# %% Flatten
x, dy = draw(2, 3, 4, 5), draw(2, 60)
print("flatten")
same("flatten", [x.reshape(2, -1), dy.reshape(x.shape)], [F.flatten(x), F.flatten_backward(dy, x)])


# %% Batch normalization
# x (n, c, h, w); mean and variance of each channel over m = n h w values. Backward in three steps, as the
# chain rule has it: x acts on y directly, through the variance, and through the mean.
def batch_norm(x, weight, bias, eps=1e-5):
    mean, var = x.mean(axis=(0, 2, 3), keepdims=True), x.var(axis=(0, 2, 3), keepdims=True)
    normal = (x - mean) / np.sqrt(var + eps)
    return normal * weight[:, None, None] + bias[:, None, None]


def batch_norm_backward(dy, x, weight, eps=1e-5):
    axes, m = (0, 2, 3), x.size / x.shape[1]
    mean, var = x.mean(axis=axes, keepdims=True), x.var(axis=axes, keepdims=True)
    normal = (x - mean) / np.sqrt(var + eps)
    dnormal = dy * weight[:, None, None]
    dvar = (dnormal * (x - mean)).sum(axis=axes, keepdims=True) * -0.5 * (var + eps) ** -1.5
    dmean = -(dnormal / np.sqrt(var + eps)).sum(
        axis=axes, keepdims=True
    )  # none through var: sum(x - mean) = 0
    dx = dnormal / np.sqrt(var + eps) + dvar * 2 * (x - mean) / m + dmean / m
    return dx, (dy * normal).sum(axis=axes), dy.sum(axis=axes)


x, weight, bias, dy = 3 + 2 * draw(4, 3, 5, 5), draw(3), draw(3), draw(4, 3, 5, 5)
running_mean, running_var = np.zeros(3), np.ones(3)
print("batch normalization")
y = F.batch_norm(x, running_mean, running_var, weight, bias, training=True)
same("batch_norm in training", [batch_norm(x, weight, bias)], [y])
same("batch_norm_backward", batch_norm_backward(dy, x, weight), F.batch_norm_backward(dy, x, weight))
got = through(nn.BatchNorm2d(3), x, dy, weight=weight, bias=bias)
same("nn.BatchNorm2d", [batch_norm(x, weight, bias), *batch_norm_backward(dy, x, weight)], got)
moved = 0.9 * 0 + 0.1 * x.mean(axis=(0, 2, 3)), 0.9 * 1 + 0.1 * x.var(axis=(0, 2, 3), ddof=1)
same("running averages", moved, [running_mean, running_var])
scale = weight / np.sqrt(running_var + 1e-5)  # in inference it is one multiplication and one addition
y = x * scale[:, None, None] + (bias - running_mean * scale)[:, None, None]
same("batch_norm in inference", [y], [F.batch_norm(x, running_mean, running_var, weight, bias)])


# %% Dropout
# Where the mask is 0 a value is dropped; the others are divided by 1 - p, which keeps the mean.
# Dropout of ones shows the mask of a seed.
x, dy, p = draw(4, 50), draw(4, 50), 0.25
mask = F.dropout(np.ones_like(x), p, seed=7) != 0
print(f"dropout of a quarter: {np.count_nonzero(~mask)} of {mask.size} values are dropped")
got = F.dropout(x, p, seed=7), F.dropout_backward(dy, p, seed=7)
same("dropout", [x * mask / (1 - p), dy * mask / (1 - p)], got)
same("in inference: nothing", [x], [nn.Dropout(p).to("float64")(x)])

# %% SGD with momentum
# The velocity is a running sum of gradients, older ones weighted less; the parameters follow the velocity.
parameters = draw(6)
mine, velocity, its = parameters.copy(), np.zeros(6), parameters.copy()
sgd = optim.SGD(lr=0.1, momentum=0.9)
for _ in range(5):
    gradient = draw(6)
    velocity = 0.9 * velocity + gradient
    mine -= 0.1 * velocity
    sgd.step(its, gradient)
print("SGD with momentum")
same("five steps", [mine], [its])

# %% A network
# Convolution, ReLU, pool, flatten, linear, cross entropy: forward stores what backward needs,
# backward calls the backward functions in reverse order. Two steps of training, by hand and by the library's
# Trainer.
model = nn.Sequential(
    nn.Conv2d(1, 4, 3),  # (n, 1, 8, 8) to (n, 4, 6, 6)
    nn.ReLU(),
    nn.MaxPool2d(2),  # (n, 4, 3, 3)
    nn.Flatten(),  # (n, 36)
    nn.Linear(36, 3),
    input_shape=(1, 8, 8),
    seed=0,
).to("float64")
weights = [value.copy() for value in model.parameters().values()]  # conv weight, bias, linear weight, bias
velocities = [np.zeros_like(value) for value in weights]
trainer = cf.Trainer(model, optim.SGD(lr=0.1, momentum=0.9))
x, target = draw(5, 1, 8, 8), np.array([0, 1, 2, 1, 0])

print("two steps of training a network")
for step in (1, 2):
    a = conv2d(x, weights[0], weights[1])
    b = np.maximum(a, 0)
    c = max_pool2d(b, 2, 2)
    d = c.reshape(5, -1)
    logits = linear(d, weights[2], weights[3])
    loss = cross_entropy(logits, target)

    dlogits = cross_entropy_backward(logits, target)
    dd, dw2, db2 = linear_backward(dlogits, d, weights[2])
    dc = dd.reshape(c.shape)
    db = max_pool2d_backward(dc, b, 2, 2)
    da = np.where(a > 0, db, 0)
    dx, dw0, db0 = conv2d_backward(da, x, weights[0])
    gradients = [dw0, db0, dw2, db2]

    its_loss, its_gradients = model.loss_and_grad(x, target)
    same(f"step {step}: loss", [loss], [its_loss])
    same(f"step {step}: gradients", gradients, list(its_gradients.values()))
    for value, velocity, gradient in zip(weights, velocities, gradients, strict=True):
        velocity[...] = 0.9 * velocity + gradient
        value -= 0.1 * velocity
    trainer.step(x, target)
    same(f"step {step}: parameters after it", weights, list(model.parameters().values()))

print(f"{compared} arrays by hand, all equal to the library's")
