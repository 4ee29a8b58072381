"""A convolution of one's own, in NumPy, in the place of the library's.

`OwnConv` computes a 3x3 convolution with `numpy.tensordot`, forward and backward. Its gradients are compared
with central differences, and it replaces both convolutions of the small network d4: outputs, gradients and
a training must equal those of the library's network, up to rounding. The cells (`# %%`) open as a notebook in
most editors; docs/composing.md explains the class.
"""

# %% The layer
# Pixels of every window as one array (n, c, kernel, kernel, h, w): a view, without copies.
import cnnfast as cf
import numpy as np
from cnnfast import nn
from numpy.lib.stride_tricks import sliding_window_view


@nn.register_layer
class OwnConv(nn.PythonLayer):
    """y[n, o, i, j] = bias[o] + sum over c, u, v of x[n, c, i+u-p, j+v-p] * weight[o, c, u, v]"""

    def __init__(self, c_in, c_out, kernel, padding=0, seed=None):
        self.c_in, self.c_out, self.kernel, self.padding = c_in, c_out, kernel, padding
        super().__init__({"weight": (c_out, c_in, kernel, kernel), "bias": (c_out,)}, seed=seed)

    def windows(self, image):
        return sliding_window_view(image, (self.kernel, self.kernel), axis=(2, 3))  # (n, c, h, w, u, v)

    def forward(self, x):
        p = self.padding
        self.padded = np.pad(x, ((0, 0), (0, 0), (p, p), (p, p)))
        y = np.tensordot(self.windows(self.padded), self.weight, ((1, 4, 5), (1, 2, 3)))  # (n, h, w, o)
        return y.transpose(0, 3, 1, 2) + self.bias[:, None, None]

    def backward(self, dy):
        dw = np.tensordot(dy, self.windows(self.padded), ((0, 2, 3), (0, 2, 3)))  # (o, c, u, v)
        # A pixel gets dy of all windows it is in: a convolution of dy with the weights turned by 180 degrees.
        k, p = self.kernel - 1, self.padding
        around = np.pad(dy, ((0, 0), (0, 0), (k, k), (k, k)))
        turned = self.weight[:, :, ::-1, ::-1]
        dx = np.tensordot(self.windows(around), turned, ((1, 4, 5), (0, 2, 3))).transpose(0, 3, 1, 2)
        h, w = dx.shape[2:]
        return dx[:, :, p : h - p, p : w - p], {"weight": dw, "bias": dy.sum((0, 2, 3))}


# %% Gradients, compared with central differences
report = cf.check_gradients(
    OwnConv(2, 3, 3, padding=1, seed=0), np.random.default_rng(0).random((2, 2, 5, 5))
)
print(f"gradients of OwnConv: {'right' if report.ok else 'WRONG'}\n{report}\n")

# %% In the place of the library's convolutions
# The same names, so that the parameters of one network fit the other.
theirs = cf.models.d4(seed=0, num_classes=26)
layers = {name: layer.copy() for name, layer in theirs.children().items()}
layers["conv1"], layers["conv2"] = OwnConv(1, 8, 3, padding=1), OwnConv(8, 16, 3, padding=1)
own = nn.Sequential(layers, input_shape=theirs.input_shape)
own.preprocessing = theirs.preprocessing
own.load_state_dict(theirs.state_dict())
print(own)

data = cf.datasets.glyphs(256, seed=0)
np.testing.assert_allclose(own(data.images), theirs(data.images), rtol=1e-4, atol=1e-5)
losses = [model.loss_and_grad(data.images, data.labels)[0] for model in (own, theirs)]
np.testing.assert_allclose(*losses, rtol=1e-5)
for name, gradient in own.gradients().items():
    np.testing.assert_allclose(gradient, theirs.gradients()[name], rtol=1e-3, atol=1e-5, err_msg=name)
print(f"\nsame outputs, loss ({losses[0]:.6f}) and gradients")

# %% The same training
for model in (own, theirs):
    history = cf.fit(
        model, data, epochs=2, batch_size=32, optimizer=cf.optim.SGD(lr=0.05), seed=0, progress=False
    )
    print(f"loss after two epochs: {history.epochs[-1].loss:.6f}")
np.testing.assert_allclose(own.flat_parameters, theirs.flat_parameters, rtol=1e-3, atol=1e-5)
print("same parameters after the training")
