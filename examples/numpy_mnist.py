"""The NumPy MNIST network layer by layer: each output computed with NumPy, and compared with the library's.

Three convolutions with a bias for each position, two max-pools of 3 x 3, and two fully connected layers. It
uses MNIST if that is present, otherwise synthetic letters, and needs matplotlib.
"""

# %% The network
# It is trained for some seconds, so that its maps show something.
import cnnfast as cf
import numpy as np

try:
    train, test = cf.datasets.MNIST(train=True)[:4000], cf.datasets.MNIST(train=False)
except cf.errors.DataError:
    train, test = cf.datasets.glyphs(4000, seed=0), cf.datasets.glyphs(1000, seed=1)

model = cf.models.numpy_mnist(seed=0, num_classes=len(train.classes)).to("float64")
history = cf.fit(model, train, epochs=2, validation=test[:1000], seed=0, progress=False)
print(model.summary())

# %% Its training
history.plot()


# %% The layers in NumPy
# x is (n, c, h, w) everywhere.
def convolution(x, weight):
    """3 x 3, with zeros around the image, so that the size stays."""
    padded = np.pad(x, ((0, 0), (0, 0), (1, 1), (1, 1)))
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return np.einsum("nchwuv,ocuv->nohw", windows, weight)


def position_bias(x, bias):
    """A bias of its own for each channel, row and column."""
    return x + bias


def relu(x):
    return np.maximum(x, 0)


def max_pool(x):
    """3 x 3 windows, 2 apart; a row and a column after the image, which never win."""
    padded = np.pad(x, ((0, 0), (0, 0), (0, 1), (0, 1)), constant_values=-np.inf)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3), axis=(2, 3))
    return windows[:, :, ::2, ::2].max(axis=(4, 5))


def linear(x, weight, bias):
    return x @ weight.T + bias


# %% One batch through all of them
# The parameters of a layer are those of its name in the state dict.
images = test.images[:16]
state = model.state_dict()
trace = model.trace(images).outputs
x = images[:, None] / 255.0
for step in model.operations():
    weight, bias = (state.get(f"{step.name}.{name}") for name in ("weight", "bias"))
    if step.op.name == "Conv2d":
        x = convolution(x, weight)
    elif step.op.name == "PositionBias":
        x = position_bias(x, bias)
    elif step.op.name == "ReLU":
        x = relu(x)
    elif step.op.name == "MaxPool2d":
        x = max_pool(x)
    elif step.op.name == "Linear":
        x = linear(x, weight, bias)
    else:
        x = x.reshape(len(x), -1)  # Flatten
    np.testing.assert_allclose(x, trace[step.name], rtol=1e-9, atol=1e-9)
    print(f"{step.name:>3} {step.op.name:<14}{x.shape!s:<20} equal, from {x.min():8.3f} to {x.max():8.3f}")
correct = np.count_nonzero(x.argmax(axis=1) == test.labels[:16])
print(f"{correct} of 16 images correct")

# %% The first convolution
# Its output, with the bias of each position, rectified, and pooled.
cf.plot.feature_maps(model, images[0], ["input", "0", "1", "2", "3"])

# %% A bias for each position
# The biases of the 16 maps: the network learns where on the image a filter should respond.
biases = state["1.bias"]
print(f"{biases.shape} biases, from {biases.min():.4f} to {biases.max():.4f}")
cf.plot.pixels(np.round(biases[0] * 1000).astype(int))

# %% The second and the third convolution
cf.plot.feature_maps(model, images[0], ["6", "10"])

# %% What it confuses
cf.evaluate(model, test).plot()
print("every layer equals the library's")
