"""Functions of single elements. Errors against these count in units of what the formula adds up, so that a
formula
must not cancel: exp and expm1 of negative arguments only.
"""

from __future__ import annotations

import math

import numpy as np

from tests.oracle.common import Array, Gradients


def relu(x: Array) -> Array:
    """y = max(x, 0); NaN stays NaN."""
    return np.maximum(np.asarray(x, np.float64), 0.0)


def relu_backward(dy: Array, x: Array) -> Gradients:
    """0 where x <= 0 (for any dy, even Inf), dy elsewhere, including where x is NaN."""
    return (np.where(np.asarray(x) <= 0, 0.0, np.asarray(dy, np.float64)),)


def gelu(x: Array, *, approximate: str = "none") -> Array:
    """none: y = x/2 * (1 + erf(x / sqrt 2)); tanh: y = x/2 * (1 + tanh(sqrt(2/pi) * (x + 0.044715 x^3)))."""
    x = np.asarray(x, np.float64)
    if approximate == "tanh":
        return 0.5 * x * (1 + np.tanh(math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)))
    # erfc keeps the digits for x << 0, where 1 + erf cancels
    return x * 0.5 * np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2))


def gelu_backward(dy: Array, x: Array, *, approximate: str = "none") -> Gradients:
    """none: dx = dy * (Phi(x) + x * phi(x)); tanh: the derivative of the formula above by the chain rule."""
    dy, x = np.asarray(dy, np.float64), np.asarray(x, np.float64)
    if approximate == "tanh":
        u = math.sqrt(2 / math.pi) * (x + 0.044715 * x**3)
        du = math.sqrt(2 / math.pi) * (1 + 3 * 0.044715 * x**2)
        return (dy * (0.5 * (1 + np.tanh(u)) + 0.5 * x * du / np.cosh(np.clip(u, -300, 300)) ** 2),)
    cumulative = 0.5 * np.vectorize(math.erfc, otypes=[np.float64])(-x / math.sqrt(2))
    return (dy * (cumulative + x * np.exp(-0.5 * x * x) / math.sqrt(2 * math.pi)),)


def logistic(x: Array) -> Array:
    """1 / (1 + exp(-x)), relatively accurate where it is small."""
    e = np.exp(-np.abs(x))
    return np.where(x < 0, e, 1.0) / (1 + e)


def sigmoid(x: Array) -> Array:
    """y = 1 / (1 + exp(-x))."""
    return logistic(np.asarray(x, np.float64))


def sigmoid_backward(dy: Array, x: Array) -> Gradients:
    """dx = dy * s(x) * s(-x), since 1 - s(x) = s(-x)."""
    x = np.asarray(x, np.float64)
    return (np.asarray(dy, np.float64) * logistic(x) * logistic(-x),)


def tanh(x: Array) -> Array:
    """y = tanh(x)."""
    return np.tanh(np.asarray(x, np.float64))


def tanh_backward(dy: Array, x: Array) -> Gradients:
    """dx = dy / cosh(x)^2 = dy * 4 s(2x) s(-2x)."""
    x = np.asarray(x, np.float64)
    return (np.asarray(dy, np.float64) * 4 * logistic(2 * x) * logistic(-2 * x),)


def scaled_tanh(x: Array, *, alpha: float = 1.7159, beta: float = 2 / 3) -> Array:
    """y = alpha tanh(beta x)."""
    return alpha * tanh(beta * np.asarray(x, np.float64))


def scaled_tanh_backward(dy: Array, x: Array, *, alpha: float = 1.7159, beta: float = 2 / 3) -> Gradients:
    """dx = dy alpha beta / cosh(beta x)^2."""
    (slope,) = tanh_backward(dy, beta * np.asarray(x, np.float64))
    return (alpha * beta * slope,)


def leaky_relu(x: Array, *, negative_slope: float = 0.01) -> Array:
    """y = x above 0, negative_slope * x elsewhere."""
    x = np.asarray(x, np.float64)
    return np.where(x > 0, x, negative_slope * x)


def leaky_relu_backward(dy: Array, x: Array, *, negative_slope: float = 0.01) -> Gradients:
    """dx = dy above 0, negative_slope * dy elsewhere."""
    return (np.asarray(dy, np.float64) * np.where(np.asarray(x) > 0, 1.0, negative_slope),)


def elu(x: Array, *, alpha: float = 1.0) -> Array:
    """y = x above 0, alpha * (exp(x) - 1) elsewhere."""
    x = np.asarray(x, np.float64)
    return np.where(x > 0, x, alpha * np.expm1(np.where(x > 0, 0, x)))


def elu_backward(dy: Array, x: Array, *, alpha: float = 1.0) -> Gradients:
    """dx = dy above 0, dy * alpha * exp(x) elsewhere."""
    x = np.asarray(x, np.float64)
    return (np.asarray(dy, np.float64) * np.where(x > 0, 1.0, alpha * np.exp(np.where(x > 0, 0, x))),)


SELU_ALPHA, SELU_SCALE = 1.6732632423543772848170429916717, 1.0507009873554804934193349852946


def selu(x: Array, *, alpha: float = SELU_ALPHA, gamma: float = SELU_SCALE) -> Array:
    """y = gamma * elu(x, alpha)."""
    return gamma * elu(x, alpha=alpha)


def selu_backward(dy: Array, x: Array, *, alpha: float = SELU_ALPHA, gamma: float = SELU_SCALE) -> Gradients:
    """gamma * the gradient of elu."""
    return (gamma * elu_backward(dy, x, alpha=alpha)[0],)


def silu(x: Array) -> Array:
    """y = x s(x)."""
    x = np.asarray(x, np.float64)
    return x * logistic(x)


def silu_backward(dy: Array, x: Array) -> Gradients:
    """dx = dy (s + x s (1 - s))."""
    x = np.asarray(x, np.float64)
    return (np.asarray(dy, np.float64) * logistic(x) * (1 + x * logistic(-x)),)


def gate_of_mish(x: Array) -> tuple[Array, Array]:
    """tanh(log(1 + E)) with E = exp(x) and its slope, by e = exp(-|x|)."""
    e = np.exp(-np.abs(x))
    below, above = e * (e + 2), 1 + 2 * e
    gate = np.where(x < 0, below / (below + 2), above / (above + 2 * e * e))
    slope = np.where(
        x < 0, 4 * e * (1 + e) / (below + 2) ** 2, 4 * e * e * (1 + e) / (above + 2 * e * e) ** 2
    )
    return gate, slope


def mish(x: Array) -> Array:
    """y = x tanh(log(1 + exp(x)))."""
    x = np.asarray(x, np.float64)
    return x * gate_of_mish(x)[0]


def mish_backward(dy: Array, x: Array) -> Gradients:
    """dx = dy (gate + x gate')."""
    x = np.asarray(x, np.float64)
    gate, slope = gate_of_mish(x)
    return (np.asarray(dy, np.float64) * (gate + x * slope),)


def softplus(x: Array, *, beta: float = 1.0, threshold: float = 20.0) -> Array:
    """y = log(1 + exp(beta x)) / beta, x itself where beta x > threshold."""
    x = np.asarray(x, np.float64)
    bx = beta * x
    return np.where(bx > threshold, x, (np.maximum(bx, 0) + np.log1p(np.exp(-np.abs(bx)))) / beta)


def softplus_backward(dy: Array, x: Array, *, beta: float = 1.0, threshold: float = 20.0) -> Gradients:
    """dx = dy s(beta x), dy where beta x > threshold."""
    bx = beta * np.asarray(x, np.float64)
    return (np.asarray(dy, np.float64) * np.where(bx > threshold, 1.0, logistic(bx)),)


def hardswish(x: Array) -> Array:
    """y = x min(max(x + 3, 0), 6) / 6."""
    x = np.asarray(x, np.float64)
    return x * np.clip(x + 3, 0, 6) / 6


def hardswish_backward(dy: Array, x: Array) -> Gradients:
    """dx = dy (x / 3 + 1/2) between -3 and 3; 0 and dy beyond."""
    x = np.asarray(x, np.float64)
    return (np.asarray(dy, np.float64) * np.where(x >= 3, 1.0, np.where(x <= -3, 0.0, x / 3 + 0.5)),)


def hardsigmoid(x: Array, *, alpha: float = 1 / 6, beta: float = 0.5) -> Array:
    """y = min(max(alpha x + beta, 0), 1)."""
    return np.clip(alpha * (np.asarray(x, np.float64) + beta / alpha), 0, 1)


def hardsigmoid_backward(dy: Array, x: Array, *, alpha: float = 1 / 6, beta: float = 0.5) -> Gradients:
    """dx = alpha dy where 0 < alpha x + beta < 1, else 0."""
    x = np.asarray(x, np.float64)
    inside = (x > -beta / alpha) & (x < (1 - beta) / alpha)
    return (np.asarray(dy, np.float64) * np.where(inside, alpha, 0.0),)


def hardtanh(x: Array, *, min_val: float = -1.0, max_val: float = 1.0) -> Array:
    """y = min(max(x, min_val), max_val); NaN stays NaN."""
    return np.clip(np.asarray(x, np.float64), min_val, max_val)


def hardtanh_backward(dy: Array, x: Array, *, min_val: float = -1.0, max_val: float = 1.0) -> Gradients:
    """dx = dy where min_val < x < max_val, else 0."""
    x = np.asarray(x, np.float64)
    return (np.asarray(dy, np.float64) * np.where((min_val < x) & (x < max_val), 1.0, 0.0),)


def relu6(x: Array) -> Array:
    """y = min(max(x, 0), 6)."""
    return hardtanh(x, min_val=0, max_val=6)


def relu6_backward(dy: Array, x: Array) -> Gradients:
    return hardtanh_backward(dy, x, min_val=0, max_val=6)


def softsign(x: Array) -> Array:
    """y = x / (1 + |x|)."""
    x = np.asarray(x, np.float64)
    return x / (1 + np.abs(x))


def softsign_backward(dy: Array, x: Array) -> Gradients:
    """dx = dy / (1 + |x|)^2."""
    return (np.asarray(dy, np.float64) / (1 + np.abs(np.asarray(x, np.float64))) ** 2,)


PAIRS = {
    "ReLU": (relu, relu_backward),
    "GELU": (gelu, gelu_backward),
    "LeakyReLU": (leaky_relu, leaky_relu_backward),
    "ELU": (elu, elu_backward),
    "SELU": (selu, selu_backward),
    "SiLU": (silu, silu_backward),
    "Mish": (mish, mish_backward),
    "Sigmoid": (sigmoid, sigmoid_backward),
    "Tanh": (tanh, tanh_backward),
    "ScaledTanh": (scaled_tanh, scaled_tanh_backward),
    "Softplus": (softplus, softplus_backward),
    "Hardswish": (hardswish, hardswish_backward),
    "Hardsigmoid": (hardsigmoid, hardsigmoid_backward),
    "Hardtanh": (hardtanh, hardtanh_backward),
    "ReLU6": (relu6, relu6_backward),
    "Softsign": (softsign, softsign_backward),
}
